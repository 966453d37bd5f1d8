package emulator

import (
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheManagementAPILimitsEachProjectByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := NewOrganization(OrganizationOptions{APIRateLimit: 3})
		first, second := o.AddProject(Options{}), o.AddProject(Options{})
		a := newAsker(t, o)
		for _, path := range []string{"projects/" + first.ref, "projects/" + second.ref, "organizations/acme/projects", "projects"} {
			for i := range 5 {
				got := a.manage(path)
				require.Equal(t, "3", got.header.Get("X-RateLimit-Limit"))
				require.Equal(t, strconv.Itoa(max(2-i, 0)), got.header.Get("X-RateLimit-Remaining"))
				require.Equal(t, "60", got.header.Get("X-RateLimit-Reset"))
				require.Equal(t, i >= 3, got.status == http.StatusTooManyRequests, path)
			}
		}
		time.Sleep(time.Minute)
		require.Equal(t, http.StatusOK, a.manage("projects/"+first.ref).status)
	})
}

func TestOneTokenCanHaveALimitOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, each := range []int{-1, 100} {
			o := NewOrganization(OrganizationOptions{APIRateLimit: each, TokenRateLimit: 4})
			a := newAsker(t, o)
			for i := range 6 {
				got := a.manage("projects/" + o.AddProject(Options{}).ref)
				require.Equal(t, strconv.Itoa(max(3-i, 0)), got.header.Get("X-RateLimit-Remaining"))
				require.Equal(t, i >= 4, got.status == http.StatusTooManyRequests)
			}
		}
	})
}

func TestAFaultBelongsToOneProject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := NewOrganization(OrganizationOptions{})
		failing, slow, revoked, denied, paused := o.AddProject(Options{}), o.AddProject(Options{}), o.AddProject(Options{}), o.AddProject(Options{}), o.AddProject(Options{})
		for _, p := range o.Projects() {
			p.Put("b", "k", []byte("x"))
			p.Put("open", "k", []byte("x"))
		}
		clients := map[*Server]*client{}
		for _, p := range o.Projects() {
			clients[p] = newClient(t, p)
			clients[p].rt = o.Transport()
		}
		failing.SetFaults(FaultRules(FailEverything(http.StatusInternalServerError)))
		slow.SetFaults(FaultRules(SlowPages(2 * time.Second)))
		denied.SetFaults(FaultRules(DenyBucket("b")))
		revoked.RevokeKeys()
		paused.SetStatus(StatusInactive)
		list := func(p *Server, bucket string) int {
			return clients[p].do(http.MethodGet, bucket, "", "list-type=2", nil, nil).status
		}
		began := time.Now()
		require.Equal(t, 500, list(failing, "b"))
		require.Equal(t, 500, clients[failing].get("b", "k").status)
		require.Equal(t, 403, list(revoked, "b"))
		require.Equal(t, 403, list(denied, "b"))
		require.Equal(t, 403, clients[denied].get("b", "k").status)
		require.Equal(t, 200, list(denied, "open"))
		require.Equal(t, 540, list(paused, "b"))
		require.Equal(t, 200, clients[slow].get("b", "k").status)
		require.Zero(t, time.Since(began))
		require.Equal(t, 200, list(slow, "b"))
		require.Equal(t, 2*time.Second, time.Since(began))

		a := newAsker(t, o)
		require.Equal(t, 200, a.manage("projects/"+failing.ref).status, "the Management API does not run in the project")
		keys := a.manage("projects/" + revoked.ref + "/api-keys?reveal=true").body
		require.Contains(t, keys, `"type":"publishable"`)
		require.NotContains(t, keys, `"type":"legacy"`)
		require.NotContains(t, keys, `"type":"secret"`)
		revoked.IssueKeys()
		clients[revoked].sign = accessKeySigner(revoked)
		require.Equal(t, 200, list(revoked, "b"))
		require.Contains(t, a.manage("projects/"+revoked.ref+"/api-keys?reveal=true").body, revoked.Settings().SecretKey)

		o.SetAPIFaults(func(r Request) Fault {
			if r.Project == slow.ref {
				return Fault{Status: http.StatusServiceUnavailable}
			}
			return Fault{}
		})
		require.Equal(t, 503, a.manage("projects/"+slow.ref).status)
		require.Equal(t, 200, a.manage("projects/"+failing.ref).status)
		failing.SetFaults(func(Request) Fault { return Fault{Status: http.StatusBadGateway} })
		require.Equal(t, 502, a.manage("projects/"+failing.ref).status, "a project's own faults apply where the organization has none")
	})
}

func TestRequestsAreCountedByProjectAndMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := NewOrganization(OrganizationOptions{})
		first, second := o.AddProject(Options{}), o.AddProject(Options{LogLimit: 5})
		for _, p := range o.Projects() {
			p.Put("b", "k", []byte("x"))
		}
		a, start := newAsker(t, o), time.Now().Truncate(time.Minute)
		get := func(p *Server) {
			c := newClient(t, p)
			c.rt = o.Transport()
			require.Equal(t, 200, c.get("b", "k").status)
		}
		get(first)
		get(second)
		get(second)
		a.manage("projects")
		a.manage("projects/" + first.ref)
		time.Sleep(2 * time.Minute)
		get(first)
		o.RemoveProject(first.ref)
		require.Equal(t, []Minute{{start, 3, 2}, {start.Add(2 * time.Minute), 1, 0}}, o.Minutes())
		projects, management := o.Requests()
		require.Equal(t, [2]int{4, 2}, [2]int{projects, management})
		require.Equal(t, 2, first.Count(OpGet))
		require.Equal(t, 4, o.Count(OpGet))
		require.Equal(t, 1, o.Count(OpGetProject))
		require.Equal(t, 1, first.Count(OpGetProject))
		require.Equal(t, 1, o.Count(OpListAllProjects))
		require.Equal(t, [2]int{1, 1}, [2]int{o.MaxInFlight(), o.MaxAPIInFlight()})
		require.Empty(t, first.Log())
		require.Len(t, second.Log(), 2)
		require.Equal(t, second.ref, second.Log()[0].Project)
		log := o.APILog()
		require.Len(t, log, 2)
		require.Equal(t, []any{OpListAllProjects, "", OpGetProject, first.ref}, []any{log[0].Op, log[0].Project, log[1].Op, log[1].Project})
		for range 3 * keptMinutes {
			time.Sleep(time.Minute)
			a.manage("projects")
		}
		require.LessOrEqual(t, len(o.Minutes()), 2*keptMinutes)
		require.GreaterOrEqual(t, len(o.Minutes()), keptMinutes)
		require.Equal(t, 1, o.Minutes()[len(o.Minutes())-1].Management)
	})
}

func TestAThousandProjectsAreSmall(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	o := NewOrganization(OrganizationOptions{APIRateLimit: -1})
	for range 1000 {
		p := o.AddProject(Options{})
		for _, bucket := range []string{"avatars", "docs", "media"} {
			p.Put(bucket, "k", []byte("x"))
		}
	}
	for _, p := range o.Projects() {
		c := newClient(t, p)
		c.rt = o.Transport()
		for range 5 {
			for _, bucket := range []string{"avatars", "docs", "media"} {
				require.Equal(t, http.StatusOK, c.do(http.MethodGet, bucket, "", "list-type=2", nil, nil).status)
			}
		}
		require.Equal(t, http.StatusOK, c.manage(defaultAccessToken, p.ref+"/api-keys?reveal=true").status)
	}
	used := int64(heap()) - int64(before)
	t.Logf("1,000 projects with 3 buckets, after 15,000 requests: %d KiB", used>>10)
	require.Less(t, used, int64(50<<20))
	runtime.KeepAlive(o)
}

func TestProjectsComeGoAndMoveWhileTheyAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := NewOrganization(OrganizationOptions{APIRateLimit: -1})
		stays := o.AddProject(Options{Name: "stays"})
		stays.Put("b", "k", []byte("x"))
		var readers sync.WaitGroup
		for range 8 {
			readers.Go(func() {
				a := newAsker(t, o)
				for range 50 {
					require.Contains(t, a.list("").names(), "stays")
					require.Equal(t, http.StatusOK, a.manage("projects/"+stays.ref+"/storage/buckets").status)
					secret := stays.Settings().SecretKey
					got := a.fetch("https://"+stays.ref+".supabase.co/storage/v1/object/authenticated/b/k", "Apikey", secret)
					if got.status != http.StatusOK {
						require.NotEqual(t, secret, stays.Settings().SecretKey, "refused only when the key was replaced")
					}
					time.Sleep(time.Second)
				}
			})
		}
		readers.Go(func() {
			for i := range 50 {
				p := o.AddProject(Options{})
				stays.SetProject(func(p *Project) { p.Region = []string{"us-east-2", "eu-west-3"}[i%2] })
				stays.RotateAPIKeys()
				time.Sleep(900 * time.Millisecond)
				o.RemoveProject(p.ref)
			}
		})
		readers.Wait()
		require.Equal(t, []*Server{stays}, o.Projects())
		require.Equal(t, 8*50, o.Count(OpListProjects))
		require.Equal(t, 8*50, stays.Count(OpRESTGet))
	})
}
