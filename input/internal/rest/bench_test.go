package rest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// samplePage is a page as the server writes it.
func samplePage(rows int) []byte {
	var b strings.Builder
	b.WriteString(`{"hasNext":true,"nextCursor":"bDp4","nextCursorKey":"x","folders":[],"objects":[`)
	for i := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"8d72023d-2398-44e2-9567-c9da30698400","name":"user-uploads/2026/11/20/photo-%06d.jpg","metadata":{"eTag":"\"9dd4e461268c8034f5c8564e155c67a6\"","size":%d,"mimetype":"image/jpeg","cacheControl":"no-cache","lastModified":"2026-11-20T19:01:35.949Z","contentLength":1,"httpStatusCode":200},"updated_at":"2026-11-20T19:01:35.954Z","created_at":"2026-11-20T19:01:35.954Z","last_accessed_at":"2026-11-20T19:01:35.954Z"}`, i, i)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

// BenchmarkDecodePage is a page of a thousand rows, with the scanner and with
// encoding/json. The S3 protocol has the same benchmark for its pages.
func BenchmarkDecodePage(b *testing.B) {
	doc := samplePage(1000)
	b.Run("scanner", func(b *testing.B) {
		var p page
		b.SetBytes(int64(len(doc)))
		b.ReportAllocs()
		for b.Loop() {
			if err := p.decode(doc); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		b.ReportAllocs()
		for b.Loop() {
			var a jsonPage
			if err := json.Unmarshal(doc, &a); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// jsonPage is a page for encoding/json.
type jsonPage struct {
	HasNext bool
	Objects []struct {
		Name      string
		UpdatedAt time.Time `json:"updated_at"`
		Metadata  *struct {
			ETag string
			Size int64
		}
	}
}
