package ledger

import (
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

	mu      sync.Mutex
	entries []BookEntry // in order
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

// Entries returns all entries, in the order of their endpoints and buckets.
func (b *Book) Entries() []BookEntry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.entries)
}

// Put adds entries, or replaces those of the same endpoint and bucket. It is
// durable when Put returns, and writes nothing where nothing changes; after an error
// the book is as it was before.
func (b *Book) Put(ctx context.Context, entries ...BookEntry) error {
	return b.change(ctx, func(all []BookEntry) []BookEntry {
		for _, e := range entries {
			e.Gone = format.Storable(e.Gone)
			if i, there := slices.BinarySearchFunc(all, e, BookEntry.Compare); there {
				all[i] = e
			} else {
				all = slices.Insert(all, i, e)
			}
		}
		return all
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

func (b *Book) change(ctx context.Context, f func([]BookEntry) []BookEntry) error {
	select {
	case b.io <- struct{}{}:
		defer func() { <-b.io }()
	case <-ctx.Done():
		return fmt.Errorf("writing the list of buckets: %w", ctx.Err())
	}
	before := b.Entries()
	after := f(slices.Clone(before))
	if slices.EqualFunc(before, after, same) && len(b.tried) == 0 {
		return nil
	}
	if err := b.write(ctx, after); err != nil {
		return fmt.Errorf("writing the list of buckets: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries = after
	return nil
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
