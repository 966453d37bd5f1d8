package ledger_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

func TestObjectInFlightIsNotDueInTheNextPass(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	s := listing(obj("a", "1"), obj("b", "1"), obj("c", "1"))
	first := compare(t, l, s)
	first.Delivered(obj("a", "1"))
	require.NoError(t, l.CompletePass(t.Context()))

	second := compare(t, l, s)
	require.Empty(t, second.Due)
	require.EqualValues(t, 1, second.Unchanged)
	require.EqualValues(t, 2, second.InFlight)

	first.Release("b")
	third := compare(t, l, s)
	require.Equal(t, []string{"b created"}, due(third))
	require.EqualValues(t, 1, third.InFlight)
	first.Close()
	third.Close()
	require.Equal(t, []string{"b created", "c created"}, due(compare(t, l, s)))
}

func TestVersionThatComesWhileAnotherIsInFlightIsDueAfterIt(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	first := compare(t, l, listing(obj("a", "1")))
	require.Empty(t, compare(t, l, listing(obj("a", "2"))).Due)
	first.Delivered(obj("a", "1"))
	require.Equal(t, []string{"a updated"}, due(compare(t, l, listing(obj("a", "2")))))
}

func TestLateAckCounts(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	s := listing(obj("a", "1"))
	w := compare(t, l, s)
	w.Close()
	w.Delivered(obj("a", "1"))
	require.Empty(t, compare(t, l, s).Due)
}

func TestLateAckNeverHidesWhatCameAfterIt(t *testing.T) {
	store := ledger.NewMemStore()
	l := openOn(t, store)
	first := compare(t, l, listing(obj("a", "1")))
	first.Close()
	second := compare(t, l, listing(obj("a", "2")))
	first.Delivered(obj("a", "1"))
	require.Empty(t, compare(t, l, listing(obj("a", "2"))).Due, "in flight")
	second.Delivered(obj("a", "2"))
	second.Forget("a")
	for range 2 {
		w := compare(t, l, listing(obj("a", "1")))
		require.Equal(t, []string{"a created"}, due(w), "it was forgotten, and the same bytes came back")
		w.Close()
		l = restart(t, l, store)
	}
}

func TestKeysOfAnotherRangeAreNotSettled(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	w := compare(t, l, listing(obj("a", "1")))
	w.Delivered(obj("b", "1"))
	w.Forget("b")
	w.Absent("a")
	require.Zero(t, l.Stats().Tracked)
	require.Zero(t, l.NextCheckpoint())
}

func TestManyListersAndAcksAtOnceDeliverEverythingOnce(t *testing.T) {
	store := ledger.NewMemStore()
	l := openOn(t, store, func(o *ledger.Options) { o.CheckpointEvery = 50 })
	const ranges, each = 24, 400
	objects := many(ranges*each, "v1")
	var delivered atomic.Int64
	for range 3 {
		acks := make(chan func(), 64)
		errs := make(chan error, 16)
		var listers, ackers sync.WaitGroup
		todo := make(chan ledger.Range, ranges)
		for _, s := range cut(objects, each) {
			todo <- s
		}
		close(todo)
		for range 4 {
			listers.Go(func() {
				for s := range todo {
					w, err := l.Compare(t.Context(), s)
					if err != nil {
						errs <- err
						return
					}
					for _, d := range w.Due {
						acks <- func() {
							if rand.IntN(10) == 0 {
								w.Release(d.Key)
								return
							}
							w.Delivered(d.Object)
							delivered.Add(1)
						}
					}
				}
			})
			ackers.Go(func() {
				for ack := range acks {
					ack()
					if next := l.NextCheckpoint(); !next.IsZero() && time.Now().After(next) {
						if err := l.Checkpoint(t.Context()); err != nil {
							errs <- err
							return
						}
					}
				}
			})
		}
		listers.Wait()
		close(acks)
		ackers.Wait()
		require.NoError(t, l.CompletePass(t.Context()))
		close(errs)
		require.NoError(t, <-errs)
	}
	left := deliver(t, l, objects)
	require.EqualValues(t, ranges*each, delivered.Load()+int64(left))
	l = restart(t, l, store)
	require.Zero(t, deliver(t, l, cut(objects, each)...))
	require.EqualValues(t, ranges*each, l.Stats().Tracked)
}

func TestAcksDoNotWaitForTheStore(t *testing.T) {
	store := newDisk(true).boot(-1)
	l := openOn(t, store)
	w := compare(t, l, many(1000, "v1"))
	for _, d := range w.Due[:900] {
		w.Delivered(d.Object)
	}
	during := 0
	store.during = func() {
		for _, d := range w.Due[900+10*during : 910+10*during] {
			w.Delivered(d.Object)
		}
		during++
	}
	require.NoError(t, l.Checkpoint(t.Context()))
	require.Positive(t, during)
	store.during = nil
	l = restart(t, l, store.disk.boot(-1))
	require.EqualValues(t, 900+10*during, l.Stats().Tracked)
}
