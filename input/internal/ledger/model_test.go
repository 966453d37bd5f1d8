package ledger_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

// version is what an object is known by.
type version struct {
	etag string
	size int64
}

func versionOf(o bucket.Object) version { return version{o.ETag, o.Size} }

// state is what the model says that the ledger knows of one key.
type state struct {
	delivered version // zero if nothing was
	row       bucket.Object
	parked    version
	attempts  int
	later     bool // the parked version is not due
	absent    bool
}

func (s state) tracked() bool { return s.delivered != version{} }

// verdict is what Compare says of a key.
type verdict struct {
	what     string
	attempts int
}

// listed is what a listing of o makes of a state, and the state after it.
func (s state) listed(o bucket.Object) (verdict, state) {
	v := versionOf(o)
	event := "created"
	if s.tracked() {
		event = "updated"
	}
	switch {
	case s.tracked() && s.delivered == v:
		return verdict{what: "unchanged"}, state{delivered: v}
	case s.tracked() && s.row.Key != "" && s.row == o:
		return verdict{what: "unchanged"}, state{delivered: s.delivered, row: s.row}
	case s.parked == v && s.later:
		return verdict{what: "parked"}, s
	case s.parked == v:
		return verdict{event, s.attempts}, s
	default:
		return verdict{event, 0}, s
	}
}

// excluded is what a listing makes of a state whose object the filter takes.
func (s state) excluded() state {
	return state{delivered: s.delivered, row: s.row}
}

// missing is what a listing without the key makes of a state.
func (s state) missing() (verdict, state) {
	if !s.tracked() {
		return verdict{}, state{}
	}
	what := "vanished"
	if s.absent {
		what = "vanished before"
	}
	return verdict{what: what}, s
}

// knowledge is what can be in the ledger about one key: after a crash, more
// than one thing.
type knowledge struct {
	now []state
	// disk is what a crash at this moment could leave; tail is what it could
	// leave after a checkpoint. They differ from now because what a comparison
	// repairs on the way is not in the journal.
	disk, tail []state
}

// settled takes note of something that goes into the journal.
func (k *knowledge) settled(f func(state) state) {
	for i := range k.now {
		k.now[i] = f(k.now[i])
	}
	k.tail = unique(k.now)
	k.disk = append(k.disk, k.now...)
}

// seen takes note of a comparison: of what can be known, only before remains,
// and it may have become after.
func (k *knowledge) seen(before, after []state) {
	if len(k.tail) == len(k.now) {
		k.tail = unique(before)
	}
	k.now = unique(after)
	k.tail = unique(append(k.tail, after...))
	k.disk = append(k.disk, after...)
}

func unique(states []state) []state {
	var out []state
	for _, s := range states {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// outstanding is something that a Work handed out.
type outstanding struct {
	work     *ledger.Work
	item     ledger.Item
	vanished string
	released bool
}

// world is a bucket, a ledger, and a model of what the ledger must know.
type world struct {
	t       *testing.T
	rnd     *rand.Rand
	disk    *disk
	store   *mortalStore
	l       *ledger.Ledger
	objects map[string]bucket.Object
	known   map[string]*knowledge
	out     []outstanding
	clock   time.Time
	etags   int
	// skip is the class of keys that the filter takes; -1 for none.
	skip int
	log  []string
	// during are the keys that were settled while the store was writing.
	during  map[string]bool
	writing bool
	// steady leaves dying to the store.
	steady bool
}

func newWorld(t *testing.T, seed uint64, d *disk) *world {
	return &world{
		t: t, rnd: rand.New(rand.NewPCG(seed, 1)), disk: d,
		objects: map[string]bucket.Object{}, known: map[string]*knowledge{},
		clock: time.UnixMilli(1_700_000_000_000), skip: -1,
	}
}

func (w *world) note(format string, args ...any) { w.log = append(w.log, fmt.Sprintf(format, args...)) }

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("%s\nlast steps:\n  %s", fmt.Sprintf(format, args...), strings.Join(w.log[max(0, len(w.log)-40):], "\n  "))
}

// start opens the ledger as a new process that dies at its writes-th write.
func (w *world) start(writes int) {
	w.t.Helper()
	w.store = w.disk.boot(writes)
	w.store.lies = w.rnd.IntN(4) == 0
	w.store.hiccup, w.store.during = w.hiccup, w.settleDuringWrite
	w.during = map[string]bool{}
	w.out = nil
	l, err := ledger.OpenSmall(w.t.Context(), ledger.Options{Store: w.store, Scope: ledger.Scope{Endpoint: "e", Bucket: "b"}})
	if err != nil {
		w.fail("after a crash the ledger does not open: %v", err)
	}
	w.l = l
	for _, k := range w.known {
		k.now = unique(append(k.disk, k.now...))
		k.disk, k.tail = slices.Clone(k.now), slices.Clone(k.now)
	}
}

// hiccup makes the store fail now and then, after it wrote some of n entries.
func (w *world) hiccup(n int) int {
	switch {
	case w.rnd.IntN(15) > 0:
		return -1
	case w.disk.atomic:
		return w.rnd.IntN(2) * n
	default:
		return w.rnd.IntN(n + 1)
	}
}

func (w *world) settleDuringWrite() {
	w.writing = true
	defer func() { w.writing = false }()
	for range w.rnd.IntN(3) {
		w.settleOne()
	}
}

// settled takes note of something that goes into the journal.
func (w *world) settled(key string, f func(state) state) {
	w.knows(key).settled(f)
	if w.writing {
		w.during[key] = true
	}
}

func (w *world) crash() {
	w.note("crash")
	if w.steady {
		w.start(-1)
		return
	}
	w.start(w.rnd.IntN(60))
}

// died looks after an error: it may only be the store's death.
func (w *world) died(err error) bool {
	if err == nil {
		return false
	}
	if errors.Is(err, errHiccup) {
		w.note("hiccup")
		return true
	}
	if !w.store.dead {
		w.fail("error of a living store: %v", err)
	}
	require.ErrorIs(w.t, err, errDead)
	w.crash()
	return true
}

func (w *world) key() string {
	return fmt.Sprintf("%c/%02d", 'a'+rune(w.rnd.IntN(3)), w.rnd.IntN(30))
}

func (w *world) put(key string) {
	w.etags++
	w.clock = w.clock.Add(time.Millisecond)
	w.objects[key] = bucket.Object{Key: key, ETag: fmt.Sprintf("e%d", w.rnd.IntN(3)), Size: int64(w.rnd.IntN(2)), LastModified: w.clock}
}

func (w *world) mutate() {
	key := w.key()
	switch w.rnd.IntN(4) {
	case 0, 1:
		w.put(key)
	case 2:
		delete(w.objects, key)
	case 3:
		if o, ok := w.objects[key]; ok {
			w.clock = w.clock.Add(time.Millisecond)
			o.LastModified = w.clock
			w.objects[key] = o
		}
	}
}

func (w *world) knows(key string) *knowledge {
	if w.known[key] == nil {
		w.known[key] = &knowledge{now: []state{{}}, disk: []state{{}}, tail: []state{{}}}
	}
	return w.known[key]
}

func (w *world) matches(key string) bool { return int(key[len(key)-1])%3 != w.skip }

func (w *world) inFlight(key string) bool {
	return slices.ContainsFunc(w.out, func(o outstanding) bool {
		return !o.released && (o.item.Key == key || o.vanished == key)
	})
}

// pass lists everything under a prefix in stretches that are cut anywhere, and
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

func (w *world) stretch(lo, hi string) ledger.Stretch {
	s := ledger.Stretch{Lo: lo, Hi: hi}
	for _, key := range slices.Sorted(maps.Keys(w.objects)) {
		if key >= lo && (hi == "" || key < hi) {
			s.Objects = append(s.Objects, ledger.Listed{Object: w.objects[key], Matches: w.matches(key)})
		}
	}
	return s
}

func (w *world) compare(lo, hi string) bool {
	s := w.stretch(lo, hi)
	work, err := w.l.Compare(w.t.Context(), s)
	if w.died(err) {
		return false
	}
	saw := map[string]verdict{}
	for _, d := range work.Due {
		saw[d.Key] = verdict{d.Event.String(), d.Attempts}
		w.note("compare: %s %s", d.Key, d.Event)
		w.out = append(w.out, outstanding{work: work, item: d})
	}
	for _, p := range work.Parked {
		saw[p.Key] = verdict{what: "parked"}
	}
	for _, v := range work.Vanished {
		saw[v.Key] = verdict{what: "vanished"}
		if v.AbsentBefore {
			saw[v.Key] = verdict{what: "vanished before"}
		}
	}
	w.judge(s, work, saw)
	for _, v := range work.Vanished {
		w.out = append(w.out, outstanding{work: work, vanished: v.Key})
	}
	return true
}

// judge compares what the ledger said with what it must know.
func (w *world) judge(s ledger.Stretch, work *ledger.Work, saw map[string]verdict) {
	w.t.Helper()
	unchanged, inFlight := int64(0), int64(0)
	mine := func(key string) bool { _, ok := saw[key]; return ok }
	for _, o := range s.Objects {
		k := w.knows(o.Key)
		switch {
		case !mine(o.Key) && w.inFlight(o.Key):
			if o.Matches {
				inFlight++
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
				got = verdict{what: "unchanged"}
				unchanged++
			}
			w.narrow(o.Key, got, func(st state) (verdict, state) { return st.listed(o.Object) })
		}
	}
	for key := range w.known {
		if _, exists := w.objects[key]; exists || key < s.Lo || s.Hi != "" && key >= s.Hi || !mine(key) && w.inFlight(key) {
			continue
		}
		w.narrow(key, saw[key], state.missing)
	}
	if unchanged != work.Unchanged || inFlight != work.InFlight {
		w.fail("unchanged %d and in flight %d, want %d and %d", work.Unchanged, work.InFlight, unchanged, inFlight)
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
	choice := w.rnd.IntN(10)
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
		row := bucket.Object{}
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
			return s
		})
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

// durable takes note of a write that must have made everything last.
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
	switch n := w.rnd.IntN(20); {
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

func TestLedgerAgreesWithAModelThroughAnyHistory(t *testing.T) {
	for seed := range uint64(250) {
		w := newWorld(t, seed, newDisk(seed%2 == 0))
		w.start(w.rnd.IntN(200))
		for range 400 {
			w.step()
		}
		w.quiesce()
		w.checkTidy()
	}
}

// quiesce lets everything come to an end without a crash: two passes in which
// all is delivered and settled.
func (w *world) quiesce() {
	w.t.Helper()
	ctx := w.t.Context()
	w.skip = -1
	w.start(-1)
	w.store.hiccup, w.store.during = nil, nil
	for range 2 {
		w.compare("", "")
		for _, o := range w.out {
			k := w.knows(o.item.Key)
			if o.vanished != "" {
				k = w.knows(o.vanished)
				o.work.Forget(o.vanished)
				k.settled(func(state) state { return state{} })
				continue
			}
			o.work.Delivered(o.item.Object)
			k.settled(func(state) state { return state{delivered: versionOf(o.item.Object)} })
		}
		w.out = nil
		w.durable(w.l.CompletePass(ctx))
	}
	work, err := w.l.Compare(ctx, w.stretch("", ""))
	require.NoError(w.t, err)
	for _, p := range work.Parked {
		known, err := w.l.Forget(ctx, p.Key)
		require.NoError(w.t, err)
		require.True(w.t, known)
		w.knows(p.Key).settled(func(state) state { return state{} })
	}
	require.Empty(w.t, work.Vanished)
	require.Empty(w.t, work.Due)
}

func (w *world) checkTidy() {
	w.t.Helper()
	ctx := w.t.Context()
	parked := 0
	for _, err := range w.l.Parked(ctx) {
		require.NoError(w.t, err)
		parked++
	}
	require.Zero(w.t, parked)
	live := w.l.LiveKeys()
	for i := range uint64(20) {
		live[w.l.NextManifest(i)] = true
	}
	records := 0
	for key := range w.disk.values {
		if !live[key] {
			w.fail("%s is on the disk for ever", key)
		}
		if strings.Contains(key, "-j") {
			records++
		}
	}
	require.Less(w.t, records, 20, "the journal is cut")
	require.NoError(w.t, w.l.Close(ctx))
	w.durable(nil)
	w.start(-1)
	tracked := 0
	for _, k := range w.known {
		for _, st := range k.now {
			require.Equal(w.t, k.now[0].tracked(), st.tracked())
		}
		if k.now[0].tracked() {
			tracked++
		}
	}
	require.EqualValues(w.t, tracked, w.l.Stats().Tracked)
}
