package monitoring_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// A process with one pipeline has no label "stream", and one in streams mode has: the
// queries of the dashboard find both, and each of them alone.
func TestEveryQueryReturnsDataOfRealPipelines(t *testing.T) {
	needs(t, "prometheus")
	t.Parallel()
	alone, together := newSite(t, "alone", emulator.Options{}), newSite(t, "together", emulator.Options{})
	// Users, because their sessions have an end. The state and the deletions are in the
	// metrics, too.
	single, _ := runPipeline(t, alone.config(pipeline{credentials: alone.user(), fields: []string{"emit_deletes: true", "full_sweep_interval: 2s"}}))
	streams := runStreams(t, t.TempDir(), "{}", map[string]string{
		"photos": together.config(pipeline{credentials: together.user(), fields: []string{"full_sweep_interval: 2s"}}),
	})
	rules := readRules(t)
	m := startPrometheus(t, rules, single, streams)

	views := map[string]map[string]string{
		"all": {"job": ".+", "instance": ".+", "stream": ".*", "label": ".*", "path": ".*"},
		"the one without a stream": {
			"job": "supabase-connect", "instance": single, "stream": ".*", "label": "alone", "path": "root.input",
		},
		"the one of streams mode": {
			"job": "supabase-connect", "instance": streams, "stream": "photos", "label": "together", "path": ".*",
		},
	}
	board := readBoard(t)
	type question struct{ view, panel, query string }
	var open []question
	for view, values := range views {
		fill := filler(values)
		for _, p := range board.graphs() {
			for _, target := range p.Targets {
				open = append(open, question{view, p.Title, fill.Replace(target.Expr)})
			}
		}
	}
	// A mean needs two scrapes with an event between them, and so on: what has no data
	// yet is asked for again.
	deadline := time.Now().Add(patience)
	for len(open) > 0 {
		open = slices.DeleteFunc(open, func(q question) bool {
			values, err := m.values(q.query)
			require.NoError(t, err, "%s: %s", q.panel, q.query)
			return len(values) > 0
		})
		require.True(t, time.Now().Before(deadline), "these have no data: %q", open)
		if len(open) > 0 {
			time.Sleep(time.Second)
		}
	}

	for _, v := range board.Templating.List[1:] {
		query := filler(views["all"]).Replace(v.Query)
		match := strings.TrimSuffix(strings.TrimPrefix(query, "label_values("), ", "+v.Name+")")
		var values []string
		require.NoError(t, m.get("/api/v1/label/"+v.Name+"/values", url.Values{"match[]": {match}}, &values))
		require.NotEmpty(t, values, v.Name)
	}

	m.requireHealthyRules(t, len(rules.all()))
	require.Empty(t, m.alerts(t), "nothing is wrong")
	for _, r := range rules.all() {
		for _, name := range metricsIn(r.Expr) {
			values, err := m.values(name)
			require.NoError(t, err)
			require.NotEmpty(t, values, "%s needs %s, which must be there before anything goes wrong", r.Alert, name)
		}
		// So must be every value of a label that it chooses.
		for _, match := range selector.FindAllStringSubmatch(r.Expr, -1) {
			name, values, ok := strings.Cut(match[2], `=~"`)
			if !ok {
				continue
			}
			for value := range strings.SplitSeq(strings.TrimSuffix(values, `"`), "|") {
				found, err := m.values(fmt.Sprintf("%s{%s=%q}", match[1], name, value))
				require.NoError(t, err)
				require.NotEmpty(t, found, "%s needs %s of %s", r.Alert, value, match[1])
			}
		}
	}
}

// filler fills in the variables of Grafana.
func filler(values map[string]string) *strings.Replacer {
	pairs := []string{"$__rate_interval", "5s"}
	for name, value := range values {
		pairs = append(pairs, "$"+name, strings.ReplaceAll(value, "127.0.0.1", `127\\.0\\.0\\.1`))
	}
	return strings.NewReplacer(pairs...)
}
