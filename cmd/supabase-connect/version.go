package main

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"runtime/debug"
)

// The stamps of a release, set with
// -ldflags "-X main.version=v1.2.3 -X main.commit=4f1c... -X main.date=2026-01-02T15:04:05Z".
// They are for builds outside a clone, where Go itself records nothing.
var version, commit, date string

const (
	benthosModule = "github.com/redpanda-data/benthos/v4"
	notRecorded   = "not recorded by this build"
)

// build is what a binary was built from.
type build struct{ version, commit, date, benthos, golang string }

// thisBuild is what this binary was built from: by the stamps, else by what Go
// recorded in the binary.
func thisBuild() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = new(debug.BuildInfo)
	}
	return buildFrom(info, build{version: version, commit: commit, date: date})
}

// pseudoVersion is the version of a module at a commit without a tag. It ends
// with the time of the commit and the first digits of its hash.
var pseudoVersion = regexp.MustCompile(`[-.](\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)-([0-9a-f]{12})(\+|$)`)

// buildFrom completes the stamps. `go build` in a clone records the commit, `go
// install ...@latest` records the version of the module alone, which names the
// commit where that has no tag.
func buildFrom(info *debug.BuildInfo, stamps build) build {
	module := info.Main.Version
	if module == "(devel)" {
		module = ""
	}
	recorded, at := setting(info, "vcs.revision"), setting(info, "vcs.time")
	if m := pseudoVersion.FindStringSubmatch(module); m != nil && recorded == "" {
		recorded, at = m[7], fmt.Sprintf("%s-%s-%sT%s:%s:%sZ", m[1], m[2], m[3], m[4], m[5], m[6])
	}
	b := build{
		version: cmp.Or(stamps.version, module, recorded, "development build"),
		commit:  cmp.Or(stamps.commit, recorded, notRecorded),
		date:    cmp.Or(stamps.date, at, notRecorded),
		benthos: notRecorded,
		golang:  info.GoVersion,
	}
	if recorded != "" && b.commit == recorded && setting(info, "vcs.modified") == "true" {
		b.commit += ", with changes"
	}
	for _, dep := range info.Deps {
		if dep.Path == benthosModule {
			b.benthos = dep.Version
			if dep.Replace != nil {
				b.benthos = dep.Replace.Path + " " + dep.Replace.Version
			}
		}
	}
	return b
}

// printVersion says what the binary was built from.
func printVersion(w io.Writer) error {
	b := thisBuild()
	_, err := fmt.Fprintf(w, "Version: %s\nDate: %s\nCommit: %s\nBenthos: %s\nGo: %s\n",
		b.version, b.date, b.commit, b.benthos, b.golang)
	return err
}

func setting(info *debug.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
