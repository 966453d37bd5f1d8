package emulator

import (
	"slices"
	"sync"
	"sync/atomic"
)

// maxCountedKeys bounds the memory behind Request.KeyN.
const maxCountedKeys = 1 << 18

// journal counts requests and keeps the newest of them.
type journal struct {
	limit int
	ops   [numOps]opCount

	mu sync.Mutex
	// ring holds the newest limit requests; next is the position of the oldest
	// once the ring is full.
	ring []Request
	next int
	keys map[opKey]int
}

type opCount struct {
	count, inFlight, peak atomic.Int64
}

type opKey struct {
	op          Op
	bucket, key string
}

// enter numbers and records r. It returns a function to call when r is answered.
func (j *journal) enter(r *Request) (leave func()) {
	c := &j.ops[r.Op]
	r.N = int(c.count.Add(1))
	raise(&c.peak, c.inFlight.Add(1))
	j.record(r)
	return func() { c.inFlight.Add(-1) }
}

func raise(peak *atomic.Int64, n int64) {
	for {
		p := peak.Load()
		if n <= p || peak.CompareAndSwap(p, n) {
			return
		}
	}
}

func (j *journal) record(r *Request) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.keys == nil {
		j.keys = map[opKey]int{}
	}
	k := opKey{r.Op, r.Bucket, r.Key}
	if r.Key == "" {
		k.key = r.page()
	}
	if n, ok := j.keys[k]; ok || len(j.keys) < maxCountedKeys {
		r.KeyN = n + 1
		j.keys[k] = r.KeyN
	}
	switch {
	case j.limit == 0:
	case len(j.ring) < j.limit:
		j.ring = append(j.ring, *r)
	default:
		j.ring[j.next] = *r
		j.next = (j.next + 1) % j.limit
	}
}

// page identifies a page of a listing, or the keys of a deletion.
func (r *Request) page() string {
	return r.Query.Get("continuation-token") + "\x00" + r.Query.Get("start-after") + "\x00" + r.Query.Get("prefix") + "\x00" + string(r.Body)
}

// Log returns the newest requests, oldest first: at most Options.LogLimit.
func (s *Server) Log() []Request {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	return slices.Concat(s.journal.ring[s.journal.next:], s.journal.ring[:s.journal.next])
}

// Count is the number of requests for op since the start or [Server.ResetLog].
func (s *Server) Count(op Op) int { return int(s.journal.ops[op].count.Load()) }

// MaxInFlight is the largest number of requests for op that were being answered at
// the same time, including the sending of their bodies.
func (s *Server) MaxInFlight(op Op) int { return int(s.journal.ops[op].peak.Load()) }

// ResetLog forgets the log and starts all numbers anew. Requests that are
// being answered are still in flight.
func (s *Server) ResetLog() {
	j := &s.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ring, j.next, j.keys = nil, 0, nil
	for i := range j.ops {
		j.ops[i].count.Store(0)
		j.ops[i].peak.Store(j.ops[i].inFlight.Load())
	}
}
