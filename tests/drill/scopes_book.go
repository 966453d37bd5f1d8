package main

import (
	"crypto/md5"
	"encoding/hex"
	"slices"
	"sync"
	"time"
)

// scopeBook notes what was uploaded to many scopes, what arrived of it, and what each kill
// may have made the process forget.
type scopeBook struct {
	commits commits

	mu       sync.Mutex
	versions map[id]*scopeVersion // the key of an id is a place: project/bucket/key
	keys     map[string]*scopeKey // by place. A deleted key never comes back
	lives    []*scopeLife         // from 1 on
	// listed are the scopes of which a listing began since the last whole pass. passes
	// counts those: in each, every live scope began one. idle counts those in a row in
	// which nothing arrived.
	listed       map[scope]bool
	passes, idle int
	// messages counts what arrived; last is when.
	messages, told int
	last           time.Time
	// oldest is the longest time from an ack to the kill that had it forgotten.
	oldest time.Duration
	// behind is the most commits after the write of a forgotten message was due.
	behind uint64
	wrong  problems
}

type scope struct{ project, bucket string }

func (s scope) place(key string) string { return s.project + "/" + s.bucket + "/" + key }

// scopeKey is all that was uploaded under a key.
type scopeKey struct {
	scope    scope
	place    string
	current  *scopeVersion // nil when it is gone
	versions []*scopeVersion
	told     []*arrival // messages that it is gone
}

type scopeVersion struct {
	id
	to   time.Time // zero while it is current
	came []*arrival
}

// arrival is a message. acked is when it was answered, zero if it was not.
type arrival struct {
	run   int
	acked time.Time
}

// scopeLife is one run of the process.
type scopeLife struct {
	began, ended time.Time
	how          ending
	// commit is the last commit of its state, scopes how many scopes there were.
	commit  uint64
	scopes  int
	repeats map[scope]int
}

// ending is how a run ends.
type ending string

const (
	killedAtMoment  ending = "at a random moment"
	killedAtWrite   ending = "after a write"
	killedInListing ending = "in a listing"
	killedInClose   ending = "while it closed"
	killedAtRest    ending = "at rest"
	endedByItself   ending = "by itself"
)

const (
	// checkpointAfter is how long after an ack a scope writes it.
	checkpointAfter = time.Second
	// turns is how many commits each scope may have in front of that write. They take turns,
	// and there may be one under way of each.
	turns = 2
)

func newScopeBook() *scopeBook {
	return &scopeBook{
		versions: map[id]*scopeVersion{}, keys: map[string]*scopeKey{},
		lives: []*scopeLife{{repeats: map[scope]int{}}}, listed: map[scope]bool{},
	}
}

// uploaded notes a version.
func (b *scopeBook) uploaded(s scope, key string, body []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	place, sum := s.place(key), md5.Sum(body)
	k := b.keys[place]
	if k == nil {
		k = &scopeKey{scope: s, place: place}
		b.keys[place] = k
	}
	if k.current != nil {
		k.current.to = time.Now()
	}
	v := &scopeVersion{id: id{place, hex.EncodeToString(sum[:])}}
	k.current, k.versions, b.versions[v.id] = v, append(k.versions, v), v
}

// gone notes that a key is deleted, goneAll that all keys of a scope are.
func (b *scopeBook) gone(place string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keys[place].current.to = time.Now()
	b.keys[place].current = nil
}

func (b *scopeBook) goneAll(s scope) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range b.keys {
		if k.scope == s && k.current != nil {
			k.current.to = time.Now()
			k.current = nil
		}
	}
}

// started notes that a process is about to be started, and numbers it.
func (b *scopeBook) started() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lives = append(b.lives, &scopeLife{began: time.Now(), repeats: map[scope]int{}})
	b.stir()
	return len(b.lives) - 1
}

func (b *scopeBook) stir() {
	b.idle, b.last = 0, time.Now()
	clear(b.listed)
}

// ends notes how a process is about to end, or has ended by itself.
func (b *scopeBook) ends(how ending, scopes int) {
	commit := b.commits.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lives[len(b.lives)-1]
	l.ended, l.how, l.commit, l.scopes = time.Now(), how, commit, scopes
}

// mayForget reports whether the end of a run explains that the state does not have a
// message: nobody had answered it, or what it took to write it had no time. How busy the
// machine is does not matter: the process has to write after a second, and its scopes take
// turns.
func (b *scopeBook) mayForget(a *arrival) bool {
	l := b.lives[a.run]
	switch {
	case l.ended.IsZero():
		return false
	case a.acked.IsZero():
		return true
	case l.how == killedAtRest || l.how == endedByItself:
		return false
	}
	return b.since(a) <= uint64(turns*l.scopes)
}

// since is how many commits there were, up to the end of the run, after the time at which a
// message was due to be written.
func (b *scopeBook) since(a *arrival) uint64 {
	l, due := b.lives[a.run], a.acked.Add(checkpointAfter)
	if !due.Before(l.ended) {
		return 0
	}
	return l.commit - min(l.commit, b.commits.at(due))
}

// delivered notes a message with an object.
func (b *scopeBook) delivered(run int, place, etag string, body []byte) *arrival {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages++
	a := b.arrival(run)
	v := b.versions[id{place, etag}]
	sum := md5.Sum(body)
	switch {
	case v == nil:
		b.wrong.add("run %d delivered %q with the ETag %q, which was never uploaded", run, place, etag)
		return a
	case hex.EncodeToString(sum[:]) != v.etag:
		b.wrong.add("run %d delivered %q with the ETag %q and other bytes", run, place, etag)
	case !v.to.IsZero() && v.to.Before(b.lives[run].began):
		b.wrong.add("run %d delivered %q with the ETag %q, which was gone before it began", run, place, etag)
	}
	v.came = b.noted(v.came, a, b.keys[place].scope, "the content of "+place)
	return a
}

// deleted notes the message that a key is gone.
func (b *scopeBook) deleted(run int, place string) *arrival {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told++
	a := b.arrival(run)
	k := b.keys[place]
	switch {
	case k == nil:
		b.wrong.add("run %d reported %q as deleted, which never was", run, place)
		return a
	case k.current != nil:
		b.wrong.add("run %d reported %q as deleted, which is there", run, place)
	case !slices.ContainsFunc(k.versions, func(v *scopeVersion) bool { return len(v.came) > 0 }):
		b.wrong.add("run %d reported %q as deleted, which was not delivered", run, place)
	}
	k.told = b.noted(k.told, a, k.scope, "the deletion of "+place)
	return a
}

func (b *scopeBook) arrival(run int) *arrival {
	b.idle, b.last = 0, time.Now()
	return &arrival{run: run}
}

// noted adds a message to those of the same thing, and judges whether it may be a repeat.
func (b *scopeBook) noted(before []*arrival, a *arrival, s scope, what string) []*arrival {
	if n := len(before); n > 0 {
		last := before[n-1]
		l := b.lives[last.run]
		switch {
		case last.run == a.run:
			b.wrong.add("run %d sent %q a second time, without a kill; the first was acknowledged: %v", a.run, what, !last.acked.IsZero())
		case !b.mayForget(last):
			l.repeats[s]++
			b.wrong.add("run %d repeated what run %d had sent, %q; that was acknowledged %s before its end %s, with %d commits since a second later",
				a.run, last.run, what, l.ended.Sub(last.acked), l.how, b.since(last))
		default:
			l.repeats[s]++
			if !last.acked.IsZero() {
				b.oldest = max(b.oldest, l.ended.Sub(last.acked))
				b.behind = max(b.behind, b.since(last))
			}
		}
	}
	return append(before, a)
}

// acked notes that a message was answered.
func (b *scopeBook) acked(a *arrival) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a.acked = time.Now()
}

// listing notes that a listing of a scope begins; live are all that are to be read.
func (b *scopeBook) listing(of scope, live []scope, quiet bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listed[of] = true
	if slices.ContainsFunc(live, func(s scope) bool { return !b.listed[s] }) {
		return
	}
	clear(b.listed)
	b.passes++
	if b.idle++; !quiet {
		b.idle = 0
	}
}

// forget expects that everything is delivered again of a scope, or of all for the zero
// scope.
func (b *scopeBook) forget(s scope) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for place, k := range b.keys {
		switch {
		case s != scope{} && k.scope != s:
		case k.current == nil:
			delete(b.keys, place)
		default:
			k.told = nil
			for _, v := range k.versions {
				v.came = nil
			}
		}
	}
}

// missing is what should have arrived by now in the scopes that matter, and has not: current
// versions, and that keys are gone.
func (b *scopeBook) missing(matters func(scope) bool) (undelivered, untold []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range b.keys {
		switch {
		case !matters(k.scope):
		case k.current != nil:
			if len(k.current.came) == 0 {
				undelivered = append(undelivered, k.place)
			}
		case len(k.told) == 0 && b.remembered(k):
			untold = append(untold, k.place)
		}
	}
	return undelivered, untold
}

// remembered reports whether the process must know that a version of the key was delivered.
func (b *scopeBook) remembered(k *scopeKey) bool {
	for _, v := range k.versions {
		for _, a := range v.came {
			if !b.mayForget(a) {
				return true
			}
		}
	}
	return false
}

func (b *scopeBook) violated(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrong.add(format, args...)
}
