package scope

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/state"
)

// open opens the ledger, once.
func (s *Scope) open(ctx context.Context) (err error) {
	if s.ledger == nil {
		s.ledger, err = state.OpenLedger(ctx, s.remembered(), s.Conf, s.Resources)
	}
	return err
}

// keeperHooks log how the checkpoints go, and end the run if the state is lost.
func (s *Scope) keeperHooks() state.Hooks {
	field := s.Conf.State.Field()
	return state.Hooks{
		Written: s.tellState,
		Failing: func(err error, since time.Duration) {
			s.stateFails.Set(err)
			if since == 0 {
				say := s.Log.Errorf
				if s.stalls() > 1 {
					say = s.Log.Debugf // it was told of another scope, whose state is in the same store
				}
				say("%s: %v; nothing more is delivered until it succeeds, since a restart would deliver it again", field, err)
				return
			}
			s.Voice.fails(s.Log)("%s: nothing was delivered for %v, as the state still can't be written: %v", field, since.Round(time.Second), err)
		},
		Recovered: func(after time.Duration) {
			s.stateFails.Clear()
			say := s.Log.Infof
			if s.stallEnds() > 0 {
				say = s.Log.Debugf // others wait for their next attempt
			}
			say("%s: the state can be written again after %v; delivering goes on", field, after.Round(time.Second))
		},
		Fatal: s.stateLost,
	}
}

// stalls notes that the scope waits for its state, and returns how many do. The calls of
// stallEnds after the first do nothing more.
func (s *Scope) stalls() int64 {
	defer s.showState()
	if s.stalled.Swap(true) {
		return s.Shared.stalled.Load()
	}
	return s.Shared.stalled.Add(1)
}

func (s *Scope) stallEnds() int64 {
	defer s.showState()
	if !s.stalled.Swap(false) {
		return s.Shared.stalled.Load()
	}
	return s.Shared.stalled.Add(-1)
}

// stateRead is told how an attempt at something has ended that reads the state.
func (s *Scope) stateRead(err error) {
	s.unread.Store(errors.Is(err, ledger.ErrUnread))
	s.showState()
}

// showState shows whether the state can't be written or read.
func (s *Scope) showState() {
	s.Meters.StateFailing.Flag(s.stalled.Load() || s.unread.Load())
}

// stateLost ends a run that can't record anything any more: everything that it
// would still deliver would be delivered again.
func (s *Scope) stateLost(err error) {
	err = fmt.Errorf("%s: %w", s.Conf.State.Field(), err)
	s.Voice.fails(s.Log)("The run ends, since nothing can be delivered any more without its state: %v", err)
	s.EndWith(err)
}

// tellState sets the gauges of the ledger.
func (s *Scope) tellState() {
	if s.ledger != nil {
		stats := s.ledger.Stats()
		s.Meters.Tracked.Set(stats.Tracked)
		s.Meters.ParkedNow.Set(stats.Parked)
		s.Meters.LastCompletePass.SetTime(stats.LastCompletePass)
	}
}

// lastCheckpoint writes what has been acked so far.
func (s *Scope) lastCheckpoint(ctx context.Context) error {
	if s.keeper == nil {
		return nil
	}
	if err := s.keeper.End(ctx); err != nil {
		return err
	}
	s.stallEnds()
	return s.ledger.Checkpoint(ctx)
}

// closeLedger writes what is not written yet, and closes the ledger.
func (s *Scope) closeLedger(ctx context.Context) error {
	if s.ledger == nil {
		return nil
	}
	if err := s.ledger.Close(ctx); err != nil {
		return fmt.Errorf("%s: %w; what was delivered last will be delivered again", s.Conf.State.Field(), err)
	}
	return nil
}

// keep begins to write checkpoints, unless that goes on already.
func (s *Scope) keep() {
	if s.ledger != nil && s.keeper == nil {
		s.keeper = state.Keep(s.ledger, s.keeperHooks())
	}
}

// Reopen closes the ledger after a run that has ended, so that the next one opens it
// anew.
func (s *Scope) Reopen() {
	_ = Timed(s.lastCheckpoint)
	_ = Timed(s.closeLedger)
	s.ledger, s.keeper = nil, nil
}
