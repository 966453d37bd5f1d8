package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/format"
)

// group is a run of neighbouring segments that become new ones.
type group struct {
	// at is the position of the first; segments are the old ones.
	at       int
	segments []*segment
	// taken are the changes of each segment that are folded, left the others that
	// were there. More may have come since: seen is how many there were.
	taken, left [][]change
	seen        []int
	listed      int
	parts       []format.Segment
}

// fold rewrites the segments that are due; io is held.
func (l *Ledger) fold(ctx context.Context, due func(*segment) bool) error {
	for {
		groups, through := l.plan(due)
		if len(groups) == 0 {
			return nil
		}
		if err := l.foldGroups(ctx, groups, through); err != nil {
			return err
		}
	}
}

// plan picks the next batch, with the changes that the journal has or never gets,
// so that a replay after the record through adds nothing twice.
func (l *Ledger) plan(due func(*segment) bool) (groups []group, through uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := 0; i < len(l.segments) && len(groups) < l.limits.foldBatch; i++ {
		if !due(l.segments[i]) {
			continue
		}
		g := group{at: i}
		if g.take(l.segments[i], l.journaled); len(g.taken[0]) == 0 {
			continue
		}
		for i+1 < len(l.segments) && l.limits.mergeable(g.segments, l.segments[i+1]) {
			i++
			g.take(l.segments[i], l.journaled)
		}
		groups = append(groups, g)
	}
	return groups, l.nextRecord - 1
}

func (g *group) take(s *segment, journaled uint64) {
	taken, left := foldable(s.delta, journaled)
	g.segments = append(g.segments, s)
	g.listed += s.Listed
	g.taken, g.left, g.seen = append(g.taken, taken), append(g.left, left), append(g.seen, len(s.delta))
}

// foldable divides changes into taken, which may go into a manifest, and left:
// what the journal does not have yet, and later changes of the same keys, since
// the changes of a key keep their order.
func foldable(delta []change, journaled uint64) (taken, left []change) {
	first := slices.IndexFunc(delta, func(c change) bool { return c.turn > journaled })
	if first < 0 {
		return slices.Clip(delta), nil
	}
	taken = slices.Clone(delta[:first])
	waiting := map[string]bool{}
	for _, c := range delta[first:] {
		if c.turn > journaled || waiting[c.Key] {
			waiting[c.Key] = true
			left = append(left, c)
		} else {
			taken = append(taken, c)
		}
	}
	return taken, left
}

// foldGroups writes new manifests, then the index that refers to them, then
// deletes what the index says is garbage. Wherever a crash stops it, the index
// that is there refers to manifests that are there.
func (l *Ledger) foldGroups(ctx context.Context, groups []group, through uint64) error {
	var entries []Entry
	next := l.written.nextManifest
	for i := range groups {
		values, err := l.rewrite(ctx, &groups[i], through, next)
		if err != nil {
			return err
		}
		next += uint64(len(values))
		entries = append(entries, values...)
	}
	x := l.nextIndex(groups, through, next)
	key := l.keys.Index()
	value := format.EncodeIndex(key, x)
	entries = append(entries, Entry{key, value})
	if l.written.indexTag == 0 {
		entries = append(entries, l.foundedEntry(format.FoundedIndex))
	}
	if err := l.guardIndex(ctx); err != nil {
		return err
	}
	if err := l.store.Put(ctx, entries...); err != nil {
		l.foldFailed(format.Tag(value), next)
		return fmt.Errorf("writing %q: %w", key, err)
	}
	l.mu.Lock()
	for _, g := range slices.Backward(groups) {
		l.segments = slices.Replace(l.segments, g.at, g.at+len(g.segments), l.renew(&g)...)
	}
	l.firstRecord, l.passWritten = x.FirstRecord, x.Pass
	l.mu.Unlock()
	l.written.nextManifest, l.written.garbage = next, x.Garbage
	l.written.indexTag, l.written.indexTried, l.written.founded = format.Tag(value), nil, true
	l.written.indexAt = time.Now()
	l.sweep(ctx)
	return nil
}

// foldFailed notes a write whose outcome is not known. The index may be there all
// the same, so the numbers of its manifests are used for nothing else; up to a
// limit, since a store may refuse values of this size every time.
func (l *Ledger) foldFailed(index, next uint64) {
	w := &l.written
	if len(w.garbage) < 1024 {
		for ; w.nextManifest < next; w.nextManifest++ {
			w.garbage = append(w.garbage, w.nextManifest)
		}
	}
	w.indexTried = append(w.indexTried[max(0, len(w.indexTried)-64):], index)
	l.postpone()
}

// rewrite fills in the parts of a group and returns their manifests.
func (l *Ledger) rewrite(ctx context.Context, g *group, through, next uint64) ([]Entry, error) {
	var all []format.Entry
	for i := range g.segments {
		entries, err := l.readSegment(ctx, g.at+i)
		if err != nil {
			return nil, err
		}
		all = append(all, merge(entries, sorted(g.taken[i]))...)
	}
	n := l.limits.parts(len(all))
	var values []Entry
	for i := range n {
		part := all[i*len(all)/n : (i+1)*len(all)/n]
		b := format.Segment{Lo: g.segments[0].Lo, Listed: g.listed / n, Through: through, Tally: format.TallyOf(part)}
		if i > 0 {
			b.Lo = strings.Clone(part[0].Key)
		}
		if len(part) > 0 {
			b.Manifest = next
			key := l.keys.Manifest(next)
			values = append(values, Entry{key, format.EncodeManifest(key, part)})
			next++
		}
		g.parts = append(g.parts, b)
	}
	return values, nil
}

// nextIndex is the index that will be true once the groups are written.
func (l *Ledger) nextIndex(groups []group, through, nextManifest uint64) format.Index {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := format.Index{Pass: l.pass, NextManifest: nextManifest, OldestRecord: l.written.oldestRecord, FirstRecord: through + 1}
	used := map[uint64]bool{}
	var old []uint64
	for i := 0; i < len(l.segments); i++ {
		if len(groups) > 0 && groups[0].at == i {
			x.Segments = append(x.Segments, groups[0].parts...)
			for _, s := range groups[0].segments {
				old = append(old, s.Manifest)
			}
			i += len(groups[0].segments) - 1
			groups = groups[1:]
			continue
		}
		s := l.segments[i]
		x.Segments = append(x.Segments, s.Segment)
		used[s.Manifest] = true
		if s.first != 0 {
			x.FirstRecord = min(x.FirstRecord, s.first)
		}
	}
	x.Garbage = slices.Clone(l.written.garbage)
	for _, n := range old {
		if n != 0 && !used[n] && !slices.Contains(x.Garbage, n) {
			x.Garbage = append(x.Garbage, n)
		}
	}
	return x
}

// sweep deletes what the index that was just written says nobody needs. If it
// fails, the next index says so again.
func (l *Ledger) sweep(ctx context.Context) {
	var keys []string
	for _, n := range l.written.garbage {
		keys = append(keys, l.keys.Manifest(n))
	}
	l.mu.Lock()
	// The last record stays, see guardJournal.
	oldest, first := l.written.oldestRecord, min(l.firstRecord, l.nextRecord-1)
	l.mu.Unlock()
	for n := oldest; n < first; n++ {
		keys = append(keys, l.keys.Record(n))
	}
	if len(keys) == 0 || l.store.Delete(ctx, keys...) != nil {
		return
	}
	l.written.garbage = nil
	l.written.oldestRecord = max(oldest, first)
}
