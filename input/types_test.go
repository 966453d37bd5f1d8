package input

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// putTyped puts objects of which the key names the type: a.png is an image.
func (r *rig) putTyped(version string, keys ...string) {
	for _, key := range keys {
		contentType := "text/plain; charset=utf-8"
		if strings.HasSuffix(key, ".png") {
			contentType = "image/PNG"
		}
		r.put(key, version, emulator.WithContentType(contentType))
	}
}

func TestOnlyObjectsOfTheTypesThatAreAskedForArrive(t *testing.T) {
	for _, scanner := range []string{"to_the_end: {}", "lines: {}"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, "content_types: [image/*]\nscanner: {"+scanner+"}\n")
			r.putTyped("1", "a.png", "b.txt", "c.png", "d.txt")
			r.put("large.txt", strings.Repeat("x", 20<<20), emulator.WithContentType("text/plain"))
			report := r.run()
			require.Equal(t, "", errOf(report.Err))
			require.Equal(t, []string{"created a.png", "created c.png"}, r.arrived())
			require.Equal(t, map[string]int64{"content_types": 3}, report.Filtered)
			require.EqualValues(t, 2, report.Delivered)
			require.Zero(t, report.Unsettled)
			require.Equal(t, 5, r.server.Count(emulator.OpGet))
			require.Zero(t, r.server.Count(emulator.OpHead))
		})
	}
}

func TestATypeIsAskedForOnceForEachVersion(t *testing.T) {
	for name, rig := range map[string]func(testing.TB, string) *rig{"listings": newRig, "changes": newChangesRig} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				often := map[bool]string{true: "sync_mode: continuous\npolling_interval: 10s\n"}[name == "listings"]
				r := rig(t, often+"content_types: [image/*]\nemit_deletes: true\n")
				r.putTyped("1", "a.png", "b.txt", "c.txt")
				stop := r.live()
				time.Sleep(time.Hour)
				require.Equal(t, []string{"created a.png"}, r.arrived())
				require.Equal(t, 3, r.server.Count(emulator.OpGet))
				r.putTyped("2", "b.txt")
				time.Sleep(time.Hour)
				require.Empty(t, r.arrived())
				require.Equal(t, 4, r.server.Count(emulator.OpGet), "another version is asked for")
				r.put("b.txt", "an image", emulator.WithContentType("image/png"))
				time.Sleep(time.Hour)
				require.Equal(t, []string{"created b.txt"}, r.arrived())
				r.putTyped("3", "b.txt")
				r.server.Delete("docs", "c.txt")
				time.Sleep(2 * time.Hour)
				require.Empty(t, r.arrived(), "nothing of c.txt was delivered, so it can't be missed")
				r.server.Delete("docs", "b.txt")
				time.Sleep(2 * time.Hour)
				require.Equal(t, []string{"deleted b.txt"}, r.arrived())
				stop()
				require.NotContains(t, r.logs.String(), "level=ERROR")
			})
		})
	}
}

func TestAnotherListOfTypesAsksOnlyForWhatItLetsIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := withState(t)
		r := newRig(t, state+"content_types: [image/*]\n")
		r.putTyped("1", "a.png", "b.txt", "c.txt")
		r.put("d.mp4", "1", emulator.WithContentType("video/mp4"))
		for range 2 {
			report := r.run()
			require.Equal(t, map[string]int64{"content_types": 3}, report.Filtered)
			require.Equal(t, 4, r.server.Count(emulator.OpGet))
		}
		require.Equal(t, []string{"created a.png"}, r.arrived())
		r.fields = state + "content_types: [image/*, video/*]\n"
		report := r.run()
		require.Equal(t, []string{"created d.mp4"}, r.arrived())
		require.Equal(t, map[string]int64{"content_types": 2}, report.Filtered)
		require.EqualValues(t, 1, report.Unchanged)
		require.Equal(t, 5, r.server.Count(emulator.OpGet))
		r.fields = state
		report = r.run()
		require.Equal(t, []string{"created b.txt", "created c.txt"}, r.arrived())
		require.Empty(t, report.Filtered)
		require.EqualValues(t, 2, report.Unchanged)
	})
}

func TestWhatIsLeftOutByItsTypeIsNeverDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "content_types: [image/*]\ndelete_objects: true\n")
		r.putTyped("1", "a.png", "b.txt")
		require.Equal(t, "", errOf(r.run().Err))
		require.Equal(t, []string{"created a.png"}, r.arrived())
		require.Equal(t, 1, r.server.Count(emulator.OpDelete))
	})
}

func TestThePageOfAGatewayIsNoTypeOfTheObject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "content_types: [image/*]\n")
		r.putTyped("1", "a.png")
		first := true
		r.wrap = func(inner http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				res, err := inner.RoundTrip(req)
				if err == nil && strings.HasSuffix(req.URL.Path, "a.png") && first {
					first = false
					res.Header.Set("Content-Type", "text/html")
					res.Header.Set("Etag", `"page"`)
					res.Body = io.NopCloser(strings.NewReader("?"))
				}
				return res, err
			})
		}
		report := r.run()
		require.Equal(t, "", errOf(report.Err))
		require.Equal(t, []string{"created a.png"}, r.arrived())
		require.Empty(t, report.Filtered)
	})
}

func TestCheckExplainsWhatItsTypeLeavesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, withState(t)+"content_types: [image/*]\n")
		r.putTyped("1", "a.png", "b.txt")
		explain := func(key string) CheckExplanation {
			return r.check(CheckOptions{Explain: []string{key}}).Explained[0]
		}
		sample := r.check(CheckOptions{}).Sample
		require.EqualValues(t, 2, sample.Due)
		require.EqualValues(t, 2, sample.TypesUnknown)
		for _, known := range []string{"as the download has it", "as it was when it was last asked for"} {
			e := explain("b.txt")
			require.Equal(t, CheckFiltered, e.Verdict)
			require.Equal(t, "content_types", e.Rule)
			require.Equal(t, fmt.Sprintf("none of content_types matches its type, %q, %s", "text/plain; charset=utf-8", known), e.Why)
			require.Equal(t, "", errOf(r.run().Err))
		}
		require.Equal(t, CheckDelivered, explain("a.png").Verdict)
		sample = r.check(CheckOptions{}).Sample
		require.Zero(t, sample.Due)
		require.Zero(t, sample.TypesUnknown)
		require.Contains(t, sample.LeftOut, CheckLeftOut{Rule: "content_types", Count: 1})
	})
}

func TestWhatIsModifiedTooLateIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "modified_since: 1999-06-01\nmodified_before: 1999-07-01\n")
		for key, at := range map[string]string{
			"early": "1999-05-31T23:59:59Z", "first": "1999-06-01T00:00:00Z", "last": "1999-06-30T23:59:59Z", "late": "1999-07-01T00:00:00Z",
		} {
			when, err := time.Parse(time.RFC3339, at)
			require.NoError(t, err)
			r.put(key, "1", emulator.WithLastModified(when))
		}
		report := r.run()
		require.Equal(t, []string{"created first", "created last"}, r.arrived())
		require.Equal(t, map[string]int64{"modified_since": 1, "modified_before": 1}, report.Filtered)
		e := r.check(CheckOptions{Explain: []string{"late"}}).Explained[0]
		require.Equal(t, "modified_before", e.Rule)
		require.Equal(t, "modified_before takes it: it was changed at 1999-07-01T00:00:00Z", e.Why)
	})
}
