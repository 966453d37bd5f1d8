package ledger

import (
	"context"
	"errors"
)

// Store keeps the ledger's values. It is all that the ledger asks of a
// database or a cache; it must be safe for concurrent use.
//
// The ledger's keys are short, of printable ASCII, and hold no "/", because
// some caches make a file name of a key. Its values are never empty.
type Store interface {
	// Get returns the value under key, or an error that is [ErrNotFound]. The
	// caller may keep and change the value.
	Get(ctx context.Context, key string) ([]byte, error)
	// Put writes all entries, or, where the store cannot do that, writes them
	// one by one in the order given and stops at the first that fails. The store
	// must not keep the values' memory.
	Put(ctx context.Context, entries ...Entry) error
	// Delete removes keys. A key that does not exist is no error.
	Delete(ctx context.Context, keys ...string) error
	// Close gives back what the store holds on to.
	Close() error
}

// Entry is one key and its value.
type Entry struct {
	Key   string
	Value []byte
}

// ErrLost is what a [Store] answers when no later attempt can succeed: its file
// was removed, its disk is gone or can only be read.
var ErrLost = errors.New("the state can't be used any more; see that its disk is there and can be written to, and start again")

// ErrNotFound is what a [Store] answers for a key that does not exist.
var ErrNotFound = errors.New("key not found in the store")
