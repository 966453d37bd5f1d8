package keys

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

func TestUserSignsInAndIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s, l := start(t, w, settings(supabase.TypeUser), 0)
		require.Zero(t, w.count(""), "no request before there is need of one")
		c := good(t, s)
		require.Equal(t, []string{"POST /auth/v1/token?grant_type=password"}, w.calls)
		require.Equal(t, ref, c.AccessKeyID)
		require.Equal(t, apiKey(0, "anon"), c.SecretAccessKey)
		require.Equal(t, time.Now().Add(time.Hour), c.Expires)
		p := s.Project()
		require.Equal(t, `the role "authenticated" (user ada@example.com)`, p.Identity.String())
		require.Equal(t, "user-1", p.Identity.Subject)
		require.Equal(t, c.Expires, p.Expires)
		require.Len(t, l.renewed, 1)
	})
}

func TestUserGoesOnForMonthsOnTokensOfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s, l := start(t, w, settings(supabase.TypeUser), 0)
		began := time.Now()
		for time.Since(began) < 60*24*time.Hour {
			if time.Since(began) == 20*24*time.Hour {
				w.change(func() { w.refresh = "" }) // every session was ended
			}
			c := good(t, s)
			require.Greater(t, time.Until(c.Expires), 5*time.Minute, "renewed well ahead of the end")
			time.Sleep(time.Minute)
		}
		require.Equal(t, 2, w.count("grant_type=password"))
		renewals := w.count("grant_type=refresh_token")
		require.Greater(t, renewals, 60*24)
		require.Less(t, renewals, 60*24*13/10)
		require.Empty(t, l.delayed)
		require.Empty(t, l.left, "nobody has to do anything about its end")
	})
}

func TestRenewalAheadHoldsUpOneCallerAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s, _ := start(t, w, settings(supabase.TypeUser), 0)
		old := good(t, s)
		time.Sleep(55 * time.Minute)
		slow := make(chan struct{})
		w.fail = func(*http.Request) reply { <-slow; return reply{} }
		first := make(chan object.Credentials)
		go func() {
			c, _ := s.Credentials(t.Context())
			first <- c
		}()
		synctest.Wait()
		require.Equal(t, old, good(t, s), "the others go on with what is still good")
		close(slow)
		require.NotEqual(t, old, <-first)
		require.Equal(t, 2, w.count("token"))
	})
}

func TestTroubleWhileTheTokenIsGoodDisturbsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s, l := start(t, w, settings(supabase.TypeUser), 0)
		old := good(t, s)
		w.fail = func(*http.Request) reply { return reply{status: 503, body: "{}"} }
		for range 59 {
			time.Sleep(time.Minute)
			require.Equal(t, old, good(t, s))
		}
		require.NotEmpty(t, l.delayed)
		w.fail = func(*http.Request) reply { return reply{} }
		time.Sleep(30 * time.Second)
		require.NotEqual(t, old, good(t, s))
	})
}

func TestSignInIsWaitedForWhileItMayPass(t *testing.T) {
	for name, failure := range map[string]reply{
		"429":     {status: 429, body: `{"code":429,"error_code":"over_request_rate_limit","msg":"Request rate limit reached"}`},
		"409":     {status: 409, body: `{"msg":"Too many concurrent token refresh requests on the same session or refresh token"}`},
		"500":     {status: 500, body: `{"code":500,"error_code":"unexpected_failure","msg":"x"}`},
		"504 not": {status: 504, body: "<html>gateway</html>"},
		"cut":     {err: errCut},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				began := time.Now()
				w.fail = func(*http.Request) reply {
					if time.Since(began) < 3*time.Hour {
						return failure
					}
					return reply{}
				}
				s, l := start(t, w, settings(supabase.TypeUser), 0)
				good(t, s)
				require.GreaterOrEqual(t, time.Since(began), 3*time.Hour)
				require.Less(t, w.count(""), 3*60*6, "ever more slowly")
				noSecret(t, strings.Join(l.delayed, "\n"))
			})
		})
	}
}

func TestAPauseThatIsAskedForIsKept(t *testing.T) {
	for header, value := range map[string]string{"Retry-After": "120", "X-RateLimit-Reset": "120"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.fail = func(*http.Request) reply {
				if len(w.calls) == 1 {
					return reply{status: 429, body: "{}", header: map[string]string{header: value}}
				}
				return reply{}
			}
			s, _ := start(t, w, settings(supabase.TypeAccessToken), 0)
			began := time.Now()
			good(t, s)
			require.Equal(t, 2*time.Minute, time.Since(began))
		})
	}
}

func TestAProjectThatComesUpIsWaitedFor(t *testing.T) {
	for _, status := range []string{"COMING_UP", "RESTORING", "UPGRADING", "RESTARTING", "RESIZING"} {
		t.Run(status, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.status, w.health = status, "COMING_UP"
				s, l := start(t, w, settings(supabase.TypeAccessToken), 0)
				time.AfterFunc(time.Hour, func() { w.change(func() { w.status = "ACTIVE_HEALTHY" }) })
				time.AfterFunc(2*time.Hour, func() { w.change(func() { w.health = "ACTIVE_HEALTHY" }) })
				began := time.Now()
				good(t, s)
				require.InDelta(t, 2*time.Hour, time.Since(began), float64(time.Minute))
				require.Contains(t, l.delayed[0], "the project "+ref+" is "+status)
				require.Contains(t, l.delayed[len(l.delayed)-1], "the project "+ref+" is COMING_UP: its Storage is not up yet")
				require.Equal(t, "GET /v1/projects/"+ref+"/health?services=storage", w.calls[len(w.calls)-3])
			})
		})
	}
}

func TestPatienceHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.status = "RESTORING"
		s, _ := start(t, w, settings(supabase.TypeAccessToken), 10*time.Minute)
		began := time.Now()
		_, err := s.Credentials(t.Context())
		require.ErrorIs(t, err, object.ErrUnavailable)
		require.ErrorContains(t, err, "RESTORING")
		require.InDelta(t, 10*time.Minute, time.Since(began), float64(time.Minute))
		_, err = s.Credentials(t.Context())
		require.ErrorIs(t, err, object.ErrUnavailable)
		require.Less(t, time.Since(began), 11*time.Minute, "it is not waited for a second time")
	})
}

func TestKeysAndRegionComeFromTheManagementAPI(t *testing.T) {
	for written, want := range map[string]struct {
		region   string
		warnings int
	}{"": {"ap-south-1", 0}, "ap-south-1": {"ap-south-1", 0}, "us-east-1": {"us-east-1", 0}, "eu-west-1": {"eu-west-1", 1}} {
		t.Run(written, func(t *testing.T) {
			w := newWorld(t)
			conf := settings(supabase.TypeAccessToken)
			conf.Region = written
			s, _ := start(t, w, conf, 0)
			c := good(t, s)
			require.Equal(t, []string{
				"GET /v1/projects/" + ref, "GET /v1/projects/" + ref + "/health?services=storage",
				"GET /v1/projects/" + ref + "/api-keys?reveal=true", "GET /v1/projects/" + ref + "/api-keys/legacy",
			}, w.calls)
			require.Equal(t, object.Credentials{
				AccessKeyID: ref, SecretAccessKey: apiKey(0, "anon"), SessionToken: apiKey(0, "service_role"),
				Expires: time.Unix(4_000_000_000, 0).UTC(), Region: want.region, APIKey: apiKey(0, "anon"),
			}, c)
			p := s.Project()
			require.Equal(t, supabase.Identity{Role: "service_role"}, p.Identity)
			require.Len(t, p.Warnings, want.warnings)
		})
	}
}

func TestKeysInClearAreTakenWhereATokenMayNotRevealThem(t *testing.T) {
	w := newWorld(t)
	w.fail = func(r *http.Request) reply {
		if r.URL.RawQuery == "reveal=true" {
			return reply{status: 403, body: `{"message":"Your account does not have the necessary privileges to access this endpoint."}`}
		}
		return reply{}
	}
	s, _ := start(t, w, settings(supabase.TypeAccessToken), 0)
	require.Equal(t, apiKey(0, "service_role"), good(t, s).SessionToken)
}

func TestATokenThatMayNotAskForTheHealthDoesWithout(t *testing.T) {
	w := newWorld(t)
	w.fail = func(r *http.Request) reply {
		if strings.HasSuffix(r.URL.Path, "/health") {
			return reply{status: 403, body: `{"message":"Forbidden resource"}`}
		}
		return reply{}
	}
	s, _ := start(t, w, settings(supabase.TypeAccessToken), 0)
	good(t, s)
}

func TestAnEndThatIsNearIsToldAheadAndNotAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for life, want := range map[time.Duration][]time.Duration{
			30 * 24 * time.Hour: {24 * time.Hour, time.Hour, 5 * time.Minute},
			48 * time.Hour:      {48 * time.Hour, 24 * time.Hour, time.Hour, 5 * time.Minute},
			30 * time.Minute:    {30 * time.Minute, 5 * time.Minute},
		} {
			conf := settings(supabase.TypeSessionToken)
			conf.Credentials.UserToken = jwt(0, map[string]any{"role": "authenticated", "ref": ref, "exp": time.Now().Add(life).Unix()})
			s, l := start(t, newWorld(t), conf, 0)
			for range int(life/time.Minute) + 120 {
				good(t, s)
				time.Sleep(time.Minute)
			}
			require.Equal(t, want, l.left)
			require.Len(t, l.renewed, 1)
		}
	})
}

func TestFreshKeysCostNoAllocation(t *testing.T) {
	for _, kind := range []string{supabase.TypeUser, supabase.TypeAccessToken} {
		s, _ := start(t, newWorld(t), settings(kind), 0)
		good(t, s)
		ctx := t.Context()
		require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = s.Credentials(ctx) }))
	}
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.status = "RESTORING"
		s, _ := start(t, w, settings(supabase.TypeAccessToken), 0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		errs := make(chan error)
		for range 3 {
			go func() {
				_, err := s.Credentials(ctx)
				errs <- err
			}()
		}
		for range 3 {
			require.ErrorIs(t, <-errs, context.DeadlineExceeded)
		}
		w.status = "ACTIVE_HEALTHY"
		good(t, s)
	})
}
