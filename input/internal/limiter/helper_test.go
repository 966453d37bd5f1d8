package limiter

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// endpoint is a simulated one. What is zero does not limit it.
type endpoint struct {
	workers  int           // work on so many requests at a time, others queue
	latency  time.Duration // of the work, until the first byte
	transfer time.Duration // from the first byte to the last
	tail     time.Duration // mean of an exponential part of the latency
	noise    *rand.Rand    // changes each latency by up to a tenth
	allowed  int           // more requests in flight are refused at once
	refusal  error
	refuses  func() bool
	before   func()
	// output takes one object at a time, for 5 ms.
	output chan struct{}

	mu       sync.Mutex
	free     chan struct{}
	inFlight int
	isDown   bool
	requests int
}

// ask makes one request up to its first byte.
func (e *endpoint) ask() error {
	e.mu.Lock()
	e.requests++
	e.inFlight++
	refused := e.allowed > 0 && e.inFlight > e.allowed || e.refuses != nil && e.refuses() || e.isDown
	latency := e.latency
	if e.noise != nil {
		latency = time.Duration(float64(latency) * (0.9 + 0.2*e.noise.Float64()))
		latency += time.Duration(e.noise.ExpFloat64() * float64(e.tail))
	}
	if e.workers > 0 && e.free == nil {
		e.free = make(chan struct{}, e.workers)
	}
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.inFlight--
	}()
	if refused {
		time.Sleep(time.Millisecond)
		return e.refusal
	}
	if e.before != nil {
		e.before()
	}
	if e.free != nil {
		e.free <- struct{}{}
		defer func() { <-e.free }()
	}
	time.Sleep(latency)
	return nil
}

func (e *endpoint) limiter(t *testing.T, fixed int) (*Limiter, *gauges) {
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(func() {
		stop()
		time.Sleep(10 * time.Second) // until what is under way has ended
	})
	g := &gauges{}
	var l *Limiter
	l = New(ctx, Options{
		MaxDownloads: fixed, MaxPages: 2, Meter: g, Patience: time.Minute,
		Probe: func(ctx context.Context) error {
			if err := l.Hold(ctx); err != nil { // as each page is held
				return err
			}
			if e.down() {
				return e.ask()
			}
			return nil
		},
	})
	return l, g
}

func (e *endpoint) down() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.isDown
}

func (e *endpoint) drive(t *testing.T, fixed, n int) (time.Duration, *gauges) {
	l, g := e.limiter(t, fixed)
	return e.work(t, l, g, n), g
}

// work downloads n objects, and tries each that fails again after a pause.
func (e *endpoint) work(t *testing.T, l *Limiter, g *gauges, n int) time.Duration {
	t.Helper()
	began := time.Now()
	left := n // to begin, again or for the first time
	events := make(chan int, 2*n)
	freed := make(chan struct{}, 1)
	l.OnFreed(func() {
		select {
		case freed <- struct{}{}:
		default:
		}
	})
	for done := 0; done < n; {
		for left > 0 {
			p, ok := l.Take()
			if !ok {
				break
			}
			left--
			go func() {
				err := e.download(p)
				p.Leave()
				if err == nil {
					events <- 0
					return
				}
				g.mu.Lock()
				g.failures++
				g.mu.Unlock()
				events <- -1
				_ = retry.Sleep(t.Context(), 200*time.Millisecond)
				events <- 1
			}()
		}
		select {
		case <-freed:
		case n := <-events:
			switch n {
			case 0:
				done++
			case 1:
				left++
			}
		}
	}
	return time.Since(began)
}

func (e *endpoint) download(p *Place) error {
	began := time.Now()
	if err := e.ask(); err != nil {
		p.Failed(err)
		return err
	}
	p.Answered(time.Since(began))
	time.Sleep(e.transfer)
	p.Read()
	if e.output != nil {
		e.output <- struct{}{}
		time.Sleep(5 * time.Millisecond)
		<-e.output
	}
	return nil
}

// gauges is a Meter that remembers.
type gauges struct {
	mu       sync.Mutex
	windows  []int
	pages    int // last told
	inFlight int // the most
	down, up int
	failures int
}

func (g *gauges) InFlight(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inFlight = max(g.inFlight, n)
}

func (g *gauges) Window(n, pages int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pages = pages
	if len(g.windows) == 0 || g.windows[len(g.windows)-1] != n {
		g.windows = append(g.windows, n)
	}
}

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
