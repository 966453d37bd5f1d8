package emulator

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var wantsJSON = http.Header{"Accept": {"application/json"}}

func TestClientThatAcceptsNoXMLGetsJSON(t *testing.T) {
	s := New(Options{Clock: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }})
	s.Put("b", "a&<\x01", []byte("x"), WithRawKey())
	s.Put("b", "d/e", nil)
	s.Put("b", "z", nil, WithoutETag())
	s.CreateBucket("empty")
	c := newClient(t, s)
	const first = `{"Key":"a&<\u0001","LastModified":"2026-01-01T00:00:00.000Z",` +
		`"ETag":"\"9dd4e461268c8034f5c8564e155c67a6\"","Size":1,"StorageClass":"STANDARD"}`
	for _, q := range []struct {
		method, bucket, key, query, body string
		status                           int
		want                             string
	}{
		{
			bucket: "b", query: "list-type=2&max-keys=2&delimiter=%2F", status: 200,
			want: `{"ListBucketResult":{"Name":"b","Prefix":"","Contents":[` + first + `],"IsTruncated":true,"MaxKeys":2,"Delimiter":"/",` +
				`"KeyCount":2,"CommonPrefixes":[{"Prefix":"d/"}],"NextContinuationToken":"bDpk"}}`,
		},
		{
			bucket: "b", query: "max-keys=1&encoding-type=url&delimiter=%2F&marker=d", status: 200,
			want: `{"ListBucketResult":{"Name":"b","Prefix":"","MaxKeys":1,"IsTruncated":false,"Contents":[` +
				`{"Key":"z","LastModified":"2026-01-01T00:00:00.000Z","Size":0,"StorageClass":"STANDARD"}],"CommonPrefixes":[],"EncodingType":"url"}}`,
		},
		{
			bucket: "empty", query: "list-type=2", status: 200,
			want: `{"ListBucketResult":{"Name":"empty","Prefix":"","Contents":[],"IsTruncated":false,"MaxKeys":1000,"KeyCount":0,"CommonPrefixes":[]}}`,
		},
		{bucket: "b", key: "no", status: 404, want: `{"Error":{"Resource":"b/no","Code":"NoSuchKey","Message":"Object not found"}}`},
		{bucket: "b", query: "location=", status: 200, want: `{"LocationConstraint":"eu-central-1"}`},
		{bucket: "b", query: "versioning=", status: 200, want: `{"VersioningConfiguration":{"Status":"Suspended","MfaDelete":"Disabled"}}`},
		{bucket: "b", key: "z", query: "tagging=", status: 200, want: `{"Tagging":{"TagSet":null}}`},
		{
			status: 200, want: `{"ListAllMyBucketsResult":{"Buckets":{"Bucket":[{"Name":"b","CreationDate":"2026-01-01T00:00:00.000Z"},` +
				`{"Name":"empty","CreationDate":"2026-01-01T00:00:00.000Z"}]}}}`,
		},
		{
			method: http.MethodPost, bucket: "b", query: "delete=", body: `<Delete><Object><Key>no</Key></Object></Delete>`, status: 200,
			want: `{"DeleteResult":{"Deleted":[{"Key":"no"}],"Error":[]}}`,
		},
	} {
		if q.method == "" {
			q.method = http.MethodGet
		}
		got := c.do(q.method, q.bucket, q.key, q.query, wantsJSON, []byte(q.body))
		require.Equal(t, q.status, got.status, got.body)
		require.Equal(t, q.want, got.body)
		require.Equal(t, "application/json; charset=utf-8", got.header.Get("Content-Type"))
	}
}

func TestAcceptHeaderIsNegotiated(t *testing.T) {
	for accept, want := range map[string]bool{
		"": true, "*/*": true, "application/xml": true, " application/XML": true, "text/*": true, "text/html": true,
		"application/json, */*;q=0.1": true, "application/json;q=1, text/xml;q=0.5": true, "*/*, application/xml;q=0": true,
		"application/json": false, "text/plain": false, "garbage": false, "*/*;q=0": false, "text/html;q=0": false,
		"application/xml;charset=utf-8": false, "*/*;q=x": false,
		"*/*, application/xml;q=0, text/html;q=0, text/xml;q=0": false,
	} {
		require.Equal(t, want, acceptsXML(http.Header{"Accept": {accept}}), accept)
	}
	require.True(t, acceptsXML(http.Header{}))
	require.True(t, acceptsXML(http.Header{"Accept": {"application/json", "text/xml"}}))
}

func TestErrorNamesThePathWithoutEmptySegments(t *testing.T) {
	s := New(Options{})
	s.CreateBucket("b")
	for key, resource := range map[string]string{"a/": "b/a", "/": "b", "//": "b", "a//b": "b/a/b", "/a": "b/a", "s3/x y": "b/s3/x%20y"} {
		require.Contains(t, newClient(t, s).get("b", key).body, "<Resource>"+resource+"</Resource>", "%q", key)
	}
}

func TestEmptyParametersAreEchoed(t *testing.T) {
	s := New(Options{})
	s.CreateBucket("b")
	c := newClient(t, s)
	got := c.do(http.MethodGet, "b", "", "list-type=2&continuation-token=&delimiter=", nil, nil)
	require.Contains(t, got.body, "<Prefix/><ContinuationToken/>")
	require.Contains(t, got.body, "<Delimiter/>")
	got = c.do(http.MethodGet, "b", "", "encoding-type=url", nil, nil)
	require.Contains(t, got.body, "<EncodingType>url</EncodingType></ListBucketResult>")
}

func TestEncodingTypeMustBeURL(t *testing.T) {
	c := newClient(t, New(Options{}))
	for _, query := range []string{"list-type=2&encoding-type=", "encoding-type=xml&max-keys=x"} {
		got := c.do(http.MethodGet, "none", "", query, nil, nil)
		require.Equal(t, http.StatusBadRequest, got.status)
		require.Contains(t, got.body, "<Message>Querystring, encoding-type must be equal to one of the allowed values</Message>")
	}
}

func TestMaxKeysIsANumberOfJavaScript(t *testing.T) {
	s := New(Options{})
	for _, key := range []string{"a", "b", "c"} {
		s.Put("b", key, nil)
	}
	c := newClient(t, s)
	for text, want := range map[string]int{
		"1e2": 100, " 2": 2, "2 ": 2, "\t2": 2, "0x10": 16, "0B11": 3, "0o7": 7, "2.0": 2, "5.": 5, ".5e1": 5, "+2": 2,
		"-0": 1000, " ": 1000, "99999999999999999999": 1000, "1001": 1000,
	} {
		require.Equal(t, want, c.list("b", url.Values{"max-keys": {text}}).MaxKeys, "%q", text)
	}
	for text, message := range map[string]string{
		"": "must be integer", "1.5": "must be integer", "1e-1": "must be integer", "2_0": "must be integer", "0x": "must be integer",
		".": "must be integer", "nan": "must be integer", "inf": "must be integer", "0x1p4": "must be integer", "-1": "must be &gt;= 0",
		"Infinity": `must pass "finite" keyword validation`, "1e400": `must pass "finite" keyword validation`, "-Infinity": "must be &gt;= 0",
	} {
		got := c.do(http.MethodGet, "b", "", "list-type=2&max-keys="+strictEscape(text), nil, nil)
		require.Equal(t, http.StatusBadRequest, got.status, "%q", text)
		require.Contains(t, got.body, "<Message>Querystring, max-keys "+message+"</Message>", "%q", text)
	}
}
