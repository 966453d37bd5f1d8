package fleet_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fleet"
)

func TestSoManyProjectsHaveTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := fleet.NewTurns(2, 16)
		a, b, c := turns.Project(), turns.Project(), turns.Project()
		leaveA, err := a.Enter(t.Context())
		require.NoError(t, err)
		leaveA2, err := a.Enter(t.Context())
		require.NoError(t, err, "a project that has its turn has it for all its buckets")
		leaveB, err := b.Enter(t.Context())
		require.NoError(t, err)

		entered := make(chan func(), 1)
		go func() {
			leave, err := c.Enter(t.Context())
			if err == nil {
				entered <- leave
			}
		}()
		synctest.Wait()
		require.Empty(t, entered, "two are asked")
		leaveA()
		synctest.Wait()
		require.Empty(t, entered, "another bucket of a is asked")
		b.Down(fleet.NoAnswer)
		synctest.Wait()
		require.Len(t, entered, 1, "one that is down has no place")
		leaveC := <-entered
		b.Up(fleet.NoAnswer)
		leaveB()
		leaveA2()

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		leaveB, err = b.Enter(t.Context())
		require.NoError(t, err)
		_, err = a.Enter(ctx)
		require.ErrorIs(t, err, context.Canceled)
		leaveB()
		leaveC()
		leave, err := a.Enter(t.Context())
		require.NoError(t, err)
		leave()
	})
}

// ask has a project ask for lists one after the other, so many at a time, each of which
// takes so long, until stop is called.
func ask(t *testing.T, of *fleet.Turn, atATime int, each time.Duration, asked *atomic.Int64) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	for range atATime {
		asking.Go(func() {
			for {
				leave, err := of.Enter(ctx)
				if err != nil {
					return
				}
				time.Sleep(each)
				asked.Add(1)
				leave()
			}
		})
	}
	return func() {
		cancel()
		asking.Wait()
	}
}

func TestProjectsThatNeverStopAskingHoldUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := fleet.NewTurns(2, 16)
		var huge, small [4]atomic.Int64
		for i := range huge {
			defer ask(t, turns.Project(), 40, 50*time.Millisecond, &huge[i])()
		}
		time.Sleep(10 * time.Second)
		began := time.Now()
		for i := range small {
			leave, err := turns.Project().Enter(t.Context())
			require.NoError(t, err)
			leave()
			small[i].Add(1)
		}
		require.Less(t, time.Since(began), 15*time.Second, "four times the slices of four projects over two places")
		time.Sleep(20 * time.Second)
		for i := range huge {
			require.Greater(t, huge[i].Load(), int64(2_000), "each goes on, 16 at a time while it has a place")
		}
	})
}

func TestAProjectThatIsDownAgainAndAgainTakesNoPlaceAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := fleet.NewTurns(1, 16)
		down, good := turns.Project(), turns.Project()
		var asked, other atomic.Int64
		defer ask(t, down, 20, 300*time.Millisecond, &asked)()
		for range 50 {
			down.Down(fleet.NoAnswer)
			down.Down(fleet.NoKeys)
			time.Sleep(time.Second)
			down.Up(fleet.NoAnswer)
			time.Sleep(time.Second)
			down.Up(fleet.NoKeys)
			time.Sleep(time.Second)
		}
		down.Down(fleet.NoKeys)
		defer ask(t, good, 1, 100*time.Millisecond, &other)()
		time.Sleep(10 * time.Second)
		require.Greater(t, other.Load(), int64(90), "the only place is free")
		require.Positive(t, asked.Load())
	})
}

func TestOneProjectIsAskedForSoManyListsAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of := fleet.NewTurns(1, 3).Project()
		var asked atomic.Int64
		defer ask(t, of, 10, time.Second, &asked)()
		time.Sleep(10500 * time.Millisecond)
		require.EqualValues(t, 30, asked.Load())
	})
}
