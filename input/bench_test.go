package input

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
)

// endless is a bucket of a million million objects that all have the same
// content, and that answers at once, so that what is measured is the input.
type endless struct{ content string }

const (
	endlessKey   = "user-uploads/2026/11/20/photo-%012d.jpg"
	endlessFirst = len("user-uploads/2026/11/20/photo-")
	endlessPage  = 1000
	endlessETag  = "5eb63bbbe01eeed093cb22bb8f5acdc3"
)

func (e endless) RoundTrip(r *http.Request) (*http.Response, error) {
	header := http.Header{
		"Content-Type": {"image/jpeg"}, "Etag": {`"` + endlessETag + `"`},
		"Last-Modified": {"Fri, 20 Nov 2026 19:01:35 GMT"}, "Cache-Control": {"no-cache"},
	}
	content := e.content
	if strings.HasSuffix(r.URL.Path, "/docs") {
		content = e.page(r.URL.Query())
	}
	return &http.Response{
		StatusCode: http.StatusOK, ContentLength: int64(len(content)),
		Body: io.NopCloser(strings.NewReader(content)), Header: header,
	}, nil
}

// page lists what follows start-after or the token, which is the last key.
func (e endless) page(q url.Values) string {
	next := 0
	if last := max(q.Get("start-after"), q.Get("continuation-token")); len(last) > endlessFirst {
		digits, _, _ := strings.Cut(last[endlessFirst:], ".")
		next, _ = strconv.Atoi((digits + strings.Repeat("0", 12))[:12])
		next++
	}
	var doc bytes.Buffer
	doc.WriteString(`<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>true</IsTruncated>`)
	for n := next; n < next+endlessPage; n++ {
		fmt.Fprintf(&doc, `<Contents><Key>`+endlessKey+`</Key><LastModified>2026-11-20T19:01:35.123Z</LastModified>`+
			`<ETag>&quot;`+endlessETag+`&quot;</ETag><Size>%d</Size><StorageClass>STANDARD</StorageClass></Contents>`, n, len(e.content))
	}
	fmt.Fprintf(&doc, `<NextContinuationToken>`+endlessKey+`</NextContinuationToken></ListBucketResult>`, next+endlessPage-1)
	return doc.String()
}

// benchInput is the input as Benthos builds it from fields, on an endless
// bucket of objects with the given content.
func benchInput(b *testing.B, fields, content string) service.BatchInput {
	b.Helper()
	parsed, err := config.Spec().ParseYAML(`
project_ref: abcdefghijklmnopqrst
region: eu-central-1
credentials: {type: access_key, access_key_id: id, secret_access_key: secret}
source_path: docs
`+fields, nil)
	if err != nil {
		b.Fatal(err)
	}
	conf, err := config.Parse(parsed)
	if err != nil {
		b.Fatal(err)
	}
	conf.Transport = endless{content}
	quiet := service.NewLoggerFromSlog(slog.New(slog.DiscardHandler))
	in, err := newInput(conf, service.MockResources(service.MockResourcesOptUseLogger(quiet)))
	if err != nil {
		b.Fatal(err)
	}
	if err := in.Connect(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := in.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return in
}

// BenchmarkMessage is what one message costs in the whole input, from the
// listing to its ack, the network and the pipeline left out.
func BenchmarkMessage(b *testing.B) {
	lines := strings.Repeat(strings.Repeat("x", 49)+"\n", 10_000)
	for _, bc := range []struct{ name, fields, content string }{
		{"object", "", strings.Repeat("x", 1024)},
		{"object and state", fmt.Sprintf("state: {path: %q}", b.TempDir()+"/state.db"), strings.Repeat("x", 1024)},
		{"object in patterns", `include_patterns: ["*.mp4", "*.jpg"]` + "\n" + `exclude_patterns: ["*_thumbnail.*", "*.tmp"]`, strings.Repeat("x", 1024)},
		{"line", "scanner: {lines: {}}", lines},
	} {
		b.Run(bc.name, func(b *testing.B) {
			in := benchInput(b, bc.fields, bc.content)
			b.ReportAllocs()
			for b.Loop() {
				_, ack, err := in.ReadBatch(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				if err := ack(b.Context(), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
