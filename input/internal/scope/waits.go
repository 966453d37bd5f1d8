package scope

import (
	"fmt"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
)

// Connecting says what a run waits for that has not begun to list.
func (s *Scope) Connecting() string {
	if err := s.KeysFail(); err != nil {
		return fmt.Sprintf("waiting for the credentials: %v", err)
	}
	if err := s.Outages.Cause(); err != nil {
		return fmt.Sprintf("connecting to %s: %v", s.Outages.What, err)
	}
	return "connecting to " + s.Outages.What
}

// Waits says why nothing has moved for a while in a pass, "" where something has. Each
// call makes it more precise.
func (s *Scope) Waits(p pass.Report) string { return s.watcher.waitsFor(p) }

// standstill is a time in which no count of a pass changes.
type standstill struct {
	counts [4]int64
	since  time.Time
	// failed is how many requests had failed when it began.
	failed int64
}

// waitsFor says why nothing has moved for a while, "" where something has. Each look
// at the counts makes it more precise.
func (w *watcher) waitsFor(p pass.Report) string {
	counts := [4]int64{p.Listed, p.Delivered, p.Vanished, p.ParkedTotal()}
	failed, last := w.scope.Meters.Failed()
	w.stillMu.Lock()
	if counts != w.still.counts {
		w.still = standstill{counts: counts, since: time.Now(), failed: failed}
	}
	still := w.still
	w.stillMu.Unlock()
	lasts := time.Since(still.since)
	if lasts < emit.StillAfter {
		return ""
	}
	if waits := w.scope.Undelivered.Waits(); waits != "" && failed == still.failed {
		return waits
	}
	return fmt.Sprintf("nothing has moved for %s, %s", lasts.Round(time.Second), w.scope.heldUp(p, failed-still.failed, last))
}

// heldUp says what holds up a pass in which nothing moves, n requests failed, and the
// output owes no ack.
func (s *Scope) heldUp(p pass.Report, n int64, last error) string {
	if err := s.KeysFail(); err != nil {
		return fmt.Sprintf("waiting for the credentials: %v", err)
	}
	if err := s.stateFails.Get(); err != nil {
		return fmt.Sprintf("waiting until the state can be written: %v", err)
	}
	if n > 0 {
		return fmt.Sprintf("failed requests: %d, the last with: %v", n, last)
	}
	if err := s.Outages.Cause(); err != nil {
		return fmt.Sprintf("waiting for %s: %v", s.Outages.What, err)
	}
	if p.Unsettled() == 0 && !p.ListingComplete {
		return "waiting for the listing"
	}
	return "waiting for the downloads under way"
}
