package input

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
)

// In Benthos an input cannot say that a run failed: a stream that ended looks the
// same whether everything arrived or nothing did. So the runs of a process are
// recorded here, and a main function turns them into an exit code.

// Report tells what became of the objects of one finished run, or of those that
// targets_input named until its end; targets that were joined count once. Listed is the
// sum of Unchanged, Filtered, Delivered, Vanished, Parked and Unsettled.
type Report struct {
	// Label is the label of the input in its config, empty if it has none.
	Label string
	// Bucket and Prefix are what was read.
	Bucket, Prefix string
	// Listed is how many objects were seen.
	Listed int64
	// Unchanged is how many were delivered by an earlier run (state).
	Unchanged int64
	// Filtered counts the objects left out, by rule: include, exclude,
	// modified_since, modified_before, min_age, size, empty, placeholder,
	// content_types, moved, and outside for targets of another bucket, project or prefix.
	Filtered map[string]int64
	// Delivered is how many objects the output acknowledged; Bytes is their size.
	Delivered, Bytes int64
	// Vanished is how many were deleted between the listing and the download.
	Vanished int64
	// Parked counts the objects that could not be delivered, by reason.
	Parked map[string]int64
	// Unsettled is how many were under way when the run stopped.
	Unsettled int64
	// NotRemoved is how many delivered objects could not be deleted or moved
	// (after_delivery).
	NotRemoved int64
	// Err says why the run is not complete; nil if everything that was due was
	// delivered. Problems are its parts, without those that Parked and Interrupted
	// tell of.
	Err      error
	Problems []error
	// Took is how long the run read; 0 if it could not begin.
	Took time.Duration
	// FirstParked are the first of the objects that could not be delivered, at most 10.
	FirstParked []Unread
	// Remembered says that the input has a state: another run delivers only the rest.
	Remembered bool
	// Scopes are the parts of a run that reads several buckets, by project and bucket;
	// nil for one bucket. Then the counts above are their sums, Bucket is empty, Err joins
	// what is wrong with each, and Problems has only what belongs to no single one.
	Scopes []ScopeReport
}

// ScopeReport tells what became of the objects of one bucket in a run over several. The
// counts are as in [Report], for this bucket alone.
type ScopeReport struct {
	// Project is the ref of the project, and ProjectName its name; both are empty where
	// the run reads one project.
	Project, ProjectName string
	// Bucket is the bucket; empty for a project of which the buckets could not be
	// listed.
	Bucket string

	Listed, Unchanged, Delivered, Bytes int64
	Vanished, Unsettled, NotRemoved     int64
	Filtered, Parked                    map[string]int64

	// Gone says that the bucket or the project was gone at the end of the run. By
	// itself that is no failure.
	Gone bool
	// Err says why the bucket could not be read to its end; nil if it was. Objects that
	// are left even so are no error: Parked, Unsettled and NotRemoved count them.
	Err error
}

// Left is how many objects of the bucket were seen, and neither delivered nor left out
// on purpose.
func (s ScopeReport) Left() int64 {
	left := s.Unsettled
	for _, n := range s.Parked {
		left += n
	}
	return left
}

// Interrupted reports whether the run was stopped from outside before its end.
func (r Report) Interrupted() bool { return errors.Is(r.Err, errInterrupted) }

// Unread is an object that a run could not deliver: its key, the reason under which
// it is counted, and what was seen.
type Unread struct {
	// Project and Bucket say where the object is, as in [ScopeReport]. Both are empty
	// for a run that reads one bucket.
	Project, Bucket string
	Key, Reason     string
	Err             error
}

var runs struct {
	mu       sync.Mutex
	open     []*openRun
	finished []Report
	// onFirst is called when the first run begins; nil after that.
	onFirst func()
	// onEnd is told of ends in place of the log; nil for the log.
	onEnd func(Report)
}

// reportsKept bounds what a process remembers if it runs streams for months.
// Errors are kept before successes.
const reportsKept = 100

// openRun is a one-time run that has begun and not ended. It is nil for a run that
// repeats.
type openRun struct {
	where    string
	began    time.Time
	abandon  func() // makes the report of the run as it is now
	progress func() Progress
	once     sync.Once
}

// beginRun records that a one-time run has begun.
func beginRun(where string, abandon func(), progress func() Progress) *openRun {
	run := &openRun{where: where, began: time.Now(), abandon: abandon, progress: progress}
	runs.mu.Lock()
	runs.open = append(runs.open, run)
	first := runs.onFirst
	runs.onFirst = nil
	runs.mu.Unlock()
	if first != nil {
		first()
	}
	return run
}

// end records how a run ended, the first time that it is called. A second call
// waits until the first has finished.
func (o *openRun) end(account func() Report) {
	if o == nil {
		return
	}
	o.once.Do(func() {
		report := account()
		runs.mu.Lock()
		defer runs.mu.Unlock()
		runs.open = slices.DeleteFunc(runs.open, func(p *openRun) bool { return p == o })
		recordRun(report)
	})
}

// abandonTimeout bounds how long the process waits at its end for the reports of
// open runs. Benthos kills the process a second after shutdown_timeout.
const abandonTimeout = 500 * time.Millisecond

// abandonOpenRuns makes reports for runs that have begun and not ended: Benthos
// abandons an input if the output neither acknowledges nor refuses its messages.
func abandonOpenRuns() {
	runs.mu.Lock()
	open := slices.Clone(runs.open)
	runs.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, run := range open {
			run.abandon()
		}
	}()
	select {
	case <-done:
	case <-time.After(abandonTimeout):
	}
}

// Reports returns what became of the runs that have ended in this process, in
// the order of their end. At most 100 are kept.
func Reports() []Report {
	runs.mu.Lock()
	defer runs.mu.Unlock()
	return slices.Clone(runs.finished)
}

// ExitError says why one-time runs of this process did not deliver everything
// that was due; nil if all did. Call it when all streams have ended: a run that has
// begun and not ended by then counts as failed. Runs that were stopped from
// outside do not count here, see [Interrupted].
func ExitError() error {
	var errs []error
	for _, r := range Reports() {
		if r.Err != nil && !errors.Is(r.Err, errInterrupted) {
			errs = append(errs, r.Err)
		}
	}
	runs.mu.Lock()
	defer runs.mu.Unlock()
	for _, run := range runs.open {
		errs = append(errs, fmt.Errorf("reading %s: the one-time run has begun and not ended", run.where))
	}
	return errors.Join(errs...)
}

// Interrupted says which one-time runs of this process were stopped before
// their end; nil if none was. If a signal stopped the process, it should exit with
// a failure then, since a scheduler would read a zero as "all done".
func Interrupted() error {
	var errs []error
	for _, r := range Reports() {
		if errors.Is(r.Err, errInterrupted) {
			errs = append(errs, r.Err)
		}
	}
	return errors.Join(errs...)
}

// OnRunEnd has tell called with the report of each one-time run as it ends. The log
// lines about the progress and the end of these runs then have the level DEBUG: it is
// for programs that show both in their own way, see [Running]. Nil brings the lines
// back.
func OnRunEnd(tell func(Report)) {
	runs.mu.Lock()
	defer runs.mu.Unlock()
	runs.onEnd = tell
}

// endTeller is the function that OnRunEnd was given; nil for none.
func endTeller() func(Report) {
	runs.mu.Lock()
	defer runs.mu.Unlock()
	return runs.onEnd
}

var (
	errInterrupted = errors.New("stopped before its end")
	// errAbandoned is the cause of a run that Benthos abandoned.
	errAbandoned = errors.New("the process ended while the output still had messages that it did not acknowledge (shutdown_timeout)")
)

// recordRun is called with the lock held.
func recordRun(r Report) {
	if len(runs.finished) >= reportsKept {
		i := max(slices.IndexFunc(runs.finished, func(r Report) bool { return r.Err == nil }), 0)
		runs.finished = slices.Delete(runs.finished, i, i+1)
	}
	runs.finished = append(runs.finished, r)
}

// newReport makes the public report of a pass; cause is what ended it early.
func newReport(r *reader, p pass.Report, cause error) Report {
	out := Report{
		Label: r.res.Label(), Bucket: r.conf.Project.Bucket, Prefix: r.conf.Prefix,
		Listed: p.Listed, Unchanged: p.Unchanged, Filtered: p.Filtered, Delivered: p.Delivered, Bytes: p.Bytes,
		Vanished: p.Vanished, Parked: p.Parked, Unsettled: p.Unsettled(), NotRemoved: p.NotRemoved,
		Remembered: r.conf.State.Set(),
	}
	for _, o := range p.ParkedObjects {
		out.FirstParked = append(out.FirstParked, Unread{Key: o.Object.Key, Reason: o.Reason, Err: o.Err})
	}
	var problems []error
	add := func(err error, told bool) {
		problems = append(problems, err)
		if !told {
			out.Problems = append(out.Problems, err)
		}
	}
	if cause != nil {
		add(cause, errors.Is(cause, errInterrupted))
	}
	if n := p.ParkedTotal(); n > 0 {
		add(fmt.Errorf("%d of %s could not be delivered (%s)%s", n, object.Count(p.Listed), countsByName(p.Parked), firstKeys(p)), true)
	}
	if n := out.Unsettled; n > 0 {
		text := object.Count(n) + " under way when the run stopped"
		if why := r.undelivered.Why(); why != "" {
			text += ", the oldest not acknowledged: " + why
		}
		add(errors.New(text), false)
	}
	if n := r.targets.malformed.Load(); n > 0 {
		problems = append(problems, fmt.Errorf("%d messages of targets_input named no object", n))
	}
	if p.NotRemoved > 0 {
		add(fmt.Errorf("%s delivered but not %s", object.Count(p.NotRemoved), r.removals.Words().Done), false)
	}
	if err := r.removals.Pending(); err != nil {
		add(err, false)
	}
	if len(problems) > 0 {
		out.Err = fmt.Errorf("reading %s: %w", r.where(), oneLine(problems))
	}
	return out
}

// oneLine joins errors for a log line, which errors.Join would break.
type oneLine []error

func (e oneLine) Error() string {
	parts := make([]string, len(e))
	for i, err := range e {
		parts[i] = err.Error()
	}
	return strings.Join(parts, "; ")
}

func (e oneLine) Unwrap() []error { return e }

// keysNamed is how many parked objects the end of a run names. When the first
// objects of each reason were parked, the log named them with the full reason.
const keysNamed = 5

// firstKeys names the first parked objects.
func firstKeys(p pass.Report) string {
	var keys []string
	for _, o := range p.ParkedObjects[:min(len(p.ParkedObjects), keysNamed)] {
		keys = append(keys, strconv.Quote(o.Object.Key))
	}
	if len(keys) == 0 {
		return ""
	}
	more := ""
	if n := p.ParkedTotal() - int64(len(keys)); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return ": " + strings.Join(keys, ", ") + more
}

// countsByName writes counts with their names, the largest first.
func countsByName(counts map[string]int64) string {
	parts := make([]string, 0, len(counts))
	for _, name := range byCount(counts) {
		parts = append(parts, fmt.Sprintf("%s: %d", name, counts[name]))
	}
	return strings.Join(parts, ", ")
}

// byCount sorts the names: the largest count first, equal counts by name.
func byCount(counts map[string]int64) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
}

// Main runs the command line of Benthos with this input and ends the process with
// the exit code of [RunCLI]. The main function of your own build needs no more; it
// links the components that the program imports.
func Main(opts ...service.CLIOptFunc) {
	os.Exit(RunCLI(context.Background(), opts...))
}

// RunCLI is [service.RunCLIToCode] with an exit code that says whether the work is
// done. service.RunCLI ends with 0 whenever its inputs end, even if a bucket does
// not exist, objects could not be delivered, or a signal cut the work short.
//
// The exit code is 0 if everything that was due in one-time runs was delivered.
// It is 1 if something was not delivered, if a run could not begin, or if a run
// ended before all of it was acknowledged: by a signal, or because the output
// holds its messages beyond shutdown_timeout. Inputs that repeat (continuous and
// scheduled) end with 0 when a signal stops them.
//
// The log goes to stderr, unless logger.file says otherwise. It has the reason for
// a code of 1.
func RunCLI(ctx context.Context, opts ...service.CLIOptFunc) (exitCode int) {
	signals := make(chan os.Signal, 1)
	runs.mu.Lock()
	runs.onFirst = func() {
		// Not earlier: a signal should end a command that runs no pipeline, as it ends
		// any other program.
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	}
	runs.mu.Unlock()

	code, err := service.RunCLIToCode(ctx, append(logToStderr(), opts...)...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	abandonOpenRuns()
	if code != 0 {
		return code
	}
	if ExitError() != nil {
		return 1
	}
	if Interrupted() == nil {
		return 0
	}
	select {
	case <-signals:
		return 1
	case <-time.After(signalGrace): // a stream was removed, say
		return 0
	}
}

// signalGrace is how long a signal is waited for that Benthos has had, when a run was
// interrupted: the runtime hands it to one receiver after the other, and on a busy
// machine the first may be done before the second has it.
const signalGrace = time.Second

// logToStderr makes pipelines log to stderr. Benthos logs to the os.Stdout that it
// finds when its command line is made, and prints the output of commands there too.
// So it gets a stdout of its own, which becomes stderr once the log of a pipeline
// is set up.
func logToStderr() []service.CLIOptFunc {
	stdout := os.Stdout
	theirs := *stdout
	os.Stdout = &theirs
	return []service.CLIOptFunc{
		func(*service.CLIOptBuilder) { os.Stdout = stdout },
		service.CLIOptOnLoggerInit(func(*service.Logger) { theirs = *os.Stderr }),
	}
}
