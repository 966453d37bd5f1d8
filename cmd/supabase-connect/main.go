// Command supabase-connect is Redpanda Benthos with the supabase_storage input,
// and with the outputs and caches that people most often deliver to: files,
// HTTP, Kafka, S3, Redis. README.md describes its commands.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/checkcmd"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/cmdline"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/emulate"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/health"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/live"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/quickstart"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/statecmd"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/top"
	"github.com/seed75cbcda6/supabase-storage/input"
)

const (
	binaryName       = "supabase-connect"
	documentationURL = "https://github.com/seed75cbcda6/supabase-storage"
)

// configPaths are where a config is looked for when none is named.
var configPaths = []string{
	"supabase-connect.yaml",
	"/supabase-connect.yaml",
	"/etc/supabase-connect/config.yaml",
	"/etc/supabase-connect.yaml",
}

func main() {
	if cmdline.AsksVersion(os.Args) {
		exitOn(printVersion(os.Stdout))
		return
	}
	args, err := cmdline.Rewrite(os.Args, configPaths)
	exitOn(err)
	built := thisBuild()
	var progress live.Pipeline
	code := input.RunCLI(context.Background(), append(progress.Options(),
		service.CLIOptSetArgs(args...),
		service.CLIOptSetVersion(built.version, built.date),
		service.CLIOptSetBinaryName(binaryName),
		service.CLIOptSetProductName(binaryName), // one name in help, log and documents
		setTagline,
		service.CLIOptSetDocumentationURL(documentationURL),
		service.CLIOptSetDefaultConfigPaths(configPaths...),
		service.CLIOptSetMainSchemaFrom(schema),
		service.CLIOptAddCommand(emulate.Command()),
		service.CLIOptAddCommand(quickstart.Command()),
		service.CLIOptAddCommand(checkcmd.Command(schema)),
		service.CLIOptAddCommand(statecmd.Command(schema)),
		service.CLIOptAddCommand(top.Command()),
		service.CLIOptAddCommand(health.Command()),
	)...)
	progress.End()
	os.Exit(code)
}

// exitOn ends the process with an error, if there is one.
func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// schema is the configuration schema of Benthos with this product's name in the
// log lines.
func schema() *service.ConfigSchema {
	built := thisBuild()
	s := service.GlobalEnvironment().FullConfigSchema(built.version, built.date)
	s.SetFieldDefault(map[string]any{"@service": binaryName}, "logger", "static_fields")
	return s
}
