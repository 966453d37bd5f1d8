package wire

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
)

const forged = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"

// talkative answers every request with the bytes that answer gives, over plain
// connections or TLS, and counts connections.
func talkative(t *testing.T, secure bool, answer func(r *http.Request, w io.Writer)) (base string, conf *tls.Config, dials func() int) {
	t.Helper()
	var l net.Listener
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	scheme := "http://"
	if secure {
		borrowed := httptest.NewTLSServer(nil)
		conf = borrowed.Client().Transport.(*http.Transport).TLSClientConfig
		l, scheme = tls.NewListener(l, borrowed.TLS), "https://"
		borrowed.Close()
	}
	var mu sync.Mutex
	var conns []net.Conn
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			go func() {
				in := bufio.NewReader(conn)
				for {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					answer(r, conn)
				}
			}()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, conn := range conns {
			_ = conn.Close()
		}
	})
	return scheme + l.Addr().String(), conf, func() int { mu.Lock(); defer mu.Unlock(); return len(conns) }
}

// printed collects what anybody prints with the standard logger.
func printed(t *testing.T) func() string {
	t.Helper()
	var out bytes.Buffer
	var mu sync.Mutex
	before := log.Writer()
	log.SetOutput(writerFunc(func(p []byte) (int, error) { mu.Lock(); defer mu.Unlock(); return out.Write(p) }))
	t.Cleanup(func() { log.SetOutput(before) })
	return func() string { mu.Lock(); defer mu.Unlock(); return out.String() }
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func get(t *testing.T, tr http.RoundTripper, method, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	require.NoError(t, err)
	resp, err := tr.RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	doc, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(doc)
}

func TestBytesThatNobodyAskedForAreNeitherPrintedNorTakenForAnAnswer(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 1<<16)
	for name, tc := range map[string]struct{ method, answer, want string }{
		"short":             {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"},
		"empty":             {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""},
		"long":              {"GET", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(big), big), big},
		"as long as a tail": {"GET", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", readAhead, big[:readAhead]), big[:readAhead]},
		"no content":        {"GET", "HTTP/1.1 204 No Content\r\n\r\n", ""},
		"head":              {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", ""},
		"chunks":            {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: t\r\n\r\n", "hello"},
		"after an early hint": {
			"GET", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello",
		},
		"bare line feeds": {"GET", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", "hello"},
		"a line longer than the buffer": {
			"GET", "HTTP/1.1 200 OK\r\nContent-Security-Policy: " + big[:3*readAhead] + "\r\nContent-Length: 5\r\n\r\nhello", "hello",
		},
		"HTTP/1.0 that knows no chunks": {
			"GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello", "hello",
		},
		"the length twice":              {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nCONTENT-LENGTH:5\r\n\r\nhello", "hello"},
		"chunks and a length":           {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello"},
		"one byte more than the buffer": {"GET", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", readAhead+1, big[:readAhead+1]), big[:readAhead+1]},
		"head and body fill the buffer": {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 4055\r\n\r\n" + big[:4055], big[:4055]},
	} {
		for _, secure := range []bool{false, true} {
			for _, extra := range []string{forged, "\x00secret content", "HTTP/1.1 408 Request Timeout\r\n\r\n"} {
				t.Run(fmt.Sprintf("%s, TLS %v, %.9q", name, secure, extra), func(t *testing.T) {
					log := printed(t)
					base, conf, dials := talkative(t, secure, func(_ *http.Request, w io.Writer) { _, _ = io.WriteString(w, tc.answer+extra) })
					tr := New(conf, 5*time.Second, 2)
					defer tr.CloseIdleConnections()
					for range 5 {
						require.Equal(t, tc.want, get(t, tr, tc.method, base))
					}
					require.Equal(t, 5, dials(), "a spoilt connection is not used again")
					require.Empty(t, log())
				})
			}
		}
	}
}

func TestBytesThatComeLateCloseTheConnectionQuietly(t *testing.T) {
	log := printed(t)
	late := make(chan struct{})
	base, _, dials := talkative(t, false, func(_ *http.Request, w io.Writer) {
		_, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
		go func() { <-late; _, _ = io.WriteString(w, forged) }()
	})
	tr := New(nil, 5*time.Second, 2)
	require.Equal(t, "hello", get(t, tr, "GET", base))
	late <- struct{}{}
	require.Eventually(t, func() bool {
		return get(t, tr, "GET", base) == "hello" && dials() > 1
	}, 10*time.Second, time.Millisecond)
	close(late)
	tr.CloseIdleConnections()
	require.Empty(t, log())
}

func TestAConnectionWithGoodAnswersIsUsedAgain(t *testing.T) {
	for _, secure := range []bool{false, true} {
		big := strings.Repeat("x", 100_000)
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/chunks":
				for _, part := range []string{"a", big, "b"} {
					_, _ = io.WriteString(w, part)
					w.(http.Flusher).Flush()
				}
			case "/none":
				w.WriteHeader(http.StatusNoContent)
			case "/cached":
				w.WriteHeader(http.StatusNotModified)
			case "/hints":
				w.WriteHeader(http.StatusEarlyHints)
				_, _ = io.WriteString(w, "after")
			default:
				_, _ = io.WriteString(w, big)
			}
		})
		s := httptest.NewUnstartedServer(h)
		dials := 0
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				dials++
			}
		}
		var conf *tls.Config
		if secure {
			s.StartTLS()
			conf = s.Client().Transport.(*http.Transport).TLSClientConfig
		} else {
			s.Start()
		}
		tr := New(conf, 5*time.Second, 2)
		for range 3 {
			require.Equal(t, "a"+big+"b", get(t, tr, "GET", s.URL+"/chunks"))
			require.Equal(t, big, get(t, tr, "GET", s.URL))
			require.Equal(t, "", get(t, tr, "HEAD", s.URL))
			require.Equal(t, "", get(t, tr, "GET", s.URL+"/none"))
			require.Equal(t, "", get(t, tr, "GET", s.URL+"/cached"))
			require.Equal(t, "after", get(t, tr, "GET", s.URL+"/hints"))
		}
		tr.CloseIdleConnections()
		s.Close()
		require.Equal(t, 1, dials, "TLS %v", secure)
	}
}

func TestAnAnswerThatEndsWithItsConnectionIsRead(t *testing.T) {
	base, _, _ := talkative(t, false, func(_ *http.Request, w io.Writer) {
		_, _ = io.WriteString(w, "HTTP/1.0 200 OK\r\n\r\nhello")
		_ = w.(io.Closer).Close()
	})
	require.Equal(t, "hello", get(t, New(nil, time.Second, 2), "GET", base))
}

func TestAProxyThatOpensNoTunnelIsNamedWithItsStatus(t *testing.T) {
	for _, status := range []int{http.StatusProxyAuthRequired, http.StatusForbidden, http.StatusBadGateway} {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		at, err := url.Parse(proxy.URL)
		require.NoError(t, err)
		tr := New(nil, time.Second, 2)
		tr.Proxy = http.ProxyURL(at)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://project.invalid", nil)
		require.NoError(t, err)
		resp, err := tr.RoundTrip(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		refusal, ok := errors.AsType[*foreign.ProxyRefusal](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, status, refusal.Status)
		require.Equal(t, at.Host, refusal.Host)
		require.Equal(t, "connecting through the HTTP proxy", unreachable(err))
		proxy.Close()
	}
}

func TestTLSThroughAProxyWorks(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	defer s.Close()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		there, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			return
		}
		w.WriteHeader(http.StatusOK)
		here, read, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		// The server may have read the first bytes of the handshake already.
		go func() { _, _ = io.Copy(there, read); _ = there.Close() }()
		_, _ = io.Copy(here, there)
		_ = here.Close()
	}))
	defer proxy.Close()
	at, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	tr := New(s.Client().Transport.(*http.Transport).TLSClientConfig, time.Second, 2)
	tr.Proxy = http.ProxyURL(at)
	defer tr.CloseIdleConnections()
	for range 3 {
		require.Equal(t, "hello", get(t, tr, "GET", "https://example.com/"))
	}
}

func TestHeadersAreBounded(t *testing.T) {
	base, _, _ := talkative(t, false, func(_ *http.Request, w io.Writer) {
		_, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\nX-Amz-Meta-A: "+strings.Repeat("x", 2*MaxHead)+"\r\nContent-Length: 0\r\n\r\n")
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base, nil)
	require.NoError(t, err)
	resp, err := New(nil, time.Second, 2).RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	require.Error(t, err)
	require.True(t, headTooLarge(err), "%v", err)
}

// Whatever a server sends, in whatever pieces, the end of an answer is found
// where net/http finds it.
func FuzzTheEndOfAnAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), uint8(3))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), uint8(1))
	f.Add([]byte("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello"), uint8(9))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"), uint8(9))
	f.Add([]byte("HTTP/1.1 103 x\r\n\r\nHTTP/1.1 204 x\r\n\r\n"), uint8(7))
	f.Fuzz(func(t *testing.T, doc []byte, size uint8) {
		c := frame(pieces{bytes.NewReader(doc), int(size%16) + 1})
		_, err := c.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
		require.NoError(t, err)
		in := bufio.NewReaderSize(c, 16)
		for {
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				return
			}
			if resp.StatusCode >= 100 && resp.StatusCode < 200 && resp.StatusCode != 101 {
				continue
			}
			_, err = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode == 101 || resp.ContentLength < 0 && len(resp.TransferEncoding) == 0 {
				return
			}
			break
		}
		require.Zero(t, in.Buffered(), "nothing behind the answer was let through")
		if c.due == 0 { // it agrees that the answer is over
			_, err := c.Read(make([]byte, 10))
			require.ErrorIs(t, err, io.EOF)
		}
	})
}

// pieces reads a few bytes at a time.
type pieces struct {
	*bytes.Reader
	size int
}

func (p pieces) Read(b []byte) (int, error)     { return p.Reader.Read(b[:min(len(b), p.size)]) }
func (pieces) Write(b []byte) (int, error)      { return len(b), nil }
func (pieces) Close() error                     { return nil }
func (pieces) LocalAddr() net.Addr              { return nil }
func (pieces) RemoteAddr() net.Addr             { return nil }
func (pieces) SetDeadline(time.Time) error      { return nil }
func (pieces) SetReadDeadline(time.Time) error  { return nil }
func (pieces) SetWriteDeadline(time.Time) error { return nil }
