package view

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
)

func TestNumbersAreWrittenForPeople(t *testing.T) {
	for want, got := range map[string]string{
		"1,234,567":     Count(1234567),
		"1 object":      Objects(1),
		"2,000 objects": Objects(2000),
		"1 bucket":      Buckets(1),
		"2,000 buckets": Buckets(2000),
		"1023 B":        Bytes(1023),
		"1.5 MiB":       Bytes(3 << 19),
		"2.0 TiB":       Bytes(2 << 40),
		"0/s":           Rate(0),
		"0.4/s":         Rate(0.4),
		"10/s":          Rate(9.96),
		"1,250/s":       Rate(1249.6),
		"1.5 KiB/s":     ByteRate(1536),
		"0s":            Duration(-time.Hour),
		"59s":           Duration(59*time.Second + 400*time.Millisecond),
		"1m00s":         Duration(59*time.Second + 500*time.Millisecond),
		"1m20s":         Duration(80 * time.Second),
		"5h02m":         Duration(5*time.Hour + 2*time.Minute + 3*time.Second),
		"3d4h":          Duration(76 * time.Hour),
		"0.3s":          Took(270 * time.Millisecond),
		"12s":           Took(12 * time.Second),
		"0:42":          Clock(42900 * time.Millisecond),
		"1:01:01":       Clock(61*time.Minute + time.Second),
		"26:00:05":      Clock(26*time.Hour + 5*time.Second),
	} {
		require.Equal(t, want, got)
	}
}

func TestCountsAreAddedAndTheLargestComesFirst(t *testing.T) {
	counts := map[string]int64{"b": 2, "a": 2, "small": 1, "large": 1 << 40}
	require.Equal(t, int64(1<<40+5), Total(counts))
	require.Equal(t, []string{"large", "a", "b", "small"}, ByCount(counts))
	require.Zero(t, Total(nil))
	require.Empty(t, ByCount(nil))
}

func TestRateIsThatOfTheLastSeconds(t *testing.T) {
	w := Window{Over: 10 * time.Second}
	at := time.Unix(0, 0)
	require.Zero(t, w.PerSecond())
	for range 20 { // fast at first
		w.Add(at, float64(at.Unix())*100)
		at = at.Add(time.Second)
	}
	require.InDelta(t, 100, w.PerSecond(), 1e-9)
	last := float64(at.Unix()-1) * 100
	for range 11 { // then not at all
		w.Add(at, last)
		at = at.Add(time.Second)
	}
	require.Zero(t, w.PerSecond())
	w.Add(at, 5) // the process was started again
	require.Zero(t, w.PerSecond())
	w.Add(at.Add(time.Second), 8)
	require.InDelta(t, 3, w.PerSecond(), 1e-9)
}

// moving are the figures of a run that makes progress.
func moving() Figures {
	return Figures{
		Elapsed: 42 * time.Second, Listed: 12_345, Total: 50_000, Unchanged: 3_000, Filtered: 1_200,
		Delivered: 8_120, Bytes: 1_288_490_189, Rate: 412.3, ByteRate: 50_331_648,
		UnderWay: 64, Parked: 2, Left: 80 * time.Second,
	}
}

// stuck are those of a run in which nothing moves.
func stuck() Figures {
	f := moving()
	f.Elapsed, f.Left, f.Parked = 102*time.Second, 0, 0
	f.Waits = `nothing acknowledged for 1m0s: the output refused object "photos/2026/cat.jpg" 12 times, the last time with: dial tcp 127.0.0.1:9092: connect: connection refused`
	return f
}

// organization are those of a run over many buckets.
func organization() Figures {
	f := moving()
	f.Reading, f.Pending, f.Failing = 64, 530, 6
	return f
}

func TestLineShowsTheMostImportantFirst(t *testing.T) {
	for _, test := range []struct {
		figures Figures
		columns int
		want    string
	}{
		{moving(), 40, "0:42  8,120 delivered  412/s  1m20s left"},
		{moving(), 80, "0:42  12,345 of 50,000 listed  8,120 delivered  412/s  2 parked  1m20s left"},
		{moving(), 120, "0:42  12,345 of 50,000 listed  8,120 delivered  412/s  1.2 GiB  48.0 MiB/s  64 under way  2 parked  1m20s left"},
		{moving(), 200, "0:42  12,345 of 50,000 listed  3,000 unchanged  1,200 filtered  8,120 delivered  412/s  1.2 GiB  48.0 MiB/s  64 under way  2 parked  1m20s left"},
		{moving(), 250, "0:42  12,345 of 50,000 listed  3,000 unchanged  1,200 filtered  8,120 delivered  412/s  1.2 GiB  48.0 MiB/s  64 under way  2 parked  1m20s left"},
		{organization(), 80, "0:42  8,120 delivered  412/s  1.2 GiB  2 parked  6 buckets failing  1m20s left"},
		{organization(), 200, "0:42  12,345 of 50,000 listed  3,000 unchanged  1,200 filtered  8,120 delivered  412/s  1.2 GiB  48.0 MiB/s  64 under way  2 parked  64 buckets, 530 wait  6 buckets failing  1m20s left"},
		{stuck(), 40, "1:42  nothing acknowledged for 1m0s: th…"},
		{stuck(), 80, "1:42  8,120 delivered  nothing acknowledged for 1m0s: the output refused object…"},
		{stuck(), 120, "1:42  12,345 of 50,000 listed  8,120 delivered  nothing acknowledged for 1m0s: the output refused object \"photos/2026/c…"},
		{stuck(), 200, "1:42  12,345 of 50,000 listed  8,120 delivered  64 under way  " + stuck().Waits[:137] + "…"},
		{stuck(), 250, "1:42  12,345 of 50,000 listed  8,120 delivered  64 under way  " + stuck().Waits},
	} {
		t.Run(fmt.Sprint(test.columns), func(t *testing.T) {
			got := Line(test.figures, test.columns, false)
			require.Equal(t, test.want, got)
		})
	}
}

func TestLineIsNeverWiderThanTheTerminal(t *testing.T) {
	wide := stuck()
	wide.Name, wide.Waits = "图片猫 and 2 more", "nothing has moved for 5m0s: \x1b[2J图片/猫.png\r\n\tis not \xff wanted "+strings.Repeat("é̂", 100)
	for _, f := range []Figures{{}, moving(), stuck(), organization(), wide} {
		for columns := range 300 {
			line := Line(f, columns, false)
			require.LessOrEqual(t, Width(line), columns, "%q", line)
			require.Equal(t, OneLine(line), line)
			painted := Line(f, columns, true)
			require.Equal(t, line, unpainted(painted), "colour changes nothing else")
		}
	}
}

// unpainted is a text without its colours.
func unpainted(text string) string {
	for _, c := range []terminal.Colour{terminal.Green, terminal.Yellow, terminal.Red, terminal.Faint, terminal.Bold} {
		text = strings.ReplaceAll(text, "\x1b["+string(c)+"m", "")
	}
	return strings.ReplaceAll(text, "\x1b[0m", "")
}
