package main

import (
	"cmp"
	"runtime/debug"
)

// The stamps of a release, set with
// -ldflags "-X main.version=v1.2.3 -X main.date=2026-01-02T15:04:05Z".
var version, date string

// buildVersion is the release's stamp; else the module version that `go
// install` recorded; else the commit it was built from.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return cmp.Or(version, "unknown")
	}
	module := info.Main.Version
	if module == "(devel)" {
		module = ""
	}
	return cmp.Or(version, module, setting(info, "vcs.revision"), "unknown")
}

// buildDate is the release's stamp, else the time of the commit.
func buildDate() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return cmp.Or(date, "unknown")
	}
	return cmp.Or(date, setting(info, "vcs.time"), "unknown")
}

func setting(info *debug.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
