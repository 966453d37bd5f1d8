package live

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
	"github.com/seed75cbcda6/supabase-storage/input"
)

// glass is what a terminal shows that got a text: rows, the cursor at one column.
// It knows the sequences that a screen uses, and fails at others.
func glass(t *testing.T, text string) []string {
	t.Helper()
	rows, row, column := [][]rune{{}}, 0, 0
	for len(text) > 0 {
		switch {
		case strings.HasPrefix(text, "\x1b[J"):
			rows = rows[:row+1]
			rows[row] = rows[row][:min(column, len(rows[row]))]
			text = text[len("\x1b[J"):]
			continue
		case text[0] == '\r':
			column = 0
		case text[0] == '\n':
			if row++; row == len(rows) {
				rows = append(rows, nil)
			}
			column = 0
		default:
			require.NotEqual(t, byte(0x1b), text[0], "%q", text)
			for len(rows[row]) <= column {
				rows[row] = append(rows[row], ' ')
			}
			rows[row][column] = rune(text[0])
			column++
		}
		text = text[1:]
	}
	require.Zero(t, column, "the cursor rests at the beginning of a row")
	var shown []string
	for _, r := range rows {
		shown = append(shown, strings.TrimRight(string(r), " "))
	}
	return shown
}

var update = flag.Bool("update", false, "write the golden files")

// golden compares a text with a file of testdata.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), text)
}

func constant(text string) func(int) string { return func(int) string { return text } }

func TestTextScrollsAboveTheLine(t *testing.T) {
	var out bytes.Buffer
	s := newScreen(&out, func() int { return 80 })
	s.Show(constant("a long line"))
	_, _ = io.WriteString(s, "one\n")
	s.Show(constant("line 2"))
	_, _ = io.WriteString(s, "two\nthree\n")
	require.Equal(t, []string{"one", "two", "three", "line 2"}, glass(t, out.String()))
	s.Show(nil)
	require.Equal(t, []string{"one", "two", "three", ""}, glass(t, out.String()))
	_, _ = io.WriteString(s, "four\n")
	require.Equal(t, []string{"one", "two", "three", "four", ""}, glass(t, out.String()))
}

func TestNothingIsDrawnIntoALineThatHasNotEnded(t *testing.T) {
	var out bytes.Buffer
	s := newScreen(&out, func() int { return 80 })
	_, _ = io.WriteString(s, "half a ")
	s.Show(constant("line"))
	_, _ = io.WriteString(s, "row\n")
	require.Equal(t, []string{"half a row", "line"}, glass(t, out.String()))
}

func TestAKeyThatTheTerminalEchoedIsDrawnOver(t *testing.T) {
	var out bytes.Buffer
	s := newScreen(&out, func() int { return 80 })
	s.Show(constant("line"))
	out.WriteString("^C")
	s.Show(constant("line"))
	require.Equal(t, []string{"line"}, glass(t, out.String()))
}

func TestLineFollowsTheWidthOfTheTerminal(t *testing.T) {
	columns := 40
	var asked []int
	s := newScreen(io.Discard, func() int { return columns })
	s.Show(func(columns int) string { asked = append(asked, columns); return "" })
	columns = 250
	_, _ = io.WriteString(s, "log\n")
	require.Equal(t, []int{39, 249}, asked, "the last column stays empty")
}

func TestLineIsDrawnByTimeAndGoneAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := &Session{screen: newScreen(&out, func() int { return 80 })}
		began := time.Now()
		end := s.Watch(func(now time.Time) (view.Figures, bool) {
			return view.Figures{Elapsed: now.Sub(began), Waits: "connecting to x"}, true
		})
		time.Sleep(61*time.Second + drawEvery/2)
		synctest.Wait()
		require.Equal(t, []string{"1:01  0 listed  0 delivered  connecting to x"}, glass(t, out.String()))
		end()
		end()
		require.Equal(t, []string{""}, glass(t, out.String()))
	})
}

func TestWithoutATerminalALineComesEveryTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, err := os.CreateTemp(t.TempDir(), "")
		require.NoError(t, err)
		defer file.Close()
		s := &Session{stderr: file}
		end := s.WatchText(func(time.Time) string { return "still there" })
		time.Sleep(35 * time.Second)
		end()
		text, err := os.ReadFile(file.Name())
		require.NoError(t, err)
		require.Equal(t, strings.Repeat("still there\n", 3), string(text))
	})
}

func TestWhatTheProcessWritesIsCapturedUntilItIsGivenBack(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer file.Close()
	kept := file // as Benthos keeps os.Stderr
	var seen bytes.Buffer
	restore, err := capture(file, func(r io.Reader) { copyLines(&seen, r, strings.ToUpper) })
	require.NoError(t, err)
	_, err = kept.WriteString("one\nno end")
	require.NoError(t, err)
	restore()
	require.Equal(t, "ONE\nNO END", seen.String())
	_, err = kept.WriteString("two")
	require.NoError(t, err)
	text, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	require.Equal(t, "two", string(text))
}

// brokenWriter is a terminal that is gone.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestATerminalThatIsGoneBlocksNobody(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer file.Close()
	screen := newScreen(brokenWriter{}, func() int { return 80 })
	for name, read := range map[string]func(io.Reader){
		"stdout": func(r io.Reader) { copyText(screen, r) },
		"stderr": func(r io.Reader) { copyLines(screen, r, strings.ToUpper) },
	} {
		restore, err := capture(file, read)
		require.NoError(t, err)
		_, err = file.WriteString(strings.Repeat("a line\n", 100_000)) // more than a pipe holds
		require.NoError(t, err, name)
		restore()
	}
}

func TestARunMayEndWhileItsSummaryIsPrinted(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer file.Close()
	p := &Pipeline{session: &Session{stderr: file}, unwatch: func() {}}
	p.runEnded(finished())
	var late sync.WaitGroup
	for range 20 { // a race, were it not for the lock
		late.Go(func() { p.runEnded(failed()) })
	}
	p.End()
	late.Wait()
	text, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	require.Contains(t, string(text), "everything that was due arrived")
	require.Len(t, p.reports(), 21)
}

func TestLogLinesAreShownAsPeopleReadThem(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 30, 1, 0, time.UTC)
	for line, want := range map[string]string{
		`level=info msg="Reading bucket \"docs\"" @service=supabase-connect label="" path=root.input`: "12:30:01 Reading bucket \"docs\"\n",
		`level=warning msg="Waiting for x" @service=supabase-connect label=uploads path=root.input`:   "12:30:01 WARNING Waiting for x label=uploads path=root.input\n",
		`level=error msg="a\x1b[2Jb" path=root.output`:                                                "12:30:01 ERROR a [2Jb path=root.output\n",
		`level=info msg=Running benthos_version=v1 path=my.yaml`:                                      "12:30:01 Running path=my.yaml\n",
		`{"level":"info","msg":"a=b"}`:                                                                "",
		`panic: x=y`:                                                                                  "",
		`goroutine 1 [running]:`:                                                                      "",
		`level=odd msg=x`:                                                                             "",
		`level=info msg="unended`:                                                                     "",
		``:                                                                                            "",
	} {
		got := logLine(line+"\n", now, false)
		if want == "" {
			want = line + "\n"
		}
		require.Equal(t, want, got)
	}
}

func TestModesAreAutoAlwaysAndNever(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer file.Close()
	for text, draws := range map[string]bool{"": false, "auto": false, "always": true, "never": false} {
		mode, err := ParseMode(text)
		require.NoError(t, err)
		require.Equal(t, draws, mode.draws(file), "%q, on a file", text)
	}
	_, err = ParseMode("yes")
	require.ErrorContains(t, err, `--progress "yes": write auto, always or never`)
}

func TestFiguresAreTheSumOfAllRuns(t *testing.T) {
	began := time.Unix(1000, 0)
	f := newFigures()
	running := []input.Progress{
		{Where: `bucket "a"`, Began: began.Add(time.Second), Listed: 100, Total: 200, Delivered: 50, UnderWay: 50, Bytes: 500},
		{Where: `bucket "b"`, Began: began, Listed: 10, Total: 10, Delivered: 9, Parked: 1},
	}
	ended := []input.Report{{Listed: 5, Delivered: 4, Filtered: map[string]int64{"size": 1}}}
	_, ok := f.of(nil, ended, began)
	require.False(t, ok, "no line without a run")
	_, ok = f.of(running, ended, began.Add(10*time.Second))
	require.True(t, ok)
	running[0].Listed, running[0].Delivered, running[0].Bytes = 150, 100, 1000
	got, _ := f.of(running, ended, began.Add(15*time.Second))
	require.Equal(t, view.Figures{
		Name: "3 inputs", Elapsed: 15 * time.Second, Listed: 165, Total: 215, Delivered: 113, Bytes: 1000,
		Rate: 10, ByteRate: 100, UnderWay: 50, Parked: 1, Filtered: 1, Left: 10 * time.Second,
	}, got)

	running[0].Waits = "nothing has moved"
	got, _ = f.of(running, ended, began.Add(16*time.Second))
	require.Empty(t, got.Waits, "the other one goes on")
	running[1].Waits = "nothing either"
	running[1].Total = 0
	got, _ = f.of(running, ended, began.Add(17*time.Second))
	require.Equal(t, `bucket "a": nothing has moved`, got.Waits)
	require.Zero(t, got.Total, "of one it is not known")
	require.Zero(t, got.Left)
}

// finished and failed are reports of runs.
func finished() input.Report {
	return input.Report{
		Bucket: "docs", Prefix: "photos/", Listed: 12345, Unchanged: 3000, Delivered: 8145, Bytes: 1 << 30,
		Filtered: map[string]int64{"include": 900, "size": 300}, Took: 102 * time.Second, Remembered: true,
	}
}

func failed() input.Report {
	r := finished()
	r.Delivered, r.Parked = 8143, map[string]int64{"denied": 2}
	r.FirstParked = []input.Unread{{Key: "photos/a\x1b[2J.jpg", Reason: "denied", Err: errors.New("reading the object: AccessDenied (HTTP 403): a policy on storage.objects must allow SELECT")}}
	r.Err = errors.New("2 of 12345 objects could not be delivered")
	return r
}

func TestSummarySaysWhatArrivedAndWhatToDo(t *testing.T) {
	require.Equal(t, `
bucket "docs" prefix "photos/": everything that was due arrived, in 1m42s

  listed       12,345
  delivered     8,145  1.0 GiB, 80/s, 10.0 MiB/s
  unchanged     3,000  delivered before
  filtered      1,200  900 not named by include_patterns, 300 outside the limi…
`, Summary(finished(), 80, false))
	require.Equal(t, `
bucket "docs" prefix "photos/": not everything arrived, after 1m42s

  listed       12,345
  delivered     8,143  1.0 GiB, 80/s, 10.0 MiB/s
  unchanged     3,000  delivered before
  filtered      1,200  900 not named by include_patterns, 300 outside the limits of size
  parked            2  2 denied
    "photos/a\x1b[2J.jpg"
      reading the object: AccessDenied (HTTP 403): a policy on storage.objects must allow SELECT
    and 1 more

  → Run it again when the reason is gone: it tries the 2 parked objects again, and repeats nothing
`, Summary(failed(), 120, false))
	require.Equal(t, `
bucket "nope": the run could not begin
  source_path: the bucket does not exist
`, Summary(input.Report{Bucket: "nope", Err: io.EOF, Problems: []error{errors.New("source_path: the bucket does not exist")}}, 200, false))
	without := failed()
	without.Remembered = false
	require.Contains(t, Summary(without, 250, false), "This input has no state")
}

// organizationRun is a run over many buckets of several projects.
func organizationRun() input.Report {
	r := input.Report{
		Label: "all", Prefix: "public/", Listed: 60_000, Unchanged: 10_000, Delivered: 48_000, Bytes: 5 << 30,
		Parked: map[string]int64{"denied": 78, "scanner": 1}, Unsettled: 1921, Took: 3 * time.Minute, Remembered: true,
		Err: errors.New("not everything"),
		FirstParked: []input.Unread{
			{Project: "00000000000000000002", Bucket: "docs", Key: "public/a.pdf", Reason: "denied", Err: errors.New("reading the object: AccessDenied (HTTP 403)")},
			{Bucket: "docs", Key: "public/a\x1b[2J", Reason: "denied"},
		},
	}
	for i := range 30 {
		project := fmt.Sprintf("%020d", i/3)
		s := input.ScopeReport{Project: project, Bucket: []string{"avatars", "docs", "invoices\x1b[2J"}[i%3], Listed: 2000, Delivered: 1600}
		switch {
		case i%3 == 1 && i < 15:
			s.Parked = map[string]int64{"denied": int64(i)}
		case i == 29:
			s.Parked, s.Unsettled = map[string]int64{"scanner": 1}, 1921
		case i%3 == 2 && i > 10:
			s.Err = errors.New("source_path: the role authenticated may not list this bucket; allow SELECT in a policy on storage.objects, or use keys that bypass row level security")
		}
		r.Scopes = append(r.Scopes, s)
	}
	r.Scopes = append(r.Scopes, input.ScopeReport{Project: "paused", ProjectName: "Shop\x1b[2J", Err: errors.New("the project is paused; restore it in the Dashboard")})
	return r
}

func TestSummaryNamesTheBucketsWithMostLeft(t *testing.T) {
	for _, columns := range []int{80, 200} {
		golden(t, fmt.Sprintf("organization_%d.txt", columns), Summary(organizationRun(), columns, false))
	}
	one := finished()
	one.Bucket, one.Scopes = "", []input.ScopeReport{{Bucket: "a", Delivered: 8145, Listed: 8145}, {Bucket: "b"}}
	require.Contains(t, Summary(one, 80, false), `2 buckets prefix "photos/": everything that was due arrived, in 1m42s`)
	require.NotContains(t, Summary(one, 80, false), "left", "nothing is")
}

func TestSummaryListsAreBounded(t *testing.T) {
	r := organizationRun()
	for i := range 5000 {
		r.Scopes = append(r.Scopes,
			input.ScopeReport{Bucket: fmt.Sprint("left", i), Parked: map[string]int64{"denied": 1}},
			input.ScopeReport{Bucket: fmt.Sprint("failed", i), Err: fmt.Errorf("reason %d", i)})
	}
	text := Summary(r, 120, false)
	require.Less(t, strings.Count(text, "\n"), 60)
	require.Contains(t, text, " and 3 more\n      source_path: ", "a reason is told once")
	require.Contains(t, text, "Objects are left in 5,006 buckets:")
	require.Contains(t, text, "Not read to the end: 1 project and 5,006 buckets:")
	require.Equal(t, 2, strings.Count(text, "    and 4,99"))
}

func TestFiguresCountTheBucketsOfARun(t *testing.T) {
	f := newFigures()
	got, _ := f.of([]input.Progress{
		{Listed: 1, Scopes: input.Scopes{Active: 3, Waiting: 40, Failing: 2, Gone: 1}},
		{Listed: 1, Scopes: input.Scopes{Active: 1}},
		{Listed: 1},
	}, nil, time.Unix(1000, 0))
	require.Equal(t, []int64{4, 40, 2}, []int64{got.Reading, got.Pending, got.Failing})
}

func TestSummaryFitsAnyTerminal(t *testing.T) {
	for _, r := range []input.Report{finished(), failed(), {}, organizationRun()} {
		for columns := 24; columns <= 250; columns++ {
			for line := range strings.Lines(Summary(r, columns, false)) {
				require.Less(t, view.Width(strings.TrimSuffix(line, "\n")), columns, "%d columns: %q", columns, line)
			}
		}
	}
	require.NotContains(t, Summary(failed(), 80, terminal.Painter(false)), "\x1b")
}
