package input

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/changes"
)

const (
	// changesOffFor is how long every pass is a full listing after asking for
	// changes has turned out to be of no use. Where it fails in a way that may
	// pass, it is tried again after changesOffFirst, then after twice as long each
	// time.
	changesOffFor   = 24 * time.Hour
	changesOffFirst = time.Minute
	// changesPatience is how many times in a row asking may take longer than a
	// full listing before it is of no use, and fail before that is told.
	changesPatience = 3
)

// turns says of each pass whether it lists everything or asks for no more than
// what changed, and gives the latter up where it does not work or does not pay.
// Only the goroutine of the passes uses it.
type turns struct {
	// recent is nil where there is nobody to ask.
	recent *pass.Recent
	// every is the time from the beginning of a full listing to that of the next.
	every time.Duration
	// least is how many pages a full listing must have for asking to pay: one
	// alone is as much as asking costs, and shows everything.
	least int64
	// off tells why changes are not asked for, and for how long.
	off func(reason error, pause time.Duration)

	swept time.Time // when the last complete full listing began
	// owed says that a pass that asked for changes did not come to its end.
	owed     bool
	offUntil time.Time
	failures int
	slow     int
	// full is what the last complete full listing cost.
	full cost
}

// cost is what pages of a listing took, summed up: they are queries of the
// project's database, whether side by side or one after the other.
type cost struct {
	pages int64
	took  time.Duration
}

// meter sums up a cost. It is safe for concurrent use.
type meter struct{ pages, took atomic.Int64 }

func (m *meter) add(took time.Duration) {
	m.pages.Add(1)
	m.took.Add(int64(took))
}

// sum is what was summed up so far.
func (m *meter) sum() cost { return cost{m.pages.Load(), time.Duration(m.took.Load())} }

// reset returns what was summed up, and starts anew.
func (m *meter) reset() cost {
	return cost{m.pages.Swap(0), time.Duration(m.took.Swap(0))}
}

// next returns what the next pass hands on, which is shown to viewer, nil where
// it is of no use, and whether the pass asks for changes alone.
func (t *turns) next(viewer string) (recent *pass.Recent, onlyChanged bool) {
	now := time.Now()
	switch {
	case t.recent == nil || now.Before(t.offUntil):
		return nil, false
	case !t.swept.IsZero() && t.full.pages < t.least:
		t.recent.Forget()
		return nil, false
	}
	return t.recent, !t.owed && now.Before(t.swept.Add(t.every)) && t.recent.Ready(viewer)
}

// sweptAll takes note of a full listing that came to its end and showed so many
// objects, and of what it handed on.
func (t *turns) sweptAll(handed *pass.Recent, began time.Time, listed int64, c cost) {
	// A pass that handed nothing on has asked nobody, and trouble with the poll
	// before this pass is counted already.
	silent := handed == nil || t.owed
	t.swept, t.owed, t.full = began, false, c
	if silent {
		return
	}
	switch shows, err := t.recent.Feeds(); {
	case errors.Is(err, changes.ErrNoToken):
		t.pause(changesOffFor) // which is as the user wants it
	case err != nil:
		t.failed(err)
	case !shows && listed > 0 && t.full.pages >= t.least:
		t.failed(errors.New("it shows this role nothing, although the listing does"))
	}
}

// asked takes note of a pass that asked for changes, and what that cost.
func (t *turns) asked(c cost, err error) {
	switch {
	case err == nil && c.pages == 1 && c.took > t.full.took: // the least that asking costs
		t.failures = 0
		if t.slow++; t.slow >= changesPatience {
			t.pause(changesOffFor)
			t.off(fmt.Errorf("asking took %v, and listing everything %v", c.took.Round(time.Millisecond), t.full.took.Round(time.Millisecond)), changesOffFor)
		}
	case err == nil:
		t.failures, t.slow = 0, 0
	case errors.Is(err, errTooMuchChanged):
		t.owed = true
	default:
		t.owed = true
		t.failed(err)
	}
}

// failed believes at once what will not get better, and waits longer and longer
// for what may.
func (t *turns) failed(err error) {
	pause, tell := changesOffFor, true
	if !errors.Is(err, changes.ErrUnsupported) {
		if t.failures++; t.failures == 1 {
			return
		}
		pause = min(changesOffFirst<<min(t.failures-2, 16), changesOffFor)
		tell = t.failures == changesPatience
	}
	t.pause(pause)
	if tell {
		t.off(err, pause)
	}
}

func (t *turns) pause(d time.Duration) {
	t.offUntil, t.slow = time.Now().Add(d), 0
	t.recent.Forget()
}

// exceeds reports whether asking, of which c is the cost so far, has become
// dearer than a full listing would be: it is just after very much changed.
func (t *turns) exceeds(c cost) bool {
	return c.pages > 1 && (c.pages > t.full.pages || c.took > t.full.took)
}

// errTooMuchChanged ends a pass that asked for changes, and would cost more than
// a full listing.
var errTooMuchChanged = errors.New("so much changed that a full listing is cheaper")

// feed bounds what asking for changes may cost. It implements pass.Feed.
type feed struct {
	*changes.Client
	tooDear func() bool
}

var _ pass.Feed = feed{}

// Since implements pass.Feed.
func (f feed) Since(ctx context.Context, prefix string, since time.Time) iter.Seq2[[]object.Object, error] {
	return func(yield func([]object.Object, error) bool) {
		for page, err := range f.Client.Since(ctx, prefix, since) {
			if err == nil && f.tooDear() {
				yield(nil, errTooMuchChanged)
				return
			}
			if !yield(page, err) || err != nil {
				return
			}
		}
	}
}
