package plane

import (
	"context"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// Client reads one bucket over either plane. It is safe for concurrent use.
type Client interface {
	// Page lists up to a thousand objects with the prefix whose keys are greater
	// than after, in byte order. More says whether the listing goes on after the last
	// of them; the page is never empty then. The page is retried under the client's
	// policy.
	Page(ctx context.Context, prefix, after string) (objs []object.Object, more bool, err error)
	// Listed asks the listing for one key, once. It returns the listed version of the
	// object, and whether there is one.
	Listed(ctx context.Context, key string) (object.Object, bool, error)
	// Probe asks for a single key under prefix, to see whether the host, the
	// credentials and the bucket are right. It returns the first object, and whether
	// there is one.
	Probe(ctx context.Context, prefix string, policy retry.Policy) (object.Object, bool, error)
	// Open makes one GET of the object, from offset to its end, and never retries
	// it. The caller closes Body.
	Open(ctx context.Context, key string, offset int64) (*object.Content, error)
	// OpenRange is like Open but ends after length bytes, or at the end of the object.
	// The length must be positive.
	OpenRange(ctx context.Context, key string, offset, length int64) (*object.Content, error)
	// Delete removes the object. A missing object is no error.
	Delete(ctx context.Context, key string) error
	// Buckets names the buckets that the role may see.
	Buckets(ctx context.Context) ([]string, error)
	// Answers makes one request without credentials, and without retries, to see
	// whether a storage server is at the endpoint: nil if it answered at all, be it
	// with a refusal.
	Answers(ctx context.Context) error
	// Close drops the idle connections. The client can still be used.
	Close()
}

// Probing is a client that probes by itself, below the prefix of a listing. It is
// for downloads, which know no prefix.
type Probing struct {
	Client
	prefix string
}

// NewProbing returns the client for downloads.
func NewProbing(c Client, prefix string) Probing { return Probing{c, prefix} }

// Probe makes one probe, without a second attempt.
func (p Probing) Probe(ctx context.Context) error {
	_, _, err := p.Client.Probe(ctx, p.prefix, retry.Once)
	return err
}
