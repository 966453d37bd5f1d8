package input

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fleet"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// emptyBuckets is a list of buckets without any.
const emptyBuckets = `<?xml version="1.0" encoding="UTF-8"?><ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Buckets></Buckets><Owner></Owner></ListAllMyBucketsResult>`

func TestAListOfBucketsThatLiesEndsNothing(t *testing.T) {
	for name, body := range map[string]string{
		"empty": emptyBuckets,
		"of others": strings.Replace(emptyBuckets, "<Buckets></Buckets>",
			"<Buckets><Bucket><Name>tenant-9</Name><CreationDate>2024-01-01T00:00:00.000Z</CreationDate></Bucket></Buckets>", 1),
		"half":     strings.Replace(emptyBuckets, "<Buckets></Buckets>", "<Buckets><Bucket><Name>tenant-1</Name></Bucket></Buckets>", 1),
		"a page":   "<html><body>Welcome</body></html>",
		"cut":      emptyBuckets[:120],
		"no bytes": "",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, tenants+minutelyDeletes)
				r.bucketsOf(2, "tenant-1", "tenant-2")
				var lies atomic.Bool
				var lied atomic.Int64
				r.wrap = func(inner http.RoundTripper) http.RoundTripper {
					return roundTripper(func(req *http.Request) (*http.Response, error) {
						res, err := inner.RoundTrip(req)
						if err == nil && lies.Load() && strings.TrimSuffix(req.URL.Path, "/") == "/storage/v1/s3" {
							lied.Add(1)
							_ = res.Body.Close()
							res.Body, res.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
							res.Header.Set("Content-Length", fmt.Sprint(len(body)))
						}
						return res, err
					})
				}
				stop := r.live()
				time.Sleep(10 * time.Second)
				require.Len(t, r.arrived(), 4)
				lies.Store(true)
				time.Sleep(10 * time.Minute)
				r.server.Put("tenant-2", "new.txt", []byte("n"))
				time.Sleep(10 * time.Minute)
				require.Equal(t, []string{"created new.txt"}, r.arrived(), "all buckets are read on")
				require.NotContains(t, r.logs.String(), "is gone")
				require.Positive(t, lied.Load(), "it lied")
				lies.Store(false)
				time.Sleep(2 * time.Minute)
				require.Empty(t, r.arrived())
				stop()
			})
		})
	}
}

func TestADamagedStateOfOneBucketLeavesTheOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, tenants+minutely+"state: {cache: shared}\n")
		r.bucketsOf(2, "tenant-1", "tenant-2", "tenant-3")
		stop := r.live()
		time.Sleep(10 * time.Second)
		stop()
		require.Len(t, r.arrived(), 6)

		damageState(t, r, "tenant-2", "-index", "-founded", "-j1")
		for _, bucket := range []string{"tenant-1", "tenant-2", "tenant-3"} {
			r.server.Put(bucket, "new.txt", []byte("n"))
		}
		stop = r.live()
		time.Sleep(30 * time.Minute)
		require.Equal(t, []string{"created new.txt", "created new.txt"}, r.arrived(), "of the two others")
		require.Len(t, r.logs.linesWith("level=WARN", "tenant-2"), 1, "the damaged one is told of once")
		stop()
	})
}

// A manifest is read only when its part of the listing differs: the bucket is reached, its
// listing begins, and then it fails.
func TestADamagedStateThatOnlyAPassFindsIsToldOfOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, tenants+minutely+"state: {cache: shared}\n")
		r.bucketsOf(2, "tenant-1", "tenant-2")
		stop := r.live()
		time.Sleep(10 * time.Second)
		for n := range 80 { // so many records become a manifest
			r.server.Put("tenant-2", "new.txt", fmt.Append(nil, n))
			time.Sleep(time.Minute)
		}
		stop()
		var manifests []string
		for n := range 100 {
			manifests = append(manifests, fmt.Sprintf("-m%d", n))
		}
		damageState(t, r, "tenant-2", manifests...)
		r.arrived()
		for _, bucket := range []string{"tenant-1", "tenant-2"} {
			r.server.Put(bucket, "newer.txt", []byte("n"))
		}
		end := r.begin()
		defer func() { _ = end() }() // it may say that the state is damaged
		time.Sleep(30 * time.Minute)
		require.Equal(t, []string{"created newer.txt"}, r.arrived())
		require.Equal(t, 1, strings.Count(r.logs.String(), "can't be read"), "it is told of once")
		require.NotContains(t, r.logs.String(), "can be read again")

		r.server.Delete("tenant-2", "newer.txt") // what is listed is what was delivered: nobody reads the manifest
		time.Sleep(2 * time.Minute)
		require.Equal(t, 1, strings.Count(r.logs.String(), "can be read again"))
	})
}

func TestABucketThatIsGoneIsNotToldOfAsUnreadableByAProcessThatCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, tenants+minutely+"emit_deletes: true\nstate: {path: "+filepath.Join(t.TempDir(), "state.db")+"}\n")
		r.bucketsOf(2, "tenant-1")
		r.live()()
		parsed, err := r.parse()
		require.NoError(t, err)
		conf, err := config.Parse(parsed)
		require.NoError(t, err)
		conf.Transport = r.server.Transport()
		s := newSeveral(conf, r.resources())
		require.NoError(t, s.Connect(t.Context()))
		project, err := s.open(fleet.Project{})
		require.NoError(t, err)
		gone, err := project.Scope("tenant-1", false)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		gone.Drop(ctx)
		require.NoError(t, s.Close(t.Context()))
		require.NotContains(t, r.logs.String(), "can't be read")
	})
}

// damageState cuts off values of what the cache "shared" remembers of a bucket.
func damageState(t *testing.T, r *rig, bucket string, names ...string) {
	t.Helper()
	damaged := 0
	require.NoError(t, r.resources().AccessCache(t.Context(), "shared", func(c service.Cache) {
		for _, name := range names {
			key := string(ledger.Scope{Endpoint: r.server.Endpoint(), Bucket: bucket}.Keys()) + name
			if v, err := c.Get(t.Context(), key); err == nil && len(v) > 0 {
				require.NoError(t, c.Set(t.Context(), key, v[:len(v)/2], nil))
				damaged++
			}
		}
	}))
	require.Positive(t, damaged)
}

func TestAHugeBucketLeavesRoomForSmallOnes(t *testing.T) {
	if underRace {
		t.Skip("the race detector of Go 1.26 itself may crash in it (tsan_rtl.cpp:346); the other tests of many buckets look for races")
	}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "source_path: \"*/\"\n")
		const huge = 20_000
		r.server.CreateBucket("a-huge")
		for i := range huge {
			r.server.PutGenerated("a-huge", fmt.Sprintf("%06d", i), 10, uint64(i))
		}
		for i := range 10 {
			r.bucketsOf(10, fmt.Sprintf("small-%d", i))
		}
		r.server.SetFaults(func(q emulator.Request) emulator.Fault { return emulator.Fault{Delay: 50 * time.Millisecond} })
		began, small := time.Now(), 0
		var smallAfter, allAfter time.Duration
		r.onBatch = func(batch service.MessageBatch) {
			if strings.HasPrefix(meta(batch[0], emit.MetaBucket), "small") {
				if small++; small == 100 {
					smallAfter = time.Since(began)
				}
			}
			allAfter = time.Since(began)
		}
		require.NoError(t, r.run().Err)
		t.Logf("small buckets after %v, all after %v", smallAfter, allAfter)
		require.Positive(t, smallAfter)
		require.Less(t, smallAfter, 2*time.Second)
		require.Greater(t, allAfter, 2*smallAfter)
	})
}

// orgPage is a page of the projects of an organization.
type orgPage struct {
	Projects   []map[string]any `json:"projects"`
	Pagination map[string]any   `json:"pagination"`
}

// drop leaves a project out, and count says how many there are.
func (p *orgPage) drop(i int) {
	if i < len(p.Projects) {
		p.Projects = slices.Delete(p.Projects, i, i+1)
	}
}
func (p *orgPage) count(n int) { p.Pagination["count"] = n }

// status says that all projects have a status.
func (p *orgPage) status(status string) {
	for _, of := range p.Projects {
		of["status"] = status
	}
}

func TestAListOfProjectsThatLiesEndsNothing(t *testing.T) {
	for name, lie := range map[string]func(p *orgPage) (body string){
		"empty":                      func(p *orgPage) string { p.Projects = []map[string]any{}; p.count(0); return "" },
		"empty with a count":         func(p *orgPage) string { p.Projects = []map[string]any{}; return "" },
		"cut":                        func(p *orgPage) string { p.drop(2); return "" },
		"without one":                func(p *orgPage) string { p.drop(1); p.count(2); return "" },
		"twice":                      func(p *orgPage) string { p.Projects = append(p.Projects, p.Projects...); p.count(6); return "" },
		"all paused":                 func(p *orgPage) string { p.status("INACTIVE"); return "" },
		"all removed":                func(p *orgPage) string { p.status("REMOVED"); return "" },
		"all in a status of its own": func(p *orgPage) string { p.status("MOONLIT"); return "" },
		"of others": func(p *orgPage) string {
			for i, of := range p.Projects {
				of["ref"], of["name"] = strings.Repeat(string(rune('a'+i)), 20), "other"
			}
			return ""
		},
		"without references": func(p *orgPage) string {
			for _, of := range p.Projects {
				delete(of, "ref")
			}
			return ""
		},
		"a page":          func(*orgPage) string { return "<html><body>Welcome</body></html>" },
		"an empty object": func(*orgPage) string { return "{}" },
		"half a page":     func(*orgPage) string { return `{"projects":[{"ref":"` },
		"null":            func(*orgPage) string { return "null" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newOrgRig(t, 3, minutelyDeletes)
				var lies atomic.Bool
				var lied atomic.Int64
				r.wrap = func(inner http.RoundTripper) http.RoundTripper {
					return roundTripper(func(req *http.Request) (*http.Response, error) {
						res, err := inner.RoundTrip(req)
						if err != nil || !lies.Load() || !strings.HasPrefix(req.URL.Path, "/v1/organizations/") {
							return res, err
						}
						var page orgPage
						err = json.NewDecoder(res.Body).Decode(&page)
						_ = res.Body.Close()
						if err != nil {
							return nil, err
						}
						lied.Add(1)
						body := lie(&page)
						if body == "" {
							doc, err := json.Marshal(page)
							if err != nil {
								return nil, err
							}
							body = string(doc)
						}
						res.Body, res.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
						res.Header.Set("Content-Length", fmt.Sprint(len(body)))
						return res, nil
					})
				}
				stop := r.live()
				defer func() { stop() }()
				time.Sleep(10 * time.Second)
				require.Len(t, r.arrived(), 3)
				lies.Store(true)
				time.Sleep(20 * time.Minute)
				for _, p := range r.org.Projects() {
					p.Put("docs", "new.txt", []byte("n"))
				}
				time.Sleep(20 * time.Minute)
				arrived := r.arrived()
				require.Len(t, arrived, 3)
				for ref, n := range arrived {
					require.Equal(t, 1, n, "project %s is read on, and nothing of it counts as deleted", ref)
					require.NotNil(t, r.org.Project(ref))
				}
				require.NotContains(t, r.logs.String(), "is gone")
				require.Positive(t, lied.Load(), "it lied")
				lies.Store(false)
				time.Sleep(30 * time.Minute)
				r.arrived()
				for _, p := range r.org.Projects() {
					p.Put("docs", "newer.txt", []byte("n"))
				}
				time.Sleep(3 * time.Minute)
				require.Len(t, r.arrived(), 3, "all are read after the next good list")
				for _, p := range r.org.Projects() {
					require.NotContains(t, r.logs.String(), p.Settings().ProjectRef+") is gone")
				}
			})
		})
	}
}
