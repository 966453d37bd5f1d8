package keys

import (
	"context"
	"errors"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/api"
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
)

// trouble is what came in the way of getting keys since it last succeeded.
type trouble struct {
	failures int
	since    time.Time // the first of them
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
	if t.since.IsZero() {
		t.since = time.Now()
	}
	if mayPass {
		return max(between.Delay(t.failures), api.PauseOf(err))
	}
	t.pause = min(max(2*t.pause, firstPause), mostPause)
	t.refusal, t.until = err, time.Now().Add(t.pause)
	return t.pause
}

// renew gets keys and waits for what may pass, for as long as the patience
// lasts: then the error is one that may pass. The turn is the caller's. Rejected
// says that a server refused the present ones.
func (s *Source) renew(ctx context.Context, rejected bool) error {
	t := &s.trouble
	if t.refusal != nil && time.Now().Before(t.until) {
		return t.refusal
	}
	if t.waiting.IsZero() {
		t.waiting = time.Now()
	}
	for {
		p, err := s.provider.obtain(ctx)
		switch {
		case err == nil:
			s.adopt(p, rejected)
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		mayPass := s.mayPass(err)
		wait := t.met(err, mayPass)
		switch {
		case !mayPass:
			return err
		case !s.impatient(err):
		case object.Transient(err):
			return err
		default:
			return passing(err)
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
	p, err := s.provider.obtain(ctx)
	if err == nil {
		s.adopt(p, false)
	}
	return err
}

// mayPass reports whether the same attempt may succeed later. What is not an
// answer of Supabase at all is a wrong address at first, and a proxy's fault
// once the address was seen to be right: by keys, or by a list of projects.
func (s *Source) mayPass(err error) bool {
	return object.Transient(err) || (s.now.Load() != nil || s.o.Facts != nil) && errors.Is(err, object.ErrForeign)
}

// impatient reports whether it was waited for long enough.
func (s *Source) impatient(err error) bool {
	if s.now.Load() == nil && errors.Is(err, object.ErrUnreachable) && s.trouble.failures >= unreachableAttempts {
		return true
	}
	return s.o.Patience > 0 && time.Since(s.trouble.waiting) >= s.o.Patience
}

// rejection is what the source knows of keys that were refused.
type rejection struct {
	last  time.Time // when keys were renewed because of one
	pause time.Duration
	// settling says that this brought other keys, for ones that had been good:
	// until the pause is over they may be refused, since a rotation does not reach
	// everything at once.
	settling bool
}

// Renew gets other keys than those that a server has refused, and reports
// whether the request is worth another try. Many may call it at the same time,
// and one renewal serves them all. Where the same keys come back, the next
// renewal waits half a minute, and longer each time. Where new ones are refused,
// too, they are given some time to become known. An error that
// [object.Transient] knows may pass; any other is a [object.ErrCredentials] with
// its remedy.
func (s *Source) Renew(ctx context.Context, rejected object.Credentials) (bool, error) {
	if s.isFixed() {
		return false, nil
	}
	if s.others(rejected) {
		return true, nil
	}
	if err := s.take(ctx); err != nil {
		return false, err
	}
	renewed, wait, err := s.replaceRejected(ctx, rejected)
	s.release()
	if wait > 0 {
		err = retry.Sleep(ctx, wait)
		renewed = err == nil
	}
	return renewed, err
}

// RenewalHelps reports whether other keys may be accepted where a server refused
// these with an error. A user's session brings another token, while the key that
// signs stands in the configuration: a wrong signature stays wrong.
func (s *Source) RenewalHelps(err error) bool {
	_, isUser := s.provider.(*user)
	e, ok := errors.AsType[*object.Error](err)
	wrongSignature := ok && e.Code == "SignatureDoesNotMatch"
	return !s.isFixed() && (!isUser || s.o.Settings.HasFiles() || !wrongSignature)
}

// Lasts reports whether an error of the source, or of a server that refused its
// keys, stays until somebody changes the configuration. Keys in files may be
// rotated, a stopped project may be restored, and a token of which there are new
// ones may be accepted some time.
func (s *Source) Lasts(err error) bool {
	if !errors.Is(err, object.ErrCredentials) || object.Transient(err) || errors.Is(err, errStopped) || s.o.Settings.HasFiles() {
		return false
	}
	_, isOwn := errors.AsType[*supabase.FieldError](err)
	return isOwn || !s.RenewalHelps(err)
}

// replaceRejected is Renew for the holder of the turn. A wait that is not zero is
// for the same keys to become known.
func (s *Source) replaceRejected(ctx context.Context, rejected object.Credentials) (renewed bool, wait time.Duration, err error) {
	if s.others(rejected) {
		return true, 0, nil
	}
	r, now := &s.rejection, time.Now()
	if now.Sub(r.last) > quiet {
		*r = rejection{}
	}
	first, wereGood := r.pause == 0, s.isOlder(firstPause)
	next := s.passesOver(rejected, first && wereGood)
	if now.Before(r.last.Add(r.pause)) && !next {
		return false, r.settle(now), nil
	}
	if s.readsFiles() {
		err = s.renewFromFiles(ctx, rejected, first && wereGood)
	} else {
		err = s.renew(ctx, true)
	}
	if err != nil {
		return false, 0, err // it was not renewed: the next one may try at once
	}
	renewed = s.others(rejected)
	if r.last = time.Now(); next {
		// Other keys are tried at once, but a whole round of refused ones lengthens the pause.
		r.pause = max(r.pause, firstPause)
	} else {
		r.pause = min(max(2*r.pause, firstPause), mostPause)
	}
	r.settling = renewed && first && wereGood
	return renewed, 0, nil
}

// passesOver has the keys that were rejected passed over where the project has others,
// and reports whether it has. Keys that had been good are first asked for once more: one
// refusal may be a mistake, and the new ones of a rotation are the best. A refused
// signature is no reason where `region` is written: then the region may be wrong, and
// another key would hide that.
func (s *Source) passesOver(rejected object.Credentials, wereGood bool) bool {
	m, ok := s.provider.(*managed)
	if !ok || wereGood || rejected.Signs() && s.o.Settings.Region != "" {
		return false
	}
	m.refuse(rejected)
	return m.hasOthers()
}

const (
	// writeLag is how long the writer of new keys gets to write all files once the
	// server accepts the keys: one new file with an old one would be a pair that
	// never existed.
	writeLag = time.Second
	// fileLag is how long files are looked at again after keys that were good are
	// refused: Kubernetes replaces a mounted secret up to some ninety seconds after
	// it was changed.
	fileLag = 2 * time.Minute
)

// renewFromFiles reads the files, and where the keys that were rejected had been
// good reads them again until they hold others.
func (s *Source) renewFromFiles(ctx context.Context, rejected object.Credentials, wereGood bool) error {
	end := time.Now().Add(fileLag)
	for pause := writeLag; ; pause = min(2*pause, firstPause/3) {
		if err := retry.Sleep(ctx, pause); err != nil {
			return err
		}
		if err := s.renew(ctx, true); err != nil {
			return err
		}
		if s.others(rejected) || !wereGood || !time.Now().Before(end) {
			return nil
		}
	}
}

// others reports whether the present keys are not those that were rejected.
func (s *Source) others(rejected object.Credentials) bool {
	st := s.now.Load()
	return st != nil && !st.keys.SameKeys(rejected)
}

// isOlder reports whether the present keys have been in use for longer than d.
// Those that are refused sooner were most likely never good.
func (s *Source) isOlder(d time.Duration) bool {
	st := s.now.Load()
	return st != nil && time.Since(st.since) > d
}

// settle is how long to wait before keys that were refused shortly after they
// came are tried again; zero where that is not worth it.
func (r *rejection) settle(now time.Time) time.Duration {
	if !r.settling {
		return 0
	}
	return min(max(now.Sub(r.last), time.Second), firstPause/3)
}
