// Package listing lists a bucket with several listers at a time. The server
// gives a thousand keys a page and can begin a listing anywhere, so the key
// space is cut into spans that are listed side by side. Where the keys are is
// not known beforehand: one lister begins, and whenever another is idle it takes
// over about half of the span that seems to have the most left. How much that
// is, and where to cut, is estimated from the keys seen so far, so that the
// first page of a taken span is nearly always full of keys that were needed
// anyway. Cut points that a ledger knows from before take the place of the
// estimates.
//
// The listing is flat, for with a delimiter the server skips keys.
//
// The way of a page:
//
//	schedule (who lists what) ─► Pager ─► span (check, keep, stretches) ─► consumer
//	    ▲ cut ◄─ estimate ◄─ chart (what all pages taught about the keys) ◄─┤
//	    └ limit ◄─ pace (how many listers the server gains from) ◄──────────┘
package listing

import (
	"context"
	"iter"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// DefaultStretchSize is the number of objects that a stretch is aimed to have.
const DefaultStretchSize = 4096

// Pager asks for one page of a listing. It is called from several goroutines.
type Pager interface {
	// Page lists up to 1000 objects with the prefix whose keys are greater than
	// after, in byte order of the keys; after "" is the start. More says whether
	// the listing goes on after the last of them. Page retries by itself what may
	// pass, and returns soon once ctx has ended.
	Page(ctx context.Context, prefix, after string) (objs []object.Object, more bool, err error)
}

// Stretch is everything that was listed between two bounds.
type Stretch struct {
	// Lo and Hi bound the keys: Lo <= key < Hi. The first Lo is the prefix, and
	// the last Hi is empty. A bound between them that was not given ends with a
	// NUL, which no key holds; it may be given the next time.
	Lo, Hi string
	// Objects are in strictly rising byte order of their keys. There may be none.
	// The consumer may keep and change the slice.
	Objects []object.Object
	// Unplaced are objects found along with the others whose keys hold U+FFFD, and
	// odd entries without a key.
	// The server also writes it for characters that XML cannot carry, so that
	// such a key may be no real one, stand anywhere in the order, and come in two
	// stretches. Mostly there are none.
	Unplaced []object.Object
}

// Options say what to list, and how.
type Options struct {
	// Pager is required.
	Pager Pager
	// Prefix is literal; "" is the whole bucket.
	Prefix string
	// Bounds cut the key space evenly by the number of objects, as far as is
	// known: the lower bounds of a ledger's segments of about StretchSize, in any
	// order. No stretch goes across one. Nil for a first listing.
	Bounds []string
	// Listers bounds the pages under way; nil is NewLimit(0), which adapts. With
	// NewLimit(1), stretches come in key order and no request is made that a
	// plain listing would not make.
	Listers *Limit
	// StretchSize is about how many objects a stretch has at most, by default
	// DefaultStretchSize; with Bounds, twice as many. The first stretches are
	// shorter, so that the consumer has something to do early.
	StretchSize int
}

// List lists all objects with the prefix. The stretches do not overlap, and
// together they cover the prefix's range if and only if the sequence ended
// without an error. At most one error comes, and nothing after it. Stretches
// come in any order.
//
// Every key that was there during the whole listing is listed exactly once; one
// that came or went meanwhile is listed once or not at all.
//
// When the consumer does not pull, listing stops: at most about two stretches
// and one page for each lister are held. When it stops early, pages under way
// are cancelled and waited for.
func List(ctx context.Context, o Options) iter.Seq2[Stretch, error] {
	return func(yield func(Stretch, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		s := newSchedule(o)
		defer s.fetches.Wait()
		defer stop()
		s.run(ctx, yield)
	}
}
