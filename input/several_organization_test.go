package input

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fleet"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// orgRig is a run over an organization, without sockets.
type orgRig struct {
	t      testing.TB
	org    *emulator.Organization
	fields string
	logs   *logLines
	res    *service.Resources
	input  service.BatchInput
	// wrap changes the transport; nil leaves it as it is.
	wrap func(http.RoundTripper) http.RoundTripper

	mu       sync.Mutex
	messages []*service.Message
}

func newOrgRig(t testing.TB, projects int, fields string) *orgRig {
	t.Helper()
	r := &orgRig{t: t, org: emulator.NewOrganization(emulator.OrganizationOptions{}), fields: fields, logs: &logLines{}}
	r.res = service.MockResources(service.MockResourcesOptUseLogger(r.logs.logger()), service.MockResourcesOptAddCache("shared"))
	for range projects {
		r.add()
	}
	return r
}

// add adds a project with three buckets of a few objects.
func (r *orgRig) add() {
	s := r.org.AddProject(emulator.Options{})
	for _, bucket := range []string{"avatars", "docs", "images"} {
		s.CreateBucket(bucket)
		for i := range 4 {
			s.Put(bucket, fmt.Sprintf("%d.txt", i), []byte(bucket))
		}
	}
}

func (r *orgRig) build() {
	r.t.Helper()
	var err error
	r.input, err = newInput(r.conf(), r.res)
	require.NoError(r.t, err)
}

// conf is the config of the input.
func (r *orgRig) conf() config.Config {
	r.t.Helper()
	text := ""
	if !strings.Contains(r.fields, "projects:") {
		text = "projects: {organization: acme}\n"
	}
	text += fmt.Sprintf(`
credentials: {type: access_token, access_token: %s}
`, r.org.AccessToken())
	if !strings.Contains(r.fields, "source_path:") {
		text += "source_path: \"*/\"\n"
	}
	parsed, err := config.Spec().ParseYAML(text+r.fields, nil)
	require.NoError(r.t, err)
	conf, err := config.Parse(parsed)
	require.NoError(r.t, err)
	conf.Transport = r.org.Transport()
	if r.wrap != nil {
		conf.Transport = r.wrap(conf.Transport)
	}
	return conf
}

// live runs the input until stop is called.
func (r *orgRig) live() (stop func()) {
	r.t.Helper()
	r.build()
	ctx, cancel := context.WithCancel(r.t.Context())
	var reading sync.WaitGroup
	reading.Go(func() {
		for r.input.Connect(ctx) != nil {
			if retry.Sleep(ctx, time.Second) != nil {
				return
			}
		}
		for {
			batch, ack, err := r.input.ReadBatch(ctx)
			if err != nil {
				return
			}
			r.mu.Lock()
			r.messages = append(r.messages, batch...)
			r.mu.Unlock()
			_ = ack(r.t.Context(), nil)
		}
	})
	return func() {
		cancel()
		reading.Wait()
		require.NoError(r.t, r.input.Close(context.Background()))
	}
}

// run reads to the end.
func (r *orgRig) run() Report {
	r.t.Helper()
	r.build()
	if err := r.input.Connect(r.t.Context()); err == nil {
		for {
			batch, ack, err := r.input.ReadBatch(r.t.Context())
			if err != nil {
				require.ErrorIs(r.t, err, service.ErrEndOfInput)
				break
			}
			r.messages = append(r.messages, batch...)
			require.NoError(r.t, ack(r.t.Context(), nil))
		}
	}
	require.NoError(r.t, r.input.Close(context.Background()))
	reports := Reports()
	return reports[len(reports)-1]
}

// arrived counts the messages since the last call by project.
func (r *orgRig) arrived() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := map[string]int{}
	for _, msg := range r.messages {
		counts[meta(msg, emit.MetaProjectRef)]++
	}
	r.messages = nil
	return counts
}

func (r *orgRig) lines(text string) int { return strings.Count(r.logs.String(), text) }

func TestAllBucketsOfAnOrganizationAreReadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 5, "")
		report := r.run()
		require.NoError(t, report.Err)
		require.Len(t, report.Scopes, 15)
		require.EqualValues(t, 60, report.Delivered)
		require.Len(t, r.arrived(), 5)
	})
}

// Each of these projects is one that nobody can ask for: all are named.
func TestProjectsWithoutAReferenceAreAllNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 1, "")
		s := newSeveral(r.conf(), r.res)
		for _, name := range []string{"one", "two"} {
			s.teller.ProjectFailed(fleet.Project{Name: name}, errors.New("it has no reference"))
		}
		report := s.report(nil)
		require.ErrorContains(t, report.Err, "2 projects (one, two): it has no reference")
		require.Len(t, told(r.logs.String(), `Project \"one\" can't be read`), 1)
		require.NoError(t, s.Close(context.Background()))
	})
}

func TestWhatFailsInOneProjectHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 8, `
sync_mode: continuous
polling_interval: 1m
state: {cache: shared}
`)
		all := r.org.Projects()
		paused, coming, failing, revoked, slow, denied, good := all[0], all[1], all[2], all[3], all[4], all[5], all[6]
		paused.SetStatus(emulator.StatusInactive)
		coming.SetStatus(emulator.StatusComingUp)
		failing.SetFaults(emulator.FaultRules(emulator.FailEverything(500)))
		revoked.RevokeKeys()
		slow.SetFaults(emulator.FaultRules(emulator.SlowPages(2 * time.Second)))
		denied.SetFaults(emulator.FaultRules(emulator.DenyBucket("docs")))
		stop := r.live()
		time.Sleep(5 * time.Second)
		ref := func(s *emulator.Server) string { return s.Settings().ProjectRef }
		require.Equal(t, map[string]int{ref(good): 12, ref(all[7]): 12, ref(denied): 8}, r.arrived())
		time.Sleep(time.Minute)
		require.Equal(t, map[string]int{ref(slow): 12}, r.arrived())
		time.Sleep(time.Hour)
		require.Empty(t, r.arrived())
		for _, s := range []*emulator.Server{paused, coming, failing, revoked} {
			require.Len(t, told(r.logs.String(), ref(s)), 1, "project %s is told of once", ref(s))
		}

		paused.SetStatus(emulator.StatusActiveHealthy)
		coming.SetStatus(emulator.StatusActiveHealthy)
		failing.SetFaults(nil)
		revoked.IssueKeys()
		denied.SetFaults(nil)
		time.Sleep(12 * time.Minute)
		require.Equal(t, map[string]int{ref(paused): 12, ref(coming): 12, ref(failing): 12, ref(revoked): 12, ref(denied): 4}, r.arrived())
		stop()
	})
}

func TestAPatternThatMatchesNoBucketSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, `source_path: "tenant-*/"`)
		report := r.run()
		require.NoError(t, report.Err)
		require.Equal(t, 1, strings.Count(r.logs.String(), "none that can be seen matches"))
	})
}

func TestAnOrganizationOfWhichNoProjectIsWantedSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 2, "")
		for _, p := range r.org.Projects() {
			r.org.RemoveProject(p.Settings().ProjectRef)
		}
		report := r.run()
		require.ErrorContains(t, report.Err, "projects: none of the projects")
	})
}

func TestAOneTimeRunWaitsForAProjectThatComesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 3, "")
		coming := r.org.Projects()[1]
		coming.SetStatus(emulator.StatusComingUp)
		time.AfterFunc(2*time.Minute, func() { coming.SetStatus(emulator.StatusActiveHealthy) })
		report := r.run()
		require.NoError(t, report.Err)
		require.EqualValues(t, 36, report.Delivered)
	})
}

func TestAOneTimeRunSaysWhatIsLeftOfWhichProject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 4, "retry: {max_attempts: 2}\n")
		all := r.org.Projects()
		all[0].SetStatus(emulator.StatusInactive)
		all[1].RevokeKeys()
		all[2].SetFaults(emulator.FaultRules(emulator.DenyBucket("docs")))
		report := r.run()
		require.Error(t, report.Err)
		require.EqualValues(t, 12+8, report.Delivered)
		for _, s := range all[:3] {
			require.Contains(t, report.Err.Error(), s.Project().Name)
		}
		require.NotContains(t, report.Err.Error(), all[3].Project().Name+":")
	})
}
