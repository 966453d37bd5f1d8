package monitoring_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/monitoring/dashboard"
)

// board is the dashboard as the tests look at it.
type board struct {
	UID        string       `json:"uid"`
	Editable   bool         `json:"editable"`
	Panels     []boardPanel `json:"panels"`
	Templating struct {
		List []struct {
			Name       string `json:"name"`
			Type       string `json:"type"`
			Query      string `json:"query"`
			Multi      bool   `json:"multi"`
			IncludeAll bool   `json:"includeAll"`
			AllValue   string `json:"allValue"`
			Refresh    int    `json:"refresh"`
			Datasource source `json:"datasource"`
		} `json:"list"`
	} `json:"templating"`
}

type source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type boardPanel struct {
	ID          int    `json:"id"`
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Datasource  source `json:"datasource"`
	GridPos     struct{ H, W, X, Y int }
	FieldConfig struct {
		Defaults struct {
			Unit string `json:"unit"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
	Targets []struct {
		Expr         string `json:"expr"`
		LegendFormat string `json:"legendFormat"`
		RefID        string `json:"refId"`
		Instant      bool   `json:"instant"`
	} `json:"targets"`
}

func readBoard(t *testing.T) (b board) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(read(t, filepath.Join(folder, "dashboard.json"))), &b))
	return b
}

// graphs are the panels without the titles of rows.
func (b board) graphs() (panels []boardPanel) {
	for _, p := range b.Panels {
		if p.Type != "row" {
			panels = append(panels, p)
		}
	}
	return panels
}

func TestDashboardIsCurrent(t *testing.T) {
	want, err := dashboard.JSON()
	require.NoError(t, err)
	path := filepath.Join(folder, "dashboard.json")
	if *update {
		require.NoError(t, os.WriteFile(path, want, 0o644))
	}
	require.Equal(t, string(want), read(t, path), "it is stale; run: go test ./tests/monitoring -run DashboardIsCurrent -update")
}

func TestEveryMetricOfTheDashboardExists(t *testing.T) {
	known := metricNames(t)
	for _, p := range readBoard(t).graphs() {
		for _, target := range p.Targets {
			names := metricsIn(target.Expr)
			require.NotEmpty(t, names, p.Title)
			for _, name := range names {
				require.True(t, known[name], "%q asks for %s, which neither the table in input/README.md nor fromElsewhere has", p.Title, name)
			}
		}
	}
}

// The other way round: what the input measures can be seen.
func TestTheDashboardShowsEveryMetricOfTheInput(t *testing.T) {
	shown := map[string]bool{}
	for _, p := range readBoard(t).graphs() {
		for _, target := range p.Targets {
			for _, name := range metricsIn(target.Expr) {
				shown[strings.TrimSuffix(strings.TrimSuffix(name, "_sum"), "_count")] = true
			}
		}
	}
	for name := range metricNames(t) {
		name = strings.TrimSuffix(strings.TrimSuffix(name, "_sum"), "_count")
		if strings.HasPrefix(name, "supabase_storage_") && name != "supabase_storage_listed" { // the sum of "What became of listed objects"
			require.True(t, shown[name], "no panel shows %s", name)
		}
	}
}

// The rules of Grafana's dashboard-linter, for what this dashboard consists of, and
// some more.
func TestDashboardKeepsToTheRulesOfGrafanasLinter(t *testing.T) {
	b := readBoard(t)
	require.False(t, b.Editable, "uneditable-dashboard")
	require.NotEmpty(t, b.UID)

	require.Equal(t, "datasource", b.Templating.List[0].Type, "template-datasource-rule")
	require.Equal(t, "prometheus", b.Templating.List[0].Query, "template-datasource-rule")
	chosen := source{"prometheus", "${" + b.Templating.List[0].Name + "}"}
	names := []string{}
	for _, v := range b.Templating.List[1:] {
		names = append(names, v.Name)
		require.Equal(t, chosen, v.Datasource, v.Name)
		require.Equal(t, 2, v.Refresh, "template-on-time-change-reload-rule: %s", v.Name)
		require.True(t, v.Multi && v.IncludeAll, "template-job-rule: %s", v.Name)
		require.Regexp(t, `^label_values\(.*, `+v.Name+`\)$`, v.Query, "template-label-promql-rule")
		// Only job and instance are on all series.
		want := ".*"
		if v.Name == "job" || v.Name == "instance" {
			want = ".+"
		}
		require.Equal(t, want, v.AllValue, "template-job-rule: %s", v.Name)
	}
	require.Subset(t, names, []string{"job", "instance", "stream", "label", "path"})

	ids, titles, row := map[int]bool{}, map[string]bool{}, ""
	var places []boardPanel
	for _, p := range b.Panels {
		require.False(t, ids[p.ID], "%s: two panels have the ID %d", p.Title, p.ID)
		ids[p.ID] = true
		for _, other := range places {
			require.True(t, p.GridPos.X >= other.GridPos.X+other.GridPos.W || other.GridPos.X >= p.GridPos.X+p.GridPos.W ||
				p.GridPos.Y >= other.GridPos.Y+other.GridPos.H || other.GridPos.Y >= p.GridPos.Y+p.GridPos.H, "%s covers %s", p.Title, other.Title)
		}
		places = append(places, p)
		require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, p.Title)
		if p.Type == "row" {
			row = p.Title
			continue
		}
		require.False(t, titles[row+p.Title], "two panels of a row are called %s", p.Title)
		titles[row+p.Title] = true
		require.NotEmpty(t, p.Title, "panel-title-description-rule")
		require.NotEmpty(t, p.Description, "panel-title-description-rule: %s", p.Title)
		require.NotEmpty(t, p.FieldConfig.Defaults.Unit, "panel-units-rule: %s", p.Title)
		require.Equal(t, chosen, p.Datasource, "panel-datasource-rule: %s", p.Title)
		require.NotEmpty(t, p.Targets, "panel-no-targets-rule: %s", p.Title)
		for _, target := range p.Targets {
			requireTarget(t, p.Title, target.Expr)
			require.NotEmpty(t, target.LegendFormat, p.Title)
		}
	}
}

var (
	selector = regexp.MustCompile(`(\w+)\{([^}]*)\}`)
	rated    = regexp.MustCompile(`\b(?:rate|increase)\((\w+)\{[^}]*\}\[\$__rate_interval\]\)`)
	counter  = regexp.MustCompile(`_ns_(?:sum|count)$`)
)

func requireTarget(t *testing.T, title, query string) {
	t.Helper()
	var inRates []string
	for _, m := range rated.FindAllStringSubmatch(query, -1) {
		inRates = append(inRates, m[1])
	}
	require.Len(t, inRates, strings.Count(query, "["), "target-rate-interval-rule: %s: %s", title, query)
	selectors := selector.FindAllStringSubmatch(query, -1)
	require.Len(t, metricsIn(query), len(selectors), "%s: a metric without variables: %s", title, query)
	kinds := counters(t)
	for _, m := range selectors {
		for _, name := range []string{"job", "instance", "stream"} { // target-job-rule, target-instance-rule
			require.Contains(t, m[2], name+`=~"$`+name+`"`, "%s: %s", title, query)
		}
		if !strings.HasPrefix(m[1], "output_") {
			for _, name := range []string{"label", "path"} {
				require.Contains(t, m[2], name+`=~"$`+name+`"`, "%s: %s", title, query)
			}
		}
		if kinds[m[1]] || counter.MatchString(m[1]) {
			require.Contains(t, inRates, m[1], "target-counter-agg-rule: %s: %s", title, query)
		} else {
			require.NotContains(t, inRates, m[1], "%s: the rate of a gauge: %s", title, query)
		}
	}
}

// counters are the counters of the input, and those of Benthos in use.
func counters(t *testing.T) map[string]bool {
	t.Helper()
	_, table, ok := strings.Cut(read(t, "../../input/README.md"), "| Counter | |")
	require.True(t, ok)
	table, _, ok = strings.Cut(table, "| Gauge | |")
	require.True(t, ok)
	names := map[string]bool{"output_error": true}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` ").FindAllStringSubmatch(table, -1) {
		names[m[1]] = true
	}
	require.Greater(t, len(names), 5)
	return names
}
