package main

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheVersionSaysWhatTheBinaryWasBuiltFrom(t *testing.T) {
	const hash = "4f1c0de4f1c0de4f1c0de4f1c0de4f1c0de4f1c0"
	vcs := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{
			{Key: "vcs.revision", Value: hash}, {Key: "vcs.time", Value: "2026-01-02T15:04:05Z"}, {Key: "vcs.modified", Value: modified},
		}
	}
	for name, c := range map[string]struct {
		main     string
		settings []debug.BuildSetting
		stamps   build
		want     build
	}{
		"a release that is stamped, without a clone": {
			main:   "(devel)",
			stamps: build{version: "v1.2.3", commit: hash, date: "2026-01-02"},
			want:   build{version: "v1.2.3", commit: hash, date: "2026-01-02"},
		},
		"stamps go before what Go records": {
			main: "v1.2.4-0.20260102150405-aaaaaaaaaaaa", settings: vcs("true"),
			stamps: build{version: "v1.2.3", commit: "0123", date: "2026-01-02"},
			want:   build{version: "v1.2.3", commit: "0123", date: "2026-01-02"},
		},
		"a clone": {
			main: "v0.0.0-20260102150405-4f1c0de4f1c0", settings: vcs("false"),
			want: build{version: "v0.0.0-20260102150405-4f1c0de4f1c0", commit: hash, date: "2026-01-02T15:04:05Z"},
		},
		"a clone with changes": {
			main: "v0.0.0-20260102150405-4f1c0de4f1c0+dirty", settings: vcs("true"),
			want: build{version: "v0.0.0-20260102150405-4f1c0de4f1c0+dirty", commit: hash + ", with changes", date: "2026-01-02T15:04:05Z"},
		},
		"go install of a release": {
			main: "v1.2.3",
			want: build{version: "v1.2.3", commit: notRecorded, date: notRecorded},
		},
		"go install of a commit": {
			main: "v0.0.0-20260102150405-4f1c0de4f1c0",
			want: build{version: "v0.0.0-20260102150405-4f1c0de4f1c0", commit: "4f1c0de4f1c0", date: "2026-01-02T15:04:05Z"},
		},
		"go install of a commit after a release": {
			main: "v1.2.4-0.20260102150405-4f1c0de4f1c0",
			want: build{version: "v1.2.4-0.20260102150405-4f1c0de4f1c0", commit: "4f1c0de4f1c0", date: "2026-01-02T15:04:05Z"},
		},
		"neither": {
			main: "(devel)",
			want: build{version: "development build", commit: notRecorded, date: notRecorded},
		},
	} {
		t.Run(name, func(t *testing.T) {
			info := &debug.BuildInfo{
				GoVersion: "go1.26.8", Main: debug.Module{Version: c.main}, Settings: c.settings,
				Deps: []*debug.Module{{Path: "example.com/other", Version: "v9.9.9"}, {Path: benthosModule, Version: "v4.80.0"}},
			}
			c.want.benthos, c.want.golang = "v4.80.0", "go1.26.8"
			require.Equal(t, c.want, buildFrom(info, c.stamps))
		})
	}
	forked := &debug.BuildInfo{Deps: []*debug.Module{{
		Path: benthosModule, Version: "v4.80.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v4.1.0"},
	}}}
	require.Equal(t, "example.com/fork v4.1.0", buildFrom(forked, build{}).benthos)
	require.Equal(t, notRecorded, buildFrom(new(debug.BuildInfo), build{}).benthos)
}
