package input

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestNoSessionIsLeftOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fields = asUser(r.server)
		r.server.Put("docs", "a", []byte("x"))
		for range 3 {
			require.Equal(t, "", errOf(r.run().Err))
			require.Zero(t, r.server.Sessions(adaEmail), "a run")
		}
		require.Empty(t, r.check(CheckOptions{}).Failed())
		require.Zero(t, r.server.Sessions(adaEmail), "a check")

		r.fields += minutely
		stop := r.live()
		time.Sleep(5 * time.Hour)
		require.Equal(t, 1, r.server.Sessions(adaEmail))
		results := r.input.(service.ConnectionTestable).ConnectionTest(t.Context())
		require.NoError(t, results[0].Err)
		require.Equal(t, 1, r.server.Sessions(adaEmail), "the run goes on with its session")
		stop()
		require.Zero(t, r.server.Sessions(adaEmail))

		require.NoError(t, r.build())
		results = r.input.(service.ConnectionTestable).ConnectionTest(t.Context())
		require.NoError(t, results[0].Err)
		require.Zero(t, r.server.Sessions(adaEmail), "a test of the connection")
		require.NoError(t, r.input.Close(context.Background()))
		require.NotContains(t, r.logs.String(), "level=ERROR")
	})
}

func TestASignOutThatFailsFailsNothing(t *testing.T) {
	for name, fault := range map[string]emulator.Fault{
		"500": {Status: 500}, "429": {Status: 429}, "hangs": {Delay: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "")
				r.fields = asUser(r.server)
				r.server.Put("docs", "a", []byte("x"))
				r.server.SetFaults(func(q emulator.Request) emulator.Fault {
					if q.Op == emulator.OpSignOut {
						return fault
					}
					return emulator.Fault{}
				})
				began := time.Now()
				require.Equal(t, "", errOf(r.run().Err))
				require.LessOrEqual(t, time.Since(began), 6*time.Second) // five of them for the sign-out
				require.NotContains(t, r.logs.String(), "level=ERROR")
				require.NotContains(t, r.logs.String(), "level=WARN")
				r.noSecrets(r.server.Settings())
			})
		})
	}
}

// TestACheckReadsWhatARunReadsWhateverThisClockSays lets the server's clock be
// behind this machine's, so that tokens seem to have ended before they begin.
func TestACheckReadsWhatARunReadsWhateverThisClockSays(t *testing.T) {
	for name, behind := range map[string]time.Duration{"a token's life": time.Hour, "more": 13 * time.Hour, "ahead": -2 * time.Hour} {
		for kind, fields := range map[string]func(s *emulator.Server) string{
			"user":          asUser,
			"session_token": func(s *emulator.Server) string { return sessionToken(s.Settings(), s.UserToken("u1", 30*time.Minute)) },
		} {
			t.Run(name+" "+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, "")
					r.server = emulator.New(emulator.Options{Clock: func() time.Time { return time.Now().Add(-behind) }})
					r.server.CreateBucket("docs")
					r.fields = fields(r.server)
					r.server.AllowRead("docs", func(map[string]any, string) bool { return true })
					r.server.Put("docs", "a", []byte("x"))
					report := r.run()
					require.Equal(t, "", errOf(report.Err))
					require.Equal(t, int64(1), report.Delivered)
					check := r.check(CheckOptions{})
					require.Empty(t, check.Failed(), check)
					if kind == "user" {
						require.NotContains(t, marks(check), "w", "the end of a session is measured by this clock")
					}
				})
			})
		}
	}
}

// TestAnAnonKeyThatSignsNothingIsNamedAfterOneSignIn is a server with another anon
// key: another session does not help.
func TestAnAnonKeyThatSignsNothingIsNamedAfterOneSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fields = asUserOverS3(r.server)
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op != emulator.OpSignIn && q.Op != emulator.OpSignOut {
				return emulator.Fault{Status: http.StatusForbidden, Code: "SignatureDoesNotMatch", Message: "The session token should be a valid JWT token"}
			}
			return emulator.Fault{}
		})
		for _, mode := range []string{"", minutely} {
			before, tokens := r.server.Count(emulator.OpSignIn), r.server.Count(emulator.OpRefreshToken)
			r.fields = asUserOverS3(r.server) + mode
			report := r.run()
			require.ErrorContains(t, report.Err, "credentials.anon_key: ")
			require.ErrorContains(t, report.Err, "the signature does not match: the server does not accept this key, which is not its anon key")
			require.Equal(t, before+1, r.server.Count(emulator.OpSignIn))
			require.Equal(t, tokens, r.server.Count(emulator.OpRefreshToken))
			r.noSecrets(r.server.Settings(), report.Err.Error())
		}
	})
}

func TestAnOutageOfAuthIsThreeLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "sync_mode: continuous\npolling_interval: 1s\n")
		r.server.SetTokenLifetime(45 * time.Second)
		r.fields += asUser(r.server)
		began := time.Now()
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if at := time.Since(began); (q.Op == emulator.OpSignIn || q.Op == emulator.OpRefreshToken) && at > 20*time.Second && at < 66*time.Second {
				return emulator.Fault{Status: []int{503, 429, 500}[q.N%3]}
			}
			return emulator.Fault{}
		})
		stop := r.live()
		time.Sleep(3 * time.Minute)
		stop()
		logs := r.logs.String()
		require.Equal(t, 1, strings.Count(logs, "The credentials could not be renewed yet, and are good until 2000-01-01T00:00:45Z: "), logs)
		require.Equal(t, 1, strings.Count(logs, "The credentials were obtained after "))
		require.Regexp(t, `The credentials were obtained after \d+s in which they could not be had`, logs)
		require.NotContains(t, logs, "Still waiting")
		require.NotContains(t, logs, "level=ERROR")
		require.NotContains(t, logs, "The server refused the credentials")
		require.Equal(t, 1, r.server.Count(emulator.OpSignIn), "the session goes on")
	})
}
