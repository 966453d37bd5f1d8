package input

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// secretKeyOf reads with the secret key, over the REST API.
func secretKeyOf(s *emulator.Server) string { return withSecretKey(s.Settings()) }

// bySecretKeyFile has the secret key in a file; write puts the present one there.
func bySecretKeyFile(s *emulator.Server, dir string) (fields string, write func()) {
	file := filepath.Join(dir, "secret_key")
	write = func() {
		if err := os.WriteFile(file, []byte(s.Settings().SecretKey+"\n"), 0o600); err != nil {
			panic(err)
		}
	}
	write()
	return fmt.Sprintf("credentials: {type: secret_key, secret_key_file: %q}\n", file), write
}

// byUserToken reads as a user over the REST API.
func byUserToken(s *emulator.Server, user string) string {
	return fmt.Sprintf("credentials: {type: session_token, publishable_key: %s, user_token: %s}\n", s.Settings().PublishableKey, s.UserToken(user, 100*time.Hour))
}

// onlyNewKeys takes the legacy keys away.
func onlyNewKeys(s *emulator.Server) {
	s.SetProject(func(p *emulator.Project) { p.LegacyKeys = emulator.LegacyNone })
}

// overS3 and overREST count the listings and reads of a plane.
func overS3(s *emulator.Server) int { return s.Count(emulator.OpList) + s.Count(emulator.OpGet) }

func overREST(s *emulator.Server) int {
	return s.Count(emulator.OpListV2) + s.Count(emulator.OpRESTGet)
}

// gatewayRig is a rig behind a gateway, whose project has new keys alone, with n
// objects. Want are those that can be had there: Envoy merges "//" in paths and
// resolves ".." before it looks for an object.
func gatewayRig(t *testing.T, gateway emulator.Gateway, n int) (r *rig, want map[string]string) {
	t.Helper()
	r = newRig(t, "")
	r.server = emulator.New(emulator.Options{Gateway: gateway})
	r.server.CreateBucket("docs")
	onlyNewKeys(r.server)
	want = fillWithLines(r.server, n)
	if gateway == emulator.GatewayEnvoy {
		maps.DeleteFunc(want, func(key, _ string) bool {
			return strings.Contains("/"+key, "//") || strings.Contains(key, "/./") || strings.Contains(key, "/../")
		})
	}
	return r, want
}

// endedWell checks that everything was delivered that can be had.
func (r *rig) endedWell(report Report, want map[string]string, n int) {
	r.t.Helper()
	if len(want) == n {
		require.Equal(r.t, "", errOf(report.Err))
	}
	require.Equal(r.t, want, joined(r.contents()))
	require.Equal(r.t, int64(len(want)), report.Delivered)
	var parked int64
	for _, count := range report.Parked {
		parked += count
	}
	require.Equal(r.t, int64(n-len(want)), parked, report.Parked)
}

func TestAProjectWithNewKeysAloneIsRead(t *testing.T) {
	for name, fields := range map[string]func(s *emulator.Server) string{
		"secret_key": secretKeyOf, "access_token": byAccessToken, "user": asUser,
	} {
		for _, gateway := range []emulator.Gateway{emulator.GatewayKong, emulator.GatewayEnvoy} {
			t.Run(name+" behind "+string(gateway), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r, want := gatewayRig(t, gateway, 1500)
					r.fields = fields(r.server)
					r.endedWell(r.run(), want, 1500)
					require.Zero(t, overS3(r.server))
					r.noSecrets(r.server.Settings())
				})
			})
		}
	}
}

func TestARotationOfNewKeysInTheStormLosesNothingAndRenewsOnce(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, s *emulator.Server) (fields string, rotate func()){
		"access_token": func(_ *testing.T, s *emulator.Server) (string, func()) {
			return byAccessToken(s), func() { s.RotateAPIKeys() }
		},
		"access_token, without a gap": func(_ *testing.T, s *emulator.Server) (string, func()) {
			return byAccessToken(s), func() { s.AddSecretKey(); s.RemoveSecretKey(s.Settings().SecretKey) }
		},
		"file": func(t *testing.T, s *emulator.Server) (string, func()) {
			fields, write := bySecretKeyFile(s, t.TempDir())
			return fields, func() { s.RotateAPIKeys(); write() }
		},
	} {
		for _, gateway := range []emulator.Gateway{emulator.GatewayKong, emulator.GatewayEnvoy} {
			t.Run(name+" behind "+string(gateway), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r, want := gatewayRig(t, gateway, 3000)
					fields, rotate := prepare(t, r.server)
					r.fields = fields
					before := r.server.Settings()
					inTheStorm(r.server, 1000, rotate)
					r.endedWell(r.run(), want, 3000)
					require.Equal(t, 1, strings.Count(r.logs.String(), "The server refused the credentials, and they were renewed"))
					r.noSecrets(before)
				})
			})
		}
	}
}

func TestLegacyKeysThatEndInTheStormMakePlaceForTheSecretKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fields = byAccessToken(r.server)
		want := fillWithLines(r.server, 3000)
		inTheStorm(r.server, 1000, func() { onlyNewKeys(r.server) })
		report := r.run()
		require.Equal(t, "", errOf(report.Err))
		require.Equal(t, want, joined(r.contents()))
		require.Equal(t, int64(len(want)), report.Delivered)
		require.NotZero(t, overS3(r.server))
		require.NotZero(t, overREST(r.server))
		require.Equal(t, 1, strings.Count(r.logs.String(), "they were renewed"))
		require.NotContains(t, r.logs.String(), "level=WARN")
		r.noSecrets(r.server.Settings())
	})
}

func TestAnAccessTokenPrefersTheLegacyKeysWhileTheyAreEnabled(t *testing.T) {
	for name, tc := range map[string]struct {
		state emulator.LegacyKeys
		rest  bool
	}{"enabled": {emulator.LegacyEnabled, false}, "disabled": {emulator.LegacyDisabled, true}, "none": {emulator.LegacyNone, true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "")
				r.fields = byAccessToken(r.server)
				r.server.SetProject(func(p *emulator.Project) { p.LegacyKeys = tc.state })
				r.server.Put("docs", "a", []byte("x"))
				require.Equal(t, "", errOf(r.run().Err))
				require.Equal(t, tc.rest, overS3(r.server) == 0)
				require.Equal(t, tc.rest, overREST(r.server) > 0)
			})
		})
	}
}

// TestTheOtherPlaneRepeatsNothingAndDeletesNothing changes the keys from run to run,
// and with them the plane: the state is the same.
func TestTheOtherPlaneRepeatsNothingAndDeletesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		state := fmt.Sprintf("emit_deletes: true\nfull_sweep_interval: 1s\n"+minutely+"state: {path: %q}\n", filepath.Join(t.TempDir(), "s.db"))
		read := func(credentials string) []string {
			r.fields = state + credentials
			stop := r.live()
			time.Sleep(5 * aPass)
			stop()
			return r.arrived()
		}
		for i := range 1200 {
			r.server.Put("docs", fmt.Sprintf("a/%04d (x)", i), fmt.Appendf(nil, "content %d", i))
		}
		require.Len(t, read(""), 1200)
		planes := []string{withSecretKey(r.server.Settings()), "", byAccessToken(r.server)}
		for i, credentials := range planes {
			require.Empty(t, read(credentials), i)
		}
		onlyNewKeys(r.server)
		require.Empty(t, read(byAccessToken(r.server)))

		r.server.Put("docs", "a/0007 (x)", []byte("another"))
		r.server.Put("docs", "b", []byte("new"))
		r.server.Delete("docs", "a/0009 (x)")
		require.Equal(t, []string{"created b", "deleted a/0009 (x)", "updated a/0007 (x)"}, read(withSecretKey(r.server.Settings())))
		require.Empty(t, read(""))
		require.NotContains(t, r.logs.String(), "no longer listed")
	})
}

// TestAUserOnTheOtherPlaneIsTheSameUser goes from the anon key to the publishable
// key: row level security shows the same, and nothing comes again.
func TestAUserOnTheOtherPlaneIsTheSameUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.server.AllowRead("docs", func(claims map[string]any, key string) bool {
			return claims["role"] == "authenticated" && strings.HasPrefix(key, "mine/")
		})
		for i := range 20 {
			r.server.Put("docs", fmt.Sprintf("mine/%d", i), []byte("x"))
			r.server.Put("docs", fmt.Sprintf("others/%d", i), []byte("x"))
		}
		state := fmt.Sprintf("state: {path: %q}\n", filepath.Join(t.TempDir(), "s.db"))
		r.fields = state + sessionToken(r.server.Settings(), r.server.UserToken("u1", 100*time.Hour))
		require.Equal(t, "", errOf(r.run().Err))
		require.Len(t, r.arrived(), 20)
		rest := overREST(r.server)
		r.fields = state + byUserToken(r.server, "u1")
		require.Equal(t, "", errOf(r.run().Err))
		require.Empty(t, r.arrived())
		require.Greater(t, overREST(r.server), rest)
		r.server.Put("docs", "mine/new", []byte("x"))
		require.Equal(t, "", errOf(r.run().Err))
		require.Equal(t, []string{"created mine/new"}, r.arrived())
		r.noSecrets(r.server.Settings())
	})
}

func TestNewKeysThatAreRefusedNameTheirFieldAndRemedy(t *testing.T) {
	for name, tc := range map[string]struct {
		gateway emulator.Gateway
		fields  func(t *testing.T, s *emulator.Server) string
		change  func(s *emulator.Server)
		says    []string
	}{
		"deleted, Kong": {
			emulator.GatewayKong, func(_ *testing.T, s *emulator.Server) string { return withSecretKey(s.Settings()) },
			func(s *emulator.Server) { s.RotateAPIKeys() },
			[]string{"credentials.secret_key: ", "no such secret key", "Secret keys"},
		},
		"deleted, Envoy": {
			emulator.GatewayEnvoy, func(_ *testing.T, s *emulator.Server) string { return withSecretKey(s.Settings()) },
			func(s *emulator.Server) { s.RotateAPIKeys() },
			[]string{"credentials.secret_key: ", "no such secret key", "Secret keys"},
		},
		"no gateway": {
			emulator.GatewayNone, func(_ *testing.T, s *emulator.Server) string { return withSecretKey(s.Settings()) },
			nil,
			[]string{"credentials.secret_key: ", "gateway in front of the server does not know the new API keys"},
		},
		"a file that was not replaced": {
			emulator.GatewayKong, func(t *testing.T, s *emulator.Server) string {
				fields, _ := bySecretKeyFile(s, t.TempDir())
				return fields
			},
			func(s *emulator.Server) { s.RotateAPIKeys() },
			[]string{"credentials.secret_key_file: ", "the file is read again"},
		},
		"the token of another secret": {
			emulator.GatewayKong, func(_ *testing.T, s *emulator.Server) string { return byUserToken(s, "u1") },
			func(s *emulator.Server) { s.RotateJWTSecret() },
			[]string{"credentials.user_token: ", "not signed by this project"},
		},
		"no permission to reveal": {
			emulator.GatewayKong, func(_ *testing.T, s *emulator.Server) string { return byAccessToken(s) },
			func(s *emulator.Server) {
				onlyNewKeys(s)
				s.SetAccessToken(s.Settings().AccessToken, emulator.PermProject, emulator.PermKeys)
			},
			[]string{"credentials.access_token: ", "lacks permissions", string(emulator.PermKeySecrets)},
		},
		"no secret key": {
			emulator.GatewayKong, func(_ *testing.T, s *emulator.Server) string { return byAccessToken(s) },
			func(s *emulator.Server) { onlyNewKeys(s); s.RemoveSecretKey(s.Settings().SecretKey) },
			[]string{"credentials.access_token: ", "a publishable key alone", "make a secret key"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "")
				r.server = emulator.New(emulator.Options{Gateway: tc.gateway})
				r.server.CreateBucket("docs")
				r.server.Put("docs", "a", []byte("x"))
				r.fields = tc.fields(t, r.server)
				before := r.server.Settings()
				if tc.change != nil {
					tc.change(r.server)
				}
				report := r.run()
				for _, words := range tc.says {
					require.ErrorContains(t, report.Err, words)
				}
				r.noSecrets(before, report.Err.Error())
			})
		})
	}
}

func TestNewKeysGoIntoTheirHeaderAndToNoOtherHost(t *testing.T) {
	for name, fields := range map[string]func(s *emulator.Server) string{
		"secret_key": secretKeyOf, "user_token": func(s *emulator.Server) string { return byUserToken(s, "u1") }, "user": asUser, "access_token": byAccessToken,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "")
				onlyNewKeys(r.server)
				r.fields = fields(r.server)
				r.server.AllowRead("docs", func(map[string]any, string) bool { return true })
				fillWithLines(r.server, 20)
				r.run()
				require.NotZero(t, overREST(r.server))
				for _, q := range r.server.Log() {
					key, token := q.Header.Get("Apikey"), q.Header.Get("Authorization")
					require.NotContains(t, token, "sb_", q.Op)
					if isManagement(q.Op) {
						require.Empty(t, key, q.Op)
					}
					if q.Op == emulator.OpListV2 || q.Op == emulator.OpRESTGet {
						require.Contains(t, []string{r.server.Settings().SecretKey, r.server.Settings().PublishableKey}, key)
						require.Equal(t, key == r.server.Settings().SecretKey, token == "", "a secret key goes alone")
					}
				}
			})
		})
	}
}

func isManagement(op emulator.Op) bool {
	return slices.Contains([]emulator.Op{emulator.OpGetProject, emulator.OpGetAPIKeys, emulator.OpGetLegacyKeys, emulator.OpGetHealth}, op)
}

// TestACheckOverRESTNamesThePlane looks at what a person reads.
func TestACheckOverRESTNamesThePlane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tc := range map[string]struct {
			fields func(s *emulator.Server) string
			says   []string
		}{
			"secret_key":   {secretKeyOf, []string{"/storage/v1, Storage answers in", "over the Storage REST API, since the keys are new API keys", "key ****", "not needed: requests over the Storage REST API"}},
			"user":         {asUser, []string{"over the Storage REST API", "role authenticated"}},
			"access_token": {byAccessToken, []string{"over the S3 protocol", "role service_role"}},
			"access_key":   {func(*emulator.Server) string { return "" }, []string{"an S3 server answers"}},
		} {
			r := newRig(t, "")
			r.fields = tc.fields(r.server)
			r.server.Put("docs", "a", []byte("x"))
			report := r.check(CheckOptions{})
			require.Empty(t, report.Failed(), name)
			text := fmt.Sprint(report.Steps)
			for _, words := range tc.says {
				require.Contains(t, text, words, name)
			}
			r.noSecrets(r.server.Settings(), text)
		}
	})
}

func TestAMissingBucketIsFoundOverREST(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fields = withSecretKey(r.server.Settings()) + "source_path: dosc\n"
		r.server.Put("docs", "a", []byte("x"))
		report := r.run()
		require.ErrorContains(t, report.Err, `source_path: the bucket "dosc" does not exist in this project`)
		require.ErrorContains(t, report.Err, `did you mean "docs"?`)
		require.Contains(t, r.check(CheckOptions{}).Failed(), CheckStepBucket)
	})
}
