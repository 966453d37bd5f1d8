package ledger_test

import (
	"maps"
	"slices"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// pass lists everything under a prefix in ranges that are cut anywhere, and
// in any order.
func (w *world) pass() {
	prefix := []string{"", "", "a/", "b/"}[w.rnd.IntN(4)]
	lo, hi := prefix, ledger.PrefixEnd(prefix)
	cuts := []string{lo}
	if w.rnd.IntN(3) > 0 {
		cuts = append(cuts, w.l.Bounds(prefix)...)
	}
	for range w.rnd.IntN(4) {
		if k := w.key() + "x"; k > lo && (hi == "" || k < hi) {
			cuts = append(cuts, k)
		}
	}
	slices.Sort(cuts)
	cuts = append(slices.Compact(cuts), hi)
	order := w.rnd.Perm(len(cuts) - 1)
	w.note("pass over %q, skipping %d", prefix, w.skip)
	for _, i := range order {
		if w.rnd.IntN(8) == 0 {
			w.note("the listing fails")
			return
		}
		if !w.compare(cuts[i], cuts[i+1]) {
			return
		}
		for range w.rnd.IntN(6) {
			w.settleOne()
		}
	}
	if w.rnd.IntN(2) == 0 {
		w.durable(w.l.CompletePass(w.t.Context()))
	}
}

func (w *world) listed(lo, hi string) ledger.Range {
	s := ledger.Range{Lo: lo, Hi: hi}
	for _, key := range slices.Sorted(maps.Keys(w.objects)) {
		if key >= lo && (hi == "" || key < hi) {
			s.Objects = append(s.Objects, ledger.Listed{Object: w.objects[key], Matches: w.matches(key)})
		}
	}
	return s
}

func (w *world) compare(lo, hi string) bool {
	s := w.listed(lo, hi)
	work, err := w.l.Compare(w.t.Context(), s)
	if w.died(err) {
		return false
	}
	saw := w.saw(work)
	for _, v := range work.Vanished {
		saw[v.Key] = verdict{what: "vanished"}
		if v.AbsentBefore {
			saw[v.Key] = verdict{what: "vanished before"}
		}
	}
	w.judge(s.Objects, work, saw)
	w.judgeMissing(s, saw)
	w.take(work)
	return true
}

// points compares some single objects.
func (w *world) points() {
	var points []ledger.Listed
	for _, o := range w.listed("", "").Objects {
		if w.rnd.IntN(5) == 0 {
			points = append(points, o)
		}
	}
	w.note("points: %d", len(points))
	work, err := w.l.ComparePoints(w.t.Context(), points)
	if w.died(err) {
		return
	}
	if len(work.Vanished) > 0 {
		w.fail("single objects say nothing of others, but vanished are %v", work.Vanished)
	}
	w.judge(points, work, w.saw(work))
	w.take(work)
}

// saw is what a Work says of the keys that it lists.
func (w *world) saw(work *ledger.Work) map[string]verdict {
	saw := map[string]verdict{}
	for _, d := range work.Due {
		saw[d.Key] = verdict{d.Event.String(), d.Attempts}
		w.note("compare: %s %s", d.Key, d.Event)
	}
	for _, p := range work.Parked {
		saw[p.Key] = verdict{what: "parked"}
	}
	return saw
}

// take holds what a Work handed out.
func (w *world) take(work *ledger.Work) {
	for _, d := range work.Due {
		w.out = append(w.out, outstanding{work: work, item: d})
	}
	for _, v := range work.Vanished {
		w.out = append(w.out, outstanding{work: work, vanished: v.Key})
	}
}

// judge compares what the ledger said of what was listed with what it must
// know.
func (w *world) judge(objects []ledger.Listed, work *ledger.Work, saw map[string]verdict) {
	w.t.Helper()
	settled, inFlight, least, most := int64(0), int64(0), int64(0), int64(0)
	var overtaken []object.Object
	mine := func(key string) bool { _, ok := saw[key]; return ok }
	for _, o := range objects {
		k := w.knows(o.Key)
		switch {
		case !mine(o.Key) && w.inFlight(o.Key):
			if o.Matches {
				inFlight++
				if !w.sameInFlight(o.Object) {
					overtaken = append(overtaken, o.Object)
				}
			}
		case !o.Matches:
			if mine(o.Key) {
				w.fail("%s does not match but is %v", o.Key, saw[o.Key])
			}
			var after []state
			for _, st := range k.now {
				after = append(after, st.excluded())
			}
			k.seen(slices.Clone(k.now), after)
		default:
			got := saw[o.Key]
			if !mine(o.Key) {
				got = verdict{what: "settled"}
				settled++
			}
			w.narrow(o.Key, got, func(st state) (verdict, state) { return st.listed(o.Object) })
			if out := func(st state) bool { return st.leavesOut(o.Object) }; !mine(o.Key) && slices.ContainsFunc(k.now, out) {
				most++
				if !slices.ContainsFunc(k.now, func(st state) bool { return !out(st) }) {
					least++
				}
			}
		}
	}
	if settled != work.Unchanged+work.LeftOut || inFlight != work.InFlight {
		w.fail("unchanged %d, left out %d and in flight %d, want %d together and %d", work.Unchanged, work.LeftOut, work.InFlight, settled, inFlight)
	}
	if work.LeftOut < least || work.LeftOut > most {
		w.fail("left out %d, want %d to %d", work.LeftOut, least, most)
	}
	if !slices.Equal(overtaken, work.Overtaken) {
		w.fail("overtaken %v, want %v", work.Overtaken, overtaken)
	}
}

// judgeMissing compares what the ledger said of what was not listed with what
// it must know.
func (w *world) judgeMissing(s ledger.Range, saw map[string]verdict) {
	w.t.Helper()
	for key := range w.known {
		_, exists := w.objects[key]
		_, mine := saw[key]
		if exists || key < s.Lo || s.Hi != "" && key >= s.Hi || !mine && w.inFlight(key) {
			continue
		}
		w.narrow(key, saw[key], state.missing)
	}
}

// narrow drops what is ruled out by what the ledger said of a key.
func (w *world) narrow(key string, got verdict, f func(state) (verdict, state)) {
	w.t.Helper()
	k := w.knows(key)
	var before, after []state
	for _, st := range k.now {
		if v, s := f(st); v == got {
			before, after = append(before, st), append(after, s)
		}
	}
	if len(after) == 0 {
		w.fail("the ledger says of %s: %v; but what it may know is %+v, and listed is %+v", key, got, k.now, w.objects[key])
	}
	k.seen(before, after)
}

// settleOne ends something that is in flight, in any order.
func (w *world) settleOne() {
	if len(w.out) == 0 {
		return
	}
	i := w.rnd.IntN(len(w.out))
	o := w.out[i]
	w.out = slices.Delete(w.out, i, i+1)
	if o.vanished != "" {
		w.settleVanished(o)
		return
	}
	listed := o.item.Object
	choice := w.rnd.IntN(11)
	switch {
	case choice < 5 || o.released:
		fetched := listed
		if now, ok := w.objects[listed.Key]; ok && w.rnd.IntN(2) == 0 {
			fetched = now // overwritten between the listing and the download
		} else if w.rnd.IntN(8) == 0 {
			fetched.ETag = "as the backend names it"
		}
		fetched.LastModified = time.Unix(1, 0) // a download has another clock
		w.note("delivered %s as %v", listed.Key, versionOf(fetched))
		o.work.Delivered(fetched)
		row := object.Object{}
		if versionOf(fetched) != versionOf(listed) {
			row = listed
		}
		w.settled(listed.Key, func(state) state { return state{delivered: versionOf(fetched), row: row} })
	case choice < 7:
		later := w.rnd.IntN(2) == 0
		next := time.Unix(1, 0)
		if later {
			next = time.Now().Add(time.Hour)
		}
		w.note("parked %s", listed.Key)
		o.work.Park(listed, "no luck", next)
		w.settled(listed.Key, func(s state) state {
			s.parked, s.attempts, s.later = versionOf(listed), o.item.Attempts+1, later
			s.left = version{}
			return s
		})
	case choice == 10:
		w.note("left out %s", listed.Key)
		o.work.LeaveOut(listed, "text/plain")
		w.settled(listed.Key, func(s state) state { return state{delivered: s.delivered, left: versionOf(listed)} })
	case choice < 8:
		o.work.Vanish(listed.Key)
	default:
		w.note("released %s", listed.Key)
		o.work.Release(listed.Key)
		if w.rnd.IntN(2) == 0 {
			o.released = true // and yet its ack may come
			w.out = append(w.out, o)
		}
	}
}

func (w *world) settleVanished(o outstanding) {
	switch w.rnd.IntN(3) {
	case 0:
		w.note("forgot %s", o.vanished)
		o.work.Forget(o.vanished)
		w.settled(o.vanished, func(state) state { return state{} })
	case 1:
		w.note("absent %s", o.vanished)
		o.work.Absent(o.vanished)
		w.settled(o.vanished, func(s state) state { s.absent = s.tracked(); return s })
	case 2:
		o.work.Release(o.vanished)
	}
}

// durable notes a write that must have made everything last.
func (w *world) durable(err error) {
	if w.died(err) {
		clear(w.during)
		return
	}
	for key, k := range w.known {
		if !w.during[key] {
			k.disk = slices.Clone(k.tail)
		}
	}
	clear(w.during)
}

func (w *world) step() {
	switch n := w.rnd.IntN(22); {
	case n >= 20:
		w.points()
	case n < 8:
		w.mutate()
	case n < 14:
		w.settleOne()
	case n < 15:
		w.skip = w.rnd.IntN(5) - 1
	case n < 17:
		w.note("checkpoint")
		w.durable(w.l.Checkpoint(w.t.Context()))
	case n < 19:
		w.pass()
	case w.steady:
	case w.rnd.IntN(4) == 0:
		w.crash()
	case w.rnd.IntN(4) == 0:
		w.note("restart")
		if err := w.l.Close(w.t.Context()); err == nil {
			w.durable(nil)
		}
		w.start(w.rnd.IntN(60))
	}
}
