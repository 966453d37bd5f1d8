package top

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares a text with a file of testdata.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), text)
}

var uploads = labels{"", "uploads", "input"}

// moving are looks at an input that lists and delivers.
func moving(t *testing.T) Report {
	p := &pipeline{}
	p.set("/version", http.StatusOK, `{"version":"v1.2.3", "built":"2026-01-02"}`)
	p.set("/ready", http.StatusOK, ready("uploads@input", "@output"))
	var looks []map[labels]series
	delivered, bytes := int64(11_000), int64(1<<30)
	for i := range int64(31) {
		delivered += 100 * (i%7 + i/4)
		bytes += 300_000 * (i%5 + i/6)
		looks = append(looks, map[labels]series{uploads: {
			"listed": 20_000 + 1000*i, "delivered": delivered, "bytes": bytes, "unchanged": 4200, "filtered exclude": 1200, "filtered size": 3,
			"download_window": 64, "list_window": 16, "in_flight": 41, "buffered_bytes": 12 << 20,
			"parked_now": 6, "parked_objects scanner": 4, "parked_objects denied": 1, "parked_objects throttled": 0,
			"retries throttled": 12, "retries unavailable": 1, "retries other": 0,
			"pass_under_way full": 1, "pass_listed": 20_000 + 1000*i, "pass_expected": 80_000, "pass_due_unix": unix(-time.Minute),
			"undelivered_batches": 120, "oldest_undelivered_seconds": 3, "tracked": 79_000,
			"last_complete_pass_unix": unix(-time.Hour), "credentials_expire_unix": unix(40 * time.Minute),
		}})
	}
	return seen(t, p, looks...)
}

// stuck is an input whose output is silent, and is not connected.
func stuck(t *testing.T) Report {
	p := &pipeline{}
	p.set("/ready", http.StatusServiceUnavailable,
		`{"statuses":[{"label":"uploads","path":"input","connected":true},{"label":"broker","path":"output","connected":false,"error":"dial tcp 10.0.0.7:9092: connection refused"}]}`)
	look := map[labels]series{uploads: {
		"listed": 5000, "delivered": 100, "bytes": 1 << 20, "download_window": 32, "in_flight": 32, "buffered_bytes": 64 << 20,
		"undelivered_batches": 64, "oldest_undelivered_seconds": 754, "pass_under_way full": 1, "pass_listed": 5000,
		"deletes_held": 77, "credentials_expire_unix": unix(-time.Minute),
	}}
	return seen(t, p, look, look)
}

// several are inputs in every state, of a broker.
func several(t *testing.T) Report {
	p := &pipeline{}
	at := func(i int, label string) labels { return labels{"", label, fmt.Sprintf("input.broker.inputs.%d", i)} }
	p.set("/ready", http.StatusServiceUnavailable, `{"statuses":[`+
		`{"label":"photos","path":"input.broker.inputs.0","connected":true},{"label":"late","path":"input.broker.inputs.1","connected":true},`+
		`{"label":"down","path":"input.broker.inputs.3","connected":true},{"label":"","path":"input.broker.inputs.4","connected":false,`+
		`"error":"endpoint: nothing listens at 127.0.0.1:1; see that the server is running, and that the port is right (listing: endpoint unreachable)"},`+
		`{"label":"fails","path":"input.broker.inputs.10","connected":true},{"label":"disk","path":"input.broker.inputs.11","connected":true},{"label":"","path":"output","connected":true}]}`)
	look := func(n int64) map[labels]series {
		return map[labels]series{
			at(0, "photos"): {"listed": 900, "delivered": 800 + n, "bytes": 4000 * n, "pass_due_unix": unix(42 * time.Second), "last_complete_pass_unix": unix(-18 * time.Second), "tracked": 900},
			at(1, "late"):   {"listed": 10, "delivered": 10, "pass_due_unix": unix(-3 * time.Hour), "last_complete_pass_unix": unix(-26 * time.Hour)},
			at(2, "once"):   {"listed": 111, "delivered": 111, "last_complete_pass_unix": unix(-time.Minute), "download_window": 64},
			at(3, "down"):   {"listed": 7, "delivered": 5, "endpoint_failing": 1, "pass_under_way changes": 1, "retries unreachable": 9 * n},
			at(4, ""):       {"listed": 0},
			at(10, "fails"): {"listed": 7000, "passes_failed": 3, "pass_due_unix": unix(7 * time.Minute)},
			at(11, "disk"):  {"listed": 7000, "state_failing": 1, "credentials_failing": 1, "pass_under_way parked": 1},
		}
	}
	return seen(t, p, look(0), look(1), look(4))
}

// ended is a stream that has ended, and one that was removed.
func ended(t *testing.T) Report {
	p := &pipeline{}
	p.set("/once/ready", http.StatusServiceUnavailable, `{"error":"stream terminated","statuses":[{"label":"","path":"input","connected":false},{"label":"","path":"output","connected":false}]}`)
	p.set("/live/ready", http.StatusOK, ready("@input", "@output"))
	look := map[labels]series{
		{"once", "", "input"}:        {"listed": 3, "delivered": 1, "parked_objects scanner": 2, "last_complete_pass_unix": unix(-time.Hour)},
		{"removed", "docs", "input"}: {"listed": 3, "delivered": 3, "pass_due_unix": unix(-time.Hour)},
		{"live", "", "input"}:        {"listed": 3, "delivered": 3, "undelivered_batches": 1, "oldest_undelivered_seconds": 2},
	}
	return seen(t, p, look, look)
}

// organization is an input that reads many buckets of many projects, and messages that
// name objects.
func organization(t *testing.T) Report {
	p := &pipeline{}
	p.set("/ready", http.StatusOK, ready("uploads@input", "@output"))
	look := func(n int64) map[labels]series {
		s := series{
			"scopes active": 12, "scopes waiting": 581, "scopes failing": 6, "scopes gone": 1,
			"download_window": 64, "in_flight": 12, "pass_due_unix@abc/docs": unix(42 * time.Second), "pass_due_unix@def/docs": unix(12 * time.Second),
			"targets_received": 1200, "targets_delivered": 1180, "targets_missing": 3, "targets_failed": 2, "targets_joined": 15, "oldest_target_seconds": 7,
			// A project that was never read completely has no time of a pass.
			"last_complete_pass_unix@abc/docs": unix(-time.Hour), "last_complete_pass_unix@def/docs": unix(-time.Minute), "last_complete_pass_unix@ghi/docs": 0,
		}
		for i, project := range []string{"abc", "def", "ghi", "jkl", "mno", "pqr", "stu", "vwx"} {
			left := int64(i * i * 111)
			s["listed@"+project+"/docs"] = 10_000 + left
			s["delivered@"+project+"/docs"] = 9_000 + n
			s["bytes@"+project+"/docs"] = 1 << 20
			s["unchanged@"+project+"/docs"] = 500 - n
			s["filtered size@"+project+"/docs"] = 498
			s["parked denied@"+project+"/docs"] = 2
			s["parked_objects denied@"+project+"/docs"] = 2 * int64(i%2)
			s["parked_now@"+project+"/docs"] = 2 * int64(i%2)
			s["tracked@"+project+"/docs"] = 9_500
		}
		return map[labels]series{uploads: s}
	}
	return seen(t, p, look(0), look(5), look(10))
}

func TestDrawing(t *testing.T) {
	for name, of := range map[string]func(*testing.T) Report{"moving": moving, "stuck": stuck, "several": several, "ended": ended, "organization": organization} {
		for _, columns := range []int{80, 200} {
			t.Run(fmt.Sprint(name, columns), func(t *testing.T) {
				lines := draw(of(t), columns, 0, false)
				golden(t, fmt.Sprintf("%s_%d.txt", name, columns), strings.Join(lines, "\n")+"\n")
			})
		}
	}
}

func TestTheREADMEShowsADrawing(t *testing.T) {
	drawing, err := os.ReadFile("testdata/moving_80.txt")
	require.NoError(t, err)
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	require.Contains(t, string(readme), "```\n"+string(drawing)+"```\n")
}

func TestInputsThatDoNotFitGetALineEach(t *testing.T) {
	golden(t, "lines_80.txt", strings.Join(draw(several(t), 80, 24, false), "\n")+"\n")
	golden(t, "lines_200.txt", strings.Join(draw(several(t), 200, 24, false), "\n")+"\n")
}

func TestNothingIsWiderOrHigherThanTheWindow(t *testing.T) {
	for _, of := range []func(*testing.T) Report{moving, stuck, several, ended, organization} {
		r := of(t)
		since := noon.Add(-3 * time.Second)
		r.Gone = &since
		for columns := 1; columns <= 250; columns += 3 {
			for _, rows := range []int{0, 1, 2, 5, 12, 24} {
				lines := draw(r, columns, rows, false)
				if rows > 0 {
					require.LessOrEqual(t, len(lines), rows, columns)
				}
				for _, line := range lines {
					require.LessOrEqual(t, view.Width(line), columns, "%d rows: %q", rows, line)
				}
			}
		}
	}
}

func TestColoursAddNothingElse(t *testing.T) {
	r := moving(t)
	painted := strings.Join(draw(r, 80, 0, terminal.Painter(true)), "\n")
	require.Contains(t, painted, "\x1b[32m")
	for _, code := range []terminal.Colour{terminal.Green, terminal.Yellow, terminal.Red, terminal.Faint, terminal.Bold} {
		painted = strings.ReplaceAll(painted, "\x1b["+string(code)+"m", "")
	}
	require.Equal(t, strings.Join(draw(r, 80, 0, false), "\n"), strings.ReplaceAll(painted, "\x1b[0m", ""))
}

func TestTextOfThePipelineCannotHarmATerminal(t *testing.T) {
	p := &pipeline{}
	evil := "\x1b]0;x\a\x1b[2J\r\nnext\u202e"
	p.set("/ready", http.StatusOK, fmt.Sprintf(`{"statuses":[{"label":%q,"path":"input","connected":false,"error":%q},{"label":"","path":"output","connected":false,"error":%q}]}`, "a", "\u001b[2J x\nnext", "\u001b[2J y"))
	p.set("/version", http.StatusOK, `{"version":"\u001b[2J"}`)
	r := seen(t, p, map[labels]series{{"", "a", "input"}: {"listed": 0}})
	r.Inputs[0].Label, r.Inputs[0].Path = evil, evil
	text := strings.Join(draw(r, 120, 0, false), "\n") + lineOf(r, 0)
	require.NotContains(t, text, "\x1b")
	require.NotContains(t, text, "\a")
	require.NotContains(t, text, "\r")
	require.NotContains(t, text, "\u202e")
}

func TestALongStatusIsCutInItsLastLine(t *testing.T) {
	require.Equal(t, []string{"a b", "c"}, wrap("a b c", 3, 2))
	require.Equal(t, []string{"a b", "c d e f"}, wrap("a b c d e f", 3, 2))
	require.Equal(t, []string{"see", "https://ho", "st/x"}, wrap("see https://host/x", 10, 4), "a word that is too long is broken")
	require.Equal(t, []string{""}, wrap("", 10, 4))
}

func TestSparklines(t *testing.T) {
	require.Equal(t, "", sparkline([]float64{1}, 10), "one value is no graph")
	require.Equal(t, "  ▁▂▅█", sparkline([]float64{0, 0.001, 5, 10}, 6))
	require.Equal(t, "▅█", sparkline([]float64{0, 0.001, 5, 10}, 2), "the last ones")
	require.Equal(t, "▁▁▁", sparkline([]float64{0, 0, 0}, 3))
	require.Equal(t, "", sparkline([]float64{1, 2}, 0))
}
