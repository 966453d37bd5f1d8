package emulator

import (
	"fmt"
	"io"
	"net/http"
	"testing"
)

// BenchmarkGetTiny is the emulator's cost for a download of 1 KiB: what a client on
// the same machine loses when it is measured.
func BenchmarkGetTiny(b *testing.B) {
	s := New(Options{})
	s.PutGenerated("b", "k", 1024, 1)
	s.Put("b", "memory", make([]byte, 1024))
	c := newClient(b, s)
	for _, key := range []string{"k", "memory"} {
		b.Run(key, func(b *testing.B) {
			r := c.request(http.MethodGet, "b", key, "", nil, nil)
			c.sign.sign(r)
			b.ReportAllocs()
			for b.Loop() {
				s.ServeHTTP(&discard{header: http.Header{}}, r)
			}
		})
	}
}

type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkListMillion lists pages from the middle of a million keys.
func BenchmarkListMillion(b *testing.B) {
	s := New(Options{})
	for i := range 1_000_000 {
		s.PutGenerated("b", fmt.Sprintf("k%07d", i), 1024, uint64(i))
	}
	c := newClient(b, s)
	r := c.request(http.MethodGet, "b", "", "list-type=2&start-after=k0500000", nil, nil)
	c.sign.sign(r)
	for b.Loop() {
		s.ServeHTTP(&discard{header: http.Header{}}, r)
	}
}

// BenchmarkGenerated is the cost of content that is made on the fly.
func BenchmarkGenerated(b *testing.B) {
	b.SetBytes(1 << 20)
	for b.Loop() {
		_, _ = io.Copy(io.Discard, Generated(1, 1<<20))
	}
}
