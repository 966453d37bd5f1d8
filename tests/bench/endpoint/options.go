// Package endpoint serves an S3 bucket that exists only as numbers: of objects,
// their size, the latency and the bandwidth. It is made to measure clients on the
// same machine, so it uses as little CPU as it can: it speaks only the HTTP/1.1 that
// S3 clients need and two routes of the Storage REST API, makes keys and listings from an index, and sends bodies from one
// block of memory.
//
// It verifies no signature, stores nothing, and does not imitate any server:
// tests/emulator imitates Supabase Storage.
package endpoint

import (
	"errors"
	"fmt"
	"time"
)

// Bucket is the name of the bucket.
const Bucket = "bench"

// Options say what the bucket holds and how it answers.
type Options struct {
	// Objects is how many there are, and Size how many bytes each of them has.
	Objects int
	Size    int64
	// MaxSize, where it is larger, is the size of the largest object: sizes go from Size
	// to MaxSize, evenly on a logarithmic scale.
	MaxSize int64
	// Buckets is in how many buckets the objects are, as many in each; 0 and 1 are one.
	Buckets int
	// Shape is how their keys are made.
	Shape Shape
	// Latency is the time from a request to the first byte of its answer.
	Latency time.Duration
	// BytesPerSecond limits each answer with a body of an object; 0 is no limit. A
	// client with several connections gets this rate on each.
	BytesPerSecond int64
	// MaxInFlight is how many requests may be under way before further ones are
	// answered 429 SlowDown, at once; 0 is no bound.
	MaxInFlight int
	// Stall is for how long, from the first message on, the sink receives messages
	// without answering.
	Stall time.Duration
	// DownAfter is after how many answers with an object the endpoint is down for
	// the time of Down: it answers with DownStatus or, where that is 0, ends every
	// connection without an answer.
	DownAfter  int
	Down       time.Duration
	DownStatus int
}

// maxObjects is the largest number of objects for which a key has enough digits.
const maxObjects = 1_000_000_000

func (o Options) check() error {
	switch {
	case o.Objects < 0 || o.Objects > maxObjects:
		return fmt.Errorf("%d objects: want 0 to %d", o.Objects, maxObjects)
	case o.Size < 0 || o.Latency < 0 || o.BytesPerSecond < 0 || o.MaxInFlight < 0 || o.Stall < 0 || o.MaxSize < 0 || o.DownAfter < 0 || o.Down < 0:
		return errors.New("a size, latency, bandwidth, bound, stall or outage is negative")
	case o.Buckets < 0 || o.Objects%o.buckets() != 0:
		return fmt.Errorf("%d objects can't be divided among %d buckets", o.Objects, o.Buckets)
	}
	return nil
}
