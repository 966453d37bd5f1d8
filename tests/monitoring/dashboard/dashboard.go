package dashboard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// Variable is a variable of the dashboard with the values of a label.
type Variable struct {
	Name  string // of the label, too
	Query string
	all   string // what "All" stands for
}

// Variables are those that limit the queries, in the order of their choice: each
// offers what the ones before it leave.
var Variables = []Variable{
	{"job", `label_values(supabase_storage_listed, job)`, ".+"},
	{"instance", `label_values(supabase_storage_listed{job=~"$job"}, instance)`, ".+"},
	{"stream", `label_values(supabase_storage_listed{job=~"$job", instance=~"$instance"}, stream)`, ".*"},
	{"label", `label_values(supabase_storage_listed{job=~"$job", instance=~"$instance", stream=~"$stream"}, label)`, ".*"},
	{"path", `label_values(supabase_storage_listed{job=~"$job", instance=~"$instance", stream=~"$stream", label=~"$label"}, path)`, ".*"},
}

const (
	// ofInput limits a query to the chosen inputs, ofPipeline to their pipelines: an
	// output has a path and a label of its own.
	ofInput    = `job=~"$job", instance=~"$instance", stream=~"$stream", label=~"$label", path=~"$path"`
	ofPipeline = `job=~"$job", instance=~"$instance", stream=~"$stream"`
)

// expand fills in the abbreviations of panels.go: INPUT and PIPELINE in braces, and
// EACH for the labels that tell inputs apart.
var expand = strings.NewReplacer("INPUT", ofInput, "PIPELINE", ofPipeline, "EACH", "job, instance, stream, label, path")

// JSON is the dashboard as Grafana imports it.
func JSON() ([]byte, error) {
	//nolint:staticcheck // The schema before dashboardv2, which every Grafana reads.
	b := dashboard.NewDashboardBuilder("Supabase Storage pipelines").
		Uid("supabase-storage").
		Description("Pipelines with the supabase_storage input: what they deliver, and what holds them up.").
		Tags([]string{"supabase-connect"}).
		Readonly().
		Timezone("browser").
		Time("now-1h", "now").
		Refresh("30s").
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type("prometheus"))
	for _, v := range Variables {
		b.WithVariable(v.builder())
	}
	id := uint32(0)
	for _, row := range rows {
		id++
		b.WithRow(dashboard.NewRowBuilder(row.title).Id(id))
		for _, p := range row.panels {
			id++
			b.WithPanel(p.builder(id))
		}
	}
	built, err := b.Build()
	if err != nil {
		return nil, fmt.Errorf("building the dashboard: %w", err)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(built); err != nil {
		return nil, fmt.Errorf("writing the dashboard: %w", err)
	}
	return text.Bytes(), nil
}

// source is the data source that the reader chose.
func source() dashboard.DataSourceRef {
	return dashboard.DataSourceRef{Type: new("prometheus"), Uid: new("${datasource}")}
}

func (v Variable) builder() *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder(v.Name).
		Label(strings.ToUpper(v.Name[:1]) + v.Name[1:]).
		Datasource(source()).
		Query(dashboard.StringOrMap{String: &v.Query}).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Sort(dashboard.VariableSortAlphabeticalAsc).
		Multi(true).
		IncludeAll(true).
		AllValue(v.all).
		Current(dashboard.VariableOption{
			Selected: new(true),
			Text:     dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}},
			Value:    dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}},
		})
}

func (p panel) builder(id uint32) cog.Builder[dashboard.Panel] {
	if p.tile {
		return p.stat(id)
	}
	return p.graph(id)
}

func (p panel) targets(add func(cog.Builder[variants.Dataquery])) {
	for i, s := range p.series {
		query := prometheus.NewDataqueryBuilder().
			Expr(expand.Replace(s.expr)).
			LegendFormat(s.legend).
			RefId(string(rune('A' + i)))
		if p.tile {
			query.Instant()
		} else {
			query.Range()
		}
		add(query)
	}
}

// stat is a number with a colour.
func (p panel) stat(id uint32) cog.Builder[dashboard.Panel] {
	b := stat.NewPanelBuilder().
		Id(id).Title(p.title).Description(p.description).
		Datasource(source()).
		Height(4).Span(p.width).
		Unit(p.unit).
		NoValue("none").
		GraphMode(common.BigValueGraphModeNone).
		ColorMode(common.BigValueColorModeValue).
		Orientation(common.VizOrientationAuto).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})).
		Thresholds(dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(p.colours()))
	p.targets(func(q cog.Builder[variants.Dataquery]) { b.WithTarget(q) })
	return b
}

// colours are those of a tile: warn and bad are limits from which on it is orange and
// red, or below which, where bad is the smaller one.
func (p panel) colours() []dashboard.Threshold {
	switch {
	case p.warn == 0 && p.bad == 0:
		return []dashboard.Threshold{{Color: "text"}}
	case p.bad < p.warn:
		return []dashboard.Threshold{{Color: "red"}, {Color: "orange", Value: &p.bad}, {Color: "green", Value: &p.warn}}
	default:
		return []dashboard.Threshold{{Color: "green"}, {Color: "orange", Value: &p.warn}, {Color: "red", Value: &p.bad}}
	}
}

// graph is lines over time, or areas on top of each other.
func (p panel) graph(id uint32) cog.Builder[dashboard.Panel] {
	b := timeseries.NewPanelBuilder().
		Id(id).Title(p.title).Description(p.description).
		Datasource(source()).
		Height(8).Span(p.width).
		Unit(p.unit).
		Min(0).
		DrawStyle(common.GraphDrawStyleLine).
		LineWidth(1).
		ShowPoints(common.VisibilityModeNever).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).Calcs([]string{})).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	if p.stacked {
		b.FillOpacity(25).Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal).Group("A"))
	}
	if p.most > 0 {
		b.Max(p.most)
	}
	p.targets(func(q cog.Builder[variants.Dataquery]) { b.WithTarget(q) })
	return b
}
