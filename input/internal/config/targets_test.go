package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const namedBy = "targets_input: {generate: {mapping: 'root.key = \"a\"'}}\n"

func TestWhatHasNoEffectNextToTargetsIsRefusedWithARemedy(t *testing.T) {
	const (
		when     = ": has no effect with targets_input, whose messages say what is read and when; remove it; full_sweep_interval says how often everything is listed as well"
		memory   = ": has no effect with targets_input alone, which remembers nothing: what sends the messages does; write full_sweep_interval as well, to list everything now and then, or remove it"
		deletion = ": has no effect with targets_input alone: a deletion that a message tells of is always sent, and no other is noticed; write full_sweep_interval as well, to list everything now and then, or remove it"
	)
	for lines, want := range map[string]string{
		namedBy:                          "",
		namedBy + "on_missing: nack":     "",
		namedBy + "delete_objects: true": "",
		namedBy + "sync_mode: one_time\npolling_interval: 5m":           "",
		namedBy + "sync_mode: continuous":                               "sync_mode" + when,
		namedBy + "sync_mode: scheduled\nfull_sweep_interval: 1h":       "sync_mode" + when,
		namedBy + "polling_interval: 10s":                               "polling_interval" + when,
		namedBy + "schedule: '@daily'":                                  "schedule" + when,
		namedBy + "state: {path: s.db}":                                 "state" + memory,
		namedBy + "change_detection: modified":                          "change_detection" + memory,
		namedBy + "max_delete_ratio: 1":                                 "max_delete_ratio" + memory,
		namedBy + "emit_deletes: true":                                  "emit_deletes" + deletion,
		namedBy + "full_sweep_interval: 1h\nstate: {path: s.db}":        "",
		namedBy + "full_sweep_interval: 1h\nemit_deletes: true":         "",
		namedBy + "full_sweep_interval: 1h\nchange_detection: modified": "",
		namedBy + "sync_mode: One_Time\nchange_detection: ETag":         "",
		"on_missing: Nack":                                              "on_missing: has no effect without targets_input; write targets_input, or remove it",
		"on_missing: nack":                                              "on_missing: has no effect without targets_input; write targets_input, or remove it",
		"on_missing: ack":                                               "",
		"on_missing: drop":                                              `on_missing: "drop" is not what to do; write ack or nack`,
	} {
		t.Run(lines, func(t *testing.T) {
			var lints []string
			for _, l := range lintFields(t, withFields(lines), nil) {
				lints = append(lints, l.What)
			}
			_, err := parseFields(t, lines)
			if want == "" {
				require.Empty(t, lints)
				require.NoError(t, err)
				return
			}
			require.Equal(t, []string{want}, lints)
			require.EqualError(t, err, want)
		})
	}
}

func TestFullListingsNextToTargetsAreAskedForByTheirInterval(t *testing.T) {
	alone, err := parseFields(t, namedBy)
	require.NoError(t, err)
	require.False(t, alone.Targets.Sweeps)
	require.False(t, alone.Remembers())
	require.True(t, alone.Plan.Repeats(), "it waits as an input does that repeats")

	both, err := parseFields(t, namedBy+"full_sweep_interval: 1h")
	require.NoError(t, err)
	require.True(t, both.Targets.Sweeps)
	require.True(t, both.Remembers())

	unset, err := parseFields(t, "targets_input: null\nfull_sweep_interval: ''")
	require.NoError(t, err)
	require.Nil(t, unset.Targets, "as templates have it")
	require.Equal(t, defaultSweepInterval, unset.FullSweepInterval)
}
