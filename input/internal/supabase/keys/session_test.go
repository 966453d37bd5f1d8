package keys

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// outages are the answers of an Auth that is down, overloaded, or hidden by
// something else that answers in its place.
var outages = map[string]reply{
	"503":           {status: 503, body: "{}"},
	"429":           {status: 429, body: `{"code":429,"error_code":"over_request_rate_limit","msg":"Request rate limit reached"}`},
	"cut":           {err: errCut},
	"another page":  {status: 200, body: "<html>", header: map[string]string{"Content-Type": "text/html"}},
	"another 404":   {status: 404, body: "<html>", header: map[string]string{"Content-Type": "text/html"}},
	"another 403":   {status: 403, body: "<html>", header: map[string]string{"Content-Type": "text/html"}},
	"gateway's 401": {status: 401, body: `{"message":"Unauthorized"}`},
}

func TestATokenThatHasEndedIsNotUsedAndItsSessionGoesOn(t *testing.T) {
	for name, failure := range outages {
		for _, offset := range []time.Duration{0, 30 * time.Second} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					s, l := start(t, w, settings(supabase.TypeUser), 0)
					old := good(t, s)
					// Auth fails from before the first renewal until after the end.
					time.Sleep(45*time.Minute + offset)
					w.change(func() { w.fail = func(*http.Request) reply { return failure } })
					for time.Until(old.Expires) > 0 {
						require.Equal(t, old, good(t, s))
						time.Sleep(time.Second)
					}
					const down = 3 * time.Minute
					time.AfterFunc(down, func() { w.change(func() { w.fail = func(*http.Request) reply { return reply{} } }) })
					var fresh object.Credentials
					for {
						c, err := s.Credentials(t.Context())
						if err == nil {
							fresh = c
							break
						}
						require.NotContains(t, name, "another", "another page is waited for")
						time.Sleep(time.Second)
					}
					require.False(t, old.SameKeys(fresh))
					require.GreaterOrEqual(t, time.Since(old.Expires), down, "nobody got what had ended")
					require.Less(t, time.Since(old.Expires), down+mostPause+time.Second)
					require.Equal(t, 1, w.count("grant_type=password"), "the session goes on")
					require.Len(t, l.recovered, 1)
				})
			})
		}
	}
}

func TestASessionThatAuthRefusesIsBegunAnewOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s, _ := start(t, w, settings(supabase.TypeUser), 0)
		good(t, s)
		time.Sleep(59 * time.Minute)
		w.change(func() {
			w.refresh = ""
			w.fail = func(r *http.Request) reply {
				if r.URL.Query().Get("grant_type") == "password" && w.sessions == 1 && len(w.calls) < 6 {
					return reply{status: 429, body: "{}"}
				}
				return reply{}
			}
		})
		time.Sleep(2 * time.Minute)
		good(t, s)
		require.Equal(t, 1, w.count("grant_type=refresh_token"), "it was refused, and is not tried again")
	})
}

func TestARefusedTokenIsRenewedWithinItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s, l := start(t, w, settings(supabase.TypeUser), 0)
		renewed, errs := storm(t.Context(), s, good(t, s), 50)
		require.Equal(t, 50, renewed)
		require.Empty(t, errs)
		require.Equal(t, 1, w.count("grant_type=password"))
		require.Equal(t, 1, w.count("grant_type=refresh_token"))
		require.Equal(t, 1, l.refused)
	})
}

func TestAnOutageIsToldOfWithItsLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s, l := start(t, w, settings(supabase.TypeUser), 0)
		old := good(t, s)
		require.Empty(t, l.recovered, "there was none")
		time.Sleep(time.Until(old.Expires))
		began := time.Now()
		w.fail = func(*http.Request) reply {
			if time.Since(began) < 46*time.Second {
				return reply{status: 503, body: "{}"}
			}
			return reply{}
		}
		good(t, s)
		require.NotEmpty(t, l.delayed)
		require.Equal(t, []time.Duration{time.Since(began)}, l.recovered)
	})
}

// TestARequestThatHangsIsAnOutage is an Auth that takes connections and never
// answers.
func TestARequestThatHangsIsAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		hanging := transport(func(r *http.Request) (*http.Response, error) {
			if len(w.calls) == 0 && w.count("") == 0 {
				w.calls = append(w.calls, "hung")
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return w.RoundTrip(r)
		})
		conf := settings(supabase.TypeUser)
		p, err := supabase.Resolve(conf)
		require.NoError(t, err)
		l := &told{}
		s := New(Options{Settings: conf, Project: p, Transport: hanging, Timeout: 10 * time.Minute, Watcher: l})
		began := time.Now()
		good(t, s)
		require.Len(t, l.delayed, 1)
		require.Less(t, time.Since(began), maxTimeout+2*time.Second)
	})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestSigningOutEndsTheSessionThatWasBegunHere(t *testing.T) {
	for name, tc := range map[string]struct {
		idle  time.Duration
		calls []string
	}{
		"at once":                {0, []string{"POST /auth/v1/token?grant_type=password", "POST /auth/v1/logout?scope=local"}},
		"after the token's end":  {2 * time.Hour, []string{"POST /auth/v1/token?grant_type=password", "POST /auth/v1/token?grant_type=refresh_token", "POST /auth/v1/logout?scope=local"}},
		"shortly before the end": {59 * time.Minute, []string{"POST /auth/v1/token?grant_type=password", "POST /auth/v1/logout?scope=local"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				s, _ := start(t, w, settings(supabase.TypeUser), 0)
				require.NoError(t, s.SignOut(t.Context()))
				require.Empty(t, w.calls, "there is no session")
				good(t, s)
				time.Sleep(tc.idle)
				require.NoError(t, s.SignOut(t.Context()))
				require.NoError(t, s.SignOut(t.Context()), "once is enough")
				require.Equal(t, tc.calls, w.calls)
				good(t, s)
				require.Equal(t, 2, w.count("grant_type=password"), "whoever asks again is signed in again")
			})
		})
	}
}

func TestSigningOutIsBoundedAndForUsersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s, _ := start(t, w, settings(supabase.TypeUser), 0)
		good(t, s)
		w.fail = func(r *http.Request) reply { <-r.Context().Done(); return reply{err: r.Context().Err()} }
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		require.Error(t, s.SignOut(ctx))
		require.Equal(t, 3*time.Second, time.Since(began))
	})
	w := newWorld(t)
	s, _ := start(t, w, settings(supabase.TypeAccessToken), 0)
	good(t, s)
	require.NoError(t, s.SignOut(t.Context()))
	require.Zero(t, w.count("logout"))
}

func TestAWrongSignatureOfAUserIsNoRefusedToken(t *testing.T) {
	mismatch := &object.Error{Op: "listing", Kind: object.ErrCredentials, Status: 403, Code: "SignatureDoesNotMatch"}
	expired := &object.Error{Op: "listing", Kind: object.ErrCredentials, Status: 403, Code: "AccessDenied"}
	user, api, files := settings(supabase.TypeUser), settings(supabase.TypeAccessToken), settings(supabase.TypeUser)
	files.Credentials.AnonKey, files.Credentials.Files = "", map[string]string{"credentials.anon_key": "f"}
	fixed := settings(supabase.TypeAccessKey)
	fixed.Credentials.AccessKeyID, fixed.Credentials.SecretAccessKey = "0123456789abcdef0123456789abcdef", "secret-of-this-project"
	for name, tc := range map[string]struct {
		settings    supabase.Settings
		helps, last [2]bool // for the signature, and for the token
	}{
		"user":  {user, [2]bool{false, true}, [2]bool{true, false}},
		"api":   {api, [2]bool{true, true}, [2]bool{false, false}},
		"files": {files, [2]bool{true, true}, [2]bool{false, false}},
		"fixed": {fixed, [2]bool{false, false}, [2]bool{true, true}},
	} {
		s, _ := start(t, newWorld(t), tc.settings, 0)
		for i, err := range []error{mismatch, expired} {
			require.Equal(t, tc.helps[i], s.RenewalHelps(err), "%s %d", name, i)
			require.Equal(t, tc.last[i], s.Lasts(err), "%s %d", name, i)
		}
		require.False(t, s.Lasts(&object.Error{Kind: object.ErrUnavailable}), name)
	}
}
