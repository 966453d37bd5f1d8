package top

import (
	"slices"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
)

const (
	// rateOver is how far back the rates look.
	rateOver = 5 * time.Second
	// graphLength is how many looks the graphs show.
	graphLength = 60
)

// watch makes reports from one look after the other.
type watch struct {
	url   string
	rates map[key]map[string]*rate
}

// rate is what became of a count over time.
type rate struct {
	window view.Window
	at     time.Time
	count  float64
	graph  []float64
}

func newWatch(url string) *watch { return &watch{url: url, rates: map[key]map[string]*rate{}} }

// rated are the counts of which rates are shown.
var rated = []string{"listed", "delivered", "bytes", "retries"}

// see makes a report of a look.
func (w *watch) see(l *look) Report {
	keys := make([]key, 0, len(l.metrics.inputs))
	for k := range l.metrics.inputs {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, byName)
	r := Report{URL: w.url, Time: l.at.UTC(), Version: l.version, MetricsType: l.metrics.format, Inputs: []Input{}, Outputs: []Output{}}
	for _, k := range keys {
		in := newInput(k, l.metrics.inputs[k], l.metrics.buckets[k])
		w.rate(&in, k, l.at)
		st, known := l.status(k)
		// An input of several that has ended is not among the statuses any more. Its
		// metrics have to agree, since some inputs of Benthos hide those below them.
		idle := in.Pass.Due == nil && in.Pass.UnderWay == "" && in.UndeliveredBatches == 0 && in.Window.InFlight == 0
		ended := l.ended[k.stream] || !known && idle && l.knows(k.stream)
		in.settle(l.at, st, ended)
		r.Inputs = append(r.Inputs, in)
	}
	for _, st := range l.statuses {
		if isOutput(st.Path) && !st.Connected && !l.ended[st.Stream] {
			r.Outputs = append(r.Outputs, Output{st.Stream, st.Label, st.Path, view.Cut(st.Error, 500)})
		}
	}
	return r
}

func (w *watch) rate(in *Input, k key, at time.Time) {
	counts := map[string]float64{
		"listed": float64(in.Listed), "delivered": float64(in.Delivered), "bytes": float64(in.Bytes), "retries": float64(in.Retries),
	}
	if w.rates[k] == nil {
		w.rates[k] = map[string]*rate{}
	}
	in.graphs = map[string][]float64{}
	for _, name := range rated {
		r := w.rates[k][name]
		if r == nil {
			r = &rate{window: view.Window{Over: rateOver}}
			w.rates[k][name] = r
		}
		r.add(at, counts[name])
		in.graphs[name] = slices.Clone(r.graph)
	}
	of := func(name string) float64 { return w.rates[k][name].window.PerSecond() }
	in.PerSecond = Rates{Listed: of("listed"), Delivered: of("delivered"), Bytes: of("bytes"), Retries: of("retries")}
}

func (r *rate) add(at time.Time, count float64) {
	r.window.Add(at, count)
	switch took := at.Sub(r.at).Seconds(); {
	case r.at.IsZero():
	case count < r.count: // the process was started again
		r.graph = nil
	case took > 0:
		r.graph = append(r.graph, (count-r.count)/took)
	}
	r.graph = r.graph[max(0, len(r.graph)-graphLength):]
	r.at, r.count = at, count
}

// status is what /ready says of an input.
func (l *look) status(k key) (st *status, known bool) {
	for i, s := range l.statuses {
		if s.Stream == k.stream && s.Path == k.path && s.Label == k.label {
			return &l.statuses[i], true
		}
	}
	return nil, false
}

// knows reports whether /ready names inputs and outputs at all.
func (l *look) knows(stream string) bool {
	return slices.ContainsFunc(l.statuses, func(s status) bool { return s.Stream == stream })
}

func isOutput(path string) bool { return strings.HasPrefix(path, "output") }
