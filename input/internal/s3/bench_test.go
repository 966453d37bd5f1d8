package s3

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
)

// canned answers every request at once, so that what is measured is the client.
type canned struct{ body string }

func (c canned) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, ContentLength: int64(len(c.body)), Body: io.NopCloser(strings.NewReader(c.body)),
		Header: http.Header{
			"Content-Type": {"text/plain"}, "Etag": {`"5eb63bbbe01eeed093cb22bb8f5acdc3"`},
			"Last-Modified": {"Fri, 20 Nov 2026 19:01:35 GMT"}, "Cache-Control": {"no-cache"},
		},
	}, nil
}

func cannedClient(b *testing.B, body string) *Client {
	b.Helper()
	c, err := New(plane.Options{
		Endpoint: "https://abcdefghijklmnopqrst.supabase.co/storage/v1/s3", Region: "eu-central-1", Bucket: testBucket,
		Credentials: static(object.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}), Transport: canned{body},
		ResponseTimeout: time.Minute, IdleTimeout: time.Minute,
	})
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// BenchmarkOpen is what one small object costs next to the network.
func BenchmarkOpen(b *testing.B) {
	c := cannedClient(b, strings.Repeat("x", 1024))
	buf := make([]byte, 1024)
	b.ReportAllocs()
	for b.Loop() {
		content, err := c.Open(b.Context(), "user-uploads/2026/11/20/photo-0001.jpg", 0)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(content.Body, buf); err != nil {
			b.Fatal(err)
		}
		_ = content.Body.Close()
	}
}

func BenchmarkDecodePage(b *testing.B) {
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = fmt.Sprintf("user-uploads/2026/11/20/photo-%06d.jpg", i)
	}
	doc := []byte(xmlPage("token", true, keys...))
	var p page
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if err := p.decode(doc, plane.PageKeys); err != nil {
			b.Fatal(err)
		}
	}
}
