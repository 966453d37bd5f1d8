package listing

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// minSplit is how many pages a share must seem to have left before it is split.
// The lister of a shorter share finishes it just as soon alone.
const minSplit = 4

// A schedule is one run of List. Only the consumer's goroutine touches it. Every
// other goroutine fetches one page and sends it as an answer, so nothing needs a
// lock.
type schedule struct {
	pager     Pager
	prefix    string
	listers   int // most pages under way
	limiter   Limiter
	room      Room
	rangeSize int  // of full ranges
	nextSize  int  // of the next range; the first ranges are shorter
	bounded   bool // the caller gave bounds
	shares    []*share
	ready     []Range
	model     model
	// answers has room for one of each lister, so that none waits for the consumer. They
	// are pointers because a bucket of one page pays for that room in each pass.
	answers  chan *answer
	fetches  sync.WaitGroup
	underWay int  // pages
	kept     int  // objects that were listed, and that the consumer is not done with
	full     bool // there was no room for another page

	pageSize int // keys on the longest page so far
	requests int // that were answered
	objects  int // that were kept
}

// answer is the outcome of one request for a page.
type answer struct {
	share *share
	objs  []object.Object
	more  bool
	err   error
}

func newSchedule(o Options) *schedule {
	s := &schedule{
		pager:     o.Pager,
		prefix:    o.Prefix,
		limiter:   o.Limiter,
		room:      o.Room,
		listers:   MaxListers(o.Listers),
		rangeSize: cmp.Or(o.RangeSize, DefaultRangeSize),
		nextSize:  1,
		pageSize:  1,
	}
	s.answers = make(chan *answer, s.listers)
	bounds := inside(o.Bounds, o.Prefix, afterPrefix(o.Prefix))
	if len(bounds) > 0 {
		s.rangeSize *= 2
		s.nextSize, s.bounded = s.rangeSize, true
	}
	s.shares = []*share{{lo: o.Prefix, open: o.Prefix, bounds: bounds}}
	return s
}

// inside returns the bounds between lo and hi, in order.
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

// run keeps all listers busy, handles their answers, and hands out ranges.
func (s *schedule) run(ctx context.Context, yield func(Range, error) bool) {
	for {
		if err := s.dispatch(ctx); err != nil {
			s.end(yield, err)
			return
		}
		if a, ok := s.next(); ok {
			if err := s.handle(*a); err != nil {
				s.end(yield, err)
				return
			}
			continue
		}
		if len(s.ready) == 0 && s.full {
			s.cut()
		}
		if len(s.ready) == 0 {
			return
		}
		rg := s.pop()
		if !yield(rg, nil) {
			return
		}
		s.done(len(rg.Objects))
	}
}

// end hands out the ranges that are ready, and then the error.
func (s *schedule) end(yield func(Range, error) bool, err error) {
	for len(s.ready) > 0 {
		if !yield(s.pop(), nil) {
			return
		}
	}
	yield(Range{}, err)
}

// next is the next answer. It waits only if there is nothing else to do.
func (s *schedule) next() (*answer, bool) {
	if len(s.ready) == 0 && s.underWay > 0 {
		return <-s.answers, true
	}
	select {
	case a := <-s.answers:
		return a, true
	default:
		return nil, false
	}
}

// pop removes and returns the first range that is ready.
func (s *schedule) pop() Range {
	rg := s.ready[0]
	s.ready[0] = Range{}
	s.ready = s.ready[1:]
	return rg
}

// dispatch asks for as many pages as may be under way, and for none while the
// consumer is behind.
func (s *schedule) dispatch(ctx context.Context) error {
	s.full = false
	for len(s.ready) <= s.listers && s.underWay < s.listers && len(s.shares) > 0 {
		if ok, err := s.hasRoom(ctx); !ok {
			return err
		}
		sh := s.idle()
		if sh == nil {
			s.roomLeft()
			return nil
		}
		release, ok := s.take()
		if !ok {
			s.roomLeft()
			return nil // until a page comes: there is at least one under way
		}
		sh.underWay = true
		s.underWay++
		after := sh.after
		s.fetches.Go(func() {
			objs, more, err := s.pager.Page(ctx, s.prefix, after)
			release(err)
			s.answers <- &answer{share: sh, objs: objs, more: more, err: err}
		})
	}
	return nil
}

// take asks the limiter for one more page.
func (s *schedule) take() (release func(err error), ok bool) {
	if s.limiter == nil {
		return func(error) {}, true
	}
	return s.limiter.TakePage(s.underWay)
}

// idle is a share without a page under way: a share that had to wait, or the
// upper half of the share that seems to have the most left. Nil if there is
// neither.
func (s *schedule) idle() *share {
	if i := slices.IndexFunc(s.shares, func(sh *share) bool { return !sh.underWay }); i >= 0 {
		return s.shares[i]
	}
	if len(s.shares) >= s.listers {
		return nil
	}
	longest := s.longest()
	if longest == nil {
		return nil
	}
	upper := s.split(longest)
	if upper != nil {
		s.shares = append(s.shares, upper)
	}
	return upper
}

// longest is the share that seems to have the most left, among the shares that
// may be split. A share between two given bounds may be split once it is known
// to have grown.
func (s *schedule) longest() *share {
	var longest *share
	affordable, most := s.affordable(), float64(minSplit*s.pageSize)
	for _, sh := range s.shares {
		if len(sh.bounds) == 0 && (!affordable || s.bounded && !sh.grown) {
			continue
		}
		if left := s.remaining(sh); left >= most {
			longest, most = sh, left
		}
	}
	return longest
}

// affordable says whether another share may be split at a guessed key. A guess
// costs half a page, because the lower share's last page goes beyond its new
// bound, and a whole page if the upper share turns out empty. Useful pages pay
// for guesses: a third of a page for each at first, so that the listers multiply
// as in slow start and a bucket of a few pages needs only a few requests; and an
// eighth in the long run, so that a large bucket needs at most an eighth more
// requests than one lister.
func (s *schedule) affordable() bool {
	pages := float64(s.objects) / float64(s.pageSize)
	spent := float64(s.requests) - pages
	for _, sh := range s.shares {
		if sh.pages == 0 {
			spent++
		} else {
			spent += 0.5
		}
	}
	return spent <= min((pages-2)/3, 8+pages/8)
}

// handle handles an answer.
func (s *schedule) handle(a answer) error {
	sh := a.share
	sh.underWay = false
	s.underWay--
	if a.err != nil {
		return fmt.Errorf("listing keys with prefix %q after %q: %w", s.prefix, sh.after, a.err)
	}
	s.requests++
	s.pageSize = max(s.pageSize, len(a.objs))
	placed, odd, done, err := sh.add(s.prefix, a.objs, a.more)
	if err != nil {
		return err
	}
	s.objects += placed + odd
	s.kept += placed
	if last := done && len(s.shares) == 1; s.listers > 1 && !last {
		s.model.learn(sh.objs[len(sh.objs)-placed:])
	}
	if done && s.remove(sh) {
		return nil
	}
	s.offer(sh.ranges(s.nextSize, s.pageSize, done))
	return nil
}

// remove removes a complete share. If nothing was found in it and its left
// neighbour is still being listed, the neighbour absorbs it; remove reports
// whether that happened. Otherwise the share becomes a range of its own.
func (s *schedule) remove(sh *share) bool {
	s.shares = slices.DeleteFunc(s.shares, func(o *share) bool { return o == sh })
	if !sh.empty() {
		return false
	}
	for _, o := range s.shares {
		if o.end == sh.open && o.end != "" {
			o.end = sh.end
			return true
		}
	}
	return false
}

// offer makes ranges ready. Each may be twice as long as the one before, up to
// the full size.
func (s *schedule) offer(ranges []Range) {
	for _, rg := range ranges {
		s.nextSize = min(s.rangeSize, max(s.nextSize, 2*len(rg.Objects)))
	}
	s.ready = append(s.ready, ranges...)
}
