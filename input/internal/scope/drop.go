package scope

import (
	"context"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// Drop delivers that everything is gone that was delivered from the scope: it is found
// missing by passes over a listing that shows nothing, under the same care as in any
// other pass. The run must have ended. Told reports whether nothing of it is left to be
// told; an error is that of the state.
func (s *Scope) Drop(ctx context.Context) (told bool, _ error) {
	if err := s.open(ctx); err != nil {
		return false, err
	}
	s.keep() //nolint:contextcheck // checkpoints have a time of their own
	s.dropObjects(ctx)
	return s.ledger.Stats().Tracked == 0, nil
}

func (s *Scope) dropObjects(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s.fetcher = s.newFetcher(ctx)
	opts, _ := s.passOptions()
	opts.Source.Feed, opts.Source.Listing.Pager = nil, nothing{}
	opts.Deletes.Listed = func(context.Context, string) (object.Object, bool, error) { return object.Object{}, false, nil }
	over := &passes{Scope: s, over: pass.NewScope(opts)}
	never := func() time.Time { return time.Time{} }
	for s.ledger.Stats().Tracked > 0 { // a pass tells of so many at the most
		// The first pass over many keys finds them missing, and the second one tells.
		for range 2 {
			if _, err := over.List(ctx, never, false); err != nil || over.held > 0 {
				return
			}
		}
		if !s.acknowledged(ctx) {
			return
		}
	}
}

// droppedFor is how long no deletion of a scope that is gone is acknowledged before
// the rest is left: outputs that gather batches seldom hold them for longer.
const droppedFor = emit.StuckAfter

// acknowledged returns when no deletion waits for its ack, and reports whether any was
// acknowledged.
func (s *Scope) acknowledged(ctx context.Context) bool {
	before, moved := s.ledger.Stats().Tracked, time.Now()
	first := before
	for before > 0 && time.Since(moved) < droppedFor && retry.Sleep(ctx, time.Second) == nil {
		if now := s.ledger.Stats().Tracked; now != before {
			before, moved = now, time.Now()
		}
	}
	return before < first
}

// nothing is a listing of a scope that is gone.
type nothing struct{}

// Page implements listing.Pager.
func (nothing) Page(context.Context, string, string) ([]object.Object, bool, error) {
	return nil, false, nil
}
