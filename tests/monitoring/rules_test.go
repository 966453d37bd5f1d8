package monitoring_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// rulesFile is a file of rules, as far as the tests look at it.
type rulesFile struct {
	Groups []struct {
		Name  string `yaml:"name"`
		Rules []rule `yaml:"rules"`
	} `yaml:"groups"`
}

type rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

func readRules(t *testing.T) (f rulesFile) {
	t.Helper()
	require.NoError(t, yaml.Unmarshal([]byte(read(t, filepath.Join(folder, "alerts.yaml"))), &f))
	require.NotEmpty(t, f.Groups)
	return f
}

func (f rulesFile) all() (rules []rule) {
	for _, g := range f.Groups {
		rules = append(rules, g.Rules...)
	}
	return rules
}

func TestEveryMetricOfTheAlertsExists(t *testing.T) {
	known := metricNames(t)
	for _, r := range readRules(t).all() {
		names := metricsIn(r.Expr)
		require.NotEmpty(t, names, r.Alert)
		for _, name := range names {
			require.True(t, known[name], "%s asks for %s, which neither the table in input/README.md nor fromElsewhere has", r.Alert, name)
		}
	}
}

func TestEveryAlertSaysWhatHappenedAndWhatToDo(t *testing.T) {
	readme, tests := read(t, filepath.Join(folder, "README.md")), read(t, filepath.Join(folder, "alerts_test.yaml"))
	seen := map[string]bool{}
	for _, r := range readRules(t).all() {
		require.False(t, seen[r.Alert], "%s exists twice", r.Alert)
		seen[r.Alert] = true
		require.Contains(t, []string{"critical", "warning"}, r.Labels["severity"], r.Alert)
		require.NotEmpty(t, r.Annotations["summary"], r.Alert)
		require.NotContains(t, r.Annotations["summary"], "\n", r.Alert)
		require.NotEmpty(t, r.Annotations["description"], r.Alert)
		require.NotEmpty(t, r.Annotations["runbook"], r.Alert)
		require.Contains(t, readme, "`"+r.Alert+"`", "the README does not explain it")
		require.Contains(t, tests, `{alertname="`+r.Alert+`"}', value: 1}`, "no test shows that it fires")
	}
	for _, m := range regexp.MustCompile(`Supabase(?:Connect|Storage)[A-Z]\w+`).FindAllString(readme+tests, -1) {
		require.True(t, seen[m], "there is no alert %s", m)
	}
}

// Commands of the binary, and fields of the input.
func TestEveryCommandAndFieldOfARunbookExists(t *testing.T) {
	commands := read(t, "../../cmd/supabase-connect/README.md")
	config := read(t, "../../input/README.md")
	found := 0
	for _, r := range readRules(t).all() {
		for _, m := range regexp.MustCompile(`supabase-connect ([a-z]+)(?: CONFIG)( --[a-z-]+)?`).FindAllStringSubmatch(r.Annotations["runbook"], -1) {
			found++
			require.Contains(t, commands, "supabase-connect "+m[1], r.Alert)
			require.Contains(t, commands, strings.TrimSpace(m[2]), r.Alert)
		}
		for _, field := range regexp.MustCompile(`\b(?:[a-z]+_)+[a-z]+\b`).FindAllString(r.Annotations["runbook"], -1) {
			// A field of outputs, and a reason for which objects are parked.
			if words := []string{"max_in_flight", "not_found"}; !slices.Contains(words, field) {
				found++
				require.Contains(t, config, field, "%s speaks of a field that input/README.md does not have", r.Alert)
			}
		}
	}
	require.Greater(t, found, 10)
}

func TestPromtoolAcceptsTheRules(t *testing.T) {
	needs(t, "promtool")
	promtool(t, folder, "check", "rules", "alerts.yaml")
}

func TestPromtoolAcceptsTheConfig(t *testing.T) {
	needs(t, "promtool")
	promtool(t, folder, "check", "config", "prometheus.yml")
}

func TestAlertsFireWhenTheyShould(t *testing.T) {
	needs(t, "promtool")
	t.Parallel()
	promtool(t, folder, "test", "rules", "alerts_test.yaml")
}

func promtool(t *testing.T, dir string, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "promtool", args...)
	command.Dir = dir
	out, err := command.CombinedOutput()
	require.NoError(t, err, string(out))
}
