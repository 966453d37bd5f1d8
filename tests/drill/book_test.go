package main

import (
	"fmt"
	"io"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// upload notes an upload that overwrites the key's version.
func upload(b *book, key, etag string) {
	b.uploaded(&version{id: id{key, etag}, sum: etag, size: 1, contentType: "t", author: "a"},
		func(*version) bool { return true }, func() {})
}

// deliver notes a message with a version as it was uploaded.
func deliver(b *book, run int, key, etag string) {
	b.delivered(run, message{key: key, etag: etag, sum: etag, size: "1", contentType: "t", author: "a"})
}

// wholePass notes a pass that delivers the versions.
func wholePass(b *book, run int, versions ...id) {
	b.passStarted(true)
	time.Sleep(time.Second)
	for _, v := range versions {
		deliver(b, run, v.key, v.etag)
	}
	b.passStarted(true)
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
		require.NoError(t, b.reportKills(io.Discard, time.Minute, 0))
		f := b.sum()
		require.Equal(t, 1, f.kills)
		require.Equal(t, 3, f.delivered)
		require.Equal(t, 1, f.repeats)
		require.Zero(t, f.missing)
	})
}

func TestBookFindsWhatMustNotHappen(t *testing.T) {
	for name, c := range map[string]struct {
		play func(b *book)
		want string
	}{
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
					all = append(all, id{"many", strconv.Itoa(i)})
					upload(b, "many", all[i].etag)
				}
				all = all[len(all)-1:]
				for i := range inFlight + checkpoint {
					key := fmt.Sprint("key", i)
					upload(b, key, "1")
					all = append(all, id{key, "1"})
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
				b.delivered(1, message{key: "a", etag: "1", sum: "2", size: "1", contentType: "t", author: "a"})
			},
			"other bytes",
		},
		"metadata of another version": {
			func(b *book) {
				wholePass(b, b.started())
				b.delivered(1, message{key: "a", etag: "1", sum: "1", size: "1", contentType: "text/html", author: "a"})
			},
			`type "text/html"`,
		},
		"a version that was never uploaded": {
			func(b *book) { wholePass(b, b.started(), id{"a", "1"}, id{"a", "3"}) },
			"never uploaded",
		},
		"a version that was gone before the run": {
			func(b *book) {
				upload(b, "a", "2")
				time.Sleep(time.Second)
				wholePass(b, b.started(), id{"a", "1"}, id{"a", "2"})
			},
			"gone before it began",
		},
		"the deletion of an undelivered version": {
			func(b *book) {
				wholePass(b, b.started(), id{"a", "1"})
				upload(b, "a", "2")
				b.removing("a")
			},
			"was not delivered",
		},
		"a reported deletion that never happened": {
			func(b *book) {
				wholePass(b, b.started(), id{"a", "1"})
				b.toldDeleted(1, "a")
			},
			"it existed all the time",
		},
		"a drill in which nothing happened": {
			func(b *book) { b.gone("a", func() {}); b.started() },
			"the drill did nothing",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBook()
				upload(b, "a", "1")
				time.Sleep(time.Second)
				c.play(b)
				require.ErrorContains(t, b.reportKills(io.Discard, time.Minute, 0), c.want)
			})
		})
	}
}

func TestBookAcceptsWhatAPipelineMayDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		upload(b, "a", "1")
		time.Sleep(time.Second)
		run := b.started()
		wholePass(b, run, id{"a", "1"})
		b.removing("a") // delivered, so it may go
		b.toldDeleted(run, "a")
		upload(b, "b", "1")
		time.Sleep(time.Second)
		upload(b, "b", "2")
		deliver(b, run, "b", "1") // it was under way when it was overwritten
		deliver(b, run, "b", "2")
		require.NoError(t, b.reportKills(io.Discard, time.Minute, 0))
	})
}

func TestAPipelineRestsWhenSoManyPassesFoundNothingToDo(t *testing.T) {
	b := newBook()
	upload(b, "a", "1")
	run := b.started()
	for range 3 {
		b.passStarted(true)
	}
	require.True(t, b.rested(2))
	require.Len(t, b.undelivered(), 1)
	deliver(b, run, "a", "1")
	require.False(t, b.rested(1))
	b.passStarted(true)
	require.True(t, b.rested(1))
	b.passStarted(false)
	require.False(t, b.rested(1), "something is under way")
	b.passStarted(true)
	b.started()
	b.passStarted(true)
	require.False(t, b.rested(1), "the pass of a process that is gone does not count")
}

func TestARunThatLeavesObjectsIsJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		for _, key := range []string{"told", "left", "overwritten", "deleted"} {
			upload(b, key, "1")
		}
		time.Sleep(time.Second)
		run := b.started()
		time.Sleep(time.Second)
		deliver(b, run, "told", "1")
		upload(b, "overwritten", "2")
		b.gone("deleted", func() {})
		left := b.leftBy(run)
		require.Len(t, left, 1)
		require.Equal(t, "left", left[0].key)
	})
	log := "level=error msg=\"Object \\\"left\\\" is parked\"\nreading bucket: 1 of 4 objects could not be delivered"
	require.True(t, counts(log, 1))
	require.False(t, counts(log, 4))
	require.False(t, counts("11 of 12 objects", 1))
}
