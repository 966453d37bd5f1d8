package keys

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
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
		require.Equal(t, "authenticated, user ada@example.com", p.Identity())
		require.Equal(t, "user-1", p.Subject)
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
		first := make(chan bucket.Credentials)
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

func TestEachRefusalOfAuthNamesItsFieldAndRemedy(t *testing.T) {
	for name, tc := range map[string]struct {
		reply reply
		words []string
	}{
		"password":      {reply{400, `{"code":400,"error_code":"invalid_credentials","msg":"Invalid login credentials"}`, nil, nil}, []string{"credentials.password: ", "Auth knows no user", "another provider"}},
		"old password":  {reply{400, `{"error":"invalid_grant","error_description":"Invalid login credentials"}`, nil, nil}, []string{"credentials.password: "}},
		"new password":  {reply{400, `{"code":"invalid_credentials","message":"Invalid login credentials"}`, nil, nil}, []string{"credentials.password: "}},
		"unconfirmed":   {reply{400, `{"code":400,"error_code":"email_not_confirmed","msg":"Email not confirmed"}`, nil, nil}, []string{"credentials.email: ", "not confirmed", "Authentication -> Users"}},
		"banned":        {reply{400, `{"code":400,"error_code":"user_banned","msg":"User is banned"}`, nil, nil}, []string{"credentials.email: ", "banned", "lift the ban"}},
		"disabled":      {reply{422, `{"code":422,"error_code":"email_provider_disabled","msg":"Email logins are disabled"}`, nil, nil}, []string{"credentials.email: ", "switched off", "switch it on"}},
		"captcha":       {reply{400, `{"code":400,"error_code":"captcha_failed","msg":"captcha protection: request disallowed"}`, nil, nil}, []string{"credentials.email: ", "captcha", "Attack Protection"}},
		"api key":       {reply{401, `{"message":"Invalid API key","hint":"Double check"}`, nil, nil}, []string{"credentials.anon_key: ", "rotate"}},
		"legacy off":    {reply{401, `{"message":"Legacy API keys are disabled","hint":"x"}`, nil, nil}, []string{"credentials.anon_key: ", "publishable key"}},
		"no such path":  {reply{404, `{"message":"no Route matched with those values"}`, nil, nil}, []string{"project_ref: ", "is not Auth", "/auth/v1"}},
		"not JSON":      {reply{404, `<html>`, map[string]string{"Content-Type": "text/html"}, nil}, []string{"project_ref: ", "is not Auth", "text/html"}},
		"a page":        {reply{200, `<html>`, map[string]string{"Content-Type": "text/html"}, nil}, []string{"project_ref: ", "is not Auth"}},
		"a redirect":    {reply{302, ``, nil, nil}, []string{"is not Auth", "redirect"}},
		"something new": {reply{403, `{"code":403,"error_code":"insufficient_aal","msg":"what"}`, nil, nil}, []string{"what"}},
		"odd":           {reply{422, `{"code":422,"error_code":"odd","msg":"odd thing"}`, nil, nil}, []string{"credentials.email: ", "odd thing", "Logs -> Auth"}},
		"no token":      {reply{200, `{}`, nil, nil}, []string{"holds no access token"}},
		"no JWT":        {reply{200, `{"access_token":"abc"}`, nil, nil}, []string{"is no JWT"}},
		"echo":          {reply{400, `{"error_code":"odd","msg":"you sent ` + password + ` with ` + "refresh-000000000001" + `"}`, nil, nil}, []string{"[redacted]"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.fail = func(*http.Request) reply { return tc.reply }
				s, _ := start(t, w, settings(supabase.TypeUser), 0)
				_, err := s.Credentials(t.Context())
				if name == "echo" {
					require.NotContains(t, err.Error(), password)
					require.ErrorContains(t, err, tc.words[0])
					return
				}
				permanent(t, err, tc.words...)
				require.Equal(t, err, s.Project().Explain(err, ""), "it explains itself")
				_, again := s.Credentials(t.Context())
				require.Equal(t, err, again)
				require.Equal(t, 1, w.count(""), "what was refused is not asked for at once again")
				time.Sleep(firstPause)
				w.fail = func(*http.Request) reply { return reply{} }
				good(t, s)
			})
		})
	}
}

func TestEachRefusalOfTheManagementAPINamesItsFieldAndRemedy(t *testing.T) {
	list := func(keys string) reply { return reply{status: 200, body: keys} }
	for name, tc := range map[string]struct {
		path  string
		reply reply
		words []string
	}{
		"401":          {"", reply{401, `{"message":"Unauthorized"}`, nil, nil}, []string{"credentials.access_token: ", "does not know this token", "Account -> Access Tokens"}},
		"403":          {"", reply{403, `{"message":"Forbidden resource"}`, nil, nil}, []string{"credentials.access_token: ", "may not do this", "permissions"}},
		"403 for keys": {"api-keys", reply{403, `{"message":"Your account does not have the necessary privileges to access this endpoint."}`, nil, nil}, []string{"credentials.access_token: ", "secrets of its API keys"}},
		"404":          {"", reply{404, `{"message":"Project not found"}`, nil, nil}, []string{"project_ref: ", "knows no project " + ref, "Project Settings -> General"}},
		"removed":      {"", reply{400, `{"message":"Resource has been removed"}`, nil, nil}, []string{"project_ref: ", "was deleted"}},
		"400":          {"", reply{400, `{"message":["ref must be longer"]}`, nil, nil}, []string{"project_ref: ", "ref must be longer"}},
		"page":         {"", reply{200, `<html>`, map[string]string{"Content-Type": "text/html"}, nil}, []string{"credentials.api_url: ", "is not the Management API", "https://api.supabase.com"}},
		"masked":       {"api-keys", list(`[{"name":"anon","type":"legacy","api_key":"eyJ··········"},{"name":"service_role","type":"legacy","api_key":null}]`), []string{"credentials.access_token: ", "does not show the values", "secrets of API keys"}},
		"new keys":     {"api-keys", list(`[{"name":"default","type":"publishable","api_key":"sb_publishable_x"},{"name":"default","type":"secret","api_key":"sb_secret_x"}]`), []string{"credentials.access_token: ", "only new API keys", "S3 access key", "type: access_key", "Legacy API keys"}},
		"no keys":      {"api-keys", list(`[]`), []string{"credentials.access_token: ", "shows no keys"}},
		"other keys": {
			"api-keys", list(`[{"name":"service_role","type":"legacy","api_key":"` + jwt(0, map[string]any{"role": "service_role", "ref": "tsrqponmlkjihgfedcba"}) + `"}]`),
			[]string{"credentials.access_token: ", "tsrqponmlkjihgfedcba"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.fail = func(r *http.Request) reply {
					if strings.Contains(r.URL.Path, tc.path) {
						return tc.reply
					}
					return reply{}
				}
				s, _ := start(t, w, settings(supabase.TypeAccessToken), 0)
				_, err := s.Credentials(t.Context())
				permanent(t, err, tc.words...)
				require.Equal(t, err, s.Project().Explain(err, ""), "it explains itself")
			})
		})
	}
}

func TestAProjectThatCannotComeUpIsNotWaitedFor(t *testing.T) {
	for status, words := range map[string][]string{
		"INACTIVE":       {"project_ref: ", "INACTIVE", "paused", "restore it in the Dashboard"},
		"PAUSING":        {"PAUSING", "restore"},
		"GOING_DOWN":     {"GOING_DOWN", "restore"},
		"REMOVED":        {"REMOVED", "deleted"},
		"RESTORE_FAILED": {"RESTORE_FAILED", "support"},
	} {
		t.Run(status, func(t *testing.T) {
			w := newWorld(t)
			w.status = status
			s, _ := start(t, w, settings(supabase.TypeAccessToken), 0)
			_, err := s.Credentials(t.Context())
			permanent(t, err, words...)
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
				require.Contains(t, l.delayed[len(l.delayed)-1], "the Storage of the project "+ref+" is COMING_UP")
				require.Equal(t, "GET /v1/projects/"+ref+"/health?services=storage", w.calls[len(w.calls)-2])
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
		require.ErrorIs(t, err, bucket.ErrUnavailable)
		require.ErrorContains(t, err, "RESTORING")
		require.InDelta(t, 10*time.Minute, time.Since(began), float64(time.Minute))
		_, err = s.Credentials(t.Context())
		require.ErrorIs(t, err, bucket.ErrUnavailable)
		require.Less(t, time.Since(began), 11*time.Minute, "it is not waited for a second time")
	})
}

func TestAnAddressThatNeverAnsweredIsGivenUpSoon(t *testing.T) {
	for kind, field := range map[string]string{supabase.TypeAccessToken: "credentials.api_url: ", supabase.TypeUser: "project_ref: "} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.fail = func(*http.Request) reply {
				return reply{err: &net.DNSError{Err: "no such host", Name: "api.supabse.com", IsNotFound: true}}
			}
			s, _ := start(t, w, settings(kind), 0)
			_, err := s.Credentials(t.Context())
			require.ErrorIs(t, err, bucket.ErrUnreachable)
			require.ErrorContains(t, err, field)
			require.ErrorContains(t, err, "api.supabse.com is not found")
			require.Equal(t, unreachableAttempts, w.count(""))
		})
	}
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
				"GET /v1/projects/" + ref + "/api-keys?reveal=true",
			}, w.calls)
			require.Equal(t, bucket.Credentials{
				AccessKeyID: ref, SecretAccessKey: apiKey(0, "anon"), SessionToken: apiKey(0, "service_role"),
				Expires: time.Unix(4_000_000_000, 0).UTC(), Region: want.region,
			}, c)
			p := s.Project()
			require.Equal(t, "service_role", p.Identity())
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

func TestFilesAreReadAtTheStartAndBeforeTheirTokenEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "token")
		write := func(life time.Duration) string {
			token := jwt(0, map[string]any{"role": "authenticated", "ref": ref, "exp": time.Now().Add(life).Unix()})
			require.NoError(t, os.WriteFile(path, []byte(token+"\n"), 0o600))
			return token
		}
		conf := settings(supabase.TypeSessionToken)
		conf.Credentials.Files = map[string]string{"credentials.user_token": path}
		s, l := start(t, newWorld(t), conf, 0)
		_, err := s.Credentials(t.Context())
		permanent(t, err, "credentials.user_token_file: ", "can't be read")
		require.NoError(t, os.WriteFile(path, []byte("no-token\n"), 0o600))
		time.Sleep(firstPause)
		_, err = s.Credentials(t.Context())
		permanent(t, err, "credentials.user_token_file: ", "is not a JWT")

		first := write(time.Hour)
		time.Sleep(2 * firstPause)
		require.Equal(t, first, good(t, s).SessionToken)
		time.Sleep(30 * time.Minute)
		second := write(time.Hour)
		require.Equal(t, first, good(t, s).SessionToken, "there is no need yet")
		time.Sleep(25 * time.Minute)
		require.Equal(t, second, good(t, s).SessionToken)
		require.Empty(t, l.left)

		for range 30 { // nobody writes a third one
			time.Sleep(time.Minute)
			_, _ = s.Credentials(t.Context())
		}
		require.Len(t, l.left, 1, "five minutes before its end")
		time.Sleep(5 * time.Minute)
		_, err = s.Credentials(t.Context())
		permanent(t, err, "credentials.user_token_file: ", "expired on")
	})
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

func TestTheNetworksOwnErrorsMayPass(t *testing.T) {
	for name, err := range map[string]error{
		"refused": &net.OpError{Op: "dial", Err: errors.New("connection refused")},
		"tls":     &tls.CertificateVerificationError{Err: errors.New("unknown authority")},
		"reset":   &net.OpError{Op: "read", Err: errors.New("reset")},
		"timeout": context.DeadlineExceeded,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.fail = func(*http.Request) reply { return reply{err: err} }
				s, _ := start(t, w, settings(supabase.TypeUser), time.Minute)
				_, got := s.Credentials(t.Context())
				require.True(t, bucket.Transient(got), got)
				require.NotErrorIs(t, got, context.DeadlineExceeded, "it is not the caller's")
			})
		})
	}
}
