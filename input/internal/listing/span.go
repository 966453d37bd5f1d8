package listing

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// A span is one lister's part of the key space. It is listed from its lower
// bound to its upper one, which is lowered when another lister takes the rest.
type span struct {
	// lo is where the span began.
	lo string
	// open is the lower bound of what is in no stretch yet.
	open string
	// hi is the upper bound of the keys that belong here. The last stretch
	// reaches to end, which is beyond hi where another lister found nothing.
	hi, end string
	// after is where the next page starts. Once known, it is the last key that
	// was listed here; before, it may be made up, and lie below lo.
	after string
	known bool
	// bounds are the given ones between after and hi.
	bounds []string
	// trail has how many of the keys listed in a row share the first i bytes of
	// the last one. It ends where that is one key.
	trail []int

	objs     []object.Object
	unplaced []object.Object
	pages    int
	flying   bool // the next page is under way
	long     bool // more than one stretch, since the last given bound
}

// take adds a page. It reports how many of its objects belong here, and whether
// the span is complete.
func (sp *span) take(prefix string, objs []object.Object, more bool) (kept int, done bool, err error) {
	last, err := lastPlaced(prefix, sp.after, objs)
	if err != nil {
		return 0, false, err
	}
	if more {
		if last == sp.after {
			return 0, false, noWayOn(sp.after, len(objs))
		}
		// What follows the last placed key comes again with the next page.
		for unplaced(objs[len(objs)-1].Key) {
			objs = objs[:len(objs)-1]
		}
	}
	sp.pages++
	if last != sp.after {
		sp.follow(last, objs)
		sp.after, sp.known = last, last >= sp.lo
	}
	return sp.keep(objs), !more || !beforeBound(above(last), sp.hi), nil
}

// lastPlaced checks that a page is what was asked for, and returns its last key
// that is not unplaced, or after where there is none.
func lastPlaced(prefix, after string, objs []object.Object) (string, error) {
	last := after
	for i := range objs {
		key := objs[i].Key
		switch {
		case key != "" && !strings.HasPrefix(key, prefix):
			return "", misled("the server listed %q, which does not have the prefix %q", key, prefix)
		case unplaced(key):
		case key > last:
			last = key
		case last == after:
			return "", misled("the server listed %q when asked for keys after %q: it does not honour start-after", key, after)
		default:
			return "", misled("the server listed %q after %q: its listing is not in the byte order of its keys", key, last)
		}
	}
	return last, nil
}

// noWayOn is the error of a page after which there is no key to go on from.
func noWayOn(after string, objects int) error {
	if objects == 0 {
		return misled("the server says that there are keys after %q, and lists none", after)
	}
	return misled("each of the %d keys after %q has a character that the server lists as U+FFFD, so that there is no key to go on from: rename rows of storage.objects whose names have control characters", objects, after)
}

// misled is the error of an answer that cannot be right.
func misled(format string, args ...any) error {
	return &object.Error{Op: "listing", Kind: object.ErrInvalid, Err: fmt.Errorf(format, args...)}
}

// follow brings the trail up to last, the last key of a page.
func (sp *span) follow(last string, objs []object.Object) {
	common := -1
	if sp.known {
		common = shared(sp.after, last)
	}
	trail := sp.trail[:0]
	for i := range len(last) + 1 {
		if i <= common && i < len(sp.trail) {
			trail = append(trail, sp.trail[i]+len(objs))
			continue
		}
		first := sort.Search(len(objs), func(j int) bool { return objs[j].Key >= last[:i] })
		trail = append(trail, len(objs)-first)
		if len(objs)-first <= 1 {
			break
		}
	}
	sp.trail = trail
}

// keep stores those objects of a page that belong here, and reports how many
// there are.
func (sp *span) keep(objs []object.Object) (kept int) {
	before := len(sp.objs) + len(sp.unplaced)
	sp.objs = slices.Grow(sp.objs, len(objs))
	for i := range objs {
		key := objs[i].Key
		switch {
		case unplaced(key):
			// Dropped only if it is certain to stand beyond. So each is kept
			// by the span it really stands in, and perhaps by this one too.
			if beforeBound(lowest(key), sp.hi) {
				sp.unplaced = append(sp.unplaced, objs[i])
			}
		case key >= sp.open && beforeBound(key, sp.hi):
			sp.objs = append(sp.objs, objs[i])
		}
	}
	return len(sp.objs) + len(sp.unplaced) - before
}

// barren reports whether a complete span turned out to hold nothing, with no
// given bound in it.
func (sp *span) barren() bool {
	return sp.pages == 1 && len(sp.objs) == 0 && len(sp.unplaced) == 0 && len(sp.bounds) == 0
}

// stretches cuts off what can be handed out: what lies before a given bound that
// was passed, all that there is if the size would be exceeded by more than half
// a page with the next, and everything once the span is complete.
func (sp *span) stretches(size, page int, done bool) []Stretch {
	var out []Stretch
	for len(sp.bounds) > 0 && (done || above(sp.after) >= sp.bounds[0]) {
		out = append(out, sp.cut(sp.bounds[0]))
		sp.bounds, sp.long = sp.bounds[1:], false
	}
	switch {
	case done:
		out = append(out, sp.cut(sp.end))
	case len(sp.objs) > 0 && len(sp.objs)+page/2 > size:
		out = append(out, sp.cut(above(sp.after)))
		sp.long = true
	}
	return out
}

// cut makes a stretch of everything before bound.
func (sp *span) cut(bound string) Stretch {
	n := sort.Search(len(sp.objs), func(i int) bool { return !beforeBound(sp.objs[i].Key, bound) })
	st := Stretch{Lo: sp.open, Hi: bound, Objects: sp.objs[:n:n], Unplaced: sp.unplaced}
	sp.open, sp.objs, sp.unplaced = bound, slices.Clone(sp.objs[n:]), nil
	return st
}
