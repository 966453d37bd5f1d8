package input

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
)

// Benthos has no way for an input to say that a run failed: a stream that ended
// looks the same whether everything arrived or nothing did. So the runs of a
// process are recorded here, for a main function to turn into an exit code.

// Report tells what became of the objects of one finished run. Listed is the
// sum of Unchanged, Filtered, Delivered, Vanished, Parked and Unsettled.
type Report struct {
	// Label is the label of the input in its config, empty where it has none.
	Label string
	// Bucket and Prefix are what was read.
	Bucket, Prefix string
	// Listed is how many objects were seen.
	Listed int64
	// Unchanged is how many were delivered by an earlier run (state).
	Unchanged int64
	// Filtered counts the objects left out, by rule: include, exclude,
	// modified_since, min_age, size, empty, placeholder.
	Filtered map[string]int64
	// Delivered is how many objects the output acknowledged; Bytes is their size.
	Delivered, Bytes int64
	// Vanished is how many were deleted between the listing and the download.
	Vanished int64
	// Parked counts the objects that could not be delivered, by reason.
	Parked map[string]int64
	// Unsettled is how many were under way when the run stopped.
	Unsettled int64
	// NotRemoved is how many delivered objects could not be deleted
	// (delete_objects).
	NotRemoved int64
	// Err says why the run is not complete; nil where everything that was due
	// was delivered.
	Err error
}

var runs struct {
	mu       sync.Mutex
	open     []*openRun
	finished []Report
	// onFirst is called when the first run begins; nil once that was done.
	onFirst func()
}

// reportsKept bounds what a process remembers, for one that runs streams for
// months. Errors are kept before successes.
const reportsKept = 100

// openRun is a one-time run that has begun and has no end yet. A nil openRun is
// one whose end nobody asks for.
type openRun struct {
	where   string
	abandon func() // accounts for the run as it is now
	once    sync.Once
}

// beginRun records that a one-time run has begun.
func beginRun(where string, abandon func()) *openRun {
	run := &openRun{where: where, abandon: abandon}
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

// end records how a run ended, the first time that it is called. A call that
// comes while another one accounts for the run waits for it.
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

// abandonTimeout bounds how long the end of the process waits until open runs are
// accounted for. Benthos kills the process a second after shutdown_timeout.
const abandonTimeout = 500 * time.Millisecond

// abandonOpenRuns accounts for the runs that have begun and never came to an end:
// Benthos gives up on an input whose output does not let go of its messages.
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
// begun and has no end by then counts as failed. Runs that were stopped from
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
// their end; nil if none was. A process that was told to stop by a signal should
// exit with a failure then, since a scheduler would read a zero as "all done".
func Interrupted() error {
	var errs []error
	for _, r := range Reports() {
		if errors.Is(r.Err, errInterrupted) {
			errs = append(errs, r.Err)
		}
	}
	return errors.Join(errs...)
}

var (
	errInterrupted = errors.New("stopped before its end")
	// errAbandoned is the cause of a run that Benthos gave up on.
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
	}
	var problems []error
	if cause != nil {
		problems = append(problems, cause)
	}
	if n := p.ParkedTotal(); n > 0 {
		problems = append(problems, fmt.Errorf("%d of %s could not be delivered (%s)%s", n, object.Count(p.Listed), countsByName(p.Parked), firstKeys(p)))
	}
	if n := out.Unsettled; n > 0 {
		text := object.Count(n) + " under way when the run stopped"
		if why := r.undelivered.why(); why != "" {
			text += ", the oldest not acknowledged: " + why
		}
		problems = append(problems, errors.New(text))
	}
	if p.NotRemoved > 0 {
		problems = append(problems, fmt.Errorf("%s delivered but not deleted", object.Count(p.NotRemoved)))
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

// keysNamed is how many parked objects the end of a run names. The first of each
// kind were named with their full reason in the log when they were parked.
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

// byCount gives the names, that of the largest count first, equal ones by name.
func byCount(counts map[string]int64) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
}
