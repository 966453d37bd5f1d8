package main

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// fleetBook is a book of many workers, of which runs go on.
func fleetBook(runs int) *book {
	b := newBook()
	b.order = newOrder(b)
	for range runs {
		b.order.began(b.started())
	}
	return b
}

func TestOrderOfAFleet(t *testing.T) {
	remove := func(b *book, key string) { b.gone(key, func() {}) }
	for name, c := range map[string]struct {
		play      func(b *book)
		wrong     string
		overtaken int
	}{
		"each version in its turn, by any worker": {
			play: func(b *book) {
				deliver(b, 1, "a", "1")
				upload(b, "a", "2")
				deliver(b, 2, "a", "2")
				deliver(b, 1, "a", "2")
			},
		},
		"an old version after a new one": {
			play: func(b *book) {
				upload(b, "a", "2")
				deliver(b, 2, "a", "2")
				deliver(b, 1, "a", "1")
			},
			wrong: "an old version",
		},
		"an old version after a new one in one worker, while partitions move": {
			play: func(b *book) {
				upload(b, "a", "2")
				b.order.partitionsMove()
				deliver(b, 1, "a", "2")
				deliver(b, 1, "a", "1")
			},
			wrong: "an old version",
		},
		"an old version from a worker whose partition moved": {
			play: func(b *book) {
				upload(b, "a", "2")
				b.order.partitionsMove()
				b.order.began(b.started())
				deliver(b, 3, "a", "2")
				deliver(b, 1, "a", "1")
			},
			overtaken: 1,
		},
		"an old version from a worker that started after partitions moved": {
			play: func(b *book) {
				upload(b, "a", "2")
				b.order.partitionsMove()
				b.order.began(b.started())
				deliver(b, 1, "a", "2")
				deliver(b, 3, "a", "1")
			},
			wrong: "an old version",
		},
		"a version after its deletion was told": {
			play: func(b *book) {
				remove(b, "a")
				b.toldDeleted(1, "a")
				deliver(b, 2, "a", "1")
			},
			wrong: "an old version",
		},
		"a deletion that is told twice": {
			play: func(b *book) {
				deliver(b, 2, "a", "1")
				remove(b, "a")
				b.toldDeleted(1, "a")
				b.toldDeleted(2, "a")
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := fleetBook(2)
				upload(b, "a", "1")
				c.play(b)
				if c.wrong == "" {
					require.NoError(t, b.wrong.err())
				} else {
					require.ErrorContains(t, b.wrong.err(), c.wrong)
				}
				require.Equal(t, c.overtaken, b.order.overtaken)
			})
		})
	}
}

func TestRepeatsOfAFleetNeedAReason(t *testing.T) {
	log := map[place]string{{"0", "0"}: "a", {"0", "1"}: "b", {"0", "2"}: "a"}
	for name, c := range map[string]struct {
		play     func(b *book)
		wrong    string
		repeated int
	}{
		"as many messages as references": {
			play: func(b *book) {
				deliver(b, 1, "a", "1")
				deliver(b, 1, "a", "1")
				deliver(b, 2, "b", "1")
			},
		},
		"more messages than references": {
			play: func(b *book) {
				deliver(b, 1, "b", "1")
				deliver(b, 2, "b", "1")
			},
			wrong: "1 references and 2 messages", repeated: 1,
		},
		"what a killed worker had delivered and not committed": {
			play: func(b *book) {
				deliver(b, 1, "b", "1")
				b.order.hazard(aKill, 1, []place{{"0", "1"}, {"0", "2"}})
				deliver(b, 2, "b", "1")
			},
			repeated: 1,
		},
		"what a killed worker had committed": {
			play: func(b *book) {
				deliver(b, 1, "b", "1")
				b.order.hazard(aKill, 1, []place{{"0", "2"}})
				deliver(b, 2, "b", "1")
			},
			wrong: "kills explain 0", repeated: 1,
		},
		"what another worker than the killed one had delivered": {
			play: func(b *book) {
				deliver(b, 2, "b", "1")
				b.order.hazard(aKill, 1, []place{{"0", "1"}})
				deliver(b, 2, "b", "1")
			},
			wrong: "kills explain 0", repeated: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := fleetBook(2)
				upload(b, "a", "1")
				upload(b, "b", "1")
				c.play(b)
				repeated, named := b.order.repeats(log)
				if c.wrong == "" {
					require.NoError(t, b.wrong.err())
				} else {
					require.ErrorContains(t, b.wrong.err(), c.wrong)
				}
				require.Equal(t, c.repeated, repeated)
				require.Positive(t, named)
			})
		})
	}
}

func TestADeletionThatNobodyToldIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := fleetBook(1)
		for _, key := range []string{"a", "b", "c", "d"} {
			upload(b, key, "1")
		}
		for _, key := range []string{"a", "b", "c"} {
			deliver(b, 1, key, "1")
			b.gone(key, func() {})
		}
		b.gone("d", func() {}) // nobody has delivered it
		b.toldDeleted(1, "b")
		require.Equal(t, []string{"a", "c"}, b.order.untold())
	})
}
