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

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// target is one endpoint under test over one plane, and everything that proves who
// asks.
type target struct {
	plane plane
	// gateway is what the emulator has in front; empty for a real server. server is
	// the emulator.
	gateway    emulator.Gateway
	server     *emulator.Server
	endpoint   *url.URL
	region     string
	bucket     string
	projectRef string
	anonKey    string
	// s3Key is the S3 access key, with which the suite stores and removes its objects
	// whatever the plane.
	s3Key credentials
	// secretKey and publishable are the project's API keys of the new kind, empty if
	// there is none. userToken and serviceToken are JWTs.
	secretKey, publishable, userToken, serviceToken string
	// key reads everything. serviceRole, user and anon have a token: over S3 they
	// sign in session-token mode.
	key                     credentials
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

// realTarget is the server that the environment names, over a plane.
func realTarget(t *testing.T, p plane) *target {
	t.Helper()
	env := func(name string) string {
		v := os.Getenv("SUPABASE_TEST_" + name)
		require.NotEmptyf(t, v, "SUPABASE_TEST_%s must be set when SUPABASE_TEST_ENDPOINT is", name)
		return v
	}
	tg := newTarget(t, p, settings{
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
		secretKey:       os.Getenv("SUPABASE_TEST_SECRET_KEY"),
		publishableKey:  os.Getenv("SUPABASE_TEST_PUBLISHABLE_KEY"),
	})
	if p == overREST {
		env("PUBLISHABLE_KEY") // the other half of the new keys
	}
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
	secretKey, publishableKey            string
}

func newTarget(t *testing.T, p plane, s settings) *target {
	t.Helper()
	endpoint, err := url.Parse(strings.TrimSuffix(s.endpoint, "/"))
	require.NoError(t, err)
	key := credentials{accessKeyID: s.accessKeyID, secret: s.secretAccessKey, region: s.region, service: "s3"}
	session := func(token string) credentials {
		return credentials{accessKeyID: s.projectRef, secret: s.anonKey, token: token, region: s.region, service: "s3"}
	}
	tg := &target{
		plane:        p,
		endpoint:     endpoint,
		region:       s.region,
		bucket:       s.bucket,
		projectRef:   s.projectRef,
		s3Key:        key,
		key:          key,
		secretKey:    s.secretKey,
		publishable:  s.publishableKey,
		userToken:    s.userToken,
		serviceToken: s.serviceRoleKey,
		anonKey:      s.anonKey,
		serviceRole:  session(s.serviceRoleKey),
		user:         session(s.userToken),
		anon:         session(s.anonKey),
		expiredToken: s.expiredToken,
		maxKeyLength: maxKeyLength,
	}
	if p == overREST {
		tg.key = credentials{apiKey: s.secretKey}
		tg.serviceRole = credentials{bearer: s.serviceRoleKey}
		tg.user = credentials{apiKey: s.publishableKey, bearer: s.userToken}
		tg.anon = credentials{bearer: s.anonKey}
	}
	return tg
}

// as are the credentials of another token.
func (tg *target) as(token string) credentials {
	c := tg.user
	if tg.plane == overREST {
		c.bearer = token
	} else {
		c.token = token
	}
	return c
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
	parts := strings.Split(tg.userToken, ".")
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
