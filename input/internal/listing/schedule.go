package listing

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// minSteal is how many pages a span must seem to have left before another lister
// takes a part of it. Below, its own lister is done as soon.
const minSteal = 4

// A schedule is one run of List. All of it belongs to the goroutine that runs
// it, which is the consumer's; each of the others fetches one page and hands it
// over, so that there is nothing to lock.
type schedule struct {
	pager   Pager
	prefix  string
	limit   *Limit
	size    int  // of a stretch, in the end
	goal    int  // of the next stretch
	bounded bool // bounds were given
	spans   []*span
	ready   []Stretch
	chart   chart
	answers chan answer
	fetches sync.WaitGroup
	flying  int // pages under way

	page     int // keys of the longest page
	requests int // answered
	kept     int // objects
}

// answer is what came of asking for a page.
type answer struct {
	span *span
	objs []object.Object
	more bool
	err  error
	took time.Duration
	ticket
}

func newSchedule(o Options) *schedule {
	s := &schedule{
		pager:  o.Pager,
		prefix: o.Prefix,
		limit:  cmp.Or(o.Listers, NewLimit(0)),
		size:   cmp.Or(o.StretchSize, DefaultStretchSize),
		goal:   1,
		page:   1,
	}
	s.answers = make(chan answer, s.limit.max)
	bounds := inside(o.Bounds, o.Prefix, afterPrefix(o.Prefix))
	if len(bounds) > 0 {
		s.size *= 2
		s.goal, s.bounded = s.size, true
	}
	s.spans = []*span{{lo: o.Prefix, open: o.Prefix, bounds: bounds}}
	return s
}

// inside returns those of the bounds that lie within a range, in order.
func inside(bounds []string, lo, hi string) []string {
	var in []string
	for _, b := range bounds {
		if b > lo && beforeBound(b, hi) {
			in = append(in, b)
		}
	}
	slices.Sort(in)
	return slices.Compact(in)
}

// run keeps all listers busy, takes what they bring, and hands out stretches.
func (s *schedule) run(ctx context.Context, yield func(Stretch, error) bool) {
	for {
		s.dispatch(ctx)
		if a, ok := s.next(); ok {
			if err := s.settle(a); err != nil {
				s.end(yield, err)
				return
			}
			continue
		}
		if len(s.ready) == 0 || !yield(s.pop(), nil) {
			return
		}
	}
}

// end hands out what is ready, and then the error.
func (s *schedule) end(yield func(Stretch, error) bool, err error) {
	for len(s.ready) > 0 {
		if !yield(s.pop(), nil) {
			return
		}
	}
	yield(Stretch{}, err)
}

// next is the next answer. It waits for one only where there is nothing else to
// do.
func (s *schedule) next() (answer, bool) {
	if len(s.ready) == 0 && s.flying > 0 {
		return <-s.answers, true
	}
	select {
	case a := <-s.answers:
		return a, true
	default:
		return answer{}, false
	}
}

// pop takes the first stretch that is ready.
func (s *schedule) pop() Stretch {
	st := s.ready[0]
	s.ready[0] = Stretch{}
	s.ready = s.ready[1:]
	return st
}

// dispatch asks for as many pages as may be under way. It asks for none while
// the consumer is behind.
func (s *schedule) dispatch(ctx context.Context) {
	for len(s.ready) <= s.limit.max && s.flying < s.limit.Listers() {
		sp := s.idle()
		if sp == nil {
			return
		}
		sp.flying = true
		s.flying++
		after, t := sp.after, s.limit.asked(s.flying)
		s.fetches.Go(func() {
			start := time.Now()
			objs, more, err := s.pager.Page(ctx, s.prefix, after)
			s.answers <- answer{span: sp, objs: objs, more: more, err: err, took: time.Since(start), ticket: t}
		})
	}
}

// idle is a span whose next page nobody has asked for: one that had to wait, or
// a part of the one that seems to have the most left. Nil where there is
// neither.
func (s *schedule) idle() *span {
	if i := slices.IndexFunc(s.spans, func(sp *span) bool { return !sp.flying }); i >= 0 {
		return s.spans[i]
	}
	if len(s.spans) >= s.limit.max {
		return nil
	}
	victim := s.longest()
	if victim == nil {
		return nil
	}
	thief := s.split(victim)
	if thief != nil {
		s.spans = append(s.spans, thief)
	}
	return thief
}

// longest is the span that seems to have the most left, of those that may be
// split. What lies between two given bounds may be once it is known to have
// grown.
func (s *schedule) longest() *span {
	var longest *span
	affordable, most := s.affordable(), float64(minSteal*s.page)
	for _, sp := range s.spans {
		if len(sp.bounds) == 0 && (!affordable || s.bounded && !sp.long) {
			continue
		}
		if rest := s.rest(sp); rest >= most {
			longest, most = sp, rest
		}
	}
	return longest
}

// affordable says whether another guess where keys are may be made. A guess
// costs half a page, by which the span before it overshoots its new bound, and
// a whole one where no keys are; so guesses are paid for by pages that were
// needed. It keeps a bucket of a few pages at a few requests, and bounds the
// requests that a large one takes beyond those of a plain listing: a third at
// first, a sixth in the long run.
func (s *schedule) affordable() bool {
	pages := float64(s.kept) / float64(s.page)
	spent := float64(s.requests) - pages
	for _, sp := range s.spans {
		if sp.pages == 0 {
			spent++
		} else {
			spent += 0.5
		}
	}
	return spent <= min((pages-1)/3, 8+pages/6)
}

// settle takes an answer.
func (s *schedule) settle(a answer) error {
	sp := a.span
	sp.flying = false
	s.flying--
	if a.err != nil {
		return fmt.Errorf("listing keys with prefix %q after %q: %w", s.prefix, sp.after, a.err)
	}
	s.limit.took(a.took, a.ticket)
	s.requests++
	s.page = max(s.page, len(a.objs))
	if s.limit.max > 1 {
		s.chart.learn(sp.after, sp.known, a.objs)
	}
	kept, done, err := sp.take(s.prefix, a.objs, a.more)
	if err != nil {
		return err
	}
	s.kept += kept
	if kept > 0 {
		s.chart.mark(sp.after, kept)
	}
	if done && s.leave(sp) {
		return nil
	}
	s.hand(sp.stretches(s.goal, s.page, done))
	return nil
}

// leave takes a complete span off the list. One in which nothing was found is
// added to its left neighbour, where that is still listed, rather than handed
// out; it reports whether it was.
func (s *schedule) leave(sp *span) bool {
	s.spans = slices.DeleteFunc(s.spans, func(o *span) bool { return o == sp })
	if !sp.barren() {
		return false
	}
	for _, o := range s.spans {
		if o.end == sp.open && o.end != "" {
			o.end = sp.end
			return true
		}
	}
	return false
}

// hand makes stretches ready. Each may be twice as long as the one before, up
// to the full size.
func (s *schedule) hand(stretches []Stretch) {
	for _, st := range stretches {
		s.goal = min(s.size, max(s.goal, 2*len(st.Objects)))
	}
	s.ready = append(s.ready, stretches...)
}
