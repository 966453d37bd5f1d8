package fetch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// store is a Source whose answers a test scripts.
type store struct {
	mu      sync.Mutex
	objects map[string][]byte
	etag    map[string]string
	opens   map[string]int
	active  int
	most    int

	latency time.Duration
	// serve replaces latency: the time that an answer takes, or its refusal. It is
	// told how many requests are under way.
	serve func(ctx context.Context, key string, active int) error
	// rate is the bytes per second that one answer comes with, 0 no limit.
	rate int64
	// line, where it is not nil, makes all answers share the rate.
	line chan struct{}
	// noRanges makes it answer every range with the whole object.
	noRanges bool
	// onOpen may answer the n-th open of a key (from 1) with an error, or return
	// how many bytes to send before the connection breaks (-1: all).
	onOpen func(key string, n int, offset int64) (int64, error)
	// listed overrides the answer to Listed.
	listed func(key string) (object.Object, bool, error)
	// down is what Probe fails with.
	down error
}

func newStore() *store {
	return &store{objects: map[string][]byte{}, etag: map[string]string{}, opens: map[string]int{}}
}

func (s *store) put(key string, data []byte) object.Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = data
	s.etag[key] = fmt.Sprintf("%x-%d", len(data), len(s.etag[key])+1)
	return object.Object{Key: key, ETag: s.etag[key], Size: int64(len(data))}
}

func (s *store) Open(ctx context.Context, key string, offset int64) (*object.Content, error) {
	return s.answer(ctx, key, offset, -1)
}

func (s *store) OpenRange(ctx context.Context, key string, offset, length int64) (*object.Content, error) {
	return s.answer(ctx, key, offset, length)
}

func (s *store) answer(ctx context.Context, key string, offset, length int64) (*object.Content, error) {
	s.mu.Lock()
	s.opens[key]++
	n := s.opens[key]
	s.active++
	s.most = max(s.most, s.active)
	active := s.active
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.active--
		s.mu.Unlock()
	}()
	if s.serve != nil {
		if err := s.serve(ctx, key, active); err != nil {
			return nil, err
		}
	}
	if err := retry.Sleep(ctx, s.latency); err != nil {
		return nil, err
	}
	sends := int64(-1)
	if s.onOpen != nil {
		var err error
		if sends, err = s.onOpen(key, n, offset); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.objects[key]
	if !ok {
		return nil, &object.Error{Op: "reading", Key: key, Kind: object.ErrNotFound, Status: 404}
	}
	if offset > int64(len(data)) {
		return nil, &object.Error{Op: "reading", Key: key, Kind: object.ErrRange, Status: 416}
	}
	if length >= 0 && len(data) == 0 {
		return nil, &object.Error{Op: "reading", Key: key, Kind: object.ErrRange, Status: 416}
	}
	if s.noRanges {
		offset, length = 0, -1
	}
	partial := offset > 0 || length >= 0
	rest := data[offset:]
	if length >= 0 {
		rest = rest[:min(length, int64(len(rest)))]
	}
	var body io.Reader = bytes.NewReader(rest)
	if sends >= 0 {
		cut := &object.Error{Op: "reading", Key: key, Kind: object.ErrUnavailable, Err: io.ErrUnexpectedEOF}
		body = io.MultiReader(io.LimitReader(body, sends), failing{cut})
	}
	return &object.Content{
		Object: object.Object{Key: key, ETag: s.etag[key], Size: int64(len(data))},
		Offset: offset, Partial: partial, Body: &paced{Reader: body, ctx: ctx, rate: s.rate, line: s.line},
	}, nil
}

func (s *store) Listed(_ context.Context, key string) (object.Object, bool, error) {
	if s.listed != nil {
		return s.listed(key)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.objects[key]
	return object.Object{Key: key, ETag: s.etag[key], Size: int64(len(data))}, ok, nil
}

func (s *store) Probe(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down
}

// paced is a body that comes at a limited rate, in pieces of 256 KiB.
type paced struct {
	io.Reader
	ctx  context.Context //nolint:containedctx // it stands for a connection
	rate int64
	line chan struct{}
}

func (p *paced) Read(to []byte) (int, error) {
	if p.rate > 0 {
		to = to[:min(len(to), 256<<10)]
	}
	n, err := p.Reader.Read(to)
	if p.line != nil {
		p.line <- struct{}{}
		defer func() { <-p.line }()
	}
	if p.rate > 0 && n > 0 {
		if err := retry.Sleep(p.ctx, time.Duration(int64(n)*int64(time.Second)/p.rate)); err != nil {
			return 0, err
		}
	}
	return n, err
}

func (*paced) Close() error { return nil }

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// gauges is a Meter that remembers the extremes.
type gauges struct {
	mu       sync.Mutex
	retries  []string
	buffered int64
	windows  []int
	down, up int
	noticed  []Peculiarity
}

func (g *gauges) Retried(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.retries = append(g.retries, object.Cause(err))
}
func (g *gauges) InFlight(int) {}
func (g *gauges) Down(error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.down++
}

func (g *gauges) Up() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.up++
}

func (g *gauges) Noticed(p Peculiarity) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.noticed = append(g.noticed, p)
}

func (g *gauges) Buffered(n int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.buffered = max(g.buffered, n)
}

func (g *gauges) Window(n, _ int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.windows) == 0 || g.windows[len(g.windows)-1] != n {
		g.windows = append(g.windows, n)
	}
}

// sink takes deliveries whole.
type sink struct {
	mu   sync.Mutex
	got  map[string][][]byte
	hold func(d *Download) // called while the download is held
	fail func(d *Download) error
}

func (s *sink) deliver(_ context.Context, d *Download) error {
	data, err := d.Whole, error(nil)
	if data == nil {
		all := bytes.NewBuffer(make([]byte, 0, d.Size+bytes.MinRead)) // io.ReadAll takes several times the memory
		_, err = all.ReadFrom(d.Body)
		data = all.Bytes()
	}
	if broken := d.Err(); broken != nil {
		return broken
	}
	if err != nil {
		return err
	}
	if s.hold != nil {
		s.hold(d)
	}
	if s.fail != nil {
		if err := s.fail(d); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.got == nil {
		s.got = map[string][][]byte{}
	}
	s.got[d.Key] = append(s.got[d.Key], data)
	return nil
}

func objectsOf(objs []object.Object) iter.Seq2[object.Object, error] {
	return func(yield func(object.Object, error) bool) {
		for _, o := range objs {
			if !yield(o, nil) {
				return
			}
		}
	}
}

func options(s *store, g *gauges) Options {
	return Options{
		Source: s, MaxDownloads: 8, BufferBytes: 64 << 20, Meter: g,
		Retry: retry.Policy{MaxAttempts: 5, InitialInterval: time.Second, MaxInterval: 10 * time.Second},
	}
}

// runAll runs to the end and returns the failures by key.
func runAll(t *testing.T, opts Options, objs iter.Seq2[object.Object, error], k *sink) (map[string]Failure, error) {
	t.Helper()
	failures := map[string]Failure{}
	err := run(t.Context(), opts, objs, k.deliver, func(f Failure) { failures[f.Object.Key] = f })
	return failures, err
}

func unavailable(key string) error {
	return &object.Error{Op: "reading", Key: key, Kind: object.ErrUnavailable, Status: 544, Code: "DatabaseTimeout"}
}

// queueing is a server that works on so many requests at a time; others wait.
func queueing(places int, each func() time.Duration) func(context.Context, string, int) error {
	free := make(chan struct{}, places)
	return func(ctx context.Context, _ string, _ int) error {
		free <- struct{}{}
		defer func() { <-free }()
		return retry.Sleep(ctx, each())
	}
}
