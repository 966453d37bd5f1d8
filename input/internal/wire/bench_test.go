//go:build unix

package wire

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// smallHead is what the Storage API sends before a small object.
const smallHead = "HTTP/1.1 200 OK\r\nDate: Fri, 20 Nov 2026 19:01:35 GMT\r\nContent-Type: text/plain;charset=UTF-8\r\n" +
	"Content-Length: 1024\r\nConnection: keep-alive\r\nAccess-Control-Allow-Origin: *\r\nAccept-Ranges: bytes\r\n" +
	"Cache-Control: no-cache\r\nEtag: \"5eb63bbbe01eeed093cb22bb8f5acdc3\"\r\nLast-Modified: Fri, 20 Nov 2026 19:01:35 GMT\r\n" +
	"X-Request-Id: 0123456789abcdef0123456789abcdef\r\nServer: cloudflare\r\nCf-Ray: 0123456789abcdef-FRA\r\n\r\n"

// again answers each request with the same bytes, without a network.
type again struct {
	pieces
	doc  string
	left string
}

func (a *again) Write(p []byte) (int, error) { a.left = a.doc; return len(p), nil }
func (a *again) Read(p []byte) (int, error) {
	n := copy(p, a.left)
	a.left = a.left[n:]
	return n, nil
}

// BenchmarkFraming is what following the framing costs for a small object, next
// to nothing but the connection and the buffer of a transport.
func BenchmarkFraming(b *testing.B) {
	ask := []byte("GET /storage/v1/s3/bucket/key HTTP/1.1\r\n\r\n")
	for name, wrap := range map[string]func(net.Conn) net.Conn{
		"bare":   func(c net.Conn) net.Conn { return c },
		"framed": func(c net.Conn) net.Conn { return frame(c) },
	} {
		b.Run(name, func(b *testing.B) {
			c := wrap(&again{doc: smallHead + strings.Repeat("x", 1024)})
			in, out := bufio.NewReader(c), make([]byte, len(smallHead)+1024)
			b.ReportAllocs()
			began, n := cpu(), 0
			for b.Loop() {
				n++
				_, _ = c.Write(ask)
				if _, err := io.ReadFull(in, out); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpu()-began)/float64(n), "cpu-ns/op")
		})
	}
}

// BenchmarkSmallObject is a GET of 1 KiB over a connection of this machine, with
// the transport of Go and with that of this package. It reports the processor's
// time, since the other one depends on what else runs.
func BenchmarkSmallObject(b *testing.B) {
	body := strings.Repeat("x", 1024)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, body)
	}))
	defer s.Close()
	for name, tr := range map[string]*http.Transport{"bare": {DisableCompression: true}, "framed": New(nil, time.Minute, 2)} {
		b.Run(name, func(b *testing.B) {
			defer tr.CloseIdleConnections()
			out := make([]byte, 1024)
			b.ReportAllocs()
			began, n := cpu(), 0
			for b.Loop() {
				n++
				req, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, s.URL, nil)
				resp, err := tr.RoundTrip(req)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(resp.Body, out); err != nil {
					b.Fatal(err)
				}
				_ = resp.Body.Close()
			}
			b.ReportMetric(float64(cpu()-began)/float64(n), "cpu-ns/op")
		})
	}
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
