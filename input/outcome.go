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
	finished []Report
}

// reportsKept bounds what a process remembers, for one that runs streams for
// months. Errors are kept before successes.
const reportsKept = 100

// Reports returns what became of the runs that have ended in this process, in
// the order of their end. At most 100 are kept.
func Reports() []Report {
	runs.mu.Lock()
	defer runs.mu.Unlock()
	return slices.Clone(runs.finished)
}

// ExitError says why one-time runs of this process did not deliver everything
// that was due; nil if all did. Runs that were stopped from outside do not
// count here, see [Interrupted].
func ExitError() error {
	var errs []error
	for _, r := range Reports() {
		if r.Err != nil && !errors.Is(r.Err, errInterrupted) {
			errs = append(errs, r.Err)
		}
	}
	return errors.Join(errs...)
}

// Interrupted says which one-time runs of this process were stopped before
// their end; nil if none was. A process that was told to stop by a signal should
// exit with a failure then, since a scheduler would take a zero for "all done".
func Interrupted() error {
	var errs []error
	for _, r := range Reports() {
		if errors.Is(r.Err, errInterrupted) {
			errs = append(errs, r.Err)
		}
	}
	return errors.Join(errs...)
}

var errInterrupted = errors.New("stopped before its end")

func recordRun(r Report) {
	runs.mu.Lock()
	defer runs.mu.Unlock()
	if len(runs.finished) >= reportsKept {
		i := max(slices.IndexFunc(runs.finished, func(r Report) bool { return r.Err == nil }), 0)
		runs.finished = slices.Delete(runs.finished, i, i+1)
	}
	runs.finished = append(runs.finished, r)
}

// newReport makes the public report of a pass; cause is what ended it early.
func newReport(r *reader, p pass.Report, cause error) Report {
	out := Report{
		Label: r.res.Label(), Bucket: r.conf.project.Bucket, Prefix: r.conf.prefix,
		Listed: p.Listed, Unchanged: p.Unchanged, Filtered: p.Filtered, Delivered: p.Delivered, Bytes: p.Bytes,
		Vanished: p.Vanished, Parked: p.Parked, Unsettled: p.Unsettled(), NotRemoved: p.NotRemoved,
	}
	var problems []error
	if cause != nil {
		problems = append(problems, cause)
	}
	if n := p.ParkedTotal(); n > 0 {
		problems = append(problems, fmt.Errorf("%d of %s could not be delivered (%s)%s", n, objects(p.Listed), countsByName(p.Parked), firstKeys(p)))
	}
	if n := out.Unsettled; n > 0 {
		problems = append(problems, fmt.Errorf("%s under way and not acknowledged when the run stopped", objects(n)))
	}
	if p.NotRemoved > 0 {
		problems = append(problems, fmt.Errorf("%s delivered but not deleted", objects(p.NotRemoved)))
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

// keysNamed is how many undelivered objects the end of a run names. Each was
// named with its full reason in the log when it was given up.
const keysNamed = 5

// firstKeys names the first undelivered objects.
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

// objects writes a number of objects.
func objects(n int64) string {
	if n == 1 {
		return "1 object"
	}
	return fmt.Sprintf("%d objects", n)
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
