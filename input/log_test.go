package input

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestThousandsOfObjectsThatFailForOneCauseAreTenLinesAndACount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "retry: {max_attempts: 1}\n")
		for i := range 3000 {
			r.server.Put("docs", fmt.Sprintf("%04d", i), []byte("x"))
		}
		r.server.Put("docs", "other", []byte("x"))
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			switch {
			case q.Op == emulator.OpGet && q.Key == "other":
				return emulator.Fault{Status: http.StatusInternalServerError}
			case q.Op == emulator.OpGet:
				return emulator.Fault{Status: http.StatusForbidden, Code: "AccessDenied", Message: "no"}
			}
			return emulator.Fault{}
		})
		report := r.run()
		require.Equal(t, map[string]int64{"denied": 3000, "unavailable": 1}, report.Parked)
		require.Len(t, r.logs.linesWith("level=ERROR", "is parked (denied)"), linesOfAKind)
		require.Len(t, r.logs.linesWith("level=ERROR", `Object \"other\" is parked (unavailable)`), 1, "a rare cause is not hidden by a common one")
		require.Len(t, r.logs.linesWith("level=ERROR", "2990 more objects are parked (denied: 2990)"), 1)
		require.LessOrEqual(t, len(r.logs.linesWith("level=ERROR")), linesOfAKind+3)
	})
}

func TestAnObjectThatIsStillParkedIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "sync_mode: continuous\npolling_interval: 1m\nretry: {max_attempts: 1}\n")
		fail := func(status int) {
			r.server.SetFaults(func(q emulator.Request) emulator.Fault {
				if q.Op == emulator.OpGet {
					return emulator.Fault{Status: status, Code: "Whatever"}
				}
				return emulator.Fault{}
			})
		}
		fail(http.StatusForbidden)
		for i := range 30 {
			r.server.Put("docs", fmt.Sprint(i), []byte("x"))
		}
		stop := r.live()
		defer stop()
		told := func() int { return len(r.logs.linesWith("level=ERROR", "parked (")) }
		time.Sleep(3 * time.Hour)
		require.Equal(t, linesOfAKind+1, told(), "however many passes fail at them")
		fail(http.StatusInternalServerError)
		time.Sleep(3 * time.Hour)
		require.Equal(t, 2*(linesOfAKind+1), told(), "another reason is told")
		r.server.SetFaults(nil)
		time.Sleep(3 * time.Hour)
		require.Len(t, r.arrived(), 30)
		fail(http.StatusInternalServerError)
		r.server.Put("docs", "0", []byte("another"))
		time.Sleep(3 * time.Hour)
		require.Equal(t, 2*(linesOfAKind+1)+1, told(), "and another version")
	})
}

func TestObjectsThatAreKeptAreTenLinesAndACount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "delete_objects: true\n")
		parsed, err := r.parse()
		require.NoError(t, err)
		conf, err := config.Parse(parsed)
		require.NoError(t, err)
		reader, err := newReader(conf, r.resources())
		require.NoError(t, err)
		for i := range 25 {
			reader.watcher.NotRemoved(object.Object{Key: fmt.Sprint(i)}, "it is listed as another version now", nil)
			reader.watcher.NotRemoved(object.Object{Key: fmt.Sprint(i)}, "", errors.New("denied"))
		}
		reader.watcher.ended()
		require.Contains(t, r.logs.String(), `Object \"0\" was delivered but kept (delete_objects): it is listed as another version now`)
		require.Len(t, r.logs.linesWith("level=WARN", "was delivered but kept"), linesOfAKind)
		require.Len(t, r.logs.linesWith("level=ERROR", "was delivered, but could not be deleted"), linesOfAKind)
		require.Len(t, r.logs.linesWith("15 more objects were delivered but kept"), 1)
		require.Len(t, r.logs.linesWith("15 more objects were delivered, but could not be deleted"), 1)
		before := len(r.logs.linesWith("more objects"))
		reader.watcher.ended()
		require.Len(t, r.logs.linesWith("more objects"), before, "said once")
	})
}

func TestMetadataThatTheServerCannotSendIsCountedAndToldOnce(t *testing.T) {
	for _, on := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, fmt.Sprintf("user_metadata: %v\nconcurrency: {max_downloads: 1}\n", on))
			r.server.Put("docs", "a", []byte("x"), emulator.WithUserMetadata(map[string]string{"note": "=?UTF-8?B?R3LDvMOfZQ==?="}))
			r.server.Put("docs", "b", []byte("x"))
			r.wrap = func(inner http.RoundTripper) http.RoundTripper {
				return roundTripper(func(req *http.Request) (*http.Response, error) {
					res, err := inner.RoundTrip(req)
					if err == nil && req.Method == http.MethodGet {
						res.Header.Set("X-Amz-Missing-Meta", "2")
					}
					return res, err
				})
			}
			require.Equal(t, "", errOf(r.run().Err))
			require.Len(t, r.messages, 2)
			told := r.logs.linesWith("level=WARN", "2 values of the metadata", `\"a\"`, "supabase_storage_missing_meta", "user_metadata")
			if !on {
				require.Empty(t, told)
				require.Equal(t, "<unset>", meta(r.messages[0], emit.MetaMissingMeta))
				return
			}
			require.Len(t, told, 1)
			require.Equal(t, "Grüße", meta(r.messages[0], emit.MetaUserPrefix+"note"))
			require.Equal(t, "2", meta(r.messages[0], emit.MetaMissingMeta))
			require.Equal(t, "2", meta(r.messages[1], emit.MetaMissingMeta))
		})
	}
}
