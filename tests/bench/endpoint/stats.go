package endpoint

import (
	"sync"
	"time"
)

// Stats is what the endpoint saw since it was started or last reset. Requests
// for the stats themselves do not count.
type Stats struct {
	// Lists, Gets, Heads and Others are the requests by kind: pages of a listing,
	// GETs of an object, HEADs of an object, and all other requests.
	Lists  int `json:"lists"`
	Gets   int `json:"gets"`
	Heads  int `json:"heads"`
	Others int `json:"others"`
	// Throttled is how many of them were answered 429, and Refused how many with
	// another error.
	Throttled int `json:"throttled"`
	Refused   int `json:"refused"`
	// Repeated is how many GETs asked for a range that an earlier GET had already
	// received.
	Repeated int `json:"repeated"`
	// PeakInFlight is the most requests that were under way at a time, without those
	// answered 429.
	PeakInFlight int `json:"peak_in_flight"`
	// Connections is how many connections were accepted.
	Connections int `json:"connections"`
	// Bytes is how many bytes of objects were sent.
	Bytes int64 `json:"bytes"`
	// Served is how many objects were sent whole, and Listed how many were on
	// some page of a listing.
	Served int `json:"served"`
	Listed int `json:"listed"`
	// Messages is how many requests the sink answered, and Received how many
	// bytes they had. Distinct is how many different names they had.
	Messages int   `json:"messages"`
	Received int64 `json:"received"`
	Distinct int   `json:"distinct"`
	// First and Last are when the first request came and when the last one was
	// answered; zero if there was none.
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	// Stalled is when the sink began to stall; zero if it did not.
	Stalled time.Time `json:"stalled"`
	// Down is when an outage began; zero if there was none. Knocks is how many times
	// the endpoint was asked during it, AtOnce how many of them were in its first
	// second, and Back when the first answer with an object after it began.
	Down   time.Time `json:"down"`
	Knocks int       `json:"knocks"`
	AtOnce int       `json:"knocks_at_once"`
	Back   time.Time `json:"back"`
	// CPU is the processor time that the endpoint's process used.
	CPU time.Duration `json:"cpu_ns"`
}

// Requests is the number of all requests.
func (s *Stats) Requests() int { return s.Lists + s.Gets + s.Heads + s.Others }

// kind is the kind of a request.
type kind int

const (
	kindOther kind = iota
	kindList
	kindGet
	kindHead
)

// sentRange is a range of an object that was sent.
type sentRange struct {
	object   int
	from, to int64
}

// recorder keeps the stats.
type recorder struct {
	mu       sync.Mutex
	stats    Stats
	inFlight int
	sizes    *sizes
	down     outage
	sent     []int64 // of each object, how many bytes
	listed   []bool
	ranges   map[sentRange]struct{}
	names    map[string]struct{}
	cpu      time.Duration // of the process, at the last reset
}

func newRecorder(objects int, z *sizes, downAfter int, down time.Duration) *recorder {
	r := &recorder{sizes: z, down: outage{after: downAfter, lasts: down}, sent: make([]int64, objects), listed: make([]bool, objects)}
	r.reset()
	return r
}

func (r *recorder) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats = Stats{}
	r.down.left = r.down.after
	clear(r.sent)
	clear(r.listed)
	r.ranges, r.names = map[sentRange]struct{}{}, map[string]struct{}{}
	r.cpu = processCPU()
}

func (r *recorder) snapshot() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.CPU = processCPU() - r.cpu
	return s
}

// begin notes a request, and reports whether it is within the limit of requests in
// flight. If not, the request has already ended, and end must not be called.
func (r *recorder) begin(k kind, bound int) bool {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch k {
	case kindList:
		r.stats.Lists++
	case kindGet:
		r.stats.Gets++
	case kindHead:
		r.stats.Heads++
	case kindOther:
		r.stats.Others++
	}
	if r.stats.First.IsZero() {
		r.stats.First = now
	}
	if bound > 0 && r.inFlight >= bound {
		r.stats.Throttled++
		r.stats.Last = now
		return false
	}
	r.inFlight++
	r.stats.PeakInFlight = max(r.stats.PeakInFlight, r.inFlight)
	return true
}

func (r *recorder) end() {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight--
	r.stats.Last = now
}

// ranged notes that a GET is answered with a range.
func (r *recorder) ranged(s sentRange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, seen := r.ranges[s]; seen {
		r.stats.Repeated++
	}
	r.ranges[s] = struct{}{}
}

// sentBytes notes that n bytes of an object were sent.
func (r *recorder) sentBytes(object int, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Bytes += n
	size, before := r.sizes.size(object), r.sent[object]
	r.sent[object] += n
	// An empty object is whole with its first answer.
	if before < size && before+n >= size || size == 0 && before == 0 {
		r.stats.Served++
	}
	if size == 0 {
		r.sent[object] = 1
	}
}

// page notes which objects were on a page.
func (r *recorder) page(objects []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, i := range objects {
		if !r.listed[i] {
			r.listed[i] = true
			r.stats.Listed++
		}
	}
}

// message notes a message to the sink, and when the sink begins to stall.
func (r *recorder) message(name string, size int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Messages++
	r.stats.Received += size
	if _, seen := r.names[name]; !seen {
		r.names[name] = struct{}{}
		r.stats.Distinct++
	}
}

// stalled is when the sink got its first message, or now if it has none yet.
func (r *recorder) stalled() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stats.Stalled.IsZero() {
		r.stats.Stalled = time.Now()
	}
	return r.stats.Stalled
}

func (r *recorder) connected() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Connections++
}

func (r *recorder) refused() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Refused++
}
