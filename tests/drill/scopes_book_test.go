package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var one, two = scope{"p", "one"}, scope{"p", "two"}

// sent lets a run deliver what was uploaded last under the key "k" of a scope, which is "x".
func sent(b *scopeBook, run int, s scope) *arrival {
	v := b.keys[s.place("k")].current
	return b.delivered(run, v.key, v.etag, []byte("x"))
}

func TestARepeatOfWhatNobodyAnsweredIsCountedForItsScope(t *testing.T) {
	b := newScopeBook()
	b.uploaded(one, "k", []byte("x"))
	sent(b, b.started(), one)
	b.ends(killedAtMoment, 2)
	sent(b, b.started(), one)
	require.NoError(t, b.wrong.err())
	require.Equal(t, map[scope]int{one: 1}, b.lives[1].repeats)
}

func TestARepeatOfWhatWasWrittenIsAViolation(t *testing.T) {
	for _, how := range []ending{endedByItself, killedAtRest} {
		b := newScopeBook()
		b.uploaded(one, "k", []byte("x"))
		b.acked(sent(b, b.started(), one))
		b.ends(how, 2)
		sent(b, b.started(), one)
		require.ErrorContains(t, b.wrong.err(), "repeated what run 1 had sent", how)
	}
}

// A second after the ack the scope is due, and after so many commits it had its turn.
func TestARepeatIsExplainedUntilTheScopeHadItsTurn(t *testing.T) {
	for commits, wrong := range map[uint64]bool{0: false, 2 * turns: false, 2*turns + 1: true} {
		b := newScopeBook()
		b.uploaded(one, "k", []byte("x"))
		a := sent(b, b.started(), one)
		ago := time.Now().Add(-time.Minute)
		a.acked = ago
		b.commits.samples = []commitSample{{ago, 1}, {ago.Add(checkpointAfter), 10}, {ago.Add(2 * checkpointAfter), 10 + commits}}
		b.ends(killedAtMoment, 2)
		sent(b, b.started(), one)
		require.Equal(t, wrong, b.wrong.count > 0, "%d commits", commits)
	}
}

func TestASecondMessageInOneRunIsAViolation(t *testing.T) {
	b := newScopeBook()
	b.uploaded(one, "k", []byte("x"))
	run := b.started()
	sent(b, run, one)
	sent(b, run, one)
	require.ErrorContains(t, b.wrong.err(), "a second time, without a kill")
}

func TestWhatIsMissingIsAnUndeliveredVersionOrAnUntoldDeletion(t *testing.T) {
	everything := func(b *scopeBook) []int {
		undelivered, untold := b.missing(everywhere)
		return []int{len(undelivered), len(untold)}
	}
	b := newScopeBook()
	b.uploaded(one, "k", []byte("x"))
	b.uploaded(two, "k", []byte("y"))
	require.Equal(t, []int{2, 0}, everything(b))
	run := b.started()
	b.acked(sent(b, run, one))
	b.gone(one.place("k"))
	b.goneAll(two)
	require.Equal(t, []int{0, 1}, everything(b), "two was never delivered")
	b.deleted(run, one.place("k"))
	require.Equal(t, []int{0, 0}, everything(b))
	b.deleted(run, two.place("k"))
	require.ErrorContains(t, b.wrong.err(), "which was not delivered")
}

func TestADeletionThatTheProcessCannotKnowNeedNotBeTold(t *testing.T) {
	b := newScopeBook()
	b.uploaded(one, "k", []byte("x"))
	sent(b, b.started(), one)
	b.ends(killedAtMoment, 1)
	b.gone(one.place("k"))
	_, untold := b.missing(everywhere)
	require.Empty(t, untold)
}

func TestAPassIsWholeWhenEachLiveScopeBeganAListing(t *testing.T) {
	b := newScopeBook()
	live := []scope{one, two}
	for range 3 {
		b.listing(one, live, true)
	}
	require.Zero(t, b.passes)
	b.listing(two, live, true)
	require.Equal(t, []int{1, 1}, []int{b.passes, b.idle})
	b.listing(two, []scope{two}, false)
	require.Equal(t, []int{2, 0}, []int{b.passes, b.idle})
}
