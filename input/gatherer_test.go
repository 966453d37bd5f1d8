package input

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/meter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// exporter is a Benthos metrics exporter that keeps every value, by the
// metric's name and the values of its labels.
type exporter struct {
	mu     sync.Mutex
	values map[string]int64
	calls  map[string]int
}

func (e *exporter) ctor(name string, keys []string) func(values ...string) exported {
	return func(values ...string) exported {
		for i, key := range keys {
			if key != "label" && key != "path" { // those that Benthos adds
				name += " " + values[i]
			}
		}
		return exported{e, name}
	}
}

func (e *exporter) NewCounterCtor(name string, keys ...string) service.MetricsExporterCounterCtor {
	return func(values ...string) service.MetricsExporterCounter { return e.ctor(name, keys)(values...) }
}

func (e *exporter) NewTimerCtor(name string, keys ...string) service.MetricsExporterTimerCtor {
	return func(values ...string) service.MetricsExporterTimer { return e.ctor(name, keys)(values...) }
}

func (e *exporter) NewGaugeCtor(name string, keys ...string) service.MetricsExporterGaugeCtor {
	return func(values ...string) service.MetricsExporterGauge { return e.ctor(name, keys)(values...) }
}

func (e *exporter) Close(context.Context) error { return nil }

type exported struct {
	to   *exporter
	name string
}

func (x exported) change(f func(old int64) int64) {
	x.to.mu.Lock()
	defer x.to.mu.Unlock()
	x.to.values[x.name] = f(x.to.values[x.name])
	x.to.calls[x.name]++
}

func (x exported) Incr(n int64)   { x.change(func(old int64) int64 { return old + n }) }
func (x exported) Timing(n int64) { x.Incr(n) }
func (x exported) Set(n int64)    { x.change(func(int64) int64 { return n }) }

func TestAllMetricsAreThereFromTheStart(t *testing.T) {
	kept := &exporter{values: map[string]int64{}, calls: map[string]int{}}
	env := service.NewEnvironment()
	require.NoError(t, env.RegisterMetricsExporter("kept", service.NewConfigSpec(),
		func(*service.ParsedConfig, *service.Logger) (service.MetricsExporter, error) { return kept, nil }))
	b := env.NewResourceBuilder()
	require.NoError(t, b.SetMetricsYAML("kept: {}"))
	res, end, err := b.BuildSuspended()
	require.NoError(t, err)
	defer func() { require.NoError(t, end(context.Background())) }()
	meter.New(res.Metrics())

	names := find(t, metricInCode)
	require.NotEmpty(t, names)
	for _, m := range names {
		kind, name, label := m[1], m[2], m[3]
		if kind == "Timer" {
			continue // each value that a timer is given counts
		}
		if label == "" {
			value, ok := kept.values[name]
			require.True(t, ok, "%s is shown from the start", name)
			require.Zero(t, value, name)
			continue
		}
		values := labelValues(name, label)
		require.NotEmpty(t, values, "the values of label %s of %s", label, name)
		for _, of := range values {
			value, ok := kept.values[name+" "+of]
			require.True(t, ok, "%s{%s=%q} is shown from the start", name, label, of)
			require.Zero(t, value, name)
		}
	}
}

// labelValues are all values that a label may have.
func labelValues(name, label string) (values []string) {
	switch label {
	case "rule":
		for _, rule := range filter.Rules() {
			values = append(values, rule.String())
		}
	case "reason":
		values = pass.Reasons()
	case "cause":
		values = object.Causes()
	case "kind":
		values = []string{"full", "changes", "parked"}
	case "state":
		values = meter.ScopeStates
		if name == "supabase_storage_projects" {
			values = meter.ProjectStates
		}
	}
	return values
}

func TestMetricsOfManyObjectsAreCompleteInFewCalls(t *testing.T) {
	const objects = 500
	s := emulator.New(emulator.Options{})
	for i := range objects {
		s.Put("docs", fmt.Sprintf("%d.txt", i), []byte("12345"))
		s.Put("docs", fmt.Sprintf("%d.tmp", i), []byte("12345"))
	}
	l, err := s.Start("")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()

	kept := &exporter{values: map[string]int64{}, calls: map[string]int{}}
	env := service.NewEnvironment()
	require.NoError(t, env.RegisterMetricsExporter("kept", service.NewConfigSpec(),
		func(*service.ParsedConfig, *service.Logger) (service.MetricsExporter, error) { return kept, nil }))
	b := env.NewStreamBuilder()
	set := s.Settings()
	require.NoError(t, b.SetYAML(strings.NewReplacer(
		"REF", set.ProjectRef, "ENDPOINT", l.Endpoint(), "REGION", set.Region,
		"KEY", set.AccessKeyID, "SECRET", set.SecretAccessKey).Replace(`
input:
  supabase_storage:
    project_ref: REF
    endpoint: ENDPOINT
    region: REGION
    credentials: {type: access_key, access_key_id: KEY, secret_access_key: SECRET}
    source_path: docs
    exclude_patterns: ["*.tmp"]
output: {drop: {}}
metrics: {kept: {}}
logger: {level: "OFF"}
`)))
	stream, err := b.Build()
	require.NoError(t, err)
	require.NoError(t, stream.Run(t.Context()))

	kept.mu.Lock()
	defer kept.mu.Unlock()
	require.EqualValues(t, 2*objects, kept.values["supabase_storage_listed"])
	require.EqualValues(t, objects, kept.values["supabase_storage_filtered exclude"])
	require.EqualValues(t, objects, kept.values["supabase_storage_delivered"])
	require.EqualValues(t, 5*objects, kept.values["supabase_storage_bytes"])
	require.Zero(t, kept.values["supabase_storage_in_flight"])
	require.Zero(t, kept.values["supabase_storage_buffered_bytes"])
	require.Positive(t, kept.values["supabase_storage_download_window"])
	for _, name := range []string{"listed", "filtered exclude", "delivered", "bytes", "in_flight", "buffered_bytes"} {
		require.Less(t, kept.calls["supabase_storage_"+name], objects/2, name)
	}
}
