package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// group is a run of neighbouring segments that become new ones.
type group struct {
	// at is the position of the first; segments are the old ones.
	at       int
	segments []*segment
	// taken are the changes of each that are folded, left those that were there
	// and are not; more may have come after the first seen of them.
	taken, left [][]change
	seen        []int
	parts       []bound
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

// plan picks the next batch. Of the changes it takes those that the journal has
// or never gets, so that a replay after the record through adds nothing twice.
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
		for i+1 < len(l.segments) && g.wants(l.segments[i+1], l.limits) {
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
	g.taken, g.left, g.seen = append(g.taken, taken), append(g.left, left), append(g.seen, len(s.delta))
}

// foldable divides changes into those that may go into a manifest and those that
// may not: what the journal does not have yet, and what came after that for the
// same key, since the changes of a key keep their order.
func foldable(delta []change, journaled uint64) (taken, left []change) {
	first := slices.IndexFunc(delta, func(c change) bool { return c.turn > journaled })
	if first < 0 {
		return slices.Clip(delta), nil
	}
	taken = slices.Clone(delta[:first])
	waiting := map[string]bool{}
	for _, c := range delta[first:] {
		if c.turn > journaled || waiting[c.key] {
			waiting[c.key] = true
			left = append(left, c)
		} else {
			taken = append(taken, c)
		}
	}
	return taken, left
}

// wants reports whether the next segment should be merged into the group: both
// were listed in the same pass, so that no listing has a reason to cut between
// them, and one is small.
func (g *group) wants(next *segment, lim limits) bool {
	sum, least := next.listed, next.listed
	for _, s := range g.segments {
		sum += s.listed
		least = min(least, s.listed)
	}
	last := g.segments[len(g.segments)-1]
	return sum <= lim.segment && least < lim.least && last.pass == next.pass && next.pass > 0
}

// foldGroups writes new manifests, then the index that refers to them, then
// deletes what the index says is garbage. Whatever of it happens before a
// crash, the index that is there refers to manifests that are there.
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
	key := l.keys.index()
	value := seal(kindIndex, key, encodeIndex(l.codec, x))
	entries = append(entries, Entry{key, value})
	if l.written.indexTag == 0 {
		entries = append(entries, l.foundedEntry(foundedIndex))
	}
	if err := l.guardIndex(ctx); err != nil {
		return err
	}
	if err := l.store.Put(ctx, entries...); err != nil {
		l.foldFailed(tag(value), next)
		return fmt.Errorf("writing %q: %w", key, err)
	}
	l.install(groups, x)
	l.written.nextManifest, l.written.garbage = next, x.garbage
	l.written.indexTag, l.written.indexTried, l.written.founded = tag(value), nil, true
	l.written.indexAt = time.Now()
	l.sweep(ctx)
	return nil
}

// foldFailed takes note of a write whose outcome is not known. The index may
// be there all the same, so the numbers of its manifests are used for nothing
// else; but not without end, where a store takes no value so large.
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
	var all []entry
	for i := range g.segments {
		entries, err := l.readSegment(ctx, g.at+i)
		if err != nil {
			return nil, err
		}
		all = append(all, merge(entries, sorted(g.taken[i]))...)
	}
	listed := g.listed(l)
	n := 1
	if len(all) > l.limits.most {
		n = (len(all) + l.limits.segment - 1) / l.limits.segment
	}
	var values []Entry
	for i := range n {
		part := all[i*len(all)/n : (i+1)*len(all)/n]
		b := bound{lo: g.segments[0].lo, listed: listed / n, stored: stored{through: through, tally: tallyOf(part)}}
		if i > 0 {
			b.lo = strings.Clone(part[0].key)
		}
		if len(part) > 0 {
			b.stored.manifest = next
			key := l.keys.manifest(next)
			values = append(values, Entry{key, seal(kindManifest, key, encodeManifest(l.codec, part))})
			next++
		}
		g.parts = append(g.parts, b)
	}
	return values, nil
}

func (g *group) listed(l *Ledger) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, s := range g.segments {
		n += s.listed
	}
	return n
}

// nextIndex is the index that will be true once the groups are written.
func (l *Ledger) nextIndex(groups []group, through, nextManifest uint64) index {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := index{pass: l.pass, nextManifest: nextManifest, oldestRecord: l.written.oldestRecord, firstRecord: through + 1}
	used := map[uint64]bool{}
	var old []uint64
	for i := 0; i < len(l.segments); i++ {
		if len(groups) > 0 && groups[0].at == i {
			x.segments = append(x.segments, groups[0].parts...)
			for _, s := range groups[0].segments {
				old = append(old, s.stored.manifest)
			}
			i += len(groups[0].segments) - 1
			groups = groups[1:]
			continue
		}
		s := l.segments[i]
		x.segments = append(x.segments, bound{lo: s.lo, listed: s.listed, stored: s.stored})
		used[s.stored.manifest] = true
		if s.first != 0 {
			x.firstRecord = min(x.firstRecord, s.first)
		}
	}
	x.garbage = slices.Clone(l.written.garbage)
	for _, n := range old {
		if n != 0 && !used[n] && !slices.Contains(x.garbage, n) {
			x.garbage = append(x.garbage, n)
		}
	}
	return x
}

// install makes true in memory what the index says.
func (l *Ledger) install(groups []group, x index) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range slices.Backward(groups) {
		l.segments = slices.Replace(l.segments, g.at, g.at+len(g.segments), g.renewed(l)...)
	}
	l.firstRecord, l.passWritten = x.firstRecord, x.pass
}

// renewed makes the new segments of a group, with the changes that were left or
// came since.
func (g *group) renewed(l *Ledger) []*segment {
	segments := make([]*segment, len(g.parts))
	for i, p := range g.parts {
		segments[i] = &segment{lo: p.lo, listed: p.listed, stored: p.stored, live: p.stored.tally, pass: g.segments[0].pass}
	}
	if len(segments) == 1 && len(g.segments) == 1 {
		segments[0].memo = g.segments[0].memo
	}
	for i, old := range g.segments {
		l.pending -= len(g.taken[i])
		for _, c := range slices.Concat(g.left[i], old.delta[g.seen[i]:]) {
			at := len(segments) - 1
			for segments[at].lo > c.key {
				at--
			}
			s := segments[at]
			s.record(c)
			if c.turn == 0 {
				s.loose = true
			} else {
				s.first = l.nextRecord
			}
		}
	}
	return segments
}

// sweep deletes what the index that was just written says nobody needs. If it
// fails, the next index says so again.
func (l *Ledger) sweep(ctx context.Context) {
	var keys []string
	for _, n := range l.written.garbage {
		keys = append(keys, l.keys.manifest(n))
	}
	l.mu.Lock()
	// The last record stays, see guardJournal.
	oldest, first := l.written.oldestRecord, min(l.firstRecord, l.nextRecord-1)
	l.mu.Unlock()
	for n := oldest; n < first; n++ {
		keys = append(keys, l.keys.journal(n))
	}
	if len(keys) == 0 || l.store.Delete(ctx, keys...) != nil {
		return
	}
	l.written.garbage = nil
	l.written.oldestRecord = max(oldest, first)
}
