package pass

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

// changed is due for a pass that asks for what changed alone. It shows no
// deletion and no row that became visible too late: those are for the next full
// listing.
func (p *Pass) changed(ctx context.Context) iter.Seq2[bucket.Object, error] {
	return func(yield func(bucket.Object, error) bool) {
		r := p.opts.Recent
		for page, err := range r.feed.Since(ctx, p.opts.Listing.Prefix, r.start()) {
			goOn := false
			if err == nil {
				goOn, err = p.duePoints(ctx, r.unseen(page), yield)
			}
			if err != nil {
				yield(bucket.Object{}, err)
				return
			}
			if !goOn {
				return
			}
		}
		goOn, err := p.duePoints(ctx, r.takeDue(), yield)
		if err != nil {
			yield(bucket.Object{}, err)
		}
		p.complete.Store(goOn && err == nil)
	}
}

// duePoints takes for due what the ledger does not know as delivered of single
// objects.
func (p *Pass) duePoints(ctx context.Context, objs []bucket.Object, yield func(bucket.Object, error) bool) (goOn bool, err error) {
	slices.SortFunc(objs, func(a, b bucket.Object) int { return strings.Compare(a.Key, b.Key) })
	points := make([]ledger.Listed, 0, len(objs))
	var unplaced []bucket.Object
	for _, obj := range objs {
		if listable(obj.Key) {
			points = append(points, ledger.Listed{Object: obj, Matches: p.matches(obj)})
		} else {
			unplaced = append(unplaced, obj)
		}
	}
	work, err := p.opts.Ledger.ComparePoints(ctx, points)
	if err != nil {
		return false, err
	}
	p.parkUnplaced(unplaced)
	return p.dueOf(work, objs, yield), nil
}

// listable reports whether a full listing shows the key as it is. Otherwise it
// shows another one, under which nothing can be tracked.
func listable(key string) bool {
	return !strings.ContainsFunc(key, func(c rune) bool {
		return c < ' ' && c != '\t' && c != '\n' && c != '\r' || c >= 0xFFFD && c <= 0xFFFF
	})
}

// followUp sees to it that polls come back to what a comparison did not settle.
// The objects are those that were compared, in byte order.
func (p *Pass) followUp(work *ledger.Work, objs []bucket.Object) {
	r := p.opts.Recent
	if r == nil {
		return
	}
	for _, item := range work.Parked {
		i, ok := slices.BinarySearchFunc(objs, item.Key, func(o bucket.Object, k string) int { return strings.Compare(o.Key, k) })
		if ok {
			r.wait(objs[i], item.Next)
		}
	}
	for _, obj := range work.Overtaken {
		r.wait(obj, time.Now())
	}
	r.dealtWith(objs, p.began)
}
