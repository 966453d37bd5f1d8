package conformance

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// target is one endpoint under test, and everything that signs a request to it.
type target struct {
	endpoint   *url.URL
	region     string
	bucket     string
	projectRef string
	key        credentials
	anonKey    string
	// serviceRole, user and anon sign in session-token mode.
	serviceRole, user, anon credentials
	// expiredToken is empty if there is none.
	expiredToken string
	// email and password belong to the user; accessToken is a personal access
	// token for the Management API at apiURL. Each is empty if there is none.
	email, password, accessToken, apiURL string
	// maxKeyLength is the longest key that the store accepts, in bytes.
	maxKeyLength int
	// local says that the endpoint is a throw-away one of this process.
	local bool
}

// eachTarget runs test on the emulator, and on a real server if the environment
// names one.
func eachTarget(t *testing.T, test func(t *testing.T, tg *target)) {
	t.Helper()
	t.Run("emulator", func(t *testing.T) { test(t, startEmulator(t)) })
	if os.Getenv("SUPABASE_TEST_ENDPOINT") == "" {
		return
	}
	t.Run("real", func(t *testing.T) { test(t, realTarget(t)) })
}

func realTarget(t *testing.T) *target {
	t.Helper()
	env := func(name string) string {
		v := os.Getenv("SUPABASE_TEST_" + name)
		require.NotEmptyf(t, v, "SUPABASE_TEST_%s must be set when SUPABASE_TEST_ENDPOINT is", name)
		return v
	}
	tg := newTarget(t, settings{
		endpoint:        env("ENDPOINT"),
		region:          env("REGION"),
		bucket:          env("BUCKET"),
		projectRef:      env("PROJECT_REF"),
		accessKeyID:     env("ACCESS_KEY_ID"),
		secretAccessKey: env("SECRET_ACCESS_KEY"),
		anonKey:         env("ANON_KEY"),
		serviceRoleKey:  env("SERVICE_ROLE_KEY"),
		userToken:       env("USER_TOKEN"),
		expiredToken:    os.Getenv("SUPABASE_TEST_EXPIRED_TOKEN"),
	})
	tg.email, tg.password = os.Getenv("SUPABASE_TEST_USER_EMAIL"), os.Getenv("SUPABASE_TEST_USER_PASSWORD")
	tg.accessToken, tg.apiURL = os.Getenv("SUPABASE_TEST_ACCESS_TOKEN"), os.Getenv("SUPABASE_TEST_API_URL")
	if v := os.Getenv("SUPABASE_TEST_MAX_KEY_LENGTH"); v != "" {
		n, err := strconv.Atoi(v)
		require.NoError(t, err, "SUPABASE_TEST_MAX_KEY_LENGTH must be a number of bytes")
		tg.maxKeyLength = n
	}
	return tg
}

// settings are the settings that a user of a project has.
type settings struct {
	endpoint, region, bucket, projectRef string
	accessKeyID, secretAccessKey         string
	anonKey, serviceRoleKey, userToken   string
	expiredToken                         string
}

func newTarget(t *testing.T, s settings) *target {
	t.Helper()
	endpoint, err := url.Parse(strings.TrimSuffix(s.endpoint, "/"))
	require.NoError(t, err)
	key := credentials{accessKeyID: s.accessKeyID, secret: s.secretAccessKey, region: s.region, service: "s3"}
	session := func(token string) credentials {
		return credentials{accessKeyID: s.projectRef, secret: s.anonKey, token: token, region: s.region, service: "s3"}
	}
	return &target{
		endpoint:     endpoint,
		region:       s.region,
		bucket:       s.bucket,
		projectRef:   s.projectRef,
		key:          key,
		anonKey:      s.anonKey,
		serviceRole:  session(s.serviceRoleKey),
		user:         session(s.userToken),
		anon:         session(s.anonKey),
		expiredToken: s.expiredToken,
		maxKeyLength: maxKeyLength,
	}
}

// runName is the folder that every key of this run contains.
var runName = sync.OnceValue(func() string { return "conformance-" + strings.ToLower(rand.Text()[:12]) })

// prefix returns a folder for this test alone, ending in a slash. It does not
// contain the test's name, which may have any characters.
func (tg *target) prefix() string {
	return runName() + "/" + strings.ToLower(rand.Text()[:8]) + "/"
}

// userID is the sub claim of the user's token, and so the name of the folder
// that the user sees.
func (tg *target) userID(t *testing.T) string {
	t.Helper()
	parts := strings.Split(tg.user.token, ".")
	require.Len(t, parts, 3, "the user's token must be a JWT")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	var claims struct {
		Sub string `json:"sub"`
	}
	require.NoError(t, json.Unmarshal(payload, &claims))
	require.NotEmpty(t, claims.Sub, "the user's token must have a sub claim")
	return claims.Sub
}
