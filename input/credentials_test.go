package input

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

const (
	adaEmail    = "ada@example.com"
	adaPassword = "correct horse battery staple"
)

// asUser lets ada sign in and see everything in docs, over the REST API.
func asUser(s *emulator.Server) string {
	return asUserWith(s, "publishable_key: "+s.Settings().PublishableKey)
}

// asUserOverS3 is asUser with the key that signs.
func asUserOverS3(s *emulator.Server) string { return asUserWith(s, "anon_key: "+s.Settings().AnonKey) }

func asUserWith(s *emulator.Server, key string) string {
	s.SetUser(emulator.User{Email: adaEmail, Password: adaPassword})
	s.AllowRead("docs", func(claims map[string]any, _ string) bool { return claims["email"] == adaEmail })
	return fmt.Sprintf("credentials: {type: user, %s, email: %s, password: %s}\n", key, adaEmail, adaPassword)
}

// byAccessToken asks the emulator's Management API for the keys.
func byAccessToken(s *emulator.Server) string {
	return fmt.Sprintf("credentials: {type: access_token, access_token: %s, api_url: http://emulator.invalid}\n", s.Settings().AccessToken)
}

// byFiles has the S3 access key in files below dir; write puts the present one
// there.
func byFiles(s *emulator.Server, dir string) (fields string, write func()) {
	write = func() {
		for name, value := range map[string]string{"id": s.Settings().AccessKeyID, "secret": s.Settings().SecretAccessKey} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(value+"\n"), 0o600); err != nil {
				panic(err)
			}
		}
	}
	write()
	return fmt.Sprintf("credentials: {access_key_id_file: %q, secret_access_key_file: %q}\n", filepath.Join(dir, "id"), filepath.Join(dir, "secret")), write
}

// inTheStorm calls f once, in the middle of the downloads.
func inTheStorm(s *emulator.Server, at int, f func()) {
	var once sync.Once
	s.SetFaults(func(q emulator.Request) emulator.Fault {
		if isRead(q.Op) && q.N >= at {
			return emulator.Fault{Before: func() { once.Do(f) }}
		}
		return emulator.Fault{}
	})
}

// isRead reports whether a request reads an object, over either plane.
func isRead(op emulator.Op) bool { return op == emulator.OpGet || op == emulator.OpRESTGet }

// noSecrets fails where a text holds one of the server's keys.
func (r *rig) noSecrets(before emulator.Settings, texts ...string) {
	r.t.Helper()
	text := r.logs.String() + strings.Join(texts, "\n")
	for _, s := range []emulator.Settings{before, r.server.Settings()} {
		for _, secret := range []string{
			s.AnonKey, s.SecretAccessKey, s.ServiceRoleKey, s.AccessToken, s.PublishableKey, s.SecretKey, adaPassword, "eyJhbGci",
		} {
			if secret != "" { // a project may have lost one
				require.NotContains(r.t, text, secret)
			}
		}
	}
}

func TestARotationInTheStormLosesNothingAndRenewsOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		prepare func(t *testing.T, s *emulator.Server) (fields string, rotate func())
		renewal emulator.Op
		asked   int // how often the renewal's request was made
	}{
		"access_token": {func(_ *testing.T, s *emulator.Server) (string, func()) {
			return byAccessToken(s), func() { s.RotateJWTSecret() }
		}, emulator.OpGetAPIKeys, 2},
		"user": {func(_ *testing.T, s *emulator.Server) (string, func()) {
			return asUser(s), func() { s.RotateJWTSecret() }
		}, emulator.OpRefreshToken, 1},
		"files": {func(t *testing.T, s *emulator.Server) (string, func()) {
			fields, write := byFiles(s, t.TempDir())
			return fields, func() { s.RotateAccessKey(); write() }
		}, emulator.OpSignIn, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "")
				fields, rotate := tc.prepare(t, r.server)
				r.fields = fields
				before := r.server.Settings()
				want := fillWithLines(r.server, 3000)
				inTheStorm(r.server, 1000, rotate)
				report := r.run()
				require.Equal(t, "", errOf(report.Err))
				require.Equal(t, want, joined(r.contents()))
				require.Equal(t, int64(len(want)), report.Delivered)
				require.Equal(t, tc.asked, r.server.Count(tc.renewal))
				require.Equal(t, 1, strings.Count(r.logs.String(), "The server refused the credentials, and they were renewed"))
				require.Equal(t, 1, strings.Count(r.logs.String(), "Signing requests as"), "there was no other renewal")
				require.NotContains(t, r.logs.String(), "level=ERROR")
				require.NotContains(t, r.logs.String(), "level=WARN")
				r.noSecrets(before)
			})
		})
	}
}

func TestWhileKeysCannotBeHadNothingIsGivenUp(t *testing.T) {
	for name, op := range map[string]emulator.Op{"access_token": emulator.OpGetProject, "user": emulator.OpRefreshToken} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, minutely)
				r.fields += map[string]string{"access_token": byAccessToken(r.server), "user": asUser(r.server)}[name]
				before := r.server.Settings()
				want := fillWithLines(r.server, 500)
				began, rotated := time.Now(), false
				r.server.SetFaults(func(q emulator.Request) emulator.Fault {
					switch {
					case isRead(q.Op) && q.N == 200:
						return emulator.Fault{Before: func() { r.server.RotateJWTSecret(); rotated = true }}
					case q.Op == op && rotated && time.Since(began) < 5*time.Hour:
						return emulator.Fault{Status: []int{503, 500, 504, 429}[q.N%4]}
					}
					return emulator.Fault{}
				})
				stop := r.live()
				time.Sleep(6 * time.Hour)
				stop()
				require.Equal(t, want, joined(r.contents()))
				require.Contains(t, r.logs.String(), "Waiting for the credentials: ")
				require.Less(t, strings.Count(r.logs.String(), "level=WARN"), 5*12+6, "ever less often, up to five minutes apart")
				require.NotContains(t, r.logs.String(), "level=ERROR")
				require.NotContains(t, r.logs.String(), "is parked")
				r.noSecrets(before)
			})
		})
	}
}

func TestFixedKeysThatAreRotatedEndTheRunWithARemedy(t *testing.T) {
	for name, tc := range map[string]struct {
		rotate func(s *emulator.Server)
		fields func(s *emulator.Server) string
		says   []string
	}{
		"access_key": {
			func(s *emulator.Server) { s.RotateAccessKey() },
			func(*emulator.Server) string { return "" },
			[]string{"credentials.access_key_id: the server knows no such access key", "S3 access keys", "keys rotate during project upgrades"},
		},
		"session_token": {
			func(s *emulator.Server) { s.RotateJWTSecret() },
			func(s *emulator.Server) string {
				return fmt.Sprintf("credentials: {type: session_token, service_role_key: %s}\n", s.Settings().ServiceRoleKey)
			},
			[]string{"credentials.service_role_key: ", "JWT secret has been changed", "Legacy API keys", "keys rotate during project upgrades"},
		},
		"files that were not changed": {
			func(s *emulator.Server) { s.RotateAccessKey() },
			nil,
			[]string{"credentials.access_key_id_file: ", "the files are read again"},
		},
		"user with the old anon key": {
			func(s *emulator.Server) { s.RotateJWTSecret() },
			asUserOverS3,
			[]string{"credentials.anon_key: ", "does not accept this key", "keys rotate during project upgrades"},
		},
		"access token that was revoked": {
			func(s *emulator.Server) { s.RotateJWTSecret(); s.RevokeAccessToken(s.Settings().AccessToken) },
			byAccessToken,
			[]string{"credentials.access_token: ", "does not know this token", "Account -> Access Tokens"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "")
				if tc.fields == nil {
					r.fields, _ = byFiles(r.server, t.TempDir())
				} else {
					r.fields = tc.fields(r.server)
				}
				before := r.server.Settings()
				fillWithLines(r.server, 500)
				inTheStorm(r.server, 200, func() { tc.rotate(r.server) })
				report := r.run()
				for _, words := range tc.says {
					require.ErrorContains(t, report.Err, words)
				}
				require.Empty(t, report.Parked, "no object is at fault")
				r.noSecrets(before, report.Err.Error())
			})
		})
	}
}

func TestAUserIsReadForTwoMonths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "sync_mode: continuous\npolling_interval: 20m\n")
		r.fields += asUser(r.server)
		before := r.server.Settings()
		r.server.AllowRead("docs", func(claims map[string]any, key string) bool {
			return claims["email"] == adaEmail && strings.HasPrefix(key, "ada/")
		})
		stop := r.live()
		time.Sleep(time.Second)
		want := []string{}
		for day := range 60 {
			switch day {
			case 20:
				r.server.SignOut(adaEmail)
			case 40:
				r.server.RevokeRefreshTokens(adaEmail)
			}
			r.server.Put("docs", fmt.Sprintf("ada/%02d", day), []byte("x"))
			r.server.Put("docs", fmt.Sprintf("bob/%02d", day), []byte("x"))
			want = append(want, fmt.Sprintf("created ada/%02d", day))
			time.Sleep(24 * time.Hour)
		}
		stop()
		require.Equal(t, want, r.arrived())
		require.Equal(t, 3, r.server.Count(emulator.OpSignIn))
		require.InDelta(t, 60*24, r.server.Count(emulator.OpRefreshToken), 150, "each hour or so")
		require.Contains(t, r.logs.String(), `as the role \"authenticated\" (user `+adaEmail)
		require.NotContains(t, r.logs.String(), "level=ERROR")
		require.NotContains(t, r.logs.String(), "credentials could not be renewed")
		require.NotContains(t, r.logs.String(), "Waiting for")
		r.noSecrets(before)
	})
}

func TestTheEndOfAFixedTokenIsToldAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, minutely)
		r.fields += sessionToken(r.server.Settings(), r.server.UserToken("u1", 26*time.Hour))
		stop := r.live()
		time.Sleep(26*time.Hour + 10*time.Minute)
		stop()
		logs := r.logs.String()
		require.Equal(t, 4, strings.Count(logs, "The token in credentials expires on"))
		told := regexp.MustCompile("The token in credentials expires on 2000-01-02T02:00:00Z, in ([^,]+),").FindAllStringSubmatch(logs, -1)
		require.Len(t, told, 4)
		require.Equal(t, "26h0m0s", told[0][1], "at the start")
		for i, before := range []time.Duration{24 * time.Hour, time.Hour, 5 * time.Minute} {
			left, err := time.ParseDuration(told[i+1][1])
			require.NoError(t, err)
			require.LessOrEqual(t, left, before)
			require.Greater(t, left, before-aPass, "with the next pass")
		}
	})
}

func TestTheMetricTellsWhenTheCredentialsExpire(t *testing.T) {
	const name = "supabase_storage_credentials_expire_unix"
	gauges := gaugeBook{}
	env := service.NewEnvironment()
	require.NoError(t, env.RegisterMetricsExporter("book", service.NewConfigSpec(), func(*service.ParsedConfig, *service.Logger) (service.MetricsExporter, error) {
		return &gauges, nil
	}))
	builder := env.NewResourceBuilder()
	require.NoError(t, builder.SetMetricsYAML("book: {}"))
	res, end, err := builder.BuildSuspended()
	require.NoError(t, err)
	defer func() { require.NoError(t, end(context.Background())) }()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, minutely)
		r.fields += asUser(r.server)
		r.res = res
		stop := r.live()
		time.Sleep(time.Second)
		require.Equal(t, time.Now().Add(time.Hour-time.Second).Unix(), gauges.value(name))
		time.Sleep(24 * time.Hour)
		require.InDelta(t, time.Now().Add(35*time.Minute).Unix(), gauges.value(name), 1800)
		stop()
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fields += sessionToken(r.server.Settings(), r.server.UserToken("u1", 90*time.Hour))
		r.res = res
		require.Equal(t, "", errOf(r.run().Err))
		require.Equal(t, time.Now().Add(90*time.Hour).Unix(), gauges.value(name))
	})
}

// gaugeBook is a metrics exporter that keeps the values of gauges.
type gaugeBook struct{ values sync.Map }

func (b *gaugeBook) value(name string) int64 {
	v, _ := b.values.Load(name)
	n, _ := v.(int64)
	return n
}

func (b *gaugeBook) NewCounterCtor(string, ...string) service.MetricsExporterCounterCtor {
	return func(...string) service.MetricsExporterCounter { return discard{} }
}

func (b *gaugeBook) NewTimerCtor(string, ...string) service.MetricsExporterTimerCtor {
	return func(...string) service.MetricsExporterTimer { return discard{} }
}

func (b *gaugeBook) NewGaugeCtor(name string, _ ...string) service.MetricsExporterGaugeCtor {
	return func(...string) service.MetricsExporterGauge { return keptGauge{b, name} }
}

func (b *gaugeBook) Close(context.Context) error { return nil }

type keptGauge struct {
	book *gaugeBook
	name string
}

func (g keptGauge) Set(v int64) { g.book.values.Store(g.name, v) }

type discard struct{}

func (discard) Incr(int64)   {}
func (discard) Timing(int64) {}

func TestFilesWithATokenOfTheProjectCompleteWhatIsNotWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "service_role")
		r := newRig(t, fmt.Sprintf("credentials: {type: session_token, service_role_key_file: %q}\n", path))
		require.NoError(t, os.WriteFile(path, []byte(r.server.Settings().ServiceRoleKey), 0o600))
		r.server.Put("docs", "a", []byte("x"))
		require.Equal(t, "", errOf(r.run().Err))
		require.Contains(t, r.logs.String(), `as the role \"service_role\"`)
		require.Equal(t, "localemulatorproject", meta(r.messages[0], emit.MetaProjectRef))
		require.NoError(t, os.Remove(path))
		report := r.run()
		require.ErrorContains(t, report.Err, "credentials.service_role_key_file: the file can't be read")
		require.NoError(t, r.input.Close(context.Background()))
	})
}
