package poll

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/schedule"
)

var (
	errPasses = errors.New("it may pass")
	errLasts  = errors.New("it lasts")
)

// memory is what passes remember. It implements Changes.
type memory struct {
	ready    bool
	err      error
	identity string
}

func (m *memory) Ready(identity string) bool { return m.ready && identity == m.identity }
func (m *memory) Trouble() error             { return m.err }
func (m *memory) Forget()                    { m.ready = false }

// script makes passes as a test wants them. It implements Passes.
type script struct {
	t      *testing.T
	began  time.Time
	choice *Choice
	memory memory
	rests  []string // the reasons

	log      []string // each pass, with the time since began
	parkedAt time.Time
	parked   time.Duration // when, since began, it is parked
	parks    chan struct{}
	again    time.Duration // after which what was tried is due again; 0 where it was delivered
	// What passes cost and how they end: by default they take no time, list three
	// pages, and succeed.
	takes     time.Duration // each of them
	stays     time.Duration // downloads after the listing
	listPages int
	listErr   error
	listFails time.Duration // for how long listErr lasts, 0 for always
	askPages  int
	askPage   time.Duration // what a page takes, of a listing 10 s
	askErr    error
	inFlight  int      // passes under way
	dues      []string // when passes were due, since began
}

func newScript(t *testing.T) *script {
	s := &script{t: t, began: time.Now(), listPages: 3, askPages: 1, askPage: time.Second}
	s.choice = &Choice{
		Changes: &s.memory, FullEvery: time.Hour, LeastPages: LeastPages,
		Lasts: func(err error) bool { return errors.Is(err, errLasts) },
		Rests: func(reason error, pause time.Duration) { s.rests = append(s.rests, fmt.Sprint(pause, " ", reason)) },
	}
	return s
}

// run runs a plan for a while, and returns the passes that were made.
func (s *script) run(plan schedule.Plan, d time.Duration) []string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), d)
	defer cancel()
	require.ErrorIs(s.t, Run(ctx, s.options(plan)), context.DeadlineExceeded)
	return s.log
}

func (s *script) options(plan schedule.Plan) Options {
	return Options{
		Plan: plan, Passes: s, Choice: s.choice, Identity: func(context.Context) string { return "role" },
		OnDue: func(at time.Time) { s.dues = append(s.dues, fmt.Sprint(at.Sub(s.began).Round(time.Second))) },
	}
}

// pass takes its time, as a pass does: the next one is asked for once the listing is
// complete, and not waited for beyond that.
func (s *script) pass(ctx context.Context, name string, due Due, listed func() error) (left bool, err error) {
	require.Zero(s.t, s.inFlight, "passes never overlap")
	s.inFlight++
	defer func() { s.inFlight-- }()
	s.log = append(s.log, fmt.Sprint(name, " ", time.Since(s.began).Round(time.Second)))
	time.Sleep(s.takes)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err := listed(); err != nil {
		return false, err
	}
	stays := s.stays
	if next := due(); !next.IsZero() && time.Until(next) < stays {
		left, stays = true, time.Until(next)
	}
	time.Sleep(stays)
	return left, nil
}

func (s *script) List(ctx context.Context, due Due, remember bool) (left bool, err error) {
	name := "list"
	if remember {
		name = "list and remember"
	}
	return s.pass(ctx, name, due, func() error {
		for range s.listPages {
			s.choice.PageListed(10 * time.Second)
		}
		if remember {
			s.memory.identity = "role"
		}
		err := s.listErr
		if s.listFails > 0 && time.Since(s.began) >= s.listFails {
			err = nil
		}
		s.memory.ready = remember && err == nil
		return err
	})
}

func (s *script) Changes(ctx context.Context, due Due, goOn func() error) (left bool, err error) {
	return s.pass(ctx, "changes", due, func() error {
		for range s.askPages {
			s.choice.PageAsked(s.askPage)
			if err := goOn(); err != nil {
				return err
			}
		}
		return s.askErr
	})
}

func (s *script) Parked(_ context.Context, due Due) {
	require.False(s.t, due().Before(time.Now()))
	s.log = append(s.log, fmt.Sprint("parked ", time.Since(s.began).Round(time.Second)))
	require.False(s.t, time.Now().Before(s.parkedAt))
	s.parkedAt = time.Time{}
	if s.again > 0 {
		s.parkedAt = time.Now().Add(s.again)
	}
}

// Parks has an element when an object is parked after its pass.
func (s *script) Parks() <-chan struct{} {
	if s.parked > 0 && s.parks == nil {
		s.parks = make(chan struct{}, 1)
		time.AfterFunc(s.parked-time.Since(s.began), func() { s.parks <- struct{}{} })
	}
	return s.parks
}

func (s *script) NextParked() time.Time {
	if time.Since(s.began) < s.parked {
		return time.Time{}
	}
	return s.parkedAt
}
