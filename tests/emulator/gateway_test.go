package emulator

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// viaREST sends a GET of a path below the gateway's prefix, encoded as it is given,
// with headers as pairs.
func (c *client) viaREST(path string, headers ...string) answered {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.s.URL(), nil)
	require.NoError(c.t, err)
	r.URL.RawPath = c.s.prefix + path
	r.URL.Path, err = url.PathUnescape(r.URL.RawPath)
	require.NoError(c.t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header[http.CanonicalHeaderKey(headers[i])] = []string{headers[i+1]}
	}
	return c.send(r)
}

const (
	restNoToken = `{"statusCode":"403","error":"Unauthorized","message":"Invalid Compact JWS","code":"AccessDenied"}`
	restNoKey   = `{"statusCode":"404","error":"not_found","message":"Object not found","code":"NoSuchKey"}`
)

func TestGatewayDecidesWhatBecomesOfAnAPIKey(t *testing.T) {
	const key = "/object/authenticated/b/k"
	for gateway, want := range map[Gateway]struct{ secret, publishable, unknown, legacy string }{
		GatewayKong:  {"x", restNoKey, restNoHeader, restNoHeader},
		GatewayEnvoy: {"x", restNoKey, restNoToken, "x"},
		GatewayNone:  {restNoHeader, restNoHeader, restNoHeader, restNoHeader},
	} {
		t.Run(string(gateway), func(t *testing.T) {
			s := New(Options{Gateway: gateway})
			s.Put("b", "k", []byte("x"))
			c, set := newClient(t, s), s.Settings()
			require.Equal(t, want.secret, c.viaREST(key, "apikey", set.SecretKey).body)
			require.Equal(t, want.publishable, c.viaREST(key, "apikey", set.PublishableKey).body)
			require.Equal(t, want.unknown, c.viaREST(key, "apikey", "sb_secret_unknown").body)
			require.Equal(t, want.legacy, c.viaREST(key, "apikey", set.ServiceRoleKey).body)
			require.JSONEq(t, restNoHeader, c.viaREST(key).body)
			service := "Bearer " + set.ServiceRoleKey
			require.Equal(t, "x", c.viaREST(key, "apikey", "sb_secret_unknown", "Authorization", service).body)
			user := "Bearer " + s.UserToken("u", time.Hour)
			require.JSONEq(t, restNoKey, c.viaREST(key, "apikey", set.SecretKey, "Authorization", user).body)
			require.JSONEq(t, restNoToken, c.viaREST(key, "Authorization", "Bearer "+set.SecretKey).body)
			require.Equal(t, "x", c.get("b", "k").body, "S3 is as it was")
		})
	}
}

func TestAnEmptyAuthorizationIsNoneForAGateway(t *testing.T) {
	for _, gateway := range []Gateway{GatewayKong, GatewayEnvoy} {
		s := New(Options{Gateway: gateway})
		s.Put("b", "k", []byte("x"))
		require.Equal(t, "x", newClient(t, s).viaREST("/object/authenticated/b/k", "apikey", s.Settings().SecretKey, "Authorization", "").body)
	}
}

func TestSecretKeysAreRotatedWithoutAGap(t *testing.T) {
	s := New(Options{})
	s.Put("b", "k", []byte("x"))
	c := newClient(t, s)
	works := func(key string) bool { return c.viaREST("/object/b/k", "apikey", key).body == "x" }
	old := s.Settings().SecretKey
	next := s.AddSecretKey()
	require.True(t, works(old) && works(next))
	listed := c.manage(defaultAccessToken, ref+"/api-keys?reveal=true").body
	require.Contains(t, listed, old)
	require.Contains(t, listed, next)
	require.Equal(t, next, s.RemoveSecretKey(old).SecretKey)
	require.False(t, works(old))
	require.True(t, works(next))
	require.NotContains(t, c.manage(defaultAccessToken, ref+"/api-keys?reveal=true").body, old)
	require.Empty(t, s.RemoveSecretKey(next).SecretKey)
	require.False(t, works(next) || works(""))
	require.NotContains(t, c.manage(defaultAccessToken, ref+"/api-keys?reveal=true").body, `"type":"secret"`)
}

func TestGatewayRefusesLegacyKeysThatWereSwitchedOff(t *testing.T) {
	for _, gateway := range Gateways() {
		t.Run(string(gateway), func(t *testing.T) {
			s := New(Options{Gateway: gateway})
			s.Put("b", "k", []byte("x"))
			s.AllowRead("b", func(claims map[string]any, _ string) bool { return claims["sub"] == "u" })
			c, set := newClient(t, s), s.Settings()
			get := func(headers ...string) answered { return c.viaREST("/object/authenticated/b/k", headers...) }
			service, user := "Bearer "+set.ServiceRoleKey, "Bearer "+s.UserToken("u", time.Hour)
			require.Equal(t, "x", get("Authorization", service).body)
			s.SetProject(func(p *Project) { p.LegacyKeys = LegacyDisabled })
			require.Equal(t, "x", get("Authorization", user).body)
			if gateway == GatewayNone {
				require.Equal(t, "x", get("Authorization", service).body, "nobody is there to refuse it")
				return
			}
			for _, headers := range [][]string{{"Authorization", service}, {"apikey", set.AnonKey, "Authorization", user}} {
				got := get(headers...)
				require.Equal(t, http.StatusUnauthorized, got.status)
				require.Contains(t, got.body, "Legacy API keys are disabled")
			}
			require.Equal(t, "x", get("apikey", set.PublishableKey, "Authorization", user).body)
			require.Equal(t, "x", get("apikey", set.SecretKey).body)
			s.SetProject(func(p *Project) { p.LegacyKeys = LegacyNone })
			require.Contains(t, get("Authorization", service).body, "Invalid API key")
		})
	}
}

func TestEnvoyChangesPathsAndRefusesSome(t *testing.T) {
	s := New(Options{Gateway: GatewayEnvoy})
	for _, key := range []string{"a/b", "a//b", "/lead", "lead", "plain"} {
		s.Put("b", key, []byte(key))
	}
	c := newClient(t, s)
	get := func(key string, headers ...string) answered {
		return c.viaREST("/object/authenticated/b/"+key, append(headers, "apikey", s.Settings().SecretKey)...)
	}
	require.Equal(t, "a/b", get("a/b").body)
	require.Equal(t, "a/b", get("a//b").body, "another key")
	require.Equal(t, "lead", get("/lead").body, "another key")
	require.Equal(t, "plain", get("x/../plain").body)
	require.Equal(t, "plain", get("./%2e/plain").body)
	require.JSONEq(t, restNoKey, get("a/b/").body, "a slash at the end stays")
	for _, key := range []string{"a%2Fb", "a%2fb", "a%5Cb"} {
		got := get(key)
		require.Equal(t, http.StatusBadRequest, got.status, key)
		require.Equal(t, "envoy", got.header.Get("Server"))
		require.Empty(t, got.body)
	}
	got := get("plain", "x_y", "1")
	require.Equal(t, http.StatusBadRequest, got.status)
	require.Equal(t, "Bad Request", got.body)
	require.Equal(t, "SignatureDoesNotMatch", c.get("b", "a//b").code(), "the signature is of another path")
	require.Equal(t, "a/b", c.get("b", "a/b").body)
	require.Equal(t, http.StatusOK, c.manage(defaultAccessToken, ref+"/api-keys?x=%2F").status)
}

func TestKongLeavesPathsAlone(t *testing.T) {
	s := New(Options{})
	s.Put("b", "a//b", []byte("x"))
	c := newClient(t, s)
	for _, path := range []string{"/object/b/a//b", "/object/b/a%2F%2Fb"} {
		require.Equal(t, "x", c.viaREST(path, "apikey", s.Settings().SecretKey, "x_y", "1").body)
	}
	require.Equal(t, "x", c.get("b", "a//b").body)
}

func TestEnvoyEndsAnAnswerThatTakesTooLong(t *testing.T) {
	const size = 1 << 20
	for name, tc := range map[string]struct {
		fault Fault
		// pause is how long the client waits before it reads on.
		pause time.Duration
		want  func(t *testing.T, got answered)
	}{
		"the header is late": {fault: Fault{Delay: time.Minute}, want: func(t *testing.T, got answered) {
			require.NoError(t, got.err)
			require.Equal(t, http.StatusGatewayTimeout, got.status)
			require.Equal(t, "upstream request timeout", got.body)
		}},
		"the body is slow": {fault: Fault{BytesPerSecond: size / 60}, want: func(t *testing.T, got answered) {
			require.ErrorIs(t, got.err, io.ErrUnexpectedEOF)
			require.InDelta(t, size/2, len(got.body), size/16)
		}},
		"the body is silent": {fault: Fault{StallAfter: 1000}, want: func(t *testing.T, got answered) {
			require.ErrorIs(t, got.err, io.ErrUnexpectedEOF)
			require.Len(t, got.body, 1000)
		}},
		"the client is slow": {pause: time.Minute, want: func(t *testing.T, got answered) {
			require.ErrorIs(t, got.err, io.ErrUnexpectedEOF)
			require.Less(t, len(got.body), size)
		}},
		"all is well": {want: func(t *testing.T, got answered) {
			require.NoError(t, got.err)
			require.Len(t, got.body, size)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New(Options{Gateway: GatewayEnvoy})
				s.PutGenerated("b", "k", size, 1)
				s.SetFaults(func(Request) Fault { return tc.fault })
				c := newClient(t, s)
				c.rt = pausing{c.rt, tc.pause}
				tc.want(t, c.viaREST("/object/b/k", "apikey", s.Settings().SecretKey))
			})
		})
	}
}

func TestGatewayTimeoutEndsAnAnswerOverASocket(t *testing.T) {
	s := New(Options{Gateway: GatewayEnvoy, GatewayTimeout: 50 * time.Millisecond})
	s.PutGenerated("b", "k", 64<<20, 1)
	l, err := s.Start("")
	require.NoError(t, err)
	defer l.Close()
	for _, f := range []Fault{{Delay: time.Minute}, {StallAfter: AtOnce}, {}} {
		s.SetFaults(func(Request) Fault { return f })
		c := newClient(t, s)
		c.rt = pausing{toHost{strings.TrimPrefix(l.URL(), "http://")}, 500 * time.Millisecond}
		got := c.viaREST("/object/b/k", "apikey", s.Settings().SecretKey)
		if f.Delay > 0 {
			require.NoError(t, got.err)
			require.Equal(t, http.StatusGatewayTimeout, got.status)
			continue
		}
		require.Error(t, got.err)
	}
}

// toHost sends requests to another host.
type toHost struct{ host string }

// RoundTrip sends r.
func (h toHost) RoundTrip(r *http.Request) (*http.Response, error) {
	r.URL.Host = h.host
	return http.DefaultTransport.RoundTrip(r)
}

// pausing waits between the header of an answer and its body.
type pausing struct {
	http.RoundTripper

	pause time.Duration
}

// RoundTrip sends r.
func (p pausing) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := p.RoundTripper.RoundTrip(r)
	time.Sleep(p.pause)
	return resp, err
}

func TestGatewayNamesAreRead(t *testing.T) {
	for _, g := range Gateways() {
		got, err := ParseGateway(string(g))
		require.NoError(t, err)
		require.Equal(t, g, got)
	}
	_, err := ParseGateway("nginx")
	require.ErrorContains(t, err, `"nginx" is no gateway; write one of kong, envoy, none`)
}
