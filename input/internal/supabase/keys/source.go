package keys

import (
	"context"
	"crypto/tls"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/management"
)

// Options say what the settings are, and how patient the source is.
type Options struct {
	// Settings are what the user wrote, and Project what they were resolved to.
	Settings supabase.Settings
	Project  supabase.Project

	// TLS is for Auth, and for a Management API that is not Supabase's own.
	TLS *tls.Config
	// Transport replaces the network in tests, and with it TLS.
	Transport http.RoundTripper
	// ConnectTimeout bounds the dialling of a connection, and once more its TLS
	// handshake; Timeout a whole request. Zero is no limit.
	ConnectTimeout, Timeout time.Duration

	// Patience is how long keys are waited for while what fails may pass, since
	// it failed first; then the error is returned, still as one that may pass.
	// Zero waits as long as the context lives.
	Patience time.Duration
	// Watcher hears what a user should know; nil tells nobody.
	Watcher Watcher

	// Management is the client of the Management API that is shared with other
	// sources of the same account; nil makes one. Only access_token uses it.
	Management *management.Client
	// Facts gives the status and the region of the project, where somebody else asks
	// the Management API for those of many projects. An error of it is explained
	// already. Nil asks for this project, and for the health of its Storage.
	Facts func(ctx context.Context) (management.Project, error)
}

// Watcher hears what becomes of the keys. It is called by one goroutine at a
// time and must not call the source.
type Watcher interface {
	// Renewed says that there are keys, the first ones or others than before;
	// rejected, that this is because a server refused those before.
	Renewed(p supabase.Project, rejected bool)
	// Delayed says that keys could not be had, and that they will be asked for
	// again. The present ones are good until the given time, zero where there
	// are none. It is called for each attempt.
	Delayed(err error, until time.Time)
	// Recovered says that keys could be had after one or more attempts that
	// failed, and how long after the first of them.
	Recovered(after time.Duration)
	// Expiring says that the keys, which can't be renewed from here, end soon.
	Expiring(p supabase.Project, left time.Duration)
}

// Source hands out keys. It is safe for concurrent use.
type Source struct {
	o        Options
	provider provider
	now      atomic.Pointer[state]
	// turn holds one element while a goroutine renews.
	turn chan struct{}

	// What follows belongs to the holder of turn.
	trouble   trouble
	rejection rejection
}

// state is what the source knows at one time. It is never changed.
type state struct {
	project supabase.Project
	keys    object.Credentials
	since   time.Time // when the keys came
	// renewAt is when to get new keys ahead of the end of these, warnAt when to
	// tell of the end. Zero is never.
	renewAt, warnAt time.Time
	// due is the earlier of the two.
	due time.Time
}

// New returns a source for settings that were resolved. It makes no request and
// reads no file.
func New(o Options) *Source {
	if o.Watcher == nil {
		o.Watcher = nobody{}
	}
	return &Source{o: o, provider: newProvider(o, readFile), turn: make(chan struct{}, 1)}
}

// Project is the project as the present keys show it. Until there are any, it is
// what the settings alone tell.
func (s *Source) Project() supabase.Project {
	if st := s.now.Load(); st != nil {
		return st.project
	}
	return s.o.Project
}

// Credentials returns the keys to sign a request with. It costs next to nothing
// while they are good. Shortly before their end one caller renews them, while
// the others go on with the old ones; where there are none that are good, all
// wait. An error that [object.Transient] knows is one that may pass, any other is
// a [object.ErrCredentials] with its remedy.
func (s *Source) Credentials(ctx context.Context) (object.Credentials, error) {
	st := s.now.Load()
	switch {
	case st == nil || !st.good() && !s.isFixed():
		return s.get(ctx)
	case st.due.IsZero() || time.Now().Before(st.due):
		return st.keys, nil
	}
	select {
	case s.turn <- struct{}{}:
		defer s.release()
		return s.attend(ctx, st), nil
	default:
		return st.keys, nil // another caller renews them
	}
}

// attend does what is due while the keys are good: it renews them, and tells of
// their end where that does not help. The caller saw st, before it had the turn.
func (s *Source) attend(ctx context.Context, st *state) object.Credentials {
	if now := s.now.Load(); now != nil { // else they were signed out meanwhile
		st = now
	}
	if !st.renewAt.IsZero() && !time.Now().Before(st.renewAt) {
		st = s.renewAhead(ctx, st)
	}
	if now := time.Now(); !st.warnAt.IsZero() && !now.Before(st.warnAt) {
		s.o.Watcher.Expiring(st.project, st.keys.Expires.Sub(now))
		st = s.replace(*st, now)
	}
	return st.keys
}

// renewAhead tries once to get new keys. What fails now is tried again before the
// present ones end.
func (s *Source) renewAhead(ctx context.Context, st *state) *state {
	p, err := s.provider.obtain(ctx)
	switch {
	case err == nil:
		return s.adopt(p, false)
	case ctx.Err() != nil:
		return st
	}
	s.o.Watcher.Delayed(err, st.keys.Expires)
	later := *st
	later.renewAt = time.Now().Add(s.trouble.met(err, s.mayPass(err)))
	later.setDue()
	s.now.Store(&later)
	return &later
}

// get returns keys where there are none that are good.
func (s *Source) get(ctx context.Context) (object.Credentials, error) {
	if err := s.take(ctx); err != nil {
		return object.Credentials{}, err
	}
	defer s.release()
	if st := s.now.Load(); st != nil && st.good() {
		return st.keys, nil // somebody was faster
	}
	if err := s.renew(ctx, false); err != nil {
		return object.Credentials{}, err
	}
	return s.now.Load().keys, nil
}

// signOutTimeout bounds how long the end of a run or a check waits for Auth.
const signOutTimeout = 5 * time.Second

// SignOut ends the session that the source has begun, where there is one, with
// one request or two, in five seconds at most. The next one who asks for keys begins
// another.
func (s *Source) SignOut(ctx context.Context) error {
	u, ok := s.provider.(*user)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, signOutTimeout)
	defer cancel()
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.release()
	s.now.Store(nil)
	return u.signOut(ctx)
}

func (s *Source) take(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Source) release() { <-s.turn }

// good reports whether the keys have not ended yet.
func (st *state) good() bool {
	return st.keys.Expires.IsZero() || time.Now().Before(st.keys.Expires)
}

// The end of keys that nobody renews is told of at the start if it is near, and
// again when one of these times is left.
const nearEnd = 7 * 24 * time.Hour

var tellAt = []time.Duration{24 * time.Hour, time.Hour, 5 * time.Minute}

// adopt takes over the keys of p. Rejected says that the ones before were refused.
func (s *Source) adopt(p supabase.Project, rejected bool) *state {
	if since := s.trouble.since; !since.IsZero() {
		defer func() { s.o.Watcher.Recovered(time.Since(since)) }()
	}
	s.trouble = trouble{}
	keys, _ := p.Keys()
	old, now := s.now.Load(), time.Now()
	st := state{project: p, keys: keys, since: now}
	left := keys.Expires.Sub(now)
	if old != nil && old.keys.SameKeys(keys) {
		st.since, st.warnAt = old.since, old.warnAt
		if !keys.Expires.IsZero() && !s.isFixed() {
			st.renewAt = now.Add(max(left/4, lookAgain)) // a file that was not replaced yet
		}
		st.watchFile(s, now)
		st.setDue()
		s.now.Store(&st)
		return &st
	}
	if !keys.Expires.IsZero() && !s.isFixed() {
		// Many inputs that began together do not renew together.
		st.renewAt = now.Add(left/10*8 + rand.N(max(left/10, 1)))
	}
	st.watchFile(s, now)
	next := s.replace(st, now)
	s.o.Watcher.Renewed(p, rejected)
	if s.isFixed() && !keys.Expires.IsZero() && left < nearEnd {
		s.o.Watcher.Expiring(p, left)
	}
	return next
}

// lookAgain is the least time between two looks at a file whose token is about
// to end, or has ended.
const lookAgain = 10 * time.Second

// watchFile has a file looked at again whose token has ended by this clock. The
// token is used meanwhile: the server's clock is the one that counts.
func (st *state) watchFile(s *Source, now time.Time) {
	if s.readsFiles() && st.keys.Expires.IsZero() && !st.project.Expires.IsZero() {
		st.renewAt = now.Add(lookAgain)
	}
}

// replace puts st in place, with the times that follow from it.
func (s *Source) replace(st state, now time.Time) *state {
	st.warnAt = time.Time{}
	if !s.renewsItself() && !st.keys.Expires.IsZero() {
		for _, left := range tellAt {
			if at := st.keys.Expires.Add(-left); at.After(now) {
				st.warnAt = at
				break
			}
		}
	}
	st.setDue()
	s.now.Store(&st)
	return &st
}

func (st *state) setDue() {
	st.due = st.renewAt
	if st.due.IsZero() || !st.warnAt.IsZero() && st.warnAt.Before(st.due) {
		st.due = st.warnAt
	}
}

// nobody is a watcher that does not care.
type nobody struct{}

func (nobody) Renewed(supabase.Project, bool)           {}
func (nobody) Delayed(error, time.Time)                 {}
func (nobody) Recovered(time.Duration)                  {}
func (nobody) Expiring(supabase.Project, time.Duration) {}
