package fetch

import (
	"sync"
	"sync/atomic"
	"time"
)

// quickestHash is more bytes a second than any core hashes: MD5 does 0.5 to 0.9 GB.
const quickestHash = 1e9

// ranges knows whether the parts of an object may be read side by side.
//
// Those of a large one may where ranges are cheap. They are not where the endpoint
// does work in proportion to the whole object for each of them: a self-hosted file
// store hashes all of it before the first byte of every answer. Then each part would
// cost as much as the object.
//
// One answer tells, without a request more: if its first byte came sooner than the
// whole object can have been hashed, it was not. A slow answer says nothing, so that
// object is read with one request and the next one is looked at. An endpoint that
// hashes never gives such an answer.
type ranges struct {
	// seen says that a range was answered with that range. Until then a single one is
	// asked for, since some endpoints send all of the object.
	cheap, seen, never atomic.Bool
	// small is the least time, in nanoseconds, that a small object took to its first
	// byte, 0 if there was none: the part that has nothing to do with sizes.
	small atomic.Int64

	mu sync.Mutex
	// Of the last small answers: how many, how long they took to begin, and how long
	// they were sent.
	answers         int
	opened, sending time.Duration
}

// Small objects are read in parts once fewAnswers have told how long they take. The
// mean is that of twice as many.
const fewAnswers = 4

// took takes how long an answer with a small object, or its first part, took to
// begin, and how long it takes to send all of the object.
func (k *ranges) took(opened, sending time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.answers == 2*fewAnswers {
		k.answers, k.opened, k.sending = k.answers/2, k.opened/2, k.sending/2
	}
	k.answers++
	k.opened += opened
	k.sending += sending
}

// splits reports whether small objects may be read in parts. They may where answers
// spend most of their time on being sent, and at most a quarter of it until they
// begin. Where each range costs work in proportion to the object, that is done
// before the first byte, so that the work of all parts is bounded. Where an endpoint
// mostly thinks, more requests would bring nothing.
func (k *ranges) splits() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.never.Load() && k.answers >= fewAnswers && 3*k.opened <= k.sending
}

// answered takes how long an answer with all of an object took to begin.
func (k *ranges) answered(size int64, took time.Duration) {
	if size <= wholeBytes {
		for least := k.small.Load(); least == 0 || int64(took) < least; least = k.small.Load() {
			if k.small.CompareAndSwap(least, max(int64(took), 1)) {
				return
			}
		}
		return
	}
	if (took - time.Duration(k.small.Load())).Seconds() < float64(size)/quickestHash {
		k.cheap.Store(true)
	}
}

// areCheap reports whether it is known.
func (k *ranges) areCheap() bool { return k.cheap.Load() && !k.never.Load() }

// ahead is how many parts of an object of the given size to read ahead of a reader.
func (k *ranges) ahead(size int64) int {
	switch {
	case k.never.Load(), size > wholeBytes && !k.cheap.Load():
		return 0
	case !k.seen.Load():
		return 1
	}
	return maxAhead
}

// heard takes what came when a range was asked for.
func (k *ranges) heard(partial bool) {
	if partial {
		k.seen.Store(true)
	} else {
		k.never.Store(true)
	}
}
