package main

import (
	"strings"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/urfave/cli/v2"
)

const tagline = "Delivers the objects of Supabase Storage to Kafka, S3, files, HTTP and other outputs"

// setTagline puts the tagline into the help. Benthos has no option for it, and
// shows its own.
func setTagline(*service.CLIOptBuilder) {
	cli.AppHelpTemplate = strings.Replace(cli.AppHelpTemplate,
		`{{template "helpNameTemplate" .}}`, binaryName+" - "+tagline+"\n   "+documentationURL, 1)
}
