package poll

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	// LeastPages is how many pages a full listing must have for asking to pay: one
	// page costs as much as asking does, and shows everything.
	LeastPages = 2

	// restLong is how long asking rests where it does not work or does not pay. Where
	// it fails in a way that may pass, it rests for restFirst, then for twice as long
	// each time.
	restLong  = 24 * time.Hour
	restFirst = time.Minute
	// patience is how many times in a row asking may take longer than a full listing
	// before it rests, and fail before the user hears of it.
	patience = 3
)

// Changes is what the passes remember, so that a later one can ask for no more
// than what changed.
type Changes interface {
	// Ready reports whether what changed is all that the next pass needs to see,
	// as the given identity.
	Ready(identity string) bool
	// Trouble is why the server can't be asked, as the last full listing that
	// remembers has found out.
	Trouble() error
	// Forget makes Ready false until the next full listing that remembers.
	Forget()
}

// Choice decides of each pass whether it lists everything or asks for changes
// alone, and lets asking rest where it does not work or does not pay. Set the
// fields before the first pass. PageListed and PageAsked are safe for concurrent
// use; the rest belongs to the loop.
type Choice struct {
	// Changes is nil where nobody can be asked.
	Changes Changes
	// FullEvery is the time from the beginning of a full listing to that of the
	// next.
	FullEvery time.Duration
	// LeastPages is how many pages a full listing must have for asking to pay.
	LeastPages int64
	// Lasts reports whether an error stays until the server or the keys are others.
	Lasts func(error) bool
	// Rests hears why asking rests, and for how long.
	Rests func(reason error, pause time.Duration)

	// listing and asking are what the pass under way costs.
	listing, asking meter

	// Of the last complete full listing: when it began, zero before the first, and
	// what it cost.
	fullAt time.Time
	full   cost

	owed      bool // asking failed since the last complete full listing
	restUntil time.Time
	failures  int // in a row
	slow      int // in a row
}

// PageListed hears how long a page of a full listing took.
func (c *Choice) PageListed(took time.Duration) { c.listing.add(took) }

// PageAsked hears how long a page of changes took.
func (c *Choice) PageAsked(took time.Duration) { c.asking.add(took) }

// kind is a kind of pass.
type kind uint8

const (
	fullAlone       kind = iota // a full listing that remembers nothing
	fullAndRemember             // a full listing after which changes can be asked for
	changesAlone
)

// next is the kind of the next pass.
func (c *Choice) next(identity string) kind {
	now := time.Now()
	switch {
	case c.Changes == nil || now.Before(c.restUntil):
		return fullAlone
	case !c.fullAt.IsZero() && c.full.pages < c.LeastPages:
		c.Changes.Forget()
		return fullAlone
	case c.owed || !now.Before(c.fullAt.Add(c.FullEvery)) || !c.Changes.Ready(identity):
		return fullAndRemember
	}
	return changesAlone
}

// listed takes note of a complete full listing, which began at the given time.
func (c *Choice) listed(k kind, began time.Time) {
	// What asking failed with before this listing is counted already.
	counted := c.owed
	c.fullAt, c.full, c.owed = began, c.listing.reset(), false
	if k != fullAndRemember || counted {
		return
	}
	if err := c.Changes.Trouble(); err != nil {
		c.failed(err)
	}
}

// asked takes note of a pass that asked for changes.
func (c *Choice) asked(err error) {
	spent := c.asking.reset()
	switch {
	case err == nil && spent.pages == 1 && spent.took > c.full.took: // asking costs a page at least
		c.failures = 0
		if c.slow++; c.slow >= patience {
			c.rest(restLong)
			c.Rests(fmt.Errorf("asking took %v, and listing everything %v", spent.took.Round(time.Millisecond), c.full.took.Round(time.Millisecond)), restLong)
		}
	case err == nil:
		c.failures, c.slow = 0, 0
	default:
		c.owed = true
		if !errors.Is(err, errTooMuch) {
			c.failed(err)
		}
	}
}

// failed lets asking rest at once after an error that lasts, and longer and longer
// after others.
func (c *Choice) failed(err error) {
	if c.Lasts(err) {
		c.rest(restLong)
		c.Rests(err, restLong)
		return
	}
	if c.failures++; c.failures == 1 {
		return
	}
	pause := doubled(restFirst, c.failures-1, restLong)
	c.rest(pause)
	if c.failures == patience {
		c.Rests(err, pause)
	}
}

func (c *Choice) rest(d time.Duration) {
	c.restUntil, c.slow = time.Now().Add(d), 0
	c.Changes.Forget()
}

// errTooMuch ends a pass that asks for changes and would cost more than a full
// listing.
var errTooMuch = errors.New("so much changed that a full listing is cheaper")

// goOn returns an error once asking has become more expensive than a full listing:
// very much has just changed.
func (c *Choice) goOn() error {
	if spent := c.asking.sum(); spent.pages > 1 && (spent.pages > c.full.pages || spent.took > c.full.took) {
		return errTooMuch
	}
	return nil
}

// cost is what the pages of a pass took, summed up: they are queries of the
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

// sum is the cost so far.
func (m *meter) sum() cost { return cost{m.pages.Load(), time.Duration(m.took.Load())} }

// reset returns the cost so far, and starts again from zero.
func (m *meter) reset() cost { return cost{m.pages.Swap(0), time.Duration(m.took.Swap(0))} }
