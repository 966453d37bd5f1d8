package meter

import (
	"sync"
	"time"
)

// gatherFor is how long the counts of single objects are gathered before the
// exporter gets them.
const gatherFor = 100 * time.Millisecond

// gatherer collects metrics that change with every object, and sends them to the
// exporter every gatherFor. An exporter looks a metric up by its labels at each
// call, which costs more than counting for thousands of small objects a second.
// When nothing changes, the gatherer does nothing.
type gatherer struct {
	mu     sync.Mutex
	counts map[count]int64
	gauges map[Gauge]int64
	due    bool // a flush is scheduled
}

// count is a counter and the value of its label, "" for a counter without labels.
type count struct {
	counter Counter
	label   string
}

func newGatherer() *gatherer {
	return &gatherer{counts: map[count]int64{}, gauges: map[Gauge]int64{}}
}

// add counts n more.
func (g *gatherer) add(c Counter, n int64) { g.addLabelled(c, n, "") }

// addLabelled is add for a counter with one label.
func (g *gatherer) addLabelled(c Counter, n int64, label string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.counts[count{c, label}] += n
	g.schedule()
}

// set keeps the last value of a gauge.
func (g *gatherer) set(m Gauge, value int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gauges[m] = value
	g.schedule()
}

// schedule schedules a flush. It is called with the lock held.
func (g *gatherer) schedule() {
	if !g.due {
		g.due = true
		time.AfterFunc(gatherFor, g.flush)
	}
}

// flush sends the exporter what has changed.
func (g *gatherer) flush() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.due = false
	for c, n := range g.counts {
		switch {
		case n == 0:
		case c.label == "":
			c.counter.Incr(n)
		default:
			c.counter.Incr(n, c.label)
		}
	}
	for m, value := range g.gauges {
		m.Set(value)
	}
	// The maps are kept, since the same metrics change again.
	clear(g.counts)
	clear(g.gauges)
}

// failures counts the requests that are made again, and keeps the error of the last
// one.
type failures struct {
	mu   sync.Mutex
	n    int64
	last error
}

func (f *failures) note(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n, f.last = f.n+1, err
}

// seen is how many there were so far, and the last one.
func (f *failures) seen() (n int64, last error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n, f.last
}
