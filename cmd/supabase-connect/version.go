package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime/debug"
)

// The stamps of a release, set with
// -ldflags "-X main.version=v1.2.3 -X main.date=2026-01-02T15:04:05Z".
var version, date string

const (
	benthosModule = "github.com/redpanda-data/benthos/v4"
	notRecorded   = "not recorded by this build"
)

// buildVersion is the release's stamp; else the module version that `go
// install` recorded; else the commit it was built from, where that was recorded.
func buildVersion() string {
	info := buildInfo()
	module := info.Main.Version
	if module == "(devel)" {
		module = ""
	}
	return cmp.Or(version, module, setting(info, "vcs.revision"), "development build")
}

// buildDate is the release's stamp, else the time of the commit.
func buildDate() string {
	return cmp.Or(date, setting(buildInfo(), "vcs.time"), notRecorded)
}

// printVersion says what the binary was built from.
func printVersion(w io.Writer) error {
	info := buildInfo()
	commit := setting(info, "vcs.revision")
	if commit != "" && setting(info, "vcs.modified") == "true" {
		commit += ", with changes"
	}
	benthos := ""
	for _, dep := range info.Deps {
		if dep.Path == benthosModule {
			benthos = dep.Version
			if dep.Replace != nil {
				benthos = dep.Replace.Path + " " + dep.Replace.Version
			}
		}
	}
	_, err := fmt.Fprintf(w, "Version: %s\nDate: %s\nCommit: %s\nBenthos: %s\nGo: %s\n",
		buildVersion(), buildDate(), cmp.Or(commit, notRecorded), cmp.Or(benthos, notRecorded), info.GoVersion)
	return err
}

// buildInfo is what the build recorded, empty where it recorded nothing.
func buildInfo() *debug.BuildInfo {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info
	}
	return new(debug.BuildInfo)
}

func setting(info *debug.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
