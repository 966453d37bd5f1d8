package input

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/s3"
	"github.com/seed75cbcda6/supabase-storage/input/internal/scope"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/api"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/auth"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/management"
)

// explainedBy asks each API at a server, and returns the explained errors by
// API.
func explainedBy(t *testing.T, base string, conf *tls.Config) map[string]error {
	t.Helper()
	settings := supabase.Settings{
		Endpoint: base + "/storage/v1/s3", Region: "us-east-1", Bucket: "photos",
		Credentials: supabase.CredentialSettings{
			Type: supabase.TypeAccessKey, AccessKeyID: strings.Repeat("0a", 16), SecretAccessKey: strings.Repeat("0b", 32),
		},
	}
	p, err := supabase.Resolve(settings)
	require.NoError(t, err)
	p.AuthURL, p.APIURL = base+"/auth/v1", base
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	client, err := s3.New(plane.Options{
		Endpoint: p.Endpoint, Region: p.Region, Bucket: p.Bucket, TLS: conf,
		Credentials: func(context.Context) (object.Credentials, error) {
			return object.Credentials{AccessKeyID: "id", SecretAccessKey: "the-secret"}, nil
		},
		ConnectTimeout: 5 * time.Second, ResponseTimeout: 5 * time.Second, IdleTimeout: 5 * time.Second,
	})
	require.NoError(t, err)
	defer client.Close()
	_, _, listErr := client.Probe(ctx, "", retry.Once)
	options := func(base string) api.Options {
		return api.Options{Base: base, TLS: conf, ConnectTimeout: 5 * time.Second, Timeout: 5 * time.Second}
	}
	_, signErr := auth.New(options(p.AuthURL)).SignIn(ctx, "key", "me@example.com", "password")
	_, apiErr := management.New(options(p.APIURL)).Project(ctx, "sbp_0102030405060708", "abcdefghijklmnopqrst")
	return map[string]error{"S3": p.Explain(listErr, ""), "Auth": p.ExplainAuth(signErr), "Management API": p.ExplainAPI(apiErr)}
}

// tells checks that each API's error says all words, is no other row's, and
// never gives the advice that helps nobody.
func tells(t *testing.T, errs map[string]error, words ...string) {
	t.Helper()
	for api, err := range errs {
		field, ok := errors.AsType[*supabase.FieldError](err)
		require.True(t, ok, "%s: %v", api, err)
		require.NotEmpty(t, field.Field, api)
		require.NotEmpty(t, field.Remedy, api)
		for _, w := range words {
			require.Contains(t, field.Problem+"; "+field.Remedy, w, api)
		}
		require.NotContains(t, err.Error(), "check host, port and path", api)
		require.NotContains(t, err.Error(), "\n", api)
	}
}

func TestEachAnswerOfAServerHasARemedyOfItsOwn(t *testing.T) {
	const html = "text/html"
	seen := map[string]string{}
	for name, tc := range map[string]struct {
		status  int
		headers map[string]string
		body    string
		words   []string
	}{
		"quota":          {402, nil, `{"message":"service for this project is restricted: exceed_egress_quota"}`, []string{"quota", "Billing"}},
		"proxy password": {407, map[string]string{"Proxy-Authenticate": "Basic"}, "", []string{"forward proxy", "user name", "HTTPS_PROXY", "NO_PROXY"}},
		"proxy page":     {503, map[string]string{"Content-Type": html, "X-Squid-Error": "ERR_DNS_FAIL 0"}, "<html>", []string{"a forward proxy answers", "NO_PROXY"}},
		"https":          {308, map[string]string{"Location": "https://HOST/x"}, "", []string{"write https://"}},
		"moved":          {301, map[string]string{"Location": "https://other.example.com/x?token=secret1"}, "", []string{"redirects to https://other.example.com,"}},
		"login":          {302, map[string]string{"Location": "/login"}, "", []string{"redirects instead of answering (HTTP 302)"}},
		"challenge":      {403, map[string]string{"Content-Type": html, "Cf-Mitigated": "challenge"}, "<html><title>Just a moment...</title>", []string{"firewall or CDN", "challenge"}},
		"captcha":        {405, map[string]string{"Content-Type": html}, "<html>solve this captcha", []string{"firewall or CDN", "HTTP 405"}},
		"https port":     {400, nil, "Client sent an HTTP request to an HTTPS server.\n", []string{"speaks https:// on this port"}},
		"no route":       {404, map[string]string{"Content-Type": "application/json"}, `{"message":"no Route matched with those values"}`, []string{"gateway", "leads to nothing under this path"}},
		"method":         {405, map[string]string{"Content-Type": html}, "<html>Not Allowed", []string{"HTTP 405", "GET, HEAD"}},
		"paused":         {540, map[string]string{"Content-Type": html}, "<html>", []string{"paused", "restore it"}},
		"origin down":    {521, map[string]string{"Content-Type": html}, "<html>", []string{"Cloudflare", "refuses connections", "status.supabase.com"}},
		"origin slow":    {522, map[string]string{"Content-Type": html}, "<html>", []string{"Cloudflare", "in time"}},
		"origin TLS":     {526, nil, "", []string{"Cloudflare", "certificate"}},
		"origin gone":    {530, nil, "error code: 1016", []string{"Cloudflare", "can't find"}},
		"origin odd":     {520, nil, "", []string{"Cloudflare", "fails"}},
		"database":       {544, nil, "", []string{"database", "timed out"}},
		"gateway":        {502, map[string]string{"Content-Type": html}, "<html>Bad Gateway", []string{"at the moment", "HTTP 502"}},
		"page":           {200, map[string]string{"Content-Type": html}, "<html>Studio", []string{"a web page"}},
		"not found":      {404, map[string]string{"Content-Type": html}, "<html>Not Found", []string{"nothing at this path"}},
		"forbidden":      {403, map[string]string{"Content-Type": html}, "<html>Forbidden", []string{"forbids the request (HTTP 403)"}},
		"a gateway's":    {401, map[string]string{"Content-Type": html}, "<html>Authorization Required", []string{"a gateway", "a key of its own"}},
		"nothing":        {200, nil, "", []string{"answers with nothing"}},
		"other text":     {200, map[string]string{"Content-Type": "text/plain"}, "it works", []string{"see in its answer what it is"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for k, v := range tc.headers {
					w.Header().Set(k, strings.ReplaceAll(v, "HOST", r.Host))
				}
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			}))
			defer s.Close()
			errs := explainedBy(t, s.URL, nil)
			tells(t, errs, tc.words...)
			require.NotContains(t, errs["S3"].Error(), "secret1")
			field, _ := errors.AsType[*supabase.FieldError](errs["S3"])
			text := strings.ReplaceAll(field.Problem, strings.TrimPrefix(s.URL, "http://"), "HOST")
			require.NotContains(t, seen, text, "no two causes have one text")
			seen[text] = name
		})
	}
}

func TestARefusalOverTheClockSaysSo(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(-20*time.Minute).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too large.</Message></Error>")
	}))
	defer s.Close()
	err := explainedBy(t, s.URL, nil)["S3"]
	tells(t, map[string]error{"S3": err}, "check the clock")
	require.ErrorContains(t, err, "ahead of the server's")
	require.True(t, object.Transient(err), "a clock is set right some day")
}

// certified is a server with a certificate of its own making.
func certified(t *testing.T, edit func(*x509.Certificate), conf *tls.Config) (base string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if edit != nil {
		edit(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool = x509.NewCertPool()
	pool.AddCert(parsed)
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if conf == nil {
		conf = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	conf.Certificates = []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}
	s.TLS = conf
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL, pool
}

func TestEachFaultOfTLSHasARemedyOfItsOwn(t *testing.T) {
	for name, tc := range map[string]struct {
		edit    func(*x509.Certificate)
		conf    *tls.Config
		unknown bool
		words   []string
	}{
		"expired":       {edit: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, words: []string{"has expired on", "renewed"}},
		"not yet valid": {edit: func(c *x509.Certificate) { c.NotBefore = time.Now().Add(30 * time.Minute) }, words: []string{"still to come", "check the clock of this machine"}},
		"other host":    {edit: func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"a.example.com"} }, words: []string{"another host: a.example.com", "write the host"}},
		"authority":     {unknown: true, words: []string{"does not know the authority", "tls.root_cas_file"}},
		"client's":      {conf: &tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAnyClientCert}, words: []string{"certificate of the client", "tls.client_certs"}},
		"client's, 1.2": {conf: &tls.Config{MaxVersion: tls.VersionTLS12, MinVersion: tls.VersionTLS12, ClientAuth: tls.RequireAnyClientCert}, words: []string{"TLS with", "in brackets"}},
		"old TLS":       {conf: &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, words: []string{"TLS 1.2 or newer"}},
	} {
		t.Run(name, func(t *testing.T) {
			base, pool := certified(t, tc.edit, tc.conf)
			conf := &tls.Config{MinVersion: tls.VersionTLS12}
			if !tc.unknown {
				conf.RootCAs = pool
			}
			tells(t, explainedBy(t, base, conf), tc.words...)
		})
	}
	t.Run("plain", func(t *testing.T) {
		s := httptest.NewServer(http.NotFoundHandler())
		defer s.Close()
		tells(t, explainedBy(t, "https"+strings.TrimPrefix(s.URL, "http"), nil), "does not speak https:// on this port", "write http://")
	})
}

func TestNobodyThereHasARemedyOfItsOwn(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	tells(t, explainedBy(t, "http://"+l.Addr().String(), nil), "nothing listens at "+l.Addr().String())
	errs := explainedBy(t, "http://no-such-project.invalid", nil)
	for api, err := range errs {
		require.ErrorContains(t, err, "the host no-such-project.invalid can't be", api)
	}
}

// pages answers the list requests that which picks with a page of a gateway.
func pages(r *rig, which func(n int) bool) *int {
	asked := 0
	r.wrap = func(next http.RoundTripper) http.RoundTripper {
		return roundTripFunc(func(q *http.Request) (*http.Response, error) {
			if q.URL.Query().Has("list-type") {
				if asked++; which(asked) {
					const doc = "<html>Welcome to nginx!</html>"
					return &http.Response{
						StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/html"}},
						Body: io.NopCloser(strings.NewReader(doc)), ContentLength: int64(len(doc)), Request: q,
					}, nil
				}
			}
			return next.RoundTrip(q)
		})
	}
	return &asked
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(q *http.Request) (*http.Response, error) { return f(q) }

func TestAPageInPlaceOfTheFirstListingIsTriedAFewTimesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "retry: {max_attempts: 20}\n")
		asked := pages(r, func(int) bool { return true })
		report := r.run()
		require.ErrorContains(t, report.Err, "no S3 server but a web page")
		require.Equal(t, scope.UnreachableAttempts, *asked)
	})
}

func TestAPageInTheMiddleOfARunIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "retry: {max_attempts: 20}\n")
		r.server.Put("docs", "a", []byte("x"))
		asked := pages(r, func(n int) bool { return n > 1 && n < 10 })
		report := r.run()
		require.NoError(t, report.Err)
		require.Equal(t, int64(1), report.Delivered)
		require.InDelta(t, 10, *asked, 1, "the probe of an endpoint that seems to be down is one more")
	})
}

func TestALineThatIsTooLongNamesTheFieldThatBoundsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "scanner: {lines: {max_buffer_size: 16}}\n")
		r.server.Put("docs", "a", []byte(strings.Repeat("x", 100)+"\n"))
		report := r.run()
		require.Equal(t, map[string]int64{"scanner": 1}, report.Parked)
		require.Contains(t, r.logs.String(), "max_buffer_size")
	})
}
