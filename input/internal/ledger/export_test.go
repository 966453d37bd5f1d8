package ledger

import (
	"context"
	"time"
)

// OpenSmall is Open with limits so low that a few keys make segments that are
// cut, merged and folded all the time.
func OpenSmall(ctx context.Context, opts Options) (*Ledger, error) {
	l, err := Open(ctx, opts)
	if err != nil {
		return nil, err
	}
	l.limits = limits{
		segment: 8, most: 12, least: 4,
		ready: 4, readyLeast: 2,
		foldBatch: 2,
		pending:   40, passPending: 10,
		records: 6, passRecords: 3,
		record: 5,
	}
	return l, nil
}

// LiveKeys returns the keys that the ledger needs, and those that the next fold
// deletes.
func (l *Ledger) LiveKeys() map[string]bool {
	keys := map[string]bool{l.keys.Index(): true, l.keys.Founded(): true}
	for _, s := range l.segments {
		if s.Manifest != 0 {
			keys[l.keys.Manifest(s.Manifest)] = true
		}
	}
	for n := l.written.oldestRecord; n < l.nextRecord; n++ {
		keys[l.keys.Record(n)] = true
	}
	for _, n := range l.written.garbage {
		keys[l.keys.Manifest(n)] = true
	}
	return keys
}

// NextManifest returns the key that a crash may have left a manifest under.
func (l *Ledger) NextManifest(i uint64) string { return l.keys.Manifest(l.written.nextManifest + i) }

// IdentityKey returns the key of the identity's name.
func (l *Ledger) IdentityKey() string { return l.keys.Identity() }

// JournalKey returns the key of a journal record.
func (l *Ledger) JournalKey(n uint64) string { return l.keys.Record(n) }

// SetPass makes t the time of the last complete pass.
func (l *Ledger) SetPass(t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pass = t
}

// Entries returns all values of the store.
func (m *MemStore) Entries() []Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	var entries []Entry
	for k, v := range m.values {
		entries = append(entries, Entry{k, v})
	}
	return entries
}
