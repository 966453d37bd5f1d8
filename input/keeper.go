package input

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/state"
)

// keeperHooks log how the checkpoints go, and end the run if the state is lost.
func (r *reader) keeperHooks() state.Hooks {
	field := r.conf.State.Field()
	return state.Hooks{
		Written: r.tellState,
		Failing: func(err error, since time.Duration) {
			r.stateFails.Set(err)
			say := r.log.Errorf
			if since == 0 {
				if r.stalls() > 1 {
					say = r.log.Debugf // it was told of another scope, whose state is in the same store
				}
				say("%s: %v; nothing more is delivered until it succeeds, since a restart would deliver it again", field, err)
				return
			}
			if r.several {
				say = r.log.Debugf
			}
			say("%s: nothing was delivered for %v, as the state still can't be written: %v", field, since.Round(time.Second), err)
		},
		Recovered: func(after time.Duration) {
			r.stateFails.Clear()
			say := r.log.Infof
			if r.stallEnds() > 0 {
				say = r.log.Debugf // others wait for their next attempt
			}
			say("%s: the state can be written again after %v; delivering goes on", field, after.Round(time.Second))
		},
		Fatal: r.stateLost,
	}
}

// stalls notes that the scope waits for its state, and returns how many do. The calls of
// stallEnds after the first do nothing more.
func (r *reader) stalls() int64 {
	defer r.showState()
	if r.stalled.Swap(true) {
		return r.allStalled.Load()
	}
	return r.allStalled.Add(1)
}

func (r *reader) stallEnds() int64 {
	defer r.showState()
	if !r.stalled.Swap(false) {
		return r.allStalled.Load()
	}
	return r.allStalled.Add(-1)
}

// stateRead is told how an attempt at something has ended that reads the state.
func (r *reader) stateRead(err error) {
	r.unread.Store(errors.Is(err, ledger.ErrUnread))
	r.showState()
}

// showState shows whether the state can't be written or read.
func (r *reader) showState() {
	r.meters.StateFailing.Flag(r.stalled.Load() || r.unread.Load())
}

// stateLost ends a run that can't record anything any more: everything that it
// would still deliver would be delivered again.
func (r *reader) stateLost(err error) {
	err = fmt.Errorf("%s: %w", r.conf.State.Field(), err)
	say := r.log.Errorf
	if r.several {
		say = r.log.Debugf // it is told of as what fails in this scope
	}
	say("The run ends, since nothing can be delivered any more without its state: %v", err)
	r.endWith(err)
}
