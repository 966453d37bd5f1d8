package monitoring_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// patience is how long a test waits for what comes within seconds on a quiet machine.
const patience = 90 * time.Second

// monitor is a Prometheus that asks every second.
type monitor struct {
	url string
}

// startPrometheus starts a Prometheus with a config like prometheus.yml, except for
// its times and targets, and with these rules.
func startPrometheus(t *testing.T, rules rulesFile, targets ...string) *monitor {
	t.Helper()
	dir := t.TempDir()
	var conf map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(read(t, filepath.Join(folder, "prometheus.yml"))), &conf))
	conf["global"] = map[string]any{"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
	jobs := conf["scrape_configs"].([]any)
	require.Len(t, jobs, 1)
	jobs[0].(map[string]any)["static_configs"] = []any{map[string]any{"targets": targets}}
	write(t, filepath.Join(dir, "prometheus.yml"), conf)
	write(t, filepath.Join(dir, "alerts.yaml"), rules)

	address := freeAddress(t)
	start(t, dir, "prometheus", nil, "--config.file=prometheus.yml", "--storage.tsdb.path=data",
		"--web.listen-address="+address, "--log.level=warn")
	m := &monitor{url: "http://" + address}
	require.Eventually(t, func() bool {
		resp, err := http.Get(m.url + "/-/ready")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, patience, 100*time.Millisecond, "Prometheus is not ready")
	return m
}

func write(t *testing.T, path string, value any) {
	t.Helper()
	text, err := yaml.Marshal(value)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, text, 0o644))
}

// get asks the API, and decodes what it answers.
func (m *monitor) get(path string, query url.Values, data any) error {
	resp, err := http.Get(m.url + path + "?" + query.Encode())
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", resp.Status, body)
	}
	return json.Unmarshal(body, &struct {
		Data any `json:"data"`
	}{data})
}

// values are the numbers that a query returns, of all series and times in the last
// minute. NaN is none.
func (m *monitor) values(query string) (values []float64, err error) {
	now := time.Now()
	var answer struct {
		Result []struct {
			Values [][2]any `json:"values"`
		} `json:"result"`
	}
	err = m.get("/api/v1/query_range", url.Values{
		"query": {query}, "step": {"1"},
		"start": {strconv.FormatInt(now.Add(-time.Minute).Unix(), 10)}, "end": {strconv.FormatInt(now.Unix(), 10)},
	}, &answer)
	for _, series := range answer.Result {
		for _, pair := range series.Values {
			n, err := strconv.ParseFloat(fmt.Sprint(pair[1]), 64)
			if err != nil {
				return nil, err
			}
			if !math.IsNaN(n) && !math.IsInf(n, 0) {
				values = append(values, n)
			}
		}
	}
	return values, err
}

// alert is a rule for one set of labels, pending or firing.
type alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	State       string            `json:"state"`
}

func (m *monitor) alerts(t *testing.T) []alert {
	t.Helper()
	var answer struct {
		Alerts []alert `json:"alerts"`
	}
	require.NoError(t, m.get("/api/v1/alerts", nil, &answer))
	return answer.Alerts
}

// requireHealthyRules requires that every rule was evaluated without an error.
func (m *monitor) requireHealthyRules(t *testing.T, want int) {
	t.Helper()
	var answer struct {
		Groups []struct {
			Rules []struct {
				Name      string `json:"name"`
				Health    string `json:"health"`
				LastError string `json:"lastError"`
			} `json:"rules"`
		} `json:"groups"`
	}
	require.NoError(t, m.get("/api/v1/rules", nil, &answer))
	n := 0
	for _, g := range answer.Groups {
		for _, r := range g.Rules {
			n++
			require.Equal(t, "ok", r.Health, "%s: %s", r.Name, r.LastError)
		}
	}
	require.Equal(t, want, n)
}

// lastPort is the port that freeAddress gave last. Those from here on are below the
// range from which the system takes ports for connections, and no test asks for the
// port of another.
var lastPort atomic.Int32

func init() { lastPort.Store(int32(20_000 + os.Getpid()%5000)) }

// freeAddress is a loopback address on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 1000 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(int(lastPort.Add(1))))
		if l, err := net.Listen("tcp", address); err == nil {
			require.NoError(t, l.Close())
			return address
		}
	}
	require.Fail(t, "no port is free")
	return ""
}

// start runs a program in a folder until the test ends. Its output is shown if the
// test fails. The channel is closed when it has ended.
func start(t *testing.T, dir, program string, env []string, args ...string) <-chan struct{} {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, filepath.Base(program)+".log"))
	require.NoError(t, err)
	command := exec.Command(program, args...)
	command.Dir, command.Env = dir, append(os.Environ(), env...)
	command.Stdout, command.Stderr = log, log
	require.NoError(t, command.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait()
	}()
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGKILL)
		<-ended
		_ = log.Close()
		if t.Failed() {
			text := read(t, log.Name())
			t.Logf("%s:\n%s", program, text[max(0, len(text)-20_000):])
		}
	})
	return ended
}
