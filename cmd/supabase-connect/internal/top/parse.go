package top

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// prefix is what the names of the input's metrics begin with.
const prefix = "supabase_storage_"

// key says which input a series is of.
type key struct{ stream, label, path string }

// numbers are the metrics of one input: by name without the prefix, and by name and
// the value of the label of their own ("parked scanner"), if they have one.
type numbers map[string]float64

// scope is a bucket of an input that reads several; project is "" where the metrics do
// not tell it.
type scope struct{ project, bucket string }

// metrics is what one answer of /metrics shows.
type metrics struct {
	format string // "prometheus" or "json_api", the name of the type in Benthos
	inputs map[key]numbers
	// buckets are the numbers of single buckets, of inputs that read several. Those of
	// inputs are put together from them.
	buckets map[key]map[scope]numbers
	// benthos says that other metrics of Benthos are there.
	benthos bool
}

// parseMetrics reads the text format of Prometheus, or the JSON of the type json_api,
// which Benthos has where nothing else is set and no other default is built in.
func parseMetrics(body []byte) (m metrics, err error) {
	m = metrics{format: "prometheus", inputs: map[key]numbers{}, buckets: map[key]map[scope]numbers{}}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		m.format = "json_api"
		if body, err = jsonAsText(body); err != nil {
			return m, err
		}
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		return m, fmt.Errorf("reading metrics: %w", err)
	}
	for name, family := range families {
		if strings.HasPrefix(name, "input_connection_") || strings.HasPrefix(name, "output_connection_") {
			m.benthos = true
		}
		if short, ok := strings.CutPrefix(name, prefix); ok {
			for _, series := range family.GetMetric() {
				m.add(short, series)
			}
		}
	}
	return m, nil
}

func (m *metrics) add(name string, series *dto.Metric) {
	var k key
	var of scope
	total := combine(name)
	for _, l := range series.GetLabel() {
		switch l.GetName() {
		case "stream":
			k.stream = l.GetValue()
		case "label":
			k.label = l.GetValue()
		case "path":
			k.path = strings.TrimPrefix(l.GetValue(), "root.")
		case "bucket":
			of.bucket = l.GetValue()
		case "project":
			of.project = l.GetValue()
		default: // "quantile" is none: summaries are left out
			name += " " + l.GetValue()
		}
	}
	var value float64
	switch {
	case series.Counter != nil:
		value = series.Counter.GetValue()
	case series.Gauge != nil:
		value = series.Gauge.GetValue()
	case series.Untyped != nil:
		value = series.Untyped.GetValue()
	default:
		return
	}
	if m.inputs[k] == nil {
		m.inputs[k] = numbers{}
	}
	if known, ok := m.inputs[k][name]; ok {
		m.inputs[k][name] = total(known, value)
	} else {
		m.inputs[k][name] = value
	}
	if of == (scope{}) {
		return
	}
	if m.buckets[k] == nil {
		m.buckets[k] = map[scope]numbers{}
	}
	if m.buckets[k][of] == nil {
		m.buckets[k][of] = numbers{}
	}
	m.buckets[k][of][name] = value
}

// combine is how the numbers of buckets become that of their input: counts are added,
// of times the earliest counts, which is 0 where there is none, and of ages and flags
// the largest.
func combine(name string) func(a, b float64) float64 {
	switch {
	case strings.HasSuffix(name, "_unix"):
		return func(a, b float64) float64 {
			if a == 0 || b == 0 {
				return max(a, b)
			}
			return min(a, b)
		}
	case strings.HasPrefix(name, "oldest_"), strings.HasSuffix(name, "_failing"), name == "passes_failed", name == "pass_under_way":
		return func(a, b float64) float64 { return max(a, b) }
	default:
		return func(a, b float64) float64 { return a + b }
	}
}

// jsonAsText turns {"name{label=\"value\"}": 1} into lines of the text format.
func jsonAsText(body []byte) ([]byte, error) {
	var values map[string]any
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&values); err != nil && err != io.EOF {
		return nil, fmt.Errorf("reading metrics: %w", err)
	}
	var text bytes.Buffer
	for series, value := range values {
		if n, ok := value.(float64); ok && strings.Contains(series, "{") {
			fmt.Fprintf(&text, "%s %g\n", series, n)
		}
	}
	return text.Bytes(), nil
}
