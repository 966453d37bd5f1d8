package meter

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"
)

// shown are the values of the gauges and counters of a set.
type shown map[string]int64

type value struct {
	of   shown
	name string
}

func (v value) Set(n int64)    { v.of[v.name] = n }
func (v value) Incr(n int64)   { v.of[v.name] += n }
func (v value) Timing(n int64) { v.of[v.name] += n }

func (s shown) at(name string, values []string) value {
	for _, v := range values {
		if v != "" { // the labels of Benthos have no values here
			name += " " + v
		}
	}
	return value{s, name}
}

func (s shown) NewCounterCtor(name string, _ ...string) service.MetricsExporterCounterCtor {
	return func(values ...string) service.MetricsExporterCounter { return s.at(name, values) }
}

func (s shown) NewTimerCtor(name string, _ ...string) service.MetricsExporterTimerCtor {
	return func(values ...string) service.MetricsExporterTimer { return s.at(name, values) }
}

func (s shown) NewGaugeCtor(name string, _ ...string) service.MetricsExporterGaugeCtor {
	return func(values ...string) service.MetricsExporterGauge { return s.at(name, values) }
}

func (s shown) Close(context.Context) error { return nil }

// metrics are those of Benthos whose values a test can read.
func metrics(t *testing.T) (*service.Metrics, shown) {
	t.Helper()
	values := shown{}
	env := service.NewEnvironment()
	require.NoError(t, env.RegisterMetricsExporter("kept", service.NewConfigSpec(),
		func(*service.ParsedConfig, *service.Logger) (service.MetricsExporter, error) { return values, nil }))
	b := env.NewResourceBuilder()
	require.NoError(t, b.SetMetricsYAML("kept: {}"))
	res, end, err := b.BuildSuspended()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, end(context.Background())) })
	return res.Metrics(), values
}

func TestAGaugeShowsWhatItsPartsHaveTogether(t *testing.T) {
	m, values := metrics(t)
	all := New(m, "bucket")
	a, b := all.Part("a", ""), all.Part("b", "")
	a.EndpointFailing.Flag(true)
	b.EndpointFailing.Flag(true)
	require.EqualValues(t, 2, values["supabase_storage_endpoint_failing"])
	a.EndpointFailing.Flag(false)
	require.EqualValues(t, 1, values["supabase_storage_endpoint_failing"])
	b.Leave()
	require.EqualValues(t, 0, values["supabase_storage_endpoint_failing"], "what is gone fails no more")
}

func TestOfTimesTheEarliestIsShown(t *testing.T) {
	m, values := metrics(t)
	all := New(m, "bucket")
	a, b := all.Part("a", ""), all.Part("b", "")
	now := time.Unix(1_700_000_000, 0)
	a.CredentialsEnd.SetTime(now.Add(time.Hour))
	b.CredentialsEnd.SetTime(now)
	require.Equal(t, now.Unix(), values["supabase_storage_credentials_expire_unix"])
	b.CredentialsEnd.SetTime(time.Time{})
	require.Equal(t, now.Add(time.Hour).Unix(), values["supabase_storage_credentials_expire_unix"], "keys without an end are not the earliest")
}

func TestTheLedgerHasASeriesForEachScope(t *testing.T) {
	m, values := metrics(t)
	all := New(m, "bucket", "project")
	a, b := all.Part("a", "one"), all.Part("a", "two")
	a.Tracked.Set(3)
	b.Tracked.Set(4)
	require.EqualValues(t, 3, values["supabase_storage_tracked a one"])
	require.EqualValues(t, 4, values["supabase_storage_tracked a two"])
	a.Leave()
	require.EqualValues(t, 0, values["supabase_storage_tracked a one"])
	require.EqualValues(t, 4, values["supabase_storage_tracked a two"])
}

func TestWhatChangesWithEveryObjectIsSentInTheEnd(t *testing.T) {
	m, values := metrics(t)
	synctest.Test(t, func(t *testing.T) {
		set := New(m)
		for range 1000 {
			set.Listed()
		}
		set.Filtered("exclude", 7)
		set.Retried(errors.New("cut"))
		require.Zero(t, values["supabase_storage_listed"], "an exporter is not asked for each object")
		set.End()
		require.EqualValues(t, 1000, values["supabase_storage_listed"])
		require.EqualValues(t, 7, values["supabase_storage_filtered exclude"])
		n, last := set.Failed()
		require.EqualValues(t, 1, n)
		require.EqualError(t, last, "cut")
		time.Sleep(time.Second)
		require.EqualValues(t, 1000, values["supabase_storage_listed"], "once")
	})
}
