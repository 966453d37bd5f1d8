package listing

import (
	"cmp"
	"context"
	"iter"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// DefaultListers is how many pages are under way at most by default: a Supabase
// project answers at most 20 queries at a time, and must serve others too.
const DefaultListers = 16

// DefaultRangeSize is about how many objects a range has at most by default.
const DefaultRangeSize = 4096

// Pager asks for one page of a listing. It is called from several goroutines.
type Pager interface {
	// Page lists up to 1000 objects with the prefix whose keys are greater than
	// after, in byte order of the keys; "" begins at the first key. More says
	// whether the listing goes on after the last of them. Page retries passing
	// failures itself, and returns soon once ctx has ended.
	Page(ctx context.Context, prefix, after string) (objs []object.Object, more bool, err error)
}

// A Limiter says when the endpoint may be asked for one more page. It may be shared
// with other listings and with downloads. Its methods are called from the
// consumer's goroutine, and release from others.
type Limiter interface {
	// TakePage takes a place for a page, while the listing has so many under way.
	// It does not wait. Ok is always true while there are none. Release gives the
	// place back, with the error of the page once it is not tried again.
	TakePage(underWay int) (release func(err error), ok bool)
}

// Room is how much a listing may hold in memory, where many share it. It is counted in
// pages: those that are asked for, and those whose objects the consumer has not done
// with, which it has when it comes for the next range. A listing has room for one page
// when it begins. The methods are called from the consumer's goroutine.
type Room interface {
	// Next is called before a page is asked for while none is held. It may wait, for
	// others that have waited longer, and its error ends the listing.
	Next(ctx context.Context) error
	// More reports whether so many pages may be held, where there was room for one less.
	// It does not wait. Keep says that no more than so many are held, at least one.
	More(pages int) bool
	Keep(pages int)
}

// Range is everything that was listed between two bounds.
type Range struct {
	// Lo and Hi bound the keys: Lo <= key < Hi. The first Lo is the prefix, and
	// the last Hi is empty. A bound that List chose itself ends with a NUL, which
	// no key contains. The caller may pass it as one of Options.Bounds next time.
	Lo, Hi string
	// Objects are in strictly rising byte order of their keys. There may be none.
	// The consumer may keep and change the slice.
	Objects []object.Object
	// Unplaced are odd entries without a key, and objects whose keys contain
	// U+FFFD. The server writes U+FFFD also for characters that XML cannot carry.
	// Such a key may differ from the real one, appear anywhere in the order, and
	// appear in two ranges. Usually there are none.
	Unplaced []object.Object
}

// Options say what to list, and how.
type Options struct {
	// Pager is required.
	Pager Pager
	// Prefix is literal; "" is the whole bucket.
	Prefix string
	// Bounds cut the key space into pieces with about equally many objects: the
	// lower bounds of a ledger's segments of about RangeSize objects, in any
	// order. No range crosses a bound. Nil for a first listing.
	Bounds []string
	// Listers is how many pages may be under way at most; zero is DefaultListers,
	// and less is one. With one, ranges come in key order, and the listing makes
	// the same requests as a plain one.
	Listers int
	// Limiter allows fewer pages while the endpoint pushes back; nil allows all.
	Limiter Limiter
	// Room is what the listing may hold; nil is what the other options come to. Where
	// there is no room for another page, the ranges are as short as a page.
	Room Room
	// RangeSize is about how many objects a range has at most, by default
	// DefaultRangeSize; with Bounds, twice as many. The first ranges are shorter,
	// so that the consumer can start early.
	RangeSize int
}

// MaxListers is how many pages may be under way at most for a configured number.
func MaxListers(configured int) int { return max(1, cmp.Or(configured, DefaultListers)) }

// List lists all objects with the prefix. The ranges do not overlap, and
// together they cover the whole prefix if and only if the sequence ended without
// an error. At most one error comes, and nothing after it. Ranges come in any
// order.
//
// A key that exists during the whole listing is listed exactly once. A key that
// appears or disappears meanwhile is listed once or not at all.
//
// While the consumer does not pull, listing stops: at most about two ranges and
// one page for each lister are held. If the consumer stops early, List cancels
// the pages under way and waits for them.
func List(ctx context.Context, o Options) iter.Seq2[Range, error] {
	return func(yield func(Range, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		s := newSchedule(o)
		defer s.fetches.Wait()
		defer stop()
		s.run(ctx, yield)
	}
}
