package keys

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/rest"
)

// between are the pauses between two attempts to get keys.
var between = retry.Policy{InitialInterval: time.Second, MaxInterval: 30 * time.Second}

// unreachableAttempts bounds how often an address that does not answer at all is
// tried at first: a name that does not resolve is most often a typing error.
const unreachableAttempts = 4

// After a refusal nobody asks again for the same for this long; it doubles with
// each further one.
const (
	firstPause = 30 * time.Second
	mostPause  = 5 * time.Minute
	// quiet is how long no key must have been refused for the next refusal to
	// count as the first again.
	quiet = 2 * mostPause
	// settling is how long a server may refuse new keys before they count as
	// wrong: a rotation does not reach everything at once.
	settling = 45 * time.Second
)

// trouble is what came in the way of getting keys since it last succeeded.
type trouble struct {
	failures int
	// waiting is since when somebody waits who has no good keys.
	waiting time.Time
	// refusal is an error that will not pass by itself. It is returned until then,
	// so that many requests do not ask for the same.
	refusal error
	until   time.Time
	pause   time.Duration
}

// met takes note of an error, and returns how long to wait before the next
// attempt.
func (t *trouble) met(err error, mayPass bool) time.Duration {
	t.failures++
	if mayPass {
		return max(between.Delay(t.failures), rest.PauseOf(err))
	}
	t.pause = min(max(2*t.pause, firstPause), mostPause)
	t.refusal, t.until = err, time.Now().Add(t.pause)
	return t.pause
}

// renew gets keys and waits for what may pass. The turn is the caller's.
// Rejected says that a server refused the present ones.
func (s *Source) renew(ctx context.Context, rejected bool) error {
	t := &s.trouble
	if t.refusal != nil && time.Now().Before(t.until) {
		return t.refusal
	}
	if t.waiting.IsZero() {
		t.waiting = time.Now()
	}
	for {
		p, err := s.provider.obtain(ctx, rejected)
		switch {
		case err == nil:
			s.adopt(p)
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		mayPass := s.mayPass(err)
		wait := t.met(err, mayPass)
		if !mayPass || s.impatient(err) {
			return err
		}
		s.o.Watcher.Delayed(err, time.Time{})
		if err := retry.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// Test gets keys where there are none that are good, with a single attempt, and
// returns what came in the way.
func (s *Source) Test(ctx context.Context) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.release()
	if st := s.now.Load(); st != nil && st.good() {
		return nil
	}
	p, err := s.provider.obtain(ctx, false)
	if err == nil {
		s.adopt(p)
	}
	return err
}

// mayPass reports whether the same attempt may succeed later. What is not an
// answer of Supabase at all is a wrong address at first, and a proxy's fault
// once the address was seen to be right.
func (s *Source) mayPass(err error) bool {
	return bucket.Transient(err) || s.now.Load() != nil && errors.Is(err, bucket.ErrForeign)
}

// impatient reports whether it was waited for long enough.
func (s *Source) impatient(err error) bool {
	if s.now.Load() == nil && errors.Is(err, bucket.ErrUnreachable) && s.trouble.failures >= unreachableAttempts {
		return true
	}
	return s.o.Patience > 0 && time.Since(s.trouble.waiting) >= s.o.Patience
}

// rejection is what the source knows of keys that were refused.
type rejection struct {
	first, last time.Time // of those that follow one another closely
	pause       time.Duration
	brought     bool // the last renewal brought other keys
}

// Renew gets other keys than those that a server has refused, and reports
// whether there are any: then the request is worth another try. Many may call it
// at the same time, and one renewal serves them all. Where the same keys come
// back, the next renewal waits half a minute, and longer each time. An error
// that [bucket.Transient] knows may pass; any other is a [bucket.ErrCredentials]
// with its remedy.
func (s *Source) Renew(ctx context.Context, rejected bucket.Credentials) (bool, error) {
	if s.isFixed() {
		return false, nil
	}
	if s.others(rejected) {
		return true, nil
	}
	if err := s.take(ctx); err != nil {
		return false, err
	}
	defer s.release()
	if s.others(rejected) {
		return true, nil
	}
	r, now := &s.rejection, time.Now()
	if now.Sub(r.last) > quiet {
		*r = rejection{}
	}
	if now.Before(r.last.Add(r.pause)) {
		return false, s.settle(now)
	}
	if err := s.renew(ctx, true); err != nil {
		return false, err // it was not renewed: the next one may try at once
	}
	r.pause, r.last = min(max(2*r.pause, firstPause), mostPause), time.Now()
	if r.first.IsZero() {
		r.first = r.last
	}
	r.brought = s.others(rejected)
	return r.brought, nil
}

// others reports whether the present keys are not those that were rejected.
func (s *Source) others(rejected bucket.Credentials) bool {
	st := s.now.Load()
	return st != nil && !st.keys.SameKeys(rejected)
}

// settle judges keys that were refused shortly after they came. For a while that
// is an error that may pass, if they are new ones.
func (s *Source) settle(now time.Time) error {
	if age := now.Sub(s.rejection.first); s.rejection.brought && age < settling {
		return &bucket.Error{
			Op: "renewing the credentials", Kind: bucket.ErrUnavailable,
			Err: fmt.Errorf("the server does not accept the new ones yet, %s after they were renewed", age.Round(time.Second)),
		}
	}
	return nil
}
