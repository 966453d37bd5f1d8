package listing

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// A share is the part of the key space that one lister lists, from its lower
// bound to its upper bound. The upper bound drops when another lister takes over
// the rest.
type share struct {
	// lo is where the share began.
	lo string
	// open is the lower bound of the next range to hand out.
	open string
	// hi is the upper bound of the keys that belong to the share. The last range
	// reaches to end, which is above hi if a share on the right turned out empty.
	hi, end string
	// after is where the next page starts. If known, it is the last key listed in
	// this share; otherwise it may be made up, and lie below lo.
	after string
	known bool
	// bounds are the caller's bounds between after and hi.
	bounds []string

	objs     []object.Object
	unplaced []object.Object
	pages    int
	underWay bool // the next page
	grown    bool // more than one range since the last given bound
}

// add adds a page. It reports how many of its objects belong to the share, with
// and without a place in the order, and whether the share is complete.
func (sh *share) add(prefix string, objs []object.Object, more bool) (placed, odd int, done bool, err error) {
	last, err := lastPlaced(prefix, sh.after, objs)
	if err != nil {
		return 0, 0, false, err
	}
	if more {
		if last == sh.after {
			return 0, 0, false, noProgress(sh.after, len(objs))
		}
		// What follows the last placed key comes again with the next page.
		for unplaced(objs[len(objs)-1].Key) {
			objs = objs[:len(objs)-1]
		}
	}
	sh.pages++
	if last != sh.after {
		sh.after, sh.known = last, last >= sh.lo
	}
	placed, odd = sh.keep(objs)
	return placed, odd, !more || !beforeBound(above(last), sh.hi), nil
}

// lastPlaced checks that a page answers the request, and returns its last key
// that is not unplaced, or after if there is none.
func lastPlaced(prefix, after string, objs []object.Object) (string, error) {
	last := after
	for i := range objs {
		key := objs[i].Key
		switch {
		case key != "" && !strings.HasPrefix(key, prefix):
			return "", misled("%w: the server listed %q, which does not have the prefix %q", object.ErrMisled, key, prefix)
		case unplaced(key):
		case key > last:
			last = key
		case last == after:
			return "", misled("%w: the server listed %q when asked for keys after %q: it does not honour start-after", object.ErrMisled, key, after)
		default:
			return "", misled("%w: the server listed %q after %q: its listing is not in the byte order of its keys", object.ErrMisled, key, last)
		}
	}
	return last, nil
}

// noProgress is the error of a page that has no key to go on from.
func noProgress(after string, objects int) error {
	if objects == 0 {
		return misled("the server says that there are keys after %q, and lists none", after)
	}
	return misled("each of the %d keys after %q has a character that the server lists as U+FFFD, so that there is no key to go on from: rename rows of storage.objects whose names have control characters", objects, after)
}

// misled is the error for an answer that cannot be right.
func misled(format string, args ...any) error {
	return &object.Error{Op: "listing", Kind: object.ErrInvalid, Err: fmt.Errorf(format, args...)}
}

// keep stores the objects of a page that belong to the share, and reports how
// many there are, with and without a place in the order.
func (sh *share) keep(objs []object.Object) (placed, odd int) {
	placed, odd = len(sh.objs), len(sh.unplaced)
	sh.objs = slices.Grow(sh.objs, len(objs))
	for i := range objs {
		key := objs[i].Key
		switch {
		case unplaced(key):
			// Dropped only if it certainly lies above hi. So the share that
			// really contains it keeps it, and perhaps this one too.
			if beforeBound(lowest(key), sh.hi) {
				sh.unplaced = append(sh.unplaced, objs[i])
			}
		case key >= sh.open && beforeBound(key, sh.hi):
			sh.objs = append(sh.objs, objs[i])
		}
	}
	return len(sh.objs) - placed, len(sh.unplaced) - odd
}

// empty reports whether a complete share contains no key and no given bound.
func (sh *share) empty() bool {
	return sh.pages == 1 && len(sh.objs) == 0 && len(sh.unplaced) == 0 && len(sh.bounds) == 0
}

// ranges returns the ranges that can be handed out: up to each given bound that
// the listing has passed; everything listed, if the next page would exceed the
// size by more than half a page; and everything once the share is complete.
func (sh *share) ranges(size, page int, done bool) []Range {
	var out []Range
	for len(sh.bounds) > 0 && (done || above(sh.after) >= sh.bounds[0]) {
		out = append(out, sh.rangeTo(sh.bounds[0]))
		sh.bounds, sh.grown = sh.bounds[1:], false
	}
	switch {
	case done:
		out = append(out, sh.rangeTo(sh.end))
	case len(sh.objs) > 0 && len(sh.objs)+page/2 > size:
		out = append(out, sh.rangeTo(above(sh.after)))
		sh.grown = true
	}
	return out
}

// rangeTo cuts off a range of everything before bound.
func (sh *share) rangeTo(bound string) Range {
	n := sort.Search(len(sh.objs), func(i int) bool { return !beforeBound(sh.objs[i].Key, bound) })
	rg := Range{Lo: sh.open, Hi: bound, Objects: sh.objs[:n:n], Unplaced: sh.unplaced}
	sh.open, sh.objs, sh.unplaced = bound, slices.Clone(sh.objs[n:]), nil
	return rg
}
