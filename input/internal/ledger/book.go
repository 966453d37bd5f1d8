package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/format"
)

// BookEntry is [format.BookEntry].
type BookEntry = format.BookEntry

// Book knows which scopes of a namespace a store has ledgers of, so that one that
// is gone is noticed after a restart, and so that all can be listed without a
// request. It is one value, which is written only when it changes.
//
// The book and the ledgers are written at different times, and a process may end in
// between. Neither depends on the other:
//
//   - A scope that has a ledger and is not in the book goes on with its ledger when it
//     is found and put into the book again. Until then it is not listed, and nobody
//     notices if it is gone.
//   - A scope that is in the book and has no ledger has an empty one.
//
// So put a scope into the book before its first delivery, and remove it after
// [Drop]. All methods are safe for concurrent use.
type Book struct {
	store Store
	key   string

	// io holds one token, for the goroutine that writes. What follows up to mu
	// belongs to its holder.
	io chan struct{}
	// tag is the tag of the value as this process knows it, 0 where there is none;
	// tried are the tags of writes whose outcome is not known.
	tag   uint64
	tried []uint64

	mu sync.Mutex
	// entries are in order. They are replaced and never changed.
	entries []BookEntry
	// unsure says that tried is not empty.
	unsure bool
	// waiting are the changes that nobody has begun to write. They are written together:
	// the book is one value, and at a start each of a thousand projects changes it.
	waiting []*bookChange
}

// bookChange is one call of Put or Remove.
type bookChange struct {
	apply func([]BookEntry) []BookEntry
	done  bool // it is written; this belongs to the holder of io
}

// OpenBook reads the book of a namespace. Where the store holds none, it is empty;
// what no ledger wrote is [ErrDamaged]. It does not close the store.
func OpenBook(ctx context.Context, store Store, namespace string) (*Book, error) {
	b := &Book{store: store, key: format.BookKey(namespace), io: make(chan struct{}, 1)}
	value, there, err := get(ctx, store, b.key)
	if there {
		b.tag = format.Tag(value)
		b.entries, err = format.DecodeBook(b.key, value)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the list of buckets: %w", err)
	}
	return b, nil
}

// Entries returns all entries, in the order of their endpoints and buckets. They must
// not be changed.
func (b *Book) Entries() []BookEntry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.entries
}

// Of returns the entries of one endpoint, in the order of their buckets. They must not be
// changed.
func (b *Book) Of(endpoint string) []BookEntry {
	all := b.Entries()
	byEndpoint := func(e BookEntry, endpoint string) int { return cmp.Compare(e.Endpoint, endpoint) }
	from, _ := slices.BinarySearchFunc(all, endpoint, byEndpoint)
	to := from
	for to < len(all) && all[to].Endpoint == endpoint {
		to++
	}
	return all[from:to:to]
}

// Put adds entries, or replaces those of the same endpoint and bucket. It is
// durable when Put returns, and writes nothing where nothing changes; after an error
// the book is as it was before.
func (b *Book) Put(ctx context.Context, entries ...BookEntry) error {
	entries = slices.Clone(entries)
	for i := range entries {
		entries[i].Gone = format.Storable(entries[i].Gone)
	}
	if b.holds(entries) {
		return nil
	}
	return b.change(ctx, func(all []BookEntry) []BookEntry {
		for _, e := range entries {
			if i, there := slices.BinarySearchFunc(all, e, BookEntry.Compare); there {
				all[i] = e
			} else {
				all = slices.Insert(all, i, e)
			}
		}
		return all
	})
}

// holds reports whether the store has these entries for sure.
func (b *Book) holds(entries []BookEntry) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.unsure && !slices.ContainsFunc(entries, func(e BookEntry) bool {
		i, there := slices.BinarySearchFunc(b.entries, e, BookEntry.Compare)
		return !there || !same(b.entries[i], e)
	})
}

// Remove removes the entries of the same endpoints and buckets, as [Book.Put] adds
// them. It is no error if one is not there.
func (b *Book) Remove(ctx context.Context, entries ...BookEntry) error {
	return b.change(ctx, func(all []BookEntry) []BookEntry {
		for _, e := range entries {
			if i, there := slices.BinarySearchFunc(all, e, BookEntry.Compare); there {
				all = slices.Delete(all, i, i+1)
			}
		}
		return all
	})
}

// change makes a change durable, along with those that wait at the same time. After an
// error each of the others is tried by its own caller.
func (b *Book) change(ctx context.Context, apply func([]BookEntry) []BookEntry) error {
	c := &bookChange{apply: apply}
	b.mu.Lock()
	b.waiting = append(b.waiting, c)
	b.mu.Unlock()
	select {
	case b.io <- struct{}{}:
	case <-ctx.Done():
		if b.drop(c) {
			return fmt.Errorf("writing the list of buckets: %w", ctx.Err())
		}
		b.io <- struct{}{} // somebody is writing it
	}
	defer func() { <-b.io }()
	if c.done {
		return nil
	}
	b.mu.Lock()
	together, before := b.waiting, b.entries
	b.waiting = nil
	b.mu.Unlock()
	after := slices.Clone(before)
	for _, one := range together {
		after = one.apply(after)
	}
	if !slices.EqualFunc(before, after, same) || len(b.tried) > 0 {
		if err := b.write(ctx, after); err != nil {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.unsure = len(b.tried) > 0
			b.waiting = append(slices.DeleteFunc(together, func(one *bookChange) bool { return one == c }), b.waiting...)
			return fmt.Errorf("writing the list of buckets: %w", err)
		}
	}
	for _, one := range together {
		one.done = true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries, b.unsure = after, false
	return nil
}

// drop takes back a change that nobody has begun to write, and reports whether it did.
func (b *Book) drop(c *bookChange) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := len(b.waiting)
	b.waiting = slices.DeleteFunc(b.waiting, func(one *bookChange) bool { return one == c })
	return len(b.waiting) < before
}

// write writes all entries, unless another process has; io is held.
func (b *Book) write(ctx context.Context, entries []BookEntry) error {
	value, there, err := get(ctx, b.store, b.key)
	if err != nil {
		return err
	}
	if tag := format.Tag(value); there && tag != b.tag && !slices.Contains(b.tried, tag) {
		return fmt.Errorf("%q: %w", b.key, ErrTaken)
	}
	value = format.EncodeBook(b.key, entries)
	if err := b.store.Put(ctx, Entry{b.key, value}); err != nil {
		b.tried = append(b.tried[max(0, len(b.tried)-64):], format.Tag(value))
		return fmt.Errorf("writing %q: %w", b.key, err)
	}
	b.tag, b.tried = format.Tag(value), nil
	return nil
}

func same(a, b BookEntry) bool {
	gone := a.Gone.Equal(b.Gone)
	a.Gone = b.Gone
	return gone && a == b
}
