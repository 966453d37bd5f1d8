package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/bench/endpoint"
)

// scoreOf is a contestant that took these times.
func scoreOf(name string, times ...time.Duration) *score {
	s := &score{Name: name, contestant: contestant{name: name, tool: name}}
	for i, wall := range times {
		s.Trials = append(s.Trials, trial{
			Wall: wall, CPU: wall / 2, Memory: int64(i+1) * 10 * mb, Startup: 50 * time.Millisecond,
			Endpoint: endpoint.Stats{Gets: 1000 + i, Lists: 1, PeakInFlight: 10 * (i + 1), Served: 1000},
		})
	}
	return s
}

func resultOf(w workload, scores ...*score) *result {
	return &result{workload: w, Date: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC), LoadBefore: "0.10", Scores: scores}
}

func thousand() workload {
	return workload{
		name: "thousand", about: "1,000 × 1 kB", bucket: endpoint.Options{Objects: 1000, Size: 1000}, against: named(s5cmd),
		goals: []goal{timeOfS5cmd(0.5), fasterThan(awsS3, 50), memoryAtMost(25 * mb), requestsAtMost(s5cmd, 1.3)},
	}
}

func TestATableTellsMediansTheirRangeAndTheRatioWithinARound(t *testing.T) {
	r := resultOf(thousand(),
		// The second round was three times as slow for all contestants.
		scoreOf(ours, time.Second, 3*time.Second, 1100*time.Millisecond),
		scoreOf(s5cmd, 2*time.Second, 6*time.Second, 2*time.Second))
	require.Equal(t, `
|                  | time s |   min..max | objects/s | MB/s | CPU s | peak RSS MB | endpoint CPU s | first request s | requests | requests/s | 429 | in flight | time ÷ s5cmd |
|------------------|-------:|-----------:|----------:|-----:|------:|------------:|---------------:|----------------:|---------:|-----------:|----:|----------:|-------------:|
| supabase_storage |   1.10 | 1.00..3.00 |       909 | 0.91 |  0.55 |          30 |           0.00 |            0.05 |     1002 |        912 |   0 |        30 |         0.50 |
`, "\n"+strings.Join(strings.SplitAfter(tableOf(r).String(), "\n")[:3], ""))
}

func TestGoalsAreMetMissedOrNotMeasured(t *testing.T) {
	r := resultOf(thousand(), scoreOf(ours, time.Second, time.Second, time.Second), scoreOf(s5cmd, 3*time.Second, 3*time.Second, 3*time.Second))
	require.Equal(t, `
| row      | goal                             | figure  | met          |
|----------|----------------------------------|---------|--------------|
| thousand | time ≤ 0.5 × that of s5cmd       | 0.333 × | yes          |
| thousand | at least 50 × faster than aws_s3 | -       | not measured |
| thousand | peak RSS ≤ 25 MB                 | 30 MB   | no           |
| thousand | requests ≤ 1.3 × those of s5cmd  | 1.000 × | yes          |
`, "\n"+goalsOf([]*result{r}).String())
}

func TestATableHasTheRatiosThatGoalsAreStatedIn(t *testing.T) {
	w := workload{
		name: "real", bucket: endpoint.Options{Objects: 1000, Size: 1000}, against: named(s5cmd), real: &real{},
		goals: []goal{timeOfS5cmd(0.5), timeOfBetter(0.5), ofBestFixed(ours, 1.05)},
	}
	r := resultOf(w, scoreOf(ours, time.Second), scoreOf("max_downloads: 8", 2*time.Second), scoreOf("max_downloads: 32", 800*time.Millisecond),
		scoreOf(s5cmd, 4*time.Second), scoreOf(rclone, 1600*time.Millisecond))
	require.Equal(t, `
|                   | time s |   min..max | objects/s | MB/s | CPU s | peak RSS MB | time ÷ s5cmd | time ÷ better of s5cmd, rclone | time ÷ best fixed (32) |
|-------------------|-------:|-----------:|----------:|-----:|------:|------------:|-------------:|-------------------------------:|-----------------------:|
| supabase_storage  |   1.00 | 1.00..1.00 |      1000 | 1.00 |  0.50 |          10 |         0.25 |                           0.62 |                   1.25 |
`, "\n"+strings.Join(strings.SplitAfter(tableOf(r).String(), "\n")[:3], ""))
	require.Equal(t, `
| row  | goal                                                | figure  | met |
|------|-----------------------------------------------------|---------|-----|
| real | time ≤ 0.5 × that of s5cmd                          | 0.250 × | yes |
| real | time ≤ 0.5 × that of the better of s5cmd and rclone | 0.625 × | no  |
| real | time ≤ 1.05 × that of the best fixed window         | 1.250 × | no  |
`, "\n"+goalsOf([]*result{r}).String())
}

func TestAnOutageIsMeasuredByItsRequestsAndItsEnd(t *testing.T) {
	s := scoreOf(ours, time.Minute)
	began := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	s.Trials[0].Endpoint.Down, s.Trials[0].Endpoint.Back, s.Trials[0].Endpoint.Knocks = began, began.Add(32*time.Second), 300
	s.Trials[0].Endpoint.AtOnce = 155
	r := resultOf(downWorkload("down", "", 0), s)
	figure, met := r.workload.goals[0].check(r)
	require.Equal(t, "10.0 requests/s, 5.00 after the first second", figure)
	require.False(t, met)
	figure, met = r.workload.goals[1].check(r)
	require.Equal(t, "2.00 s", figure)
	require.True(t, met)
}

func TestAnIncompleteRunIsComparedWithNothing(t *testing.T) {
	broken := scoreOf(ours, time.Second, time.Second)
	broken.Trials[1].Fault = "9 of 1000 objects were read"
	r := resultOf(thousand(), broken, scoreOf(s5cmd, time.Second, time.Second))
	require.Equal(t, []string{"supabase_storage, round 2, is incomplete: 9 of 1000 objects were read"}, faultsOf(r))
	figure, met := r.workload.goals[0].check(r)
	require.Equal(t, "", figure)
	require.False(t, met)
	require.NotContains(t, plotTimes([]*result{r}), ours)
}

func TestTheBestFixedWindowIsTheFastest(t *testing.T) {
	w := throttleWorkload()
	r := resultOf(w, scoreOf(adaptive, time.Second), scoreOf("max_downloads: 4", 4*time.Second), scoreOf("max_downloads: 16", 800*time.Millisecond))
	require.Equal(t, "max_downloads: 16", w.against(r))
	require.Equal(t, []reference{{"max_downloads: 16", "max_downloads: 16"}}, references(r))
	figure, met := w.goals[0].check(r)
	require.Equal(t, "1.250 ×", figure)
	require.False(t, met)

	r.Scores[0].Trials[0].Endpoint.Throttled = 500
	figure, met = w.goals[1].check(r)
	require.Equal(t, "0.50", figure)
	require.False(t, met)
}

// stalledResult is a run whose memory and requests grow as given, with a sample a
// second, while the output stalls from second 2 on.
func stalledResult(memory []int64, requests []int) *result {
	s := scoreOf(ours, time.Minute)
	began := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	s.Trials[0].Endpoint.Stalled = began.Add(time.Second)
	for i := range memory {
		s.Trials[0].Samples = append(s.Trials[0].Samples, sample{At: began.Add(time.Duration(i) * time.Second), Memory: memory[i] * mb, Requests: requests[i]})
	}
	return resultOf(stalledWorkload(100, kib, 6*time.Second), s)
}

func TestAStallIsMeasuredAfterTheBuffersHaveFilled(t *testing.T) {
	r := stalledResult([]int64{10, 50, 100, 101, 102, 103, 104, 105, 500}, []int{0, 20, 40, 40, 40, 40, 40, 41, 99})
	var figures []string
	for _, g := range r.workload.goals {
		figure, _ := g.check(r)
		figures = append(figures, figure)
	}
	require.Equal(t, []string{"0 repeated", "1.05 × (100 to 105 MB)", "1 requests in 5 s"}, figures)
	_, steady := r.workload.goals[1].check(r)
	require.True(t, steady)
	_, idle := r.workload.goals[2].check(r)
	require.False(t, idle)
}

func TestPlotsAreWellFormedAndLongerTimesAreLongerBars(t *testing.T) {
	drawing := plotTimes([]*result{resultOf(thousand(), scoreOf(ours, time.Second), scoreOf(s5cmd, 30*time.Second), scoreOf("<&>", 300*time.Millisecond))})
	requireXML(t, drawing)
	var widths []float64
	for _, rect := range rects(t, drawing) {
		widths = append(widths, rect.Width)
	}
	require.Len(t, widths, 3)
	require.Less(t, widths[0], widths[1])
	require.Greater(t, widths[0], widths[2])
	require.Contains(t, drawing, "&lt;&amp;&gt;")
	require.Equal(t, "", plotTimes(nil))

	r := stalledResult([]int64{10, 200, 100}, []int{0, 0, 0})
	requireXML(t, plotMemory(r))
	_, curve, found := strings.Cut(plotMemory(r), "<polyline")
	require.True(t, found)
	require.Equal(t, 3, strings.Count(curve, ","), "each point has one")
	require.Equal(t, "", plotMemory(resultOf(thousand(), scoreOf(ours, time.Second))))
}

func requireXML(t *testing.T, text string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

type rect struct {
	Width float64 `xml:"width,attr"`
	Class string  `xml:"class,attr"`
}

// rects are the bars of a drawing.
func rects(t *testing.T, drawing string) (bars []rect) {
	t.Helper()
	var all struct {
		Rects []rect `xml:"rect"`
	}
	require.NoError(t, xml.Unmarshal([]byte(strings.ReplaceAll(drawing, `"100%"`, `"0"`)), &all))
	for _, r := range all.Rects {
		if r.Class != "" {
			bars = append(bars, r)
		}
	}
	return bars
}

func TestThePageIsMadeFromTheFiguresAlone(t *testing.T) {
	broken := scoreOf(rclone, time.Second)
	broken.Trials[0].Fault = "exit status 1"
	dir := t.TempDir()
	rep := &report{
		Date: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC), Machine: "a machine", Command: "bash tests/bench/run.sh --write",
		Scratch: "/dev/shm", Versions: map[string]string{s5cmd: "v9"},
		Results: []*result{resultOf(thousand(), scoreOf(ours, time.Second), broken)}, LeftOut: []string{"absent is left out: why"},
	}
	require.NoError(t, rep.write(dir))
	b, err := os.ReadFile(filepath.Join(dir, pageName))
	require.NoError(t, err)
	page := string(b)
	for _, want := range []string{
		"2 January 2026", "on a machine.", "| s5cmd | v9 |", "\n\nrclone, round 1, is incomplete: exit status 1\n",
		tableOf(rep.Results[0]).String(), goalsOf(rep.Results).String(), "/dev/shm, which is memory,", "\nabsent is left out: why\n", "1 round, 2 January 2026, 03:04 UTC.",
	} {
		require.Contains(t, page, want)
	}
	require.NotContains(t, page, "{{")
	require.NoFileExists(t, filepath.Join(dir, stalledName))
}

func TestRowsAreChosenByName(t *testing.T) {
	all := workloads(variants{shape: endpoint.Dated})
	some, err := chosen(all, "list,small")
	require.NoError(t, err)
	require.Equal(t, "list,small", rowNames(some))
	_, err = chosen(all, "tiny")
	require.ErrorContains(t, err, "small-latency,small,medium,large,mixed,many,list,throttle,rest,rest-list,down,down-503,workers,stalled,real-small,real-busy,real-medium,real-large")
}

func TestTheCommandLineLeavesOutThePathsOfAMachine(t *testing.T) {
	require.Equal(t, "bash tests/bench/run.sh --rows small --write", commandLine([]string{"-binary", "/x", "-commit", "", "--json=/x/y", "--rows", "small", "--out", "/x", "--write"}))
}
