package pass

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// listed yields the objects that match and that the ledger does not know as
// delivered.
func (p *Pass) listed(ctx context.Context) iter.Seq2[fetch.Item, error] {
	return func(yield func(fetch.Item, error) bool) {
		opts, ledger := p.scope.Source.Listing, p.scope.Ledger
		opts.Room = p.task.Room
		if ledger != nil {
			opts.Bounds = ledger.Bounds(opts.Prefix)
		}
		for s, err := range listing.List(ctx, opts) {
			goOn := false
			switch {
			case err != nil:
			case ledger == nil:
				goOn = p.dueOfAll(s, yield)
			default:
				goOn, err = p.dueOfLedger(ctx, s, yield)
			}
			if err != nil {
				yield(fetch.Item{}, err)
				return
			}
			if !goOn {
				return
			}
		}
		p.complete.Store(true)
	}
}

// dueOfAll treats every object that matches as due.
func (p *Pass) dueOfAll(s listing.Range, yield func(fetch.Item, error) bool) bool {
	for _, objs := range [][]object.Object{s.Objects, s.Unplaced} {
		for _, obj := range objs {
			if p.matches(obj) && !yield(fetch.Item{Object: obj, Claim: &due{pass: p}}, nil) {
				return false
			}
		}
	}
	return true
}

// matches counts an object as listed, and asks the filter. An odd one is parked:
// for a ledger it is listed, so that it is not missing, and not due.
func (p *Pass) matches(obj object.Object) bool {
	p.tally.listed()
	v := p.scope.Source.Filter.Match(obj, time.Now())
	if isOdd(obj, v) {
		p.parkListed(obj, &object.Error{Op: "listing", Key: obj.Key, Kind: object.ErrOdd, Err: errors.New("it shows " + obj.Odd)})
		return false
	}
	if v.Rule == filter.Pass {
		return true
	}
	p.tally.filtered(v, 1)
	if v.Rule == filter.MinAge && p.recent != nil {
		p.scope.waiting.add(obj, obj.LastModified.Add(p.scope.Source.Filter.MinAge()), false)
	}
	return false
}

// isOdd reports whether an object can't be read because of its entry, and is not
// left out because of what is known of it: its key or its time.
func isOdd(obj object.Object, v filter.Verdict) bool {
	unreliable := v.Rule == filter.Pass || v.Rule == filter.Size || v.Rule == filter.Empty || v.Rule == filter.ContentTypes
	return obj.Odd != "" && (unreliable || obj.Key == "")
}

// dueOfLedger treats as due what the ledger does not know as delivered.
func (p *Pass) dueOfLedger(ctx context.Context, s listing.Range, yield func(fetch.Item, error) bool) (goOn bool, err error) {
	work, err := p.scope.Ledger.Compare(ctx, Complete(s, p.scope.Source.Listing.Prefix, p.matches))
	if err != nil {
		return false, err
	}
	p.missing.add(work)
	p.parkUnplaced(s.Unplaced)
	return p.dueOf(ctx, work, s.Objects, yield), nil
}

// dueOf hands on what a comparison of objs found to be due, and counts the
// rest.
func (p *Pass) dueOf(ctx context.Context, work *ledger.Work, objs []object.Object, yield func(fetch.Item, error) bool) (goOn bool) {
	p.tally.unchanged(work.Unchanged)
	p.tally.filtered(filter.Verdict{Rule: filter.ContentTypes}, work.LeftOut)
	p.tally.inFlight(work.InFlight)
	for _, item := range work.Parked {
		word, _, _ := strings.Cut(item.Reason, ":")
		p.tally.stillParked(word)
		p.scope.told.still(item.Key, word)
	}
	for i, item := range work.Due {
		p.scope.waiting.drop(item.Key)
		if d := (&due{pass: p, work: work, item: item}); d.stays() {
			p.tally.unchanged(1)
			_ = p.scope.Removals.hold(ctx) // its end is that of the listing
			d.takeAway(ctx, item.Object, func() {})
			continue
		}
		if !yield(fetch.Item{Object: item.Object, Claim: &due{pass: p, work: work, item: item}}, nil) {
			for _, rest := range work.Due[i+1:] {
				work.Release(rest.Key)
			}
			return false
		}
	}
	p.followUp(work, objs)
	return true
}

// Complete says to a ledger what a listing with the prefix showed completely,
// and which of it matches. An empty upper bound is the end of the bucket for the
// ledger, and the end of its prefix for a listing.
func Complete(s listing.Range, prefix string, matches func(object.Object) bool) ledger.Range {
	out := ledger.Range{Lo: max(s.Lo, prefix), Hi: s.Hi, Objects: make([]ledger.Listed, len(s.Objects))}
	if out.Hi == "" {
		out.Hi = ledger.PrefixEnd(prefix)
	}
	for i, obj := range s.Objects {
		out.Objects[i] = ledger.Listed{Object: obj, Matches: matches(obj)}
	}
	return out
}

// parkUnplaced parks objects whose keys the server can't tell exactly. They can't
// be read under the key that it shows, nor be tracked by it.
func (p *Pass) parkUnplaced(objs []object.Object) {
	for _, obj := range objs {
		if p.matches(obj) {
			p.parkListed(obj, &object.Error{
				Op: "reading", Key: obj.Key, Kind: object.ErrInvalid,
				Message: "the key has a character that the server shows as U+FFFD: rename the row of storage.objects",
			})
		}
	}
}

// parkListed parks an object that no pass will read as long as it is listed like
// this. Each is told once, and counted in every pass.
func (p *Pass) parkListed(obj object.Object, err error) {
	why := object.Cause(err)
	if p.scope.told.before(object.Object{Key: obj.Key}, why) {
		p.tally.stillParked(why)
		return
	}
	p.tally.parked(obj, why, err, false)
	p.scope.failures.add(Failed{obj, ledger.Created.String(), why, err}, nil)
}
