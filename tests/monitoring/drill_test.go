package monitoring_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// shorter returns rules that need seconds for what takes minutes and hours in
// alerts.yaml: their ranges, offsets and limits of time are cut, and what they look
// for is the same.
func shorter(f rulesFile) rulesFile {
	var short rulesFile
	for _, g := range f.Groups {
		rules := slices.Clone(g.Rules)
		for i := range rules {
			r := &rules[i]
			r.Expr = regexp.MustCompile(`\[\d+[mhd]\]`).ReplaceAllString(r.Expr, "[6s]")
			r.Expr = regexp.MustCompile(`offset \d+[mhd]`).ReplaceAllString(r.Expr, "offset 4s")
			r.Expr = regexp.MustCompile(`([<>]) \d{3,}\b`).ReplaceAllString(r.Expr, "$1 4")
			if r.For != "" {
				r.For = "3s"
			}
		}
		g.Rules = rules
		short.Groups = append(short.Groups, g)
	}
	return short
}

// scenario is something that goes wrong with one pipeline.
type scenario struct {
	pipeline func(*site) pipeline // default: an access key and no output
	options  emulator.Options
	goWrong  func(*testing.T, *site)
	// alerts must fire, and also may fire.
	alerts, also []string
	// heal ends it, and the alerts with it. Nil is a fault whose alerts are not
	// watched to their end.
	heal func(*testing.T, *site)
}

// isGet and isList are the requests for objects and for pages of a listing.
func isGet(r emulator.Request) bool  { return r.Op == emulator.OpGet }
func isList(r emulator.Request) bool { return r.Op == emulator.OpList }

func faults(wrong func(emulator.Request) bool, fault emulator.Fault) func(*testing.T, *site) {
	return func(_ *testing.T, s *site) {
		s.SetFaults(func(r emulator.Request) emulator.Fault {
			if wrong(r) {
				return fault
			}
			return emulator.Fault{}
		})
	}
}

func endFaults(_ *testing.T, s *site) { s.SetFaults(nil) }

// webhook is where an output delivers to: it hangs, refuses or accepts.
type webhook struct {
	url  string
	mode atomic.Int32
}

const (
	accepts int32 = iota
	refuses
	hangs
)

func newWebhook(t *testing.T) *webhook {
	t.Helper()
	h := &webhook{}
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch h.mode.Load() {
		case refuses:
			w.WriteHeader(http.StatusInternalServerError)
		case hangs:
			for h.mode.Load() == hangs {
				select {
				case <-time.After(50 * time.Millisecond):
				case <-over:
					return
				}
			}
		}
	}))
	t.Cleanup(func() {
		close(over)
		server.Close()
	})
	h.url = server.URL
	return h
}

func (h *webhook) becomes(mode int32) func(*testing.T, *site) {
	return func(*testing.T, *site) { h.mode.Store(mode) }
}

func (h *webhook) output() string {
	return fmt.Sprintf("{http_client: {url: %q, timeout: 10m, retries: 0, max_in_flight: 4}}", h.url)
}

// scenarios are the drill. Their names are those of the streams. Caches is the folder
// of a cache in which one of them keeps its state.
func scenarios(t *testing.T, caches string) map[string]scenario {
	hanging, refusing := newWebhook(t), newWebhook(t)
	return map[string]scenario{
		"healthy": {goWrong: func(*testing.T, *site) {}},
		"server_away": {
			goWrong: func(t *testing.T, s *site) { s.goAway(t) },
			heal:    func(t *testing.T, s *site) { s.comeBack(t) },
			alerts:  []string{"SupabaseStorageEndpointDown"},
			also:    []string{"SupabaseStoragePassesFail", "SupabaseStoragePassOverdue", "SupabaseStorageNoCompletePass", "SupabaseStorageBacklogGrows"},
		},
		"throttled": {
			goWrong: faults(func(r emulator.Request) bool { return isGet(r) && r.KeyN == 1 }, emulator.Fault{Status: http.StatusServiceUnavailable}),
			heal:    endFaults,
			alerts:  []string{"SupabaseStorageEndpointThrottles"},
			also:    []string{"SupabaseStorageBacklogGrows", "SupabaseStorageEndpointDown", "SupabaseStoragePassOverdue", "SupabaseStorageNoCompletePass"},
		},
		"output_hangs": {
			pipeline: func(s *site) pipeline { return pipeline{output: hanging.output()} },
			goWrong:  hanging.becomes(hangs),
			heal:     hanging.becomes(accepts),
			alerts:   []string{"SupabaseStorageNothingDelivered", "SupabaseStorageMessageStuck"},
			also:     []string{"SupabaseStorageBacklogGrows", "SupabaseStoragePassOverdue", "SupabaseStorageNoCompletePass"},
		},
		"output_refuses": {
			pipeline: func(s *site) pipeline { return pipeline{output: refusing.output()} },
			goWrong:  refusing.becomes(refuses),
			heal:     refusing.becomes(accepts),
			alerts:   []string{"SupabaseStorageOutputErrors"},
			also:     []string{"SupabaseStorageNothingDelivered", "SupabaseStorageMessageStuck", "SupabaseStorageBacklogGrows", "SupabaseStoragePassOverdue", "SupabaseStorageNoCompletePass"},
		},
		// A file in place of the folder: like a full disk, no write succeeds.
		"state_disk": {
			pipeline: func(*site) pipeline {
				return pipeline{fields: []string{"state: {cache: state_cache}"}}
			},
			goWrong: func(t *testing.T, _ *site) {
				require.NoError(t, os.Rename(caches, caches+".away"))
				require.NoError(t, os.WriteFile(caches, nil, 0o600))
			},
			heal: func(t *testing.T, _ *site) {
				require.NoError(t, os.Remove(caches))
				require.NoError(t, os.Rename(caches+".away", caches))
			},
			alerts: []string{"SupabaseStorageStateFailing"},
			also:   []string{"SupabaseStoragePassesFail", "SupabaseStoragePassOverdue", "SupabaseStorageNoCompletePass", "SupabaseStorageBacklogGrows", "SupabaseStorageNothingDelivered", "SupabaseStorageMessageStuck"},
		},
		"parked": {
			goWrong: func(t *testing.T, s *site) {
				faults(func(r emulator.Request) bool { return isGet(r) && r.Key == "bad.txt" }, emulator.Fault{Status: http.StatusForbidden})(t, s)
				s.Put(bucket, "bad.txt", []byte("secret"))
			},
			heal: func(t *testing.T, s *site) {
				s.SetFaults(nil)
				s.Put(bucket, "bad.txt", []byte("public")) // another version is tried at once
			},
			alerts: []string{"SupabaseStorageParkedForLong"},
		},
		"mass_deletion": {
			pipeline: func(s *site) pipeline {
				s.quiet.Store(true) // so that the deleted ones are most
				return pipeline{fields: []string{"emit_deletes: true"}}
			},
			goWrong: func(_ *testing.T, s *site) {
				for i := range 30 {
					s.Delete(bucket, fmt.Sprintf("old/%02d.txt", i))
				}
			},
			heal: func(_ *testing.T, s *site) { // they were deleted by mistake
				for i := range 30 {
					s.Put(bucket, fmt.Sprintf("old/%02d.txt", i), []byte("content"))
				}
			},
			alerts: []string{"SupabaseStorageDeletionsHeld"},
		},
		"listing_fails": {
			pipeline: func(*site) pipeline {
				return pipeline{fields: []string{"retry: {max_attempts: 1, initial_interval: 100ms, max_interval: 100ms}"}}
			},
			goWrong: faults(isList, emulator.Fault{Status: http.StatusBadRequest, Code: "InvalidRequest"}),
			alerts:  []string{"SupabaseStoragePassesFail"},
			also:    []string{"SupabaseStorageNoCompletePass", "SupabaseStorageEndpointDown", "SupabaseStoragePassOverdue", "SupabaseStorageBacklogGrows"},
		},
		"listing_hangs": {
			goWrong: faults(isList, emulator.Fault{Delay: time.Hour}),
			alerts:  []string{"SupabaseStoragePassOverdue", "SupabaseStorageNoCompletePass", "SupabaseStorageBacklogGrows"},
			also:    []string{"SupabaseStorageEndpointThrottles"}, // every request is made again, and nothing is delivered
		},
		"too_slow": {
			pipeline: func(*site) pipeline { return pipeline{fields: []string{"concurrency: {max_downloads: 1}"}} },
			goWrong:  faults(isGet, emulator.Fault{Delay: 500 * time.Millisecond}),
			heal:     endFaults,
			alerts:   []string{"SupabaseStorageBacklogGrows"},
			also:     []string{"SupabaseStorageNoCompletePass"},
		},
		"auth_away": {
			options:  emulator.Options{TokenLifetime: 20 * time.Second},
			pipeline: func(s *site) pipeline { return pipeline{credentials: s.user()} },
			goWrong: faults(func(r emulator.Request) bool { return r.Op == emulator.OpSignIn || r.Op == emulator.OpRefreshToken },
				emulator.Fault{Status: http.StatusServiceUnavailable}),
			heal:   endFaults,
			alerts: []string{"SupabaseStorageCredentialsFailing"},
			also:   []string{"SupabaseStorageTokenEnds", "SupabaseStorageTokenEndsSoon", "SupabaseStoragePassOverdue", "SupabaseStorageBacklogGrows", "SupabaseStorageEndpointDown", "SupabaseStoragePassesFail", "SupabaseStorageNoCompletePass"},
		},
	}
}

func TestDrillEachFaultRaisesItsAlert(t *testing.T) {
	needs(t, "prometheus")
	t.Parallel()
	dir := t.TempDir()
	caches := filepath.Join(dir, "cache")
	require.NoError(t, os.Mkdir(caches, 0o700))
	sites, configs := map[string]*site{}, map[string]string{}
	drill := scenarios(t, caches)
	for name, sc := range drill {
		s := newSite(t, name, sc.options)
		p := pipeline{}
		if sc.pipeline != nil {
			p = sc.pipeline(s)
		}
		if p.credentials == "" {
			p.credentials = s.accessKey()
		}
		sites[name], configs[name] = s, s.config(p)
	}
	resources := fmt.Sprintf("cache_resources: [{label: state_cache, file: {directory: %q}}]\n", caches)
	m := startPrometheus(t, shorter(readRules(t)), runStreams(t, dir, resources, configs))

	require.Eventually(t, func() bool {
		values, err := m.values(`count(supabase_storage_last_complete_pass_unix > 0 and supabase_storage_delivered >= 30)`)
		return err == nil && slices.Contains(values, float64(len(drill)))
	}, patience, time.Second, "not all pipelines read their buckets")
	m.until(t, "all is well", func(firing map[string][]string) bool { return len(firing) == 0 })

	for name, sc := range drill {
		sc.goWrong(t, sites[name])
	}
	seen := map[string]map[string]bool{}
	m.until(t, "each fault raises its alerts", func(firing map[string][]string) bool {
		open := 0
		for name, sc := range drill {
			if seen[name] == nil {
				seen[name] = map[string]bool{}
			}
			for _, a := range firing[name] {
				seen[name][a] = true
				require.True(t, slices.Contains(sc.alerts, a) || slices.Contains(sc.also, a), "%s fires for %s", a, name)
			}
			for _, a := range sc.alerts {
				if !seen[name][a] {
					open++
				}
			}
		}
		return open == 0
	})
	for name, sc := range drill {
		if sc.heal != nil {
			sc.heal(t, sites[name])
		}
	}
	m.until(t, "the alerts end with the faults", func(firing map[string][]string) bool {
		for name, sc := range drill {
			if sc.heal != nil && len(firing[name]) > 0 {
				return false
			}
		}
		return true
	})
}

// until waits until the alerts that fire, by stream, are as wanted.
func (m *monitor) until(t *testing.T, what string, wanted func(firing map[string][]string) bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		firing := map[string][]string{}
		for _, a := range m.alerts(t) {
			if a.State == "firing" {
				name := a.Labels["stream"]
				firing[name] = append(firing[name], a.Labels["alertname"])
				require.NotContains(t, a.Annotations["summary"], "<no value>")
				require.True(t, name == "" || strings.Contains(a.Annotations["summary"], a.Labels["instance"]), "%v", a)
			}
		}
		if wanted(firing) {
			return
		}
		require.True(t, time.Now().Before(deadline), "%s: firing are %v", what, firing)
		time.Sleep(500 * time.Millisecond)
	}
}

// A token that nobody renews: an alert before its end, and others after it.
func TestDrillATokenThatNobodyRenewsEnds(t *testing.T) {
	needs(t, "prometheus")
	t.Parallel()
	s := newSite(t, "token", emulator.Options{})
	address, _ := runPipeline(t, s.config(pipeline{credentials: s.token(20 * time.Second)}))
	m := startPrometheus(t, shorter(readRules(t)), address)
	seen := map[string]bool{}
	m.until(t, "one alert before the end, one after it", func(firing map[string][]string) bool {
		for _, a := range firing[""] {
			seen[a] = true
		}
		require.True(t, !seen["SupabaseStoragePassesFail"] || seen["SupabaseStorageTokenEnds"], "the token ended without an alert")
		return seen["SupabaseStoragePassesFail"]
	})
}

// A process that is gone, and one that is started again and again: there is no metric
// of the input that could say so.
func TestDrillAProcessThatEndsOrHasNoInput(t *testing.T) {
	needs(t, "prometheus")
	t.Parallel()
	s := newSite(t, "short", emulator.Options{})
	address, ended := runPipeline(t, s.config(pipeline{credentials: s.accessKey(), fields: []string{"sync_mode: one_time"}}))
	other, _ := runPipeline(t, "input: {generate: {mapping: 'root = 1', interval: 1s}}\noutput: {drop: {}}\n")
	m := startPrometheus(t, shorter(readRules(t)), address, other)
	<-ended
	seen := map[string]bool{}
	m.until(t, "down, and without input", func(firing map[string][]string) bool {
		for _, a := range firing[""] {
			seen[a] = true
		}
		return seen["SupabaseConnectDown"] && seen["SupabaseConnectWithoutInput"]
	})
}
