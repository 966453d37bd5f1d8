package ledger

import (
	"context"
	"errors"
	"fmt"
)

// Viewer is whom the listings were shown to from which the ledger was made, as
// [Ledger.SetViewer] was told last, in this process or an earlier one; "" if
// never. Under row level security, listings that are shown to somebody else say
// nothing of what is gone.
func (l *Ledger) Viewer() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.viewer
}

// SetViewer keeps the name of the viewer. It writes nothing where it is the same
// as before.
func (l *Ledger) SetViewer(ctx context.Context, name string) error {
	if l.Viewer() == name {
		return nil
	}
	if err := l.lock(ctx); err != nil {
		return fmt.Errorf("noting whom the bucket was shown to: %w", err)
	}
	defer l.unlock()
	key := l.keys.viewer()
	if err := l.store.Put(ctx, Entry{key, seal(kindViewer, key, []byte(name))}); err != nil {
		return fmt.Errorf("noting whom the bucket was shown to: writing %q: %w", key, l.noted(err))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.viewer = name
	return nil
}

func (l *Ledger) loadViewer(ctx context.Context) error {
	key := l.keys.viewer()
	value, err := l.store.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading %q: %w", key, err)
	}
	body, err := unseal(kindViewer, key, value)
	l.viewer = string(body)
	return err
}
