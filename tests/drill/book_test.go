package main

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// upload notes an upload that overwrites what the key had.
func upload(b *book, key, etag string) {
	b.hidden(key)
	b.uploading(key, etag)()
}

// wholePass notes a pass that delivers the versions.
func wholePass(b *book, run int, versions ...id) {
	b.passStarted()
	time.Sleep(time.Second)
	for _, v := range versions {
		b.delivered(run, v.key, v.etag, v.etag)
	}
	b.passStarted()
	time.Sleep(time.Second)
}

func TestBookFindsNoFaultWithDeliveryOnceAndRepeatsAfterAKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		upload(b, "a", "1")
		upload(b, "b", "1")
		run := b.started()
		wholePass(b, run, id{"a", "1"}, id{"b", "1"})
		upload(b, "a", "2")
		b.killed(false)
		run = b.started()
		wholePass(b, run, id{"a", "2"}, id{"b", "1"})
		require.NoError(t, b.report(io.Discard, time.Minute))
		f := b.sum()
		require.Equal(t, 1, f.kills)
		require.Equal(t, 3, f.delivered)
		require.Equal(t, 1, f.repeats)
		require.Zero(t, f.lost)
	})
}

func TestBookFindsWhatMustNotBe(t *testing.T) {
	for name, c := range map[string]struct {
		play func(b *book)
		want string
	}{
		"a version that a whole pass left out": {
			func(b *book) { wholePass(b, b.started()); wholePass(b, 1, id{"a", "1"}) },
			"was not delivered",
		},
		"a version that is visible at the end": {
			func(b *book) {
				wholePass(b, b.started(), id{"a", "1"})
				upload(b, "b", "1")
			},
			"1 versions were lost",
		},
		"a repeat without a kill": {
			func(b *book) { wholePass(b, b.started(), id{"a", "1"}, id{"a", "1"}) },
			"without a kill",
		},
		"a repeat after a kill at rest": {
			func(b *book) {
				wholePass(b, b.started(), id{"a", "1"})
				b.killed(true)
				wholePass(b, b.started(), id{"a", "1"})
			},
			"1 versions were repeated",
		},
		"more repeats than in flight and a checkpoint": {
			func(b *book) {
				var all []id
				for i := range inFlight + checkpoint + 1 {
					all = append(all, id{"many", string(rune('0' + i))})
					upload(b, "many", all[i].etag)
				}
				all = append(all, id{"a", "1"})
				wholePass(b, b.started(), all...)
				b.killed(false)
				wholePass(b, b.started(), all...)
			},
			"more than the 10 in flight and a checkpoint of 500",
		},
		"bytes of another version": {
			func(b *book) {
				wholePass(b, b.started(), id{"a", "1"})
				b.delivered(1, "a", "1", "2")
			},
			"other bytes",
		},
		"a version that nobody uploaded": {
			func(b *book) { wholePass(b, b.started(), id{"a", "1"}, id{"a", "3"}) },
			"never uploaded",
		},
		"a drill in which nothing happened": {
			func(b *book) { b.hidden("a"); b.started() },
			"nothing was tried",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBook()
				upload(b, "a", "1")
				time.Sleep(time.Second)
				c.play(b)
				require.ErrorContains(t, b.report(io.Discard, time.Minute), c.want)
			})
		})
	}
}

// A version that went away before the end of a pass need not have been seen.
func TestBookDoesNotAskForWhatWasNotThereForAWholePass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		upload(b, "a", "1")
		run := b.started()
		b.passStarted()
		time.Sleep(time.Second)
		upload(b, "a", "2")
		upload(b, "b", "1")
		time.Sleep(time.Second)
		wholePass(b, run, id{"a", "2"}, id{"b", "1"})
		require.NoError(t, b.report(io.Discard, time.Minute))
	})
}
