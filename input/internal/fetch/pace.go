package fetch

import (
	"context"
	"io"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

const (
	// burst is the part of a second whose bytes may come at once: what comes in any
	// second is at most a twentieth more than the rate. It is longer than a timer of a
	// busy machine is late.
	burst = 20
	// behind is the part of a second of which the bodies under way may wait for the
	// bytes before only a run that has none begins one. With more under way, each would
	// wait longer for its turn, and servers cut connections on which nothing moves.
	behind = 2
	// maxRead is how much of a body is paid for at once: more than a Read of a
	// connection brings.
	maxRead = 256 << 10
)

// pace bounds how many bytes a second all bodies of a room bring. A body waits before
// it reads, so that the time does not count as the server's. A nil pace has no limit.
type pace struct {
	limit   *rate.Limiter
	perRead int
	ended   func() // is called after each wait
	most    int64  // so many may be waited for before it is behind

	mu     sync.Mutex
	unused int   // was paid for, and did not come
	due    int64 // what bodies wait for at this moment
}

func newPace(bytesPerSecond int64, ended func()) *pace {
	if bytesPerSecond <= 0 {
		return nil
	}
	size := int(min(max(bytesPerSecond/burst, 1), math.MaxInt32))
	return &pace{
		limit: rate.NewLimiter(rate.Limit(bytesPerSecond), size), perRead: min(size, maxRead),
		ended: ended, most: max(bytesPerSecond/behind, 1),
	}
}

// waits reports whether a body waits for the rate.
func (p *pace) waits() bool { return p != nil && p.waitsFor() > 0 }

// isBehind reports whether the bodies that wait are as many as may.
func (p *pace) isBehind() bool { return p != nil && p.waitsFor() >= p.most }

func (p *pace) waitsFor() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.due
}

// pay waits until so many bytes may come, at most perRead. Its error is that of ctx.
func (p *pace) pay(ctx context.Context, bytes int) error {
	p.mu.Lock()
	paid := min(bytes, p.unused)
	p.unused -= paid
	if bytes -= paid; bytes == 0 {
		p.mu.Unlock()
		return ctx.Err()
	}
	turn := p.limit.ReserveN(time.Now(), bytes)
	pause := turn.Delay()
	if pause > 0 {
		p.due += int64(bytes)
	}
	p.mu.Unlock()
	if pause <= 0 {
		return ctx.Err()
	}
	err := retry.Sleep(ctx, pause)
	if err != nil {
		turn.Cancel()
	}
	p.mu.Lock()
	p.due -= int64(bytes)
	p.mu.Unlock()
	p.ended()
	return err
}

// giveBack is for bytes that were paid for and did not come.
func (p *pace) giveBack(bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unused += bytes
}

// pacedSource is a Source whose bodies keep to a rate.
type pacedSource struct {
	Source
	pace *pace
}

// Open implements Source.
func (s pacedSource) Open(ctx context.Context, key string, offset int64) (*object.Content, error) {
	return s.paced(ctx)(s.Source.Open(ctx, key, offset))
}

// OpenRange implements Source.
func (s pacedSource) OpenRange(ctx context.Context, key string, offset, length int64) (*object.Content, error) {
	return s.paced(ctx)(s.Source.OpenRange(ctx, key, offset, length))
}

func (s pacedSource) paced(ctx context.Context) func(*object.Content, error) (*object.Content, error) {
	return func(c *object.Content, err error) (*object.Content, error) {
		if err == nil {
			c.Body = &pacedBody{ReadCloser: c.Body, ctx: ctx, pace: s.pace}
		}
		return c, err
	}
}

// pacedBody is a body that keeps to a rate together with others.
type pacedBody struct {
	io.ReadCloser
	ctx    context.Context //nolint:containedctx // an io.Reader has no other way to be cancelled
	pace   *pace
	waited time.Duration // for the rate, so far
}

// Read implements io.Reader.
func (b *pacedBody) Read(p []byte) (int, error) {
	p = p[:min(len(p), b.pace.perRead)]
	began := time.Now()
	err := b.pace.pay(b.ctx, len(p))
	b.waited += time.Since(began)
	if err != nil {
		return 0, err
	}
	n, err := b.ReadCloser.Read(p)
	b.pace.giveBack(len(p) - n)
	return n, err
}

// waitedFor is how long the reading of a body has waited for the rate.
func waitedFor(body io.Reader) time.Duration {
	if b, ok := body.(*pacedBody); ok {
		return b.waited
	}
	return 0
}
