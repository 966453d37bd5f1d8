package ledger_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

func TestUnchangedPassReadsAndWritesNothing(t *testing.T) {
	disk := newDisk(false)
	l := openOn(t, disk.boot(-1))
	bucket := cut(many(100_000, "v1"), 4096)
	require.Equal(t, 100_000, deliver(t, l, bucket...))
	require.NoError(t, l.Close(t.Context()))
	l = openOn(t, disk.boot(-1))
	for range 2 {
		gets, puts := disk.gets, disk.puts
		require.Zero(t, deliver(t, l, bucket...))
		require.Equal(t, gets, disk.gets)
		require.Equal(t, puts, disk.puts)
	}
	require.EqualValues(t, 100_000, l.Stats().Tracked)
}

func TestTimeOfAnIdlePassIsWrittenByClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := ledger.NewMemStore()
		l := openOn(t, store)
		require.Zero(t, l.Stats().LastCompletePass)
		for range 300 {
			require.Zero(t, deliver(t, l, listing()))
			passed := l.Stats().LastCompletePass
			time.Sleep(time.Minute)
			l = restart(t, l, store)
			require.True(t, passed.Truncate(time.Millisecond).Equal(l.Stats().LastCompletePass))
		}
		keys := 0
		for n := range uint64(400) {
			if _, err := store.Get(t.Context(), l.JournalKey(n)); err == nil {
				keys++
			}
		}
		require.LessOrEqual(t, keys, 66, "such records do not pile up")
	})
}

func TestCheckpointIsDueAfterEnoughAcksOrEnoughTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openOn(t, ledger.NewMemStore(), func(o *ledger.Options) { o.CheckpointEvery, o.CheckpointAfter = 3, time.Minute })
		w := compare(t, l, many(10, "v1"))
		require.Zero(t, l.NextCheckpoint())
		ack := func(i int) { w.Delivered(w.Due[i].Object) }
		ack(0)
		<-l.Wake()
		require.Equal(t, time.Now().Add(time.Minute), l.NextCheckpoint())
		time.Sleep(10 * time.Second)
		ack(1)
		require.Equal(t, time.Now().Add(50*time.Second), l.NextCheckpoint())
		ack(2)
		<-l.Wake()
		require.False(t, l.NextCheckpoint().After(time.Now()))
		require.NoError(t, l.Checkpoint(t.Context()))
		require.Zero(t, l.NextCheckpoint())
		require.NoError(t, l.Checkpoint(t.Context()), "nothing to write is no error")
	})
}

func TestFailedCheckpointIsTriedAgainLaterAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newDisk(false).boot(-1)
		l := openOn(t, store, func(o *ledger.Options) { o.CheckpointEvery = 5 })
		s := many(10, "v1")
		w := compare(t, l, s)
		for _, d := range w.Due[:6] {
			w.Delivered(d.Object)
		}
		store.hiccup = func(int) int { return 0 }
		require.ErrorIs(t, l.Checkpoint(t.Context()), errHiccup)
		require.Equal(t, time.Now().Add(time.Second), l.NextCheckpoint(), "not at once")
		store.hiccup = func(n int) int { return n } // written, but the answer is lost
		require.ErrorIs(t, l.Checkpoint(t.Context()), errHiccup)
		store.hiccup = nil
		w.Delivered(w.Due[6].Object)
		require.NoError(t, l.Checkpoint(t.Context()))
		l = openOn(t, store.disk.boot(-1))
		require.Len(t, compare(t, l, s).Due, 3)
	})
}

func TestWaitingForTheStoreEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{Store: ledger.NewMemStore()}
		l := openOn(t, store)
		w := compare(t, l, listing(obj("a", "1")))
		w.Delivered(obj("a", "1"))
		store.delay = time.Hour
		go func() { _ = l.Checkpoint(t.Context()) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("enough"))
		defer cancel()
		_, err := l.Compare(ctx, listing(obj("a", "1"), obj("b", "1")))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.EqualValues(t, 1, compare(t, l, listing(obj("a", "1"))).Unchanged, "this needs no store")
		time.Sleep(2 * time.Hour)
	})
}

func TestStoreThatTakesNoLargeBatchesIsToldAndFilledUpWithNothing(t *testing.T) {
	store := newDisk(false).boot(-1)
	l := openOn(t, store)
	s := many(2200, "v1")
	parts := cut(s, 1100)
	store.hiccup = func(n int) int {
		if n > 1 {
			return n - 1 // all but the last
		}
		return -1
	}
	for _, part := range parts {
		w := compare(t, l, part)
		for _, d := range w.Due {
			w.Delivered(d.Object)
		}
	}
	for range 700 {
		require.ErrorIs(t, l.CompletePass(t.Context()), errHiccup)
	}
	require.Less(t, len(store.disk.values), 1200)
	store.hiccup = nil
	require.NoError(t, l.CompletePass(t.Context()))
	require.Less(t, len(store.disk.values), 10)
	l = openOn(t, store.disk.boot(-1))
	require.Zero(t, deliver(t, l, parts...))
}

// slowStore is slow.
type slowStore struct {
	ledger.Store
	delay time.Duration
}

func (s *slowStore) Put(ctx context.Context, entries ...ledger.Entry) error {
	time.Sleep(s.delay)
	return s.Store.Put(ctx, entries...)
}

func TestClosedLedgerSaysSo(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	require.NoError(t, l.Close(t.Context()))
	require.NoError(t, l.Close(t.Context()))
	_, err := l.Compare(t.Context(), many(1, "v1"))
	require.ErrorContains(t, err, "closed")
	require.ErrorContains(t, l.Checkpoint(t.Context()), "closed")
}

func TestSecondProcessOnOneCacheIsFoundOut(t *testing.T) {
	for name, write := range map[string]func(t *testing.T, l *ledger.Ledger, w *ledger.Work) error{
		"at the next checkpoint": func(t *testing.T, l *ledger.Ledger, w *ledger.Work) error {
			w.Delivered(obj("key-00000000", "v1"))
			return l.Checkpoint(t.Context())
		},
		"at the next fold": func(t *testing.T, l *ledger.Ledger, _ *ledger.Work) error {
			if _, err := l.MarkDelivered(t.Context(), ledger.Range{Lo: "z", Objects: listing(obj("z", "1")).Objects}); err != nil {
				return err
			}
			return l.CompletePass(t.Context())
		},
		"at the next look at a manifest": func(t *testing.T, l *ledger.Ledger, _ *ledger.Work) error {
			_, err := l.Compare(t.Context(), listing(obj("key-00000003", "v3")))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			disk := newDisk(false)
			zombie := openOn(t, disk.boot(-1))
			w := compare(t, zombie, many(1, "v1"))
			deliver(t, zombie, ledger.Range{Lo: "key-00000001", Objects: many(5000, "v1").Objects[1:]})
			other := openOn(t, disk.boot(-1))
			deliver(t, other, cut(many(9000, "v2"), 3000)...)
			err := write(t, zombie, w)
			require.ErrorIs(t, err, ledger.ErrTaken)
			require.ErrorContains(t, err, "state.namespace")
			require.Zero(t, deliver(t, openOn(t, disk.boot(-1)), cut(many(9000, "v2"), 3000)...), "the other is not harmed")
		})
	}
}

func TestStateThatWasReplacedUnderARunningProcessIsFoundOut(t *testing.T) {
	disk := newDisk(false)
	l := openOn(t, disk.boot(-1))
	w := compare(t, l, many(10, "v1"))
	w.Delivered(w.Due[0].Object)
	require.NoError(t, l.Checkpoint(t.Context()))
	clear(disk.values)
	other := openOn(t, disk.boot(-1))
	theirs := compare(t, other, many(10, "v2"))
	theirs.Delivered(theirs.Due[5].Object)
	require.NoError(t, other.Checkpoint(t.Context()))
	w.Delivered(w.Due[1].Object)
	require.ErrorIs(t, l.Checkpoint(t.Context()), ledger.ErrTaken)
}

func TestScopesShareAStoreWithoutMeeting(t *testing.T) {
	store := ledger.NewMemStore()
	s := many(3000, "v1")
	for _, scope := range []ledger.Scope{
		{Endpoint: "e", Bucket: "b"}, {Endpoint: "eb"}, {Endpoint: "e", Namespace: "b"}, {Endpoint: "e", Bucket: "b", Namespace: "n"},
	} {
		l := openOn(t, store, func(o *ledger.Options) { o.Scope = scope })
		require.Equal(t, 3000, deliver(t, l, s))
		require.NoError(t, l.Close(t.Context()))
	}
}

func TestCrashBeforeAnyWriteLosesNothingAndRepeatsWhatWasNotCheckpointed(t *testing.T) {
	for _, kind := range []struct{ atomic, lies bool }{{true, false}, {false, false}, {true, true}} {
		n := 0
		for died := true; died; n++ {
			w := newWorld(t, 7, newDisk(kind.atomic))
			w.start(n)
			w.store.hiccup, w.store.lies, w.store.during = nil, kind.lies, nil
			w.steady = true
			first := w.store
			for range 300 {
				w.step()
			}
			died = first.dead
			w.quiesce()
			w.checkTidy()
		}
		require.Greater(t, n, 50, "writes in the history")
	}
}
