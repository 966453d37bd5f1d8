package meter

import (
	"slices"
	"sync"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
)

// labels are those of the series of one scope: its bucket where an input reads
// several, and its project where that is asked for.
type labels struct {
	n       int // how many of the two there are
	bucket  string
	project string
}

// after appends the labels of the scope to those of the metric itself.
func (l labels) after(own []string) []string {
	switch l.n {
	case 0:
		return own
	case 1:
		return append(slices.Clip(own), l.bucket)
	}
	return append(slices.Clip(own), l.bucket, l.project)
}

// registry makes each metric of an input once, and the series of its scopes from it.
type registry struct {
	from *service.Metrics
	// perScope are the names of the labels of [labels], in their order.
	perScope []string

	mu       sync.Mutex // while a part is made
	counters map[string]*service.MetricCounter
	timers   map[string]*service.MetricTimer
	gauges   map[string]*sharedGauge
}

func newRegistry(m *service.Metrics, perScope ...string) *registry {
	return &registry{
		from: m, perScope: perScope,
		counters: map[string]*service.MetricCounter{}, timers: map[string]*service.MetricTimer{}, gauges: map[string]*sharedGauge{},
	}
}

// view is how one part of an input sees the metrics of all: the input itself, a
// project, or a scope. Gauges have one value for each part, and show what the parts
// have together.
type view struct {
	set *registry
	of  labels
	who *Set
}

// once returns what is known under a name, or makes it.
func once[T any](known map[string]T, name string, create func() T) T {
	made, ok := known[name]
	if !ok {
		made = create()
		known[name] = made
	}
	return made
}

func (v view) newCounter(name string, own ...string) Counter {
	return Counter{MetricCounter: once(v.set.counters, name, func() *service.MetricCounter { return v.set.from.NewCounter(name, own...) })}
}

// scopeCounter has a series for each scope.
func (v view) scopeCounter(name string, own ...string) Counter {
	c := v.newCounter(name, append(own, v.set.perScope...)...)
	c.of = v.of
	return c
}

func (v view) newTimer(name string) *service.MetricTimer {
	return once(v.set.timers, name, func() *service.MetricTimer { return v.set.from.NewTimer(name) })
}

func (v view) newGauge(name string, own ...string) Gauge {
	return Gauge{who: v.who, shared: once(v.set.gauges, name, func() *sharedGauge {
		return &sharedGauge{of: v.set.from.NewGauge(name, own...), series: map[series]*parts{}}
	})}
}

// scopeGauge has a series for each scope.
func (v view) scopeGauge(name string, own ...string) Gauge {
	g := v.newGauge(name, append(own, v.set.perScope...)...)
	g.labels = v.of
	return g
}

// earliest makes a gauge show the least value that is not 0, in place of the sum: of
// times.
func (g Gauge) earliest() Gauge {
	g.shared.mu.Lock()
	defer g.shared.mu.Unlock()
	g.shared.earliest = true
	return g
}

// Counter is a counter as one part of an input sees it.
type Counter struct {
	*service.MetricCounter
	of labels
}

// Incr adds n to the series with the given labels of the metric itself.
func (c Counter) Incr(n int64, own ...string) { c.MetricCounter.Incr(n, c.of.after(own)...) }

// Gauge is a gauge as one part of an input sees it. The zero gauge sets nothing.
type Gauge struct {
	shared *sharedGauge
	labels labels
	who    *Set
}

// Set sets the value of this part. The metric shows the sum of all parts.
func (g Gauge) Set(value int64, own ...string) {
	if g.shared != nil {
		g.shared.set(g.who, series{labels: g.labels, own: first(own)}, value)
	}
}

// SetTime sets the value to a time in Unix seconds, 0 for no time.
func (g Gauge) SetTime(t time.Time) {
	value := int64(0)
	if !t.IsZero() {
		value = t.Unix()
	}
	g.Set(value)
}

// Flag sets the value to 1 while something is so.
func (g Gauge) Flag(is bool) {
	value := int64(0)
	if is {
		value = 1
	}
	g.Set(value)
}

func first(of []string) string {
	if len(of) == 0 {
		return ""
	}
	return of[0]
}

// series is one series of a gauge, of which none has more than one label of its own.
type series struct {
	labels labels
	own    string
}

// sharedGauge is a gauge that several parts set.
type sharedGauge struct {
	of       *service.MetricGauge
	earliest bool

	mu     sync.Mutex
	series map[series]*parts
}

// parts are the values of all parts, those that are not 0.
type parts struct {
	values map[*Set]int64
	sum    int64
	times  times[*Set] // where the earliest is shown
}

func (g *sharedGauge) set(who *Set, s series, value int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p, known := g.series[s]
	if !known {
		p = &parts{values: map[*Set]int64{}}
		g.series[s] = p
	}
	if known && p.values[who] == value {
		return // it is shown
	}
	g.change(p, who, s, value)
}

func (g *sharedGauge) change(p *parts, who *Set, s series, value int64) {
	p.sum += value - p.values[who]
	if value == 0 {
		delete(p.values, who)
	} else {
		p.values[who] = value
	}
	shown := p.sum
	if g.earliest {
		shown = p.times.earliest(p.values, who)
	}
	var own []string
	if s.own != "" {
		own = []string{s.own}
	}
	g.of.Set(shown, s.labels.after(own)...)
}

// leave takes the values of a part out of all gauges: what it was of is gone.
func (v view) leave() {
	v.set.mu.Lock()
	defer v.set.mu.Unlock()
	for _, g := range v.set.gauges {
		g.mu.Lock()
		for s, p := range g.series {
			if _, has := p.values[v.who]; has {
				g.change(p, v.who, s, 0)
			}
			if len(p.values) == 0 && s.labels == v.of { // buckets come and go
				delete(g.series, s)
			}
		}
		g.mu.Unlock()
	}
}
