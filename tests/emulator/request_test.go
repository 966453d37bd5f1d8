package emulator

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestQueryMustBeText(t *testing.T) {
	s := New(Options{})
	s.Put("b", "k", nil)
	c := newClient(t, s)
	for _, parameter := range []string{"prefix", "start-after", "marker", "delimiter", "continuation-token", "max-keys", "x-id"} {
		got := c.do(http.MethodGet, "b", "", parameter+"=a%FF", nil, nil)
		require.Equal(t, http.StatusForbidden, got.status, parameter)
		require.Equal(t, "SignatureDoesNotMatch", got.code(), parameter)
	}
	for _, query := range []string{
		"list-type=2&prefix=a%00", "list-type=2&start-after=a%00", "marker=a%00", "delimiter=a%00",
		"list-type=2&continuation-token=bDphAGI%3D",
	} {
		got := c.do(http.MethodGet, "b", "", query, nil, nil)
		require.Equal(t, http.StatusInternalServerError, got.status, query)
		require.Contains(t, got.body, "<Code>DatabaseError</Code><Message>database error, code: 22021</Message>", query)
	}
	require.Equal(t, "NoSuchBucket", c.do(http.MethodGet, "none", "", "list-type=2&prefix=%00", nil, nil).code())
	require.Equal(t, "DatabaseError", c.do(http.MethodGet, "no%00ne", "", "list-type=2", nil, nil).code())
	require.Equal(t, "DatabaseError", c.do(http.MethodDelete, "b", "a\x00b", "", nil, nil).code())
	require.Equal(t, "InvalidKey", c.get("b", "a\x00b").code())
}

func TestParameterThatComesTwiceMakesNoSignature(t *testing.T) {
	s := New(Options{})
	s.CreateBucket("b")
	got := newClient(t, s).do(http.MethodGet, "b", "", "list-type=2&max-keys=1&max-keys=2", nil, nil)
	require.Equal(t, "SignatureDoesNotMatch", got.code())
}

func TestPathMustBeText(t *testing.T) {
	s := New(Options{})
	s.CreateBucket("b")
	c := newClient(t, s)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		got := c.do(method, "b", "a\xffb", "x=1", nil, nil)
		require.Equal(t, http.StatusBadRequest, got.status)
		require.Equal(t, "application/json", got.header.Get("Content-Type"))
		require.JSONEq(t, `{"error":"Bad Request","code":"FST_ERR_BAD_URL",`+
			`"message":"'/s3/b/a%FFb?x=1' is not a valid url component","statusCode":400}`, got.body)
	}
	require.Contains(t, c.do(http.MethodGet, "b%FF", "", "list-type=2", nil, nil).body, "'/s3/b%FF?list-type=2' is not")
}

func TestBucketNameMustBeValid(t *testing.T) {
	s := New(Options{})
	c := newClient(t, s)
	for _, bucket := range []string{"%C3%BC", "x%23y", "x%25y", strings.Repeat("b", 101)} {
		for _, q := range []struct{ method, key, query string }{
			{http.MethodGet, "k", ""},
			{http.MethodGet, "k#", ""},
			{http.MethodDelete, "k", ""},
			{http.MethodPost, "k", "uploads="},
			{http.MethodPut, "", ""},
		} {
			got := c.do(q.method, bucket, q.key, q.query, nil, nil)
			require.Equal(t, http.StatusBadRequest, got.status, "%s %s", q.method, bucket)
			require.Contains(t, got.body, "<Code>InvalidBucketName</Code><Message>Bucket name invalid</Message>")
		}
		require.Equal(t, http.StatusBadRequest, c.do(http.MethodHead, bucket, "k", "", nil, nil).status)
		for _, got := range []answered{
			c.do(http.MethodGet, bucket, "", "list-type=2", nil, nil),
			c.do(http.MethodPut, bucket, "k", "", nil, nil),
			c.do(http.MethodDelete, bucket, "", "", nil, nil),
		} {
			require.Equal(t, http.StatusNotFound, got.status, bucket)
			require.Equal(t, "NoSuchBucket", got.code())
		}
	}
	require.Equal(t, "NoSuchKey", c.get(strings.Repeat("b", 100), "k").code())
	s.Put("b", "k", nil)
	got := c.do(http.MethodPut, "x%23y", "k", "", http.Header{"X-Amz-Copy-Source": {"b/k"}}, nil)
	require.Contains(t, got.body, "<Code>InvalidRequest</Code><Message>The related resource does not exist</Message>")
}

func TestBucketIsDeletedOnlyWhenEmpty(t *testing.T) {
	folder, err := NewDir(t.TempDir(), Options{})
	require.NoError(t, err)
	for name, s := range map[string]*Server{"memory": New(Options{}), "folder": folder} {
		t.Run(name, func(t *testing.T) {
			s.Put("b", "k", []byte("x"))
			c := newClient(t, s)
			user := c.as(s.UserToken("u", time.Hour))
			drop := func(c *client) answered { return c.do(http.MethodDelete, "b", "", "", nil, nil) }
			for _, c := range []*client{c, user} {
				got := drop(c)
				require.Equal(t, http.StatusConflict, got.status)
				require.Equal(t, "ResourceNotEmpty", got.code())
			}
			s.Delete("b", "k")
			require.Equal(t, "NoSuchBucket", drop(user).code())
			require.Equal(t, http.StatusNoContent, drop(c).status)
			got := drop(c)
			require.Equal(t, http.StatusNotFound, got.status)
			require.Equal(t, "NoSuchBucket", got.code())
			require.Contains(t, c.do(http.MethodGet, "", "", "", nil, nil).body, "<Buckets/>")
			require.Equal(t, 5, s.Count(OpDeleteBucket))
		})
	}
	s := New(Options{ReadOnly: true})
	s.CreateBucket("b")
	require.Equal(t, "DatabaseReadOnly", newClient(t, s).do(http.MethodDelete, "b", "", "", nil, nil).code())
}

func TestRequestLineAndHeaderAreLimited(t *testing.T) {
	s := New(Options{})
	s.CreateBucket("b")
	l, err := s.Start("")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	for _, rt := range []http.RoundTripper{s.Transport(), http.DefaultTransport} {
		c := newClient(t, s)
		c.rt = rt
		send := func(key, query string, header http.Header) answered {
			r := c.request(http.MethodGet, "b", key, query, header, nil)
			r.URL.Host = strings.TrimPrefix(l.URL(), "http://")
			c.sign.sign(r)
			return c.send(r)
		}
		require.Equal(t, http.StatusNotFound, send(strings.Repeat("k", 15_000), "", nil).status)
		for _, got := range []answered{
			send(strings.Repeat("k", 16_384), "", nil),
			send("", "list-type=2&start-after="+strings.Repeat("k", 16_384), nil),
			send("k", "", http.Header{"X-Long": {strings.Repeat("k", 16_384)}}),
		} {
			require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, got.status)
			require.Equal(t, "application/json", got.header.Get("Content-Type"))
			require.JSONEq(t, `{"error":"Request Header Fields Too Large","message":"Exceeded maximum allowed HTTP header size","statusCode":431}`, got.body)
		}
	}
}

func TestOnlyGetHasConditions(t *testing.T) {
	s := New(Options{})
	tag := `"` + s.Put("b", "k", []byte("x")).ETag + `"`
	c := newClient(t, s)
	const never = "Fri, 01 Jan 2100 00:00:00 GMT"
	for _, q := range []struct {
		match, since string
		want         int
	}{
		{tag, "", http.StatusNotModified},
		{`"other"`, "", http.StatusOK},
		{`"other"`, never, http.StatusNotModified},
		{"", never, http.StatusNotModified},
		{"", "2100-01-01", http.StatusNotModified},
		{"", "2100-01-01T00:00:00Z", http.StatusNotModified},
		{"", "Sat, 01 Jan 2000 00:00:00 GMT", http.StatusOK},
		{"", "garbage", http.StatusInternalServerError},
		{tag, "garbage", http.StatusInternalServerError},
	} {
		header := http.Header{}
		for name, value := range map[string]string{"If-None-Match": q.match, "If-Modified-Since": q.since} {
			if value != "" {
				header.Set(name, value)
			}
		}
		got := c.do(http.MethodGet, "b", "k", "", header, nil)
		require.Equal(t, q.want, got.status, "%v", header)
		if q.want == http.StatusInternalServerError {
			require.Equal(t, "InternalError", got.code())
			require.Empty(t, got.header.Get("Etag"))
		}
		require.Equal(t, http.StatusNotFound, c.do(http.MethodGet, "b", "no", "", header, nil).status, "%v", header)
		require.Equal(t, http.StatusOK, c.do(http.MethodHead, "b", "k", "", header, nil).status, "%v", header)
	}
}

func TestQueryOverridesTheObjectsHeader(t *testing.T) {
	s := New(Options{})
	s.Put("b", "k", []byte("x"))
	got := newClient(t, s).do(http.MethodGet, "b", "k", "response-cache-control=no-store&response-content-disposition=attachment&"+
		"response-content-encoding=gzip&response-content-language=de&response-content-type=text%2Fcsv", nil, nil)
	require.Equal(t, http.StatusOK, got.status)
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Content-Disposition": "attachment", "Content-Encoding": "gzip",
		"Content-Language": "de", "Content-Type": "text/csv",
	} {
		require.Equal(t, want, got.header.Get(name), name)
	}
}
