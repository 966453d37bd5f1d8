package changes

import (
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// walk goes from page to page. The server sorts by microseconds, but its
// cursors compare milliseconds (v1.27.0 to at least v1.70.6), so that following
// them skips some of the rows that share the millisecond at the end of a page.
// A cursor made by hand goes back to the beginning of that millisecond instead,
// and what comes twice is left out here. Only where a whole page lies within
// one millisecond is there no other way on than the server's cursor; rows
// written by one statement, which share the very microsecond, are still all
// shown then.
type walk struct {
	cursor string
	more   bool
	// at is the millisecond before which nothing comes any more.
	at int64
	// seen are the keys that were shown at the millisecond last.
	last int64
	seen map[string]struct{}
}

func newWalk(since time.Time) *walk {
	at := since.UnixMilli()
	return &walk{cursor: cursorAt(at), more: true, at: at, last: at, seen: map[string]struct{}{}}
}

// cursorAt begins with the first row of a millisecond: no key sorts before
// \x01, and the empty one would mean that there is no cursor.
func cursorAt(ms int64) string {
	const layout = "2006-01-02T15:04:05.000Z"
	text := "l:\x01\no:asc\nc:updated_at\na:" + time.UnixMilli(ms).UTC().Format(layout)
	return base64.StdEncoding.EncodeToString([]byte(text))
}

// take returns what is new on a page, and finds the way to the next.
func (w *walk) take(p page) (fresh []object.Object, err error) {
	if err = w.check(p); err == nil {
		fresh = w.fresh(p.objects)
		err = w.advance(p)
	}
	if err != nil {
		return nil, &object.Error{Op: op, Kind: object.ErrInvalid, Err: unsupported(err)}
	}
	return fresh, nil
}

// check finds answers that are not in the order that was asked for. Servers
// before v1.27.0 know no order but that of the keys, and take no notice of the
// rest of the cursor.
func (w *walk) check(p page) error {
	before := w.at
	for i := range p.objects {
		now := p.objects[i].LastModified.UnixMilli()
		if now < before {
			return fmt.Errorf("the answer is not in the order of updated_at, at key %s: the server is older than v1.27.0", foreign.Key(p.objects[i].Key))
		}
		before = now
	}
	return nil
}

// fresh leaves out what the page before has shown.
func (w *walk) fresh(objs []object.Object) []object.Object {
	var out []object.Object
	for _, o := range objs {
		ms := o.LastModified.UnixMilli()
		if ms == w.last {
			if _, twice := w.seen[o.Key]; twice {
				continue
			}
		} else {
			w.last = ms
			clear(w.seen)
		}
		w.seen[o.Key] = struct{}{}
		out = append(out, o)
	}
	return out
}

// advance finds the cursor of the next page.
func (w *walk) advance(p page) error {
	w.more = p.more
	if !p.more {
		return nil
	}
	first, last := p.objects[0].LastModified.UnixMilli(), p.objects[len(p.objects)-1].LastModified.UnixMilli()
	w.at = last
	if last > first {
		w.cursor = cursorAt(last)
		return nil
	}
	if p.next == "" || p.next == w.cursor {
		return errors.New("the listing goes on, but the server does not say where")
	}
	w.cursor = p.next
	return nil
}
