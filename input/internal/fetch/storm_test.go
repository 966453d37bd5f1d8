package fetch

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

var storms = flag.Int("storms", 24, "how many runs TestObjectsArriveWholeThroughAStorm makes")

// TestObjectsArriveWholeThroughAStorm downloads from a store that cuts,
// throttles, refuses, stalls and overwrites at random, to takers of each kind,
// within tiny and ample budgets. Every object has to arrive as one version, and
// nothing may be left: no byte of the budget, no place, no goroutine (the bubble
// would not end), and no write to what a taker was given.
func TestObjectsArriveWholeThroughAStorm(t *testing.T) {
	for seed := range uint64(*storms) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { runStorm(t, seed) })
		})
	}
}

func runStorm(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	s := newStorm(seed)
	var objs []object.Object
	for i := range 4 + rnd.IntN(12) {
		objs = append(objs, s.put(fmt.Sprint(i), stormSize(rnd)))
	}
	pick := func(of ...int64) int64 { return of[rnd.IntN(len(of))] }
	g := &last{}
	opts := Options{
		Source: s, Meter: g,
		MaxDownloads: int(pick(0, 0, 0, 1, 2, 5, 32)),
		BufferBytes:  pick(64<<10, 1<<20, 5<<20, 9<<20, 32<<20, 256<<20),
		HoldsWhole:   rnd.IntN(3) == 0,
		TakesWhole:   rnd.IntN(2) == 0,
		CheapRanges:  rnd.IntN(2) == 0,
		Retry:        retry.Policy{MaxAttempts: 1000, InitialInterval: 10 * time.Millisecond, MaxInterval: time.Second},
	}
	k := &stormSink{store: s, slow: time.Duration(pick(0, 0, 1, 50)) * time.Millisecond, seed: seed}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	early := rnd.IntN(6) == 0
	if early {
		time.AfterFunc(time.Duration(rnd.IntN(3000))*time.Millisecond, cancel)
	}
	f := New(ctx, opts)
	if seed%2 == 0 { // small objects are read in parts from the start
		f.ranges.seen.Store(true)
		for range 2 * fewAnswers {
			f.ranges.took(0, time.Hour)
		}
	}
	r := f.Begin(items(objectsOf(objs), &takers{deliver: k.deliver, failed: func(f Failure) { t.Errorf("given up: %v", f.Err) }}))
	<-r.Done()
	err := r.Err()
	cancel()
	f.Wait()
	require.Zero(t, g.inFlight)
	require.Zero(t, g.buffered)
	synctest.Wait()
	for _, data := range k.given {
		require.Equal(t, len(data), bytes.Count(data, []byte{0}), "written to after it was handed on")
	}
	require.Empty(t, k.wrong)
	if early && err != nil {
		require.ErrorIs(t, err, context.Canceled)
		return
	}
	require.NoError(t, err)
	for _, o := range objs {
		require.Equal(t, 1, k.got[o.Key], o.Key)
	}
}

// stormSize leans to the sizes at which something changes.
func stormSize(rnd *rand.Rand) int64 {
	edges := []int64{0, 1, 1 << 20, 2 << 20, partBytes, 4 << 20, wholeBytes, wholeBytes + 1, 5 * partBytes}
	size := edges[rnd.IntN(len(edges))]
	if rnd.IntN(2) == 0 {
		size += rnd.Int64N(1 << 20)
	}
	return size
}

// storm is a Source in trouble. Which trouble, its seed says.
type storm struct {
	mu       sync.Mutex
	rnd      *rand.Rand
	versions map[string][]object.Object // the last one is the current

	cut, throttle, refuse, overwrite, stall float64
	rate                                    int64
	latency                                 time.Duration
	noRanges                                bool
}

func newStorm(seed uint64) *storm {
	rnd := rand.New(rand.NewPCG(seed, 2))
	often := func(most float64) float64 {
		if rnd.IntN(2) == 0 {
			return 0
		}
		return rnd.Float64() * most
	}
	return &storm{
		rnd: rnd, versions: map[string][]object.Object{},
		cut: often(0.3), throttle: often(0.2), refuse: often(0.2), overwrite: often(0.05), stall: often(0.1),
		rate:     1 << (20 + rnd.IntN(8)),
		latency:  time.Duration(rnd.IntN(200)) * time.Millisecond,
		noRanges: rnd.IntN(8) == 0,
	}
}

func (s *storm) put(key string, size int64) object.Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := object.Object{Key: key, Size: size, ETag: fmt.Sprintf("%s-%d", key, len(s.versions[key]))}
	s.versions[key] = append(s.versions[key], o)
	return o
}

// stormBytes are the bytes of a version from offset on: they repeat with a prime
// period, so that none is like another that is a part away.
func stormBytes(o object.Object, offset int64, to []byte) {
	at := int64(0)
	for _, c := range []byte(o.ETag) {
		at = at*31 + int64(c)
	}
	at += offset
	for len(to) > 0 {
		at %= int64(len(stormPattern))
		n := copy(to, stormPattern[at:])
		to, at = to[n:], at+int64(n)
	}
}

// isStorm reports whether data is a version, whole.
func isStorm(o object.Object, data []byte) bool {
	want := make([]byte, 64<<10)
	for at := 0; at < len(data); at += len(want) {
		piece := data[at:min(at+len(want), len(data))]
		stormBytes(o, int64(at), want[:len(piece)])
		if !bytes.Equal(want[:len(piece)], piece) {
			return false
		}
	}
	return int64(len(data)) == o.Size
}

// stormPattern has no zeros, so that what was cleared is told from it.
var stormPattern = func() []byte {
	rnd, p := rand.New(rand.NewPCG(3, 3)), make([]byte, 65521)
	for i := range p {
		p[i] = byte(rnd.Uint32()) | 1
	}
	return p
}()

func (s *storm) Open(ctx context.Context, key string, offset int64) (*object.Content, error) {
	return s.answer(ctx, key, offset, -1)
}

func (s *storm) OpenRange(ctx context.Context, key string, offset, length int64) (*object.Content, error) {
	return s.answer(ctx, key, offset, length)
}

func (s *storm) answer(ctx context.Context, key string, offset, length int64) (*object.Content, error) {
	s.mu.Lock()
	latency := time.Duration(s.rnd.Int64N(int64(s.latency) + 1))
	chance := func(p float64) bool { return s.rnd.Float64() < p }
	throttled, refused, overwritten, cut, stalled := chance(s.throttle), chance(s.refuse), chance(s.overwrite), chance(s.cut), chance(s.stall)
	at := s.rnd.Int64N(4 << 20)
	if s.rnd.IntN(4) == 0 {
		at = 0
	}
	newSize := stormSize(s.rnd)
	overwritten = overwritten && len(s.versions[key]) < 4
	s.mu.Unlock()
	if err := retry.Sleep(ctx, latency); err != nil {
		return nil, err
	}
	fault := func(kind error, status int) error {
		return &object.Error{Op: "reading", Key: key, Kind: kind, Status: status}
	}
	switch {
	case throttled:
		return nil, fault(object.ErrThrottled, 429)
	case refused:
		return nil, fault(object.ErrUnavailable, 544)
	case overwritten:
		s.put(key, newSize)
	}
	s.mu.Lock()
	all := s.versions[key]
	o := all[len(all)-1]
	s.mu.Unlock()
	if offset > o.Size || (o.Size == 0 && length >= 0) {
		return nil, fault(object.ErrRange, 416)
	}
	end := o.Size
	if length >= 0 {
		end = min(end, offset+length)
	}
	b := &stormBody{ctx: ctx, of: o, offset: offset, end: end, rate: s.rate}
	if cut {
		b.breaks, b.left = fault(object.ErrUnavailable, 0), at
	}
	if stalled {
		b.stall = 2 * time.Second
	}
	return &object.Content{
		Object: o, Offset: offset, Partial: (offset > 0 || length >= 0) && !s.noRanges, Body: b,
	}, nil
}

func (s *storm) Listed(_ context.Context, key string) (object.Object, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.versions[key]
	return all[len(all)-1], true, nil
}

func (s *storm) Probe(context.Context) error { return nil }

// stormBody sends a version at a rate until it stalls or breaks.
type stormBody struct {
	ctx         context.Context //nolint:containedctx // it stands for a connection
	of          object.Object
	offset, end int64
	rate        int64
	breaks      error
	left        int64 // until it breaks
	stall       time.Duration
}

func (b *stormBody) Read(to []byte) (int, error) {
	if b.offset == b.end {
		return 0, io.EOF
	}
	n := min(int64(len(to)), b.end-b.offset, 128<<10)
	if b.breaks != nil {
		if n = min(n, b.left); n == 0 {
			return 0, b.breaks
		}
		b.left -= n
	}
	pause := time.Duration(n * int64(time.Second) / b.rate)
	if b.offset > 1<<20 {
		pause, b.stall = pause+b.stall, 0
	}
	if err := retry.Sleep(b.ctx, pause); err != nil {
		return 0, err
	}
	stormBytes(b.of, b.offset, to[:n])
	b.offset += n
	return int(n), nil
}

func (*stormBody) Close() error { return nil }

// stormSink checks what it is given, and writes over it.
type stormSink struct {
	store *storm
	slow  time.Duration
	seed  uint64

	mu    sync.Mutex
	got   map[string]int
	given [][]byte
	wrong []string
}

var errStormTaker = errors.New("no more of it")

func (k *stormSink) deliver(ctx context.Context, d *Download) error {
	k.mu.Lock()
	rnd := rand.New(rand.NewPCG(k.seed, uint64(len(k.given))))
	leaves := rnd.IntN(12) == 0
	k.mu.Unlock()
	if leaves && d.Whole == nil && d.Size > 4<<20 {
		// A taker that stops in the middle, for a reason that is worth a retry.
		_, _ = io.CopyN(io.Discard, d.Body, rnd.Int64N(d.Size))
		k.mu.Lock()
		k.given = append(k.given, nil)
		k.mu.Unlock()
		if err := d.Err(); err != nil {
			return err
		}
		return fmt.Errorf("%w: %w", object.ErrUnavailable, errStormTaker)
	}
	data, err := d.Whole, error(nil)
	if data == nil {
		all := bytes.NewBuffer(make([]byte, 0, d.Size+bytes.MinRead)) // io.ReadAll takes several times the memory
		_, err = all.ReadFrom(&slowReader{ctx: ctx, from: d.Body, pause: k.slow})
		data = all.Bytes()
	}
	if broken := d.Err(); broken != nil {
		return broken
	}
	if err != nil {
		return err
	}
	whole := isStorm(d.Object, data)
	clear(data)
	err = retry.Sleep(ctx, k.slow)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.got == nil {
		k.got = map[string]int{}
	}
	if !whole || !slices.Contains(k.store.all(d.Key), d.Object) {
		k.wrong = append(k.wrong, fmt.Sprintf("%s %s of %d bytes", d.Key, d.ETag, d.Size))
	}
	k.given = append(k.given, data)
	if err != nil {
		return err
	}
	k.got[d.Key]++
	return nil
}

func (s *storm) all(key string) []object.Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.versions[key])
}

// slowReader pauses before each read.
type slowReader struct {
	ctx   context.Context //nolint:containedctx // as in body
	from  io.Reader
	pause time.Duration
}

func (r *slowReader) Read(p []byte) (int, error) {
	if err := retry.Sleep(r.ctx, r.pause/50); err != nil {
		return 0, err
	}
	return r.from.Read(p[:min(len(p), 256<<10)])
}
