package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	_ "github.com/seed75cbcda6/supabase-storage/input"
	"github.com/seed75cbcda6/supabase-storage/tests/bench/endpoint"
)

// TestMain lets the test's binary also be the endpoint and the pipeline, so that the
// tests need no other binary.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case serveCommand:
			if err := serve(os.Args[2:]); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		case "run":
			service.RunCLI(context.Background())
			return
		}
	}
	os.Exit(m.Run())
}

func newPlayer(t *testing.T) *player {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	return &player{
		paths: map[string]string{connect: self}, dir: t.TempDir(), rounds: 1, deadline: time.Minute,
		progress: func(line string) { t.Log(line) },
	}
}

// TestEveryRowRunsInSmall checks that the rows do what they say, with only this
// input and little work.
func TestEveryRowRunsInSmall(t *testing.T) {
	p := newPlayer(t)
	rep := &report{Date: time.Now(), Machine: machine(), Command: "test", Scratch: p.dir}
	for _, w := range workloads(variants{shape: endpoint.Users, files: true}) {
		if w.real != nil {
			continue
		}
		w.bucket.Objects = min(w.bucket.Objects, 60)
		w.bucket.Size, w.bucket.MaxSize = min(w.bucket.Size, mib), min(w.bucket.MaxSize, mib)
		w.bucket.Buckets, w.bucket.DownAfter, w.bucket.Down = min(w.bucket.Buckets, 3), min(w.bucket.DownAfter, 20), min(w.bucket.Down, time.Second)
		w.bucket.Stall = min(w.bucket.Stall, 2500*time.Millisecond)
		w.contestants = withTools(w.contestants, ours)
		w.contestants = w.contestants[:min(len(w.contestants), 2)]
		r, err := p.play(t.Context(), w)
		require.NoError(t, err)
		require.Empty(t, faultsOf(r), w.name)
		for _, s := range r.Scores {
			if w.demand == listed {
				require.Equal(t, 60, s.Trials[0].Endpoint.Listed, "%s: %s", w.name, s.Name)
				continue
			}
			require.Equal(t, w.bucket.Objects, s.Trials[0].Endpoint.Served, "%s: %s", w.name, s.Name)
			require.Equal(t, w.bytes(), s.Trials[0].Endpoint.Bytes)
			require.Equal(t, w.bucket.Down > 0, s.Trials[0].Endpoint.Knocks > 0)
			require.Positive(t, s.Trials[0].CPU)
		}
		rep.Results = append(rep.Results, r)
	}
	dir := t.TempDir()
	require.NoError(t, rep.write(dir))
	page, err := os.ReadFile(filepath.Join(dir, pageName))
	require.NoError(t, err)
	for _, r := range rep.Results {
		require.Contains(t, string(page), "\n## "+r.workload.name+"\n")
	}
	for _, name := range []string{plotName, stalledName} {
		require.FileExists(t, filepath.Join(dir, name))
		require.Contains(t, string(page), "]("+name+")")
	}
}

func TestARunThatLeavesWorkUndoneIsReported(t *testing.T) {
	p := newPlayer(t)
	w := workload{
		name: "undone", bucket: endpoint.Options{Objects: 10, Size: 5}, against: named("all"),
		contestants: []contestant{
			pipeline("a part", toDrop, "include_patterns: ['*7.bin']"),
			pipeline("mistaken", toDrop, "no_such_field: 1"),
			pipeline("one file", "output:\n  file:\n    path: '{{DIR}}/all'\n    codec: all-bytes\n"),
			pipeline("all", toFiles),
		},
	}
	w.contestants[2].files = true
	r, err := p.play(t.Context(), w)
	require.NoError(t, err)
	lines := faultsOf(r)
	require.Len(t, lines, 3)
	require.Equal(t, "a part, round 1, is incomplete: 1 of 10 objects were read", lines[0])
	require.Contains(t, lines[1], "mistaken, round 1, is incomplete: exit status 1: ")
	require.Contains(t, lines[1], "no_such_field")
	require.Equal(t, "one file, round 1, is incomplete: 1 of 10 files and 5 of 50 bytes were written", lines[2])
	for _, line := range strings.Split(strings.TrimSpace(tableOf(r).String()), "\n")[2:] {
		require.Equal(t, strings.HasPrefix(line, "| all "), !strings.Contains(line, " - |"), "rates of what is complete alone: %s", line)
	}
}

func TestARunThatDoesNotEndIsReported(t *testing.T) {
	p := newPlayer(t)
	p.deadline = 500 * time.Millisecond
	r, err := p.play(t.Context(), workload{
		name: "endless", bucket: endpoint.Options{Objects: 1, Size: 5, Latency: time.Minute}, against: named(""),
		contestants: []contestant{pipeline(ours, toDrop)},
	})
	require.NoError(t, err)
	require.Equal(t, []string{"supabase_storage, round 1, is incomplete: it was still running after 500ms"}, faultsOf(r))
}

func TestTwoBuildsRunInTheSameRounds(t *testing.T) {
	p := newPlayer(t)
	p.paths[otherBuild] = p.paths[connect]
	p.rounds = 2
	w := workload{
		name: "both", bucket: endpoint.Options{Objects: 3, Size: 5}, against: named(ours),
		contestants: withOtherBuild([]contestant{pipeline(ours, toDrop), pipeline("another", toDrop)}),
	}
	r, err := p.play(t.Context(), w)
	require.NoError(t, err)
	require.Empty(t, faultsOf(r))
	require.Len(t, r.Scores, 3)
	require.Equal(t, ours+", other build", r.Scores[1].Name)
	require.Len(t, r.Scores[1].Trials, 2)
	require.Positive(t, r.Scores[1].ratio(r.Scores[0], wallOf))
}
