package emulator

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEveryAllowedCharacterSurvivesTheTrip(t *testing.T) {
	s := New(Options{})
	s.CreateBucket("b")
	c := newClient(t, s)
	var all strings.Builder
	for i := range 256 {
		if keyBytes[i] {
			all.WriteByte(byte(i))
		}
	}
	keys := []string{all.String(), "//", "/leading", "a//b", "ends in space ", "f.txt", "f.txt.bak", strings.Repeat("k", 2500), "dir/"}
	for _, key := range keys {
		put := c.do(http.MethodPut, "b", key, "", http.Header{"Content-Type": {"text/plain"}}, []byte("body of "+key))
		require.Equal(t, http.StatusOK, put.status, "%q: %s", key, put.body)
		require.Equal(t, "body of "+key, c.get("b", key).body)
	}
	require.ElementsMatch(t, keys, c.list("b", url.Values{}).entries())
}

func TestForbiddenKeysAreRefusedExceptByDelete(t *testing.T) {
	s := New(Options{})
	for _, key := range []string{"hash#x", "pct%41", "tilde~x", "br[ack]", "ü", "tab\tx", "back\\slash", "pipe|x", `dq"x`} {
		s.Put("b", key, []byte("x"), WithRawKey())
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut} {
			require.Equal(t, http.StatusBadRequest, newClient(t, s).do(method, "b", key, "", nil, nil).status, "%s %q", method, key)
		}
		for range 2 {
			require.Equal(t, http.StatusNoContent, newClient(t, s).do(http.MethodDelete, "b", key, "", nil, nil).status, "%q", key)
		}
		_, _, ok := s.Get("b", key)
		require.False(t, ok, "%q", key)
	}
	require.Panics(t, func() { s.Put("b", "hash#x", nil) })
	require.Panics(t, func() { s.Put("b", "a/../b", nil) })
}

func TestEmptyFolderBecomesItsPlaceholder(t *testing.T) {
	s := New(Options{})
	s.CreateBucket("b")
	c := newClient(t, s)
	require.Equal(t, http.StatusOK, c.do(http.MethodPut, "b", "fold/", "", nil, nil).status)
	require.Equal(t, []string{"fold/.emptyFolderPlaceholder"}, c.list("b", url.Values{}).entries())
	got := c.do(http.MethodPut, "b", "other/.emptyFolderPlaceholder", "", nil, []byte("x"))
	require.Equal(t, http.StatusRequestEntityTooLarge, got.status)
	require.Contains(t, got.body, "<Code>EntityTooLarge</Code>")
}

func TestUploadKeepsItsHeaders(t *testing.T) {
	s := New(Options{})
	s.CreateBucket("b")
	c := newClient(t, s)
	header := http.Header{
		"Content-Type": {"text/csv"}, "Cache-Control": {"max-age=60"}, "X-Amz-Meta-Origin": {"camera 1"},
	}
	require.Equal(t, http.StatusOK, c.do(http.MethodPut, "b", "k", "", header, []byte("1,2")).status)
	stored, body, ok := s.Get("b", "k")
	require.True(t, ok)
	require.Equal(t, "1,2", string(body))
	require.Equal(t, "text/csv", stored.ContentType)
	got := c.get("b", "k")
	for name, values := range header {
		require.Equal(t, values, got.header[name])
	}
}

func TestChunkedUploadIsTakenApart(t *testing.T) {
	s := New(Options{})
	s.CreateBucket("b")
	c := newClient(t, s)
	chunked := "5;chunk-signature=ab\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
	header := http.Header{
		"X-Amz-Content-Sha256": {"STREAMING-UNSIGNED-PAYLOAD-TRAILER"}, "X-Amz-Decoded-Content-Length": {"11"},
		"Content-Encoding": {"aws-chunked"},
	}
	got := c.do(http.MethodPut, "b", "k", "", header, []byte(chunked))
	require.Equal(t, http.StatusOK, got.status, got.body)
	require.Equal(t, "hello world", c.get("b", "k").body)

	for _, broken := range []string{chunked[:20], "zz\r\nhello\r\n", "5\r\nhello\r\n0\r\n\r\n"} {
		got := c.do(http.MethodPut, "b", "k", "", header, []byte(broken))
		require.Equal(t, http.StatusBadRequest, got.status, "%q", broken)
	}
	require.Equal(t, "hello world", c.get("b", "k").body)
}

func TestRangesOfGeneratedContent(t *testing.T) {
	const size = 100_003
	s := New(Options{})
	s.PutGenerated("b", "k", size, 42)
	whole, err := io.ReadAll(Generated(42, size))
	require.NoError(t, err)
	require.Len(t, whole, size)
	c := newClient(t, s)
	for _, r := range []struct{ off, n int64 }{{0, size}, {1, 7}, {7, 1}, {8, 16}, {50_001, 50_002}, {size - 1, 1}} {
		got := c.do(http.MethodGet, "b", "k", "", http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", r.off, r.off+r.n-1)}}, nil)
		require.Equal(t, http.StatusPartialContent, got.status)
		require.Equal(t, string(whole[r.off:r.off+r.n]), got.body)
	}
	other, err := io.ReadAll(Generated(43, size))
	require.NoError(t, err)
	require.NotEqual(t, whole, other)
}

func TestOddRangesCannotBeSatisfied(t *testing.T) {
	for _, spec := range []string{
		"bytes=11-", "bytes=0-1,4-5", "bytes=5-2", "bytes=-0", "bytes=-", "bytes=x-", "bytes=--5", "items=0-1", "bytes=0", "bytes=-x",
		"bytes=+1-3", "bytes=1-+3", "bytes=-+3",
	} {
		_, _, ok := parseRange(spec, 11)
		require.False(t, ok, spec)
	}
	for _, spec := range []string{"bytes=0-", "bytes=0-0", "bytes=-5"} {
		_, _, ok := parseRange(spec, 0)
		require.False(t, ok, "%s of nothing", spec)
	}
	off, n, ok := parseRange("bytes=-50", 11)
	require.True(t, ok)
	require.Equal(t, []int64{0, 11}, []int64{off, n})
}

func TestRowWithoutMetadataStillHasItsBytes(t *testing.T) {
	s := New(Options{})
	stored := s.Put("b", "k", []byte("content"), WithoutMetadata())
	require.Empty(t, stored.ETag)
	require.Zero(t, stored.Size)
	c := newClient(t, s)
	l := c.list("b", url.Values{})
	require.Empty(t, l.Contents[0].ETag)
	require.Zero(t, l.Contents[0].Size)
	got := c.get("b", "k")
	require.Equal(t, "content", got.body)
	require.Equal(t, `"9a0364b9e99bb480dd25e1f0284c8555"`, got.header.Get("Etag"))
}

func TestOverwriteKeepsCreatedAtAndMovesTheRest(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := New(Options{Clock: func() time.Time { return now }})
	first := s.Put("b", "k", []byte("1"))
	now = now.Add(time.Minute)
	second := s.Put("b", "k", []byte("2"))
	require.Equal(t, first.CreatedAt, second.CreatedAt)
	require.Equal(t, now, second.LastModified)
	require.NotEqual(t, first.ETag, second.ETag)
}

func TestDeleteIsIdempotentAndGuarded(t *testing.T) {
	s := New(Options{})
	s.Put("b", "own", []byte("x"))
	s.Put("b", "hidden", []byte("x"))
	s.AllowRead("b", func(_ map[string]any, key string) bool { return key == "own" })
	c := newClient(t, s)
	user := c.as(s.UserToken("u", time.Hour))
	require.Equal(t, http.StatusForbidden, user.do(http.MethodDelete, "b", "own", "", nil, nil).status)
	s.AllowWrite("b", func(map[string]any, string) bool { return true })
	require.Equal(t, http.StatusForbidden, user.do(http.MethodDelete, "b", "hidden", "", nil, nil).status)
	require.Equal(t, http.StatusNoContent, user.do(http.MethodDelete, "b", "own", "", nil, nil).status)
	require.Equal(t, http.StatusNoContent, user.do(http.MethodDelete, "b", "own", "", nil, nil).status)
	require.Equal(t, http.StatusNoContent, c.do(http.MethodDelete, "b", "hidden", "", nil, nil).status)
	require.Empty(t, c.list("b", url.Values{}).Contents)
}

func TestDeleteObjectsAnswersForEveryKey(t *testing.T) {
	s := New(Options{})
	for _, key := range []string{"d1", "d2", "d 3", "keep"} {
		s.Put("docs", key, []byte("x"))
	}
	body := `<Delete><Object><Key>d1</Key></Object><Object><Key>d2</Key></Object><Object><Key>d 3</Key></Object>` +
		`<Object><Key>never-existed</Key></Object></Delete>`
	c := newClient(t, s)
	got := c.do(http.MethodPost, "docs", "", "delete=", nil, []byte(body))
	require.Equal(t, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`+
		`<Deleted><Key>d1</Key></Deleted><Deleted><Key>d2</Key></Deleted><Deleted><Key>d 3</Key></Deleted>`+
		`<Deleted><Key>never-existed</Key></Deleted></DeleteResult>`, got.body)
	require.Equal(t, []string{"keep"}, c.list("docs", url.Values{}).entries())

	user := c.as(s.UserToken("u", time.Hour))
	got = user.do(http.MethodPost, "docs", "", "delete=", nil, []byte(`<Delete><Object><Key>keep</Key></Object></Delete>`))
	require.Contains(t, got.body, "<Error><Key>keep</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
	body = `<Delete><Object><Key>keep</Key></Object><Object><Key>none</Key></Object></Delete>`
	got = user.do(http.MethodPost, "docs", "", "delete=", nil, []byte(body))
	require.Contains(t, got.body, "<Deleted><Key>none</Key></Deleted><Error><Key>keep</Key>")

	for body, want := range map[string]string{
		"":          "<Code>InvalidRequest</Code><Message>Body must be object</Message>",
		"x":         "<Code>MalformedXML</Code>",
		"<Foo/>":    "<Code>InvalidRequest</Code><Message>Body must have required property 'Delete'</Message>",
		"<Delete/>": "<Code>InvalidRequest</Code><Message>Body, Delete must be object</Message>",
	} {
		got := c.do(http.MethodPost, "docs", "", "delete=", nil, []byte(body))
		require.Equal(t, http.StatusBadRequest, got.status, body)
		require.Contains(t, got.body, want)
	}
}

func TestCopyOntoItselfChangesMetadataAndTime(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := New(Options{Clock: func() time.Time { return now }})
	before := s.Put("b", "k 1", []byte("x"), WithContentType("text/plain"))
	now = now.Add(time.Second)
	header := http.Header{
		"X-Amz-Copy-Source": {"b/k%201"}, "X-Amz-Metadata-Directive": {"REPLACE"}, "Content-Type": {"text/csv"},
	}
	got := newClient(t, s).do(http.MethodPut, "b", "k 1", "", header, nil)
	require.Equal(t, http.StatusOK, got.status, got.body)
	after, body, _ := s.Get("b", "k 1")
	require.Equal(t, "x", string(body))
	require.Equal(t, "text/csv", after.ContentType)
	require.Equal(t, before.ETag, after.ETag)
	require.Equal(t, now, after.LastModified)
}

func TestMultipartUpload(t *testing.T) {
	for _, backend := range []struct {
		s3   bool
		etag string
	}{{false, "ed076287532e86365e841e92bfc50d8c"}, {true, "-2"}} {
		s := New(Options{S3Backend: backend.s3})
		s.CreateBucket("b")
		c := newClient(t, s)
		got := c.do(http.MethodPost, "b", "k", "uploads=", nil, nil)
		var created struct{ UploadId string }
		require.NoError(t, xml.Unmarshal([]byte(got.body), &created))
		id := "uploadId=" + created.UploadId
		// Parts may come in any order.
		require.Equal(t, http.StatusOK, c.do(http.MethodPut, "b", "k", "partNumber=2&"+id, nil, []byte(" World!")).status)
		require.Equal(t, http.StatusOK, c.do(http.MethodPut, "b", "k", "partNumber=1&"+id, nil, []byte("Hello")).status)
		require.Equal(t, http.StatusNotFound, c.get("b", "k").status)
		parts := `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part><Part><PartNumber>2</PartNumber></Part></CompleteMultipartUpload>`
		got = c.do(http.MethodPost, "b", "k", id, nil, []byte(parts))
		require.Equal(t, http.StatusOK, got.status, got.body)
		stored, body, _ := s.Get("b", "k")
		require.Equal(t, "Hello World!", string(body))
		require.True(t, strings.HasSuffix(stored.ETag, backend.etag), stored.ETag)
		require.Equal(t, http.StatusNotFound, c.do(http.MethodPost, "b", "k", id, nil, []byte(parts)).status)
	}
}

func TestBucketsAreMadeOverS3(t *testing.T) {
	s := New(Options{})
	c := newClient(t, s)
	require.Equal(t, http.StatusOK, c.do(http.MethodPut, "new", "", "", nil, nil).status)
	require.Equal(t, http.StatusConflict, c.do(http.MethodPut, "new", "", "", nil, nil).status)
	require.Contains(t, c.do(http.MethodGet, "", "", "", nil, nil).body, "<Name>new</Name>")
	user := c.as(s.UserToken("u", time.Hour))
	require.Contains(t, user.do(http.MethodGet, "", "", "", nil, nil).body, "<Buckets/>")
	require.Equal(t, http.StatusNotFound, user.do(http.MethodHead, "new", "", "", nil, nil).status)
	s.AllowBucket("new", func(claims map[string]any) bool { return claims["sub"] == "u" })
	require.Equal(t, http.StatusOK, user.do(http.MethodHead, "new", "", "", nil, nil).status)
}
