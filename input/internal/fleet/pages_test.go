package fleet_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fleet"
)

// fill has passes of a project begin until one has to wait, and returns those that have
// begun. The one that waits is sent when it has begun, too.
func fill(t *testing.T, of *fleet.Turn) (begun []*fleet.Pages, waits chan *fleet.Pages) {
	t.Helper()
	for {
		next := make(chan *fleet.Pages, 1)
		go func() {
			p, err := of.Begin(t.Context())
			if err == nil {
				next <- p
			}
		}()
		synctest.Wait()
		select {
		case p := <-next:
			begun = append(begun, p)
		default:
			return begun, next
		}
		require.Less(t, len(begun), 1_000_000, "there is a bound")
	}
}

// beginning begins a pass in a goroutine.
func beginning(t *testing.T, of *fleet.Turn) chan *fleet.Pages {
	t.Helper()
	begun := make(chan *fleet.Pages, 1)
	go func() {
		p, err := of.Begin(t.Context())
		if err == nil {
			begun <- p
		}
	}()
	synctest.Wait()
	return begun
}

func TestARoomThatIsFullGoesPageByPageToTheProjectWithTheFewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := fleet.NewTurns(4, 16)
		huge, small := turns.Project(), turns.Project()
		begun, waits := fill(t, huge)
		tiny := beginning(t, small)
		require.Empty(t, tiny)

		done := make(chan error, 1)
		go func() { done <- begun[0].Next(t.Context()) }()
		synctest.Wait()
		require.Len(t, tiny, 1, "it comes first, though another pass waits longer")
		require.Empty(t, waits)
		require.Empty(t, done)
		(<-tiny).Leave()
		synctest.Wait()
		require.Len(t, waits, 1, "then the one that waits longest")
		require.Empty(t, done)
		begun[1].Leave()
		require.NoError(t, <-done, "and then the one that has had a page")
	})
}

func TestWhatIsListedAheadLeavesRoomForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := fleet.NewTurns(4, 16)
		greedy, err := turns.Project().Begin(t.Context())
		require.NoError(t, err)
		n := 1
		for greedy.More(n + 1) {
			n++
			require.Less(t, n, 1_000_000, "there is a bound")
		}
		require.GreaterOrEqual(t, n, 96, "a pass at full width lists as far ahead as it can")
		others, waits := fill(t, turns.Project())
		require.Greater(t, len(others), 2*n)
		require.False(t, others[0].More(2))
		require.True(t, greedy.More(n), "what it has it may keep")
		greedy.Keep(1)
		synctest.Wait()
		require.Len(t, waits, 1)
		require.False(t, greedy.More(2), "nothing is listed ahead while many are held up")
	})
}

func TestPassesOfAProjectThatIsDownTakeNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := fleet.NewTurns(4, 16)
		down := turns.Project()
		begun, waits := fill(t, down)
		other := beginning(t, turns.Project())
		require.Empty(t, other)
		down.Down(fleet.NoAnswer)
		synctest.Wait()
		require.Len(t, other, 1)
		require.Len(t, waits, 1, "its own only wait for the project, whether they have begun or not")
		down.Up(fleet.NoAnswer)

		third := beginning(t, turns.Project())
		require.Empty(t, third, "more are held than there is room for")
		begun[0].Leave()
		(<-waits).Leave()
		begun[1].Leave()
		synctest.Wait()
		require.Len(t, third, 1)
	})
}

func TestAPassThatEndsWhileItWaitsLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := fleet.NewTurns(4, 16)
		of := turns.Project()
		begun, waits := fill(t, of)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- begun[0].Next(ctx) }()
		synctest.Wait()
		(<-waits).Leave() // it has had the page of begun[0]
		require.NoError(t, <-done)
		waits = beginning(t, of)
		go func() { done <- begun[0].Next(ctx) }()
		synctest.Wait()
		last := beginning(t, of)
		go func() { done <- begun[1].Next(ctx) }()
		require.NoError(t, <-done, "of the first one, in place of the second")
		cancel()
		require.Error(t, <-done)
		begun[0].Leave()
		begun[1].Leave()
		for _, p := range begun[2:] {
			p.Leave()
		}
		(<-waits).Leave()
		(<-last).Leave()
		again, waits := fill(t, of)
		require.Len(t, again, len(begun))
		again[0].Leave()
		<-waits
	})
}
