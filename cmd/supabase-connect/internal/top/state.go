package top

import (
	"fmt"
	"time"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
)

// State is what an input does, in a word.
type State string

// The states of an input.
const (
	Starting   State = "starting"   // no pass has begun
	Connecting State = "connecting" // it can't begin its run yet
	Working    State = "working"    // a pass is under way, or acks are missing
	Waiting    State = "waiting"    // for the next pass
	Failing    State = "failing"    // it tries again what fails
	Stuck      State = "stuck"      // the output acknowledges nothing
	Ended      State = "ended"
)

// colours of the states.
var colours = map[State]terminal.Colour{
	Starting: terminal.Faint, Connecting: terminal.Red, Working: terminal.Green,
	Failing: terminal.Red, Stuck: terminal.Red, Ended: terminal.Faint,
}

// stuckAfter is how long messages may wait for an ack before an input counts as stuck:
// the same time as in its log.
const stuckAfter = 60

// settle sets the state: what stands in the way comes before what goes on.
func (in *Input) settle(now time.Time, st *status, ended bool) {
	switch {
	case ended:
		in.State, in.Status = Ended, fmt.Sprintf("has ended: %s delivered", view.Objects(in.Delivered))
		if in.Parked.Now > 0 {
			in.Status += fmt.Sprintf(", %s parked (%s)", view.Count(in.Parked.Now), counts(in.Parked.ByReason))
		}
		return
	case st != nil && !st.Connected && in.Pass.UnderWay == "" && in.Listed == 0:
		in.State, in.Status = Connecting, "is not connected"
		if st.Error != "" {
			in.Error = view.Cut(st.Error, 500)
			in.Status += ": " + in.Error
		}
		return
	}
	switch {
	case in.StateFailing:
		in.State, in.Status = Failing, "can't write or read its state, and delivers nothing until it can: the log has the reason"
	case in.CredentialsFailing:
		in.State, in.Status = Failing, "can't get new credentials: the log has the reason"
	case in.EndpointFailing:
		in.State, in.Status = Failing, "waits for the endpoint, which is down or refuses requests"
	case in.OldestUndelivered >= stuckAfter && in.PerSecond.Delivered == 0:
		in.State = Stuck
		in.Status = "waits for the output, which has acknowledged nothing for " + view.Duration(time.Duration(in.OldestUndelivered)*time.Second)
	case in.Scopes.onlyFail():
		in.State = Failing
		in.Status = "can't read any of its buckets, and tries them again: the log has the reasons"
	case in.Pass.FailedInARow > 0 && in.Scopes == nil:
		in.State = Failing
		in.Status = passes(in.Pass.FailedInARow) + " that ended early: the log has the reason"
		if in.Pass.UnderWay == "" && in.Pass.Due != nil {
			in.Status += "; " + in.next(now)
		}
	case in.Pass.UnderWay != "":
		in.State, in.Status = Working, in.underWay()
	case in.UndeliveredBatches > 0 || in.OldestUndelivered > 0:
		in.State, in.Status = Working, "waits for acks of the output"
	case in.Pass.Due != nil:
		in.State, in.Status = Waiting, in.next(now)
	case in.Listed > 0 || in.Pass.LastComplete != nil:
		in.State, in.Status = Working, "has read everything once"
	default:
		in.State, in.Status = Starting, "has not begun"
	}
}

func passes(n int64) string {
	if n == 1 {
		return "makes up for a pass"
	}
	return fmt.Sprintf("makes up for %s passes in a row", view.Count(n))
}

// underWay tells of the pass under way.
func (in *Input) underWay() string {
	switch in.Pass.UnderWay {
	case "changes":
		return "asks what has changed"
	case "parked":
		return "tries parked objects again"
	}
	if in.Pass.Expected == 0 {
		return fmt.Sprintf("lists everything, %s so far", view.Count(in.Pass.Listed))
	}
	text := fmt.Sprintf("lists everything, %s of about %s", view.Count(in.Pass.Listed), view.Count(max(in.Pass.Expected, in.Pass.Listed)))
	if p := in.progress(); p < 1 {
		text += fmt.Sprintf(" (%d%%)", int(100*p))
	}
	return text
}

// progress of a full pass is between 0 and 1.
func (in *Input) progress() float64 {
	if in.Pass.Expected == 0 {
		return 0
	}
	return min(float64(in.Pass.Listed)/float64(in.Pass.Expected), 1)
}

// next tells when the next pass is due.
func (in *Input) next(now time.Time) string {
	if left := in.Pass.Due.Sub(now); left >= 0 {
		return "next pass in " + view.Duration(left)
	} else if late := -left; late >= 2*time.Second { // a second is the precision of the metric
		return "the next pass has been due for " + view.Duration(late)
	}
	return "the next pass is due"
}
