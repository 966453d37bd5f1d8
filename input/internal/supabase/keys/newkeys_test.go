package keys

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

const (
	secretA     = "sb_secret_aaaaaaaaaaaaaaaaaaaaaa_12345678"
	secretB     = "sb_secret_bbbbbbbbbbbbbbbbbbbbbb_12345678"
	publishable = "sb_publishable_aaaaaaaaaaaaaaaaaaaaaa_12345678"
)

// newKeys is a list with a secret key, and with the legacy keys where they are to
// be shown as well.
func newKeys(secret string, legacy bool) string {
	list := fmt.Sprintf(`{"name":"default","type":"publishable","api_key":%q},{"name":"default","type":"secret","api_key":%q}`, publishable, secret)
	if legacy {
		list += fmt.Sprintf(`,{"name":"anon","api_key":%q,"type":"legacy"},{"name":"service_role","api_key":%q,"type":"legacy"}`, apiKey(0, "anon"), apiKey(0, "service_role"))
	}
	return "[" + list + "]"
}

func TestAnAccessTokenTakesTheKeysThatTheProjectHas(t *testing.T) {
	for name, tc := range map[string]struct {
		shown  bool   // whether the legacy keys are listed
		legacy string // whether they are enabled
		rest   bool
	}{
		"legacy enabled":          {true, "true", false},
		"legacy disabled":         {true, "false", true},
		"nobody can say":          {true, "", false},
		"new keys alone":          {false, "false", true},
		"new keys, nobody says":   {false, "", true},
		"an answer without sense": {true, "null", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.keys, w.legacy = newKeys(secretA, tc.shown), tc.legacy
			s, _ := start(t, w, settings(supabase.TypeAccessToken), 0)
			c := good(t, s)
			require.Equal(t, !tc.rest, c.Signs())
			require.Equal(t, tc.rest, s.Project().OverREST())
			require.Equal(t, supabase.Identity{Role: "service_role"}, s.Project().Identity, "the state is the same on both planes")
			if tc.rest {
				require.Equal(t, object.Credentials{APIKey: secretA, Region: "ap-south-1"}, c)
			}
		})
	}
}

func TestALegacyKeyThatIsSwitchedOffMakesPlaceForTheSecretKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.keys, w.legacy = newKeys(secretA, true), "true"
		s, l := start(t, w, settings(supabase.TypeAccessToken), 0)
		old := good(t, s)
		require.True(t, old.Signs())
		time.Sleep(time.Hour)
		w.change(func() { w.legacy = "false" })
		renewed, errs := storm(t.Context(), s, old, 100)
		require.Equal(t, 100, renewed)
		require.Empty(t, errs)
		require.Equal(t, secretA, good(t, s).APIKey)
		require.False(t, good(t, s).Signs())
		require.Len(t, l.renewed, 2)
	})
}

func TestASecretKeyThatIsReplacedIsRenewedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.keys = newKeys(secretA, false)
		s, l := start(t, w, settings(supabase.TypeAccessToken), 0)
		old := good(t, s)
		time.Sleep(time.Hour)
		w.change(func() { w.keys = newKeys(secretB, false) })
		renewed, errs := storm(t.Context(), s, old, 100)
		require.Equal(t, 100, renewed)
		require.Empty(t, errs)
		require.Equal(t, secretB, good(t, s).APIKey)
		require.Len(t, l.renewed, 2)
		require.Equal(t, 2, w.count("api-keys?"))
	})
}

// secretKeys is a list of secret keys, each as the text of its element.
func secretKeys(keys ...string) string { return "[" + strings.Join(keys, ",") + "]" }

func secretKey(name, value, role string) string {
	return fmt.Sprintf(`{"name":%q,"type":"secret","api_key":%q,"secret_jwt_template":{"role":%q}}`, name, value, role)
}

const secretC = "sb_secret_cccccccccccccccccccccc_12345678"

// A project has several secret keys, and one that was revoked may still be listed.
func TestAKeyThatIsRefusedMakesPlaceForTheNextOneOfTheProject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.keys = secretKeys(secretKey("default", secretA, "service_role"), secretKey("b", secretB, "service_role"), secretKey("c", secretC, "service_role"))
		s, _ := start(t, w, settings(supabase.TypeAccessToken), 0)
		began := time.Now()
		for _, want := range []string{secretA, secretB, secretC} {
			now := good(t, s)
			require.Equal(t, want, now.APIKey)
			renewed, err := s.Renew(t.Context(), now)
			require.NoError(t, err)
			require.Equal(t, want != secretC, renewed, want)
		}
		require.Less(t, time.Since(began), time.Second, "a run that is made once can't wait")
		require.Equal(t, 3, w.count("api-keys?"), "nothing is asked for where no key is left to try")
		time.Sleep(firstPause)
		renewed, err := s.Renew(t.Context(), good(t, s))
		require.NoError(t, err)
		require.True(t, renewed, "all were refused: it begins again with the first")
		require.Equal(t, secretA, good(t, s).APIKey)
	})
}

func TestProjectsOfWhichAllKeysAreRefusedAreAskedForThemLessAndLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.keys = secretKeys(secretKey("default", secretA, "service_role"), secretKey("b", secretB, "service_role"))
		s, _ := start(t, w, settings(supabase.TypeAccessToken), 0)
		began := time.Now()
		for time.Since(began) < time.Hour {
			_, err := s.Renew(t.Context(), good(t, s))
			require.NoError(t, err)
			time.Sleep(time.Second)
		}
		require.Less(t, w.count("api-keys?"), 50, "a pause of five minutes in the end, and one request for each key")
		require.Greater(t, w.count("api-keys?"), 10)
	})
}

func TestAKeyThatWasGoodIsNotGivenUpForOneRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.keys, w.legacy = newKeys(secretA, true), "true"
		s, _ := start(t, w, settings(supabase.TypeAccessToken), 0)
		old := good(t, s)
		require.True(t, old.Signs())
		time.Sleep(time.Hour)
		renewed, err := s.Renew(t.Context(), old)
		require.NoError(t, err)
		require.False(t, renewed)
		require.True(t, good(t, s).Signs())
		time.Sleep(time.Minute)
		renewed, err = s.Renew(t.Context(), old) // refused again: the legacy keys are dead
		require.NoError(t, err)
		require.True(t, renewed)
		require.Equal(t, secretA, good(t, s).APIKey)
	})
}

func TestASecretKeyOfAnotherRoleReadsAsThatRole(t *testing.T) {
	for name, tc := range map[string]struct{ keys, want, role string }{
		"one of two": {secretKeys(secretKey("default", secretA, "reader"), secretKey("b", secretB, "service_role")), secretB, "service_role"},
		"alone":      {secretKeys(secretKey("default", secretA, "reader")), secretA, "reader"},
	} {
		w := newWorld(t)
		w.keys = tc.keys
		s, _ := start(t, w, settings(supabase.TypeAccessToken), 0)
		require.Equal(t, tc.want, good(t, s).APIKey, name)
		require.Equal(t, supabase.Identity{Role: tc.role}, s.Project().Identity, name)
	}
}

func TestWhereThereIsNoSecretKeyItIsSaidWhatToMake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.keys = strings.ReplaceAll(newKeys(secretA, true), "secret", "other")
		w.legacy = "false"
		s, _ := start(t, w, settings(supabase.TypeAccessToken), 0)
		_, err := s.Credentials(t.Context())
		permanent(t, err, "credentials.access_token: ", "legacy API keys of the project "+ref+" are switched off", "no secret key", "make a secret key", "API keys -> Secret keys")
	})
}

func TestTroubleOnTheQuestionForTheLegacyKeysIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.keys, w.legacy = newKeys(secretA, true), "false"
		failures := 0
		w.fail = func(r *http.Request) reply {
			if strings.HasSuffix(r.URL.Path, "/legacy") && failures < 3 {
				failures++
				return reply{status: 503, body: "{}"}
			}
			return reply{}
		}
		s, l := start(t, w, settings(supabase.TypeAccessToken), 0)
		require.Equal(t, secretA, good(t, s).APIKey)
		require.Len(t, l.delayed, 3)
	})
}

func TestASecretKeyInAFileIsReadAgainWhenItIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "secret")
		write := func(value string) { require.NoError(t, os.WriteFile(path, []byte(value), 0o600)) }
		conf := settings(supabase.TypeSecretKey)
		conf.Credentials.Files = map[string]string{"credentials.secret_key": path}
		s, l := start(t, newWorld(t), conf, 0)
		write(publishable)
		_, err := s.Credentials(t.Context())
		permanent(t, err, "credentials.secret_key_file: ", "alone reads nothing")
		time.Sleep(firstPause)
		write(secretA + "\n")
		old := good(t, s)
		require.Equal(t, secretA, old.APIKey)
		require.Equal(t, supabase.Identity{Role: "service_role"}, s.Project().Identity)
		time.Sleep(time.Hour)
		write(secretB + "\n")
		renewed, errs := storm(t.Context(), s, old, 50)
		require.Equal(t, 50, renewed)
		require.Empty(t, errs)
		require.Equal(t, secretB, good(t, s).APIKey)
		require.Len(t, l.renewed, 2)
	})
}

func TestAUserSignsInWithThePublishableKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.apiKey = publishable
		conf := settings(supabase.TypeUser)
		conf.Credentials.AnonKey, conf.Credentials.PublishableKey = "", publishable
		s, _ := start(t, w, conf, 0)
		c := good(t, s)
		require.False(t, c.Signs())
		require.Equal(t, publishable, c.APIKey)
		require.NotEmpty(t, c.SessionToken)
		require.Equal(t, time.Now().Add(time.Hour), c.Expires)
		require.Equal(t, "user-1", s.Project().Identity.Subject)
		time.Sleep(time.Hour)
		require.NotEqual(t, c.SessionToken, good(t, s).SessionToken, "the session goes on")
		require.Equal(t, 1, w.count("grant_type=password"))
		require.NoError(t, s.SignOut(t.Context()))

		w.change(func() { w.apiKey = "another" })
		_, err := s.Credentials(t.Context())
		permanent(t, err, "credentials.publishable_key: ", "does not accept this key", "Publishable key")
	})
}
