package top

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
)

// counting is a pipeline that delivers ten objects a second, until it ends after some
// time, if that is not 0.
func counting(t *testing.T, ends time.Duration) *pipeline {
	p := &pipeline{}
	began := time.Now()
	p.set("/ready", http.StatusOK, ready("uploads@input", "@output"))
	show := func() {
		n := int64(time.Since(began).Seconds() * 10)
		p.set("/metrics", http.StatusOK, exposition(map[labels]series{uploads: {"listed": 2 * n, "delivered": n, "bytes": 100 * n, "pass_under_way full": 1}}))
	}
	show()
	go func() {
		for t.Context().Err() == nil {
			time.Sleep(100 * time.Millisecond)
			show()
			if ends > 0 && time.Since(began) >= ends {
				p.fail(syscall.ECONNREFUSED)
				return
			}
			if time.Since(began) > 2*time.Minute {
				return
			}
		}
	}()
	time.Sleep(50 * time.Millisecond) // so that no look comes at the moment of a change
	return p
}

// watched is what top prints of a counting pipeline.
func watched(t *testing.T, ends time.Duration, o Options) (text string, took time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		p := counting(t, ends)
		var out bytes.Buffer
		began := time.Now()
		require.NoError(t, run(t.Context(), &out, p.server(t, "http://127.0.0.1:4195"), o))
		text, took = out.String(), time.Since(began)
		time.Sleep(3 * time.Minute) // until the pipeline has ended
	})
	return text, took
}

func TestOnceShowsRatesBetweenTwoLooks(t *testing.T) {
	text, took := watched(t, 0, Options{Once: true})
	require.Equal(t, time.Second, took)
	require.Contains(t, text, "uploads (input)  working")
	require.Regexp(t, `delivered +10/s +10 objects`, text)
	require.Regexp(t, `listed +20/s +20 objects`, text)
}

func TestElsewhereThanATerminalEachLookIsALine(t *testing.T) {
	text, took := watched(t, 0, Options{For: 35 * time.Second})
	require.Equal(t, 35*time.Second, took)
	lines := strings.Split(strings.TrimSpace(text), "\n")
	require.Len(t, lines, 3)
	require.Equal(t, "2000-01-01T00:00:30Z uploads (input): working, 300 delivered (10/s, 1000 B/s); lists everything, 0 so far", lines[2])
}

func TestAPipelineThatEndsIsTold(t *testing.T) {
	text, took := watched(t, 20*time.Second, Options{Interval: time.Second})
	lines := strings.Split(strings.TrimSpace(text), "\n")
	require.Equal(t, "The pipeline at http://127.0.0.1:4195 has ended, or can't be reached any more", lines[len(lines)-1])
	require.Contains(t, text, "no answer for 4s")
	require.InDelta(t, (25 * time.Second).Seconds(), took.Seconds(), 1.5)
}

func TestARestartOfThePipelineIsNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := counting(t, 0)
		time.AfterFunc(10*time.Second, func() { p.fail(syscall.ECONNREFUSED) })
		time.AfterFunc(13*time.Second, func() { p.fail(nil) })
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), &out, p.server(t, "h:1"), Options{Interval: time.Second, For: time.Minute}))
		require.Contains(t, out.String(), "no answer for")
		require.NotContains(t, out.String(), "has ended")
		require.Contains(t, out.String(), "590 delivered")
		time.Sleep(3 * time.Minute) // until the pipeline has ended
	})
}

func TestRatesAfterARestartAreNotNegative(t *testing.T) {
	p := &pipeline{}
	r := seen(t, p, map[labels]series{uploads: {"delivered": 1000}}, map[labels]series{uploads: {"delivered": 1100}}, map[labels]series{uploads: {"delivered": 5}}, map[labels]series{uploads: {"delivered": 8}})
	require.InDelta(t, 3, r.Inputs[0].PerSecond.Delivered, 0.001)
	require.Equal(t, []float64{3}, r.Inputs[0].graphs["delivered"])
}

func TestAPipelineThatWasNeverReachedIsAnError(t *testing.T) {
	for _, o := range []Options{{}, {Once: true}, {JSON: true}, {HTML: filepath.Join(t.TempDir(), "x.html")}} {
		p := &pipeline{}
		p.fail(syscall.ECONNREFUSED)
		var out bytes.Buffer
		require.ErrorContains(t, run(t.Context(), &out, p.server(t, "h:1"), o), "nothing listens at h:1")
		require.Equal(t, "", out.String())
	}
}

func TestJSONIsOneLineForEachLookAndOneDocumentOnce(t *testing.T) {
	text, _ := watched(t, 0, Options{JSON: true, For: 3500 * time.Millisecond})
	lines := strings.Split(strings.TrimSpace(text), "\n")
	require.Len(t, lines, 3)
	for _, line := range lines {
		var r Report
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		require.EqualValues(t, 10, r.Inputs[0].PerSecond.Delivered)
	}
	text, _ = watched(t, 0, Options{JSON: true, Once: true})
	var r Report
	require.NoError(t, json.Unmarshal([]byte(text), &r))
	require.Equal(t, Working, r.Inputs[0].State)
	require.Contains(t, text, "\n  ")
}

func TestTheDocumentOfJSONStaysAsItIs(t *testing.T) {
	for name, of := range map[string]func(*testing.T) Report{"moving": moving, "stuck": stuck, "ended": ended, "organization": organization} {
		doc, err := terminal.JSON(of(t), "  ")
		require.NoError(t, err)
		golden(t, name+".json", string(doc)+"\n")
	}
}

func TestPageIsOneFileThatNeedsNothingElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.html")
	text, took := watched(t, 0, Options{HTML: path})
	require.Equal(t, pageFor, took)
	require.Equal(t, fmt.Sprintf("Written to %s\n", path), text)
	page, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, part := range []string{"uploads (input)", ">working<", "10/s", "lists everything", "prefers-color-scheme: dark", "width=device-width", `<path class="line" d="M0.0`} {
		require.Contains(t, string(page), part)
	}
	require.NotRegexp(t, `(src|href)=|url\(|@import|<script`, string(page), "nothing from outside")
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing is left")

	text, _ = watched(t, 0, Options{HTML: "-", Once: true})
	require.True(t, strings.HasPrefix(text, "<!doctype html>"))
	require.True(t, strings.HasSuffix(strings.TrimSpace(text), "</html>"))
}

// slow answers after a while, or when nobody waits any more.
type slow struct{ http.RoundTripper }

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(300 * time.Millisecond):
		return s.RoundTripper.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func TestAStopWhileThePipelineIsAskedKeepsWhatWasSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := counting(t, 0)
		s := p.server(t, "h:1")
		s.client.Transport = slow{p}
		began := time.Now()
		ctx, stop := context.WithCancel(t.Context())
		// A look takes 900 ms, so the third one is under way.
		time.AfterFunc(2950*time.Millisecond, stop)
		var out bytes.Buffer
		path := filepath.Join(t.TempDir(), "page.html")
		require.NoError(t, run(ctx, &out, s, Options{HTML: path}))
		require.Equal(t, 2950*time.Millisecond, time.Since(began))
		page, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Contains(t, string(page), "uploads (input)")
		time.Sleep(3 * time.Minute) // until the pipeline has ended
	})
}

func TestOutputsAreNamedAlikeOnATerminalAndOnAPage(t *testing.T) {
	for _, c := range []struct {
		output Output
		want   string
	}{
		{Output{Path: "output"}, "output is not connected"},
		{Output{Label: "broker", Path: "output", Error: "refused"}, "broker (output) is not connected: refused"},
		{Output{Stream: "s", Label: "broker", Path: "output"}, "s: broker (output) is not connected"},
		{Output{Stream: "s", Label: "s", Path: "output"}, "s (output) is not connected"},
	} {
		r := moving(t)
		r.Outputs = []Output{c.output}
		require.Equal(t, c.want, draw(r, 120, 0, false)[1])
		var page bytes.Buffer
		require.NoError(t, writePage(&page, r))
		require.Contains(t, page.String(), ">"+c.want+"<")
	}
}

func TestPagesShowWhatIsWrong(t *testing.T) {
	for name, of := range map[string]func(*testing.T) Report{"moving": moving, "stuck": stuck, "several": several, "ended": ended, "organization": organization} {
		var text bytes.Buffer
		require.NoError(t, writePage(&text, of(t)))
		golden(t, name+".html.txt", textOf(text.String()))
	}
}

func TestTextOfThePipelineIsEscapedInPages(t *testing.T) {
	r := stuck(t)
	r.Inputs[0].Label, r.Inputs[0].Status = "<script>1</script>", `"><img src=x>`
	r.Outputs[0].Error = "<b>"
	var text bytes.Buffer
	require.NoError(t, writePage(&text, r))
	require.NotContains(t, text.String(), "<script>1")
	require.NotContains(t, text.String(), "<img")
	require.NotContains(t, text.String(), "<b>&")
}

func TestAPageThatCanNotBeWrittenNamesTheFlag(t *testing.T) {
	err := savePage(filepath.Join(t.TempDir(), "not there", "x.html"), nil, moving(t))
	require.ErrorContains(t, err, "--html: ")
}

func TestCommandLines(t *testing.T) {
	parse := func(args ...string) (Options, error) { return options(args, Command().Flags) }
	o, err := parse("h:1", "--once", "--interval", "500ms", "--json")
	require.NoError(t, err)
	require.Equal(t, Options{URL: "h:1", Once: true, JSON: true, Interval: 500 * time.Millisecond}, o)
	o, err = parse()
	require.NoError(t, err)
	require.Equal(t, Options{URL: "http://127.0.0.1:4195"}, o)
	for args, says := range map[string]string{
		"a http://u:secret@b": "write one URL",
		"--interval 1ms":      "--interval 1ms: write at least 100ms",
		"--interval -1s":      "--interval -1s: write at least 100ms",
		"--for -1s":           "--for -1s: write a duration that is not negative",
		"--html x --json":     "exclude each other",
		"--html=":             "--html is empty",
		"--bogus":             "bogus",
	} {
		_, err := parse(strings.Fields(args)...)
		require.ErrorContains(t, err, says, args)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestAScreenIsLeftAsItWasFound(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "terminal"))
	require.NoError(t, err)
	restored := 0
	s := &screen{out: file, restore: func() { restored++ }}
	s.draw([]string{"one", "two"})
	s.close()
	s.close()
	written, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	require.Equal(t, "\x1b[Hone\x1b[K\r\ntwo\x1b[K\x1b[J\x1b[?7h\x1b[?25h\x1b[?1049l", string(written))
	require.Equal(t, 1, restored)
	for _, key := range []byte("qQ\x03\x04") {
		require.True(t, ends(key))
	}
	require.False(t, ends('x'))
	require.NoError(t, file.Close())
}

// textOf is the text of a page as a reader sees it, a line for each element.
func textOf(page string) string {
	_, body, _ := strings.Cut(page, "<main>")
	var text strings.Builder
	for len(body) > 0 {
		before, rest, _ := strings.Cut(body, "<")
		if line := strings.TrimSpace(before); line != "" {
			text.WriteString(line + "\n")
		}
		_, body, _ = strings.Cut(rest, ">")
	}
	return text.String()
}
