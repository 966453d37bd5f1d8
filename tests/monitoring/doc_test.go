// Package monitoring_test tests the files of config/monitoring: Grafana's dashboard
// and the alerts for Prometheus.
//
//	dashboard_test.go   the dashboard is current, and as Grafana's linter wants it
//	rules_test.go       alerts name metrics that exist, say what to do, and are tested
//	queries_test.go     every query, on a real Prometheus that scrapes real pipelines
//	drill_test.go       what an operator meets: which alert fires, and which end again
//	pipelines_test.go   the pipelines of the last two: the binary and emulated projects
//	prometheus_test.go  a Prometheus for a test
//
// What needs Prometheus is skipped where it is not installed. run.sh runs all of it,
// and does not skip.
package monitoring_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	folder = "../../config/monitoring"
	binary = "supabase-connect"
)

var update = flag.Bool("update", false, "write dashboard.json")

// binDir holds the binary that TestMain builds, where there is a Prometheus to scrape
// it.
var binDir string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if _, err := exec.LookPath("prometheus"); err != nil || testing.Short() {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "supabase-connect-monitoring-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "making a folder for the binary:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// Without the AWS components, which triple the time that linking takes.
	build := exec.CommandContext(context.Background(), "go", "build", "-tags", "noaws", "-ldflags", "-s -w",
		"-o", filepath.Join(dir, binary), "../../cmd/supabase-connect")
	build.Stdout, build.Stderr = os.Stdout, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the binary:", err)
		return 1
	}
	binDir = dir
	return m.Run()
}

// needs skips a test where a program of Prometheus is not installed, except where
// run.sh has seen to it.
func needs(t *testing.T, program string) {
	t.Helper()
	_, err := exec.LookPath(program)
	if os.Getenv("MONITORING_MUST_RUN") != "" {
		require.NoError(t, err)
	} else if err != nil {
		t.Skipf("%s is not installed: apt-get install prometheus", program)
	}
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// fromElsewhere are the metrics in use that are not the input's: Prometheus' own and
// Benthos'. That they exist shows on a real Prometheus.
var fromElsewhere = []string{
	"up", "input_connection_up", "output_connection_up", "output_error", "output_latency_ns_sum", "output_latency_ns_count",
}

// metricNames are all metrics that may be asked for. Those of the input are in the
// table of its README, which a test keeps in step with the code.
func metricNames(t *testing.T) map[string]bool {
	t.Helper()
	_, table, ok := strings.Cut(read(t, "../../input/README.md"), "<!-- metrics:start -->")
	require.True(t, ok)
	table, _, ok = strings.Cut(table, "<!-- metrics:end -->")
	require.True(t, ok)
	names := map[string]bool{}
	for _, name := range fromElsewhere {
		names[name] = true
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(supabase_storage_\\w+)` ").FindAllStringSubmatch(table, -1) {
		names[m[1]] = true
		if strings.HasSuffix(m[1], "_ns") {
			names[m[1]+"_sum"], names[m[1]+"_count"] = true, true
		}
	}
	require.Greater(t, len(names), 30)
	return names
}

// metricsIn are the metrics that a query asks for: the words that are no function, no
// keyword, no label and no text.
func metricsIn(query string) (names []string) {
	query = regexp.MustCompile(`"[^"]*"`).ReplaceAllString(query, `""`)
	query = regexp.MustCompile(`\b(by|without|on|ignoring|group_left|group_right) *\([^)]*\)`).ReplaceAllString(query, "")
	query = regexp.MustCompile(`\{[^}]*\}|\[[^\]]*\]|offset \w+`).ReplaceAllString(query, " ")
	for _, m := range regexp.MustCompile(`\b([a-z]\w*)\b *(\(?)`).FindAllStringSubmatch(query, -1) {
		switch m[1] {
		case "and", "or", "unless", "sum", "min", "max", "avg", "count":
			continue
		}
		if m[2] == "" {
			names = append(names, m[1])
		}
	}
	return names
}

func TestTheMetricsOfAQueryAreFound(t *testing.T) {
	require.Equal(t, []string{"a_b", "c"}, metricsIn(`sum by (x, y) (rate(a_b{x=~"z", y="c d"}[5m])) > 3 and on (x) (c offset 1h) unless (time() > 1e5)`))
	require.Equal(t, []string{"a", "b_ns"}, metricsIn("max without (k) (a) > 0\n/ (b_ns == 1)"))
}
