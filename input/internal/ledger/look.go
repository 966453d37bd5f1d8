package ledger

import (
	"context"
	"fmt"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// Standing is what a ledger knows of one key.
type Standing struct {
	// Tracked says that some version was delivered, Current that it is the one
	// that was asked about.
	Tracked, Current bool
	// Parked is set while the version that was asked about waits for another
	// attempt.
	Parked *ParkedItem
}

// Look says what is known of an object as it is listed. Nothing is changed by
// it.
func (l *Ledger) Look(ctx context.Context, obj object.Object) (Standing, error) {
	if err := l.lock(ctx); err != nil {
		return Standing{}, err
	}
	defer l.unlock()
	entries, _, err := l.entriesFrom(ctx, obj.Key, func(*segment) bool { return true })
	if err != nil {
		return Standing{}, fmt.Errorf("looking up %q: %w", obj.Key, err)
	}
	entries = between(entries, obj.Key, obj.Key+"\x00")
	if len(entries) == 0 {
		return Standing{}, nil
	}
	e := &entries[0]
	s := Standing{Tracked: e.tracked}
	s.Current = e.tracked && (l.mode.matches(e.id, &obj) || e.alias != 0 && e.alias == alias(&obj))
	if !s.Current && e.park != nil && l.mode.matches(e.park.id, &obj) {
		item := e.parkedItem()
		s.Parked = &item
	}
	return s, nil
}

// Discard closes the store without writing anything, for those who only looked.
// Calling it again, or after [Ledger.Close], does nothing.
func (l *Ledger) Discard() error {
	if l.closed.Swap(true) {
		return nil
	}
	l.codec.close()
	return l.store.Close()
}
