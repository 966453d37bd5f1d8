package wire

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestANewConnectionGoesOnWithTheTLSSessionOfAnEarlierOne(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	conf := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	// The second way is that of a connection through a proxy, whose handshake is the
	// transport's own.
	for name, dial := range map[string]func(*http.Transport){
		"direct":  func(*http.Transport) {},
		"proxied": func(transport *http.Transport) { transport.DialTLSContext = nil },
	} {
		t.Run(name, func(t *testing.T) {
			transport := New(conf, time.Minute, 0) // which keeps no connection
			dial(transport)
			transport.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
			var resumed []bool
			ask := func() {
				trace := &httptrace.ClientTrace{TLSHandshakeDone: func(s tls.ConnectionState, err error) {
					require.NoError(t, err)
					resumed = append(resumed, s.DidResume)
				}}
				req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodGet, server.URL, nil)
				require.NoError(t, err)
				resp, err := transport.RoundTrip(req)
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
			}
			ask()
			ask()
			require.Equal(t, []bool{false, true}, resumed)
			require.Nil(t, conf.ClientSessionCache, "the caller's configuration stays as it is")
		})
	}
}
