package pass

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// changed yields what is due in a pass that asks for changes alone. It shows no
// deletion and no row that became visible too late: the next full listing does.
func (p *Pass) changed(ctx context.Context) iter.Seq2[fetch.Item, error] {
	return func(yield func(fetch.Item, error) bool) {
		r := p.recent
		for page, err := range r.feed.Since(ctx, p.scope.Source.Listing.Prefix, r.start()) {
			goOn := false
			if err == nil && p.task.GoOn != nil {
				err = p.task.GoOn()
			}
			if err == nil {
				goOn, err = p.duePoints(ctx, r.unseen(page), yield)
			}
			if err == nil && goOn && p.task.Room != nil {
				err = p.task.Room.Next(ctx) // nothing of the page is held any more
			}
			if err != nil {
				yield(fetch.Item{}, err)
				return
			}
			if !goOn {
				return
			}
		}
		p.yieldWaiting(ctx, yield)
	}
}

// waiting yields what is due of the objects that wait for their time.
func (p *Pass) waiting(ctx context.Context) iter.Seq2[fetch.Item, error] {
	return func(yield func(fetch.Item, error) bool) { p.yieldWaiting(ctx, yield) }
}

func (p *Pass) yieldWaiting(ctx context.Context, yield func(fetch.Item, error) bool) {
	goOn, err := p.duePoints(ctx, p.scope.waiting.takeDue(), yield)
	if err != nil {
		yield(fetch.Item{}, err)
	}
	p.complete.Store(goOn && err == nil)
}

// duePoints treats as due, of single objects, what the ledger does not know as
// delivered.
func (p *Pass) duePoints(ctx context.Context, objs []object.Object, yield func(fetch.Item, error) bool) (goOn bool, err error) {
	slices.SortFunc(objs, func(a, b object.Object) int { return strings.Compare(a.Key, b.Key) })
	points := make([]ledger.Listed, 0, len(objs))
	var unplaced []object.Object
	for _, obj := range objs {
		if listable(obj.Key) {
			points = append(points, ledger.Listed{Object: obj, Matches: p.matches(obj)})
		} else {
			unplaced = append(unplaced, obj)
		}
	}
	work, err := p.scope.Ledger.ComparePoints(ctx, points)
	if err != nil {
		return false, err
	}
	p.parkUnplaced(unplaced)
	return p.dueOf(ctx, work, objs, yield), nil
}

// listable reports whether a full listing shows the key as it is. Otherwise it
// shows another one, under which nothing can be tracked.
func listable(key string) bool {
	return !strings.ContainsFunc(key, func(c rune) bool {
		return c < ' ' && c != '\t' && c != '\n' && c != '\r' || c >= 0xFFFD && c <= 0xFFFF
	})
}

// followUp sees to it that what a comparison did not settle is looked at again.
// The objects are those that were compared, in byte order.
func (p *Pass) followUp(work *ledger.Work, objs []object.Object) {
	for _, item := range work.Parked {
		i, ok := slices.BinarySearchFunc(objs, item.Key, func(o object.Object, k string) int { return strings.Compare(o.Key, k) })
		if ok {
			p.scope.waiting.add(objs[i], item.Next, true)
		}
	}
	if p.recent == nil {
		return
	}
	for _, obj := range work.Overtaken {
		p.scope.waiting.add(obj, time.Now(), false)
	}
	p.recent.dealtWith(objs, p.began)
}
