package rest

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestEachRefusalHasItsKind(t *testing.T) {
	storage := func(status int, code, message string) string {
		return fmt.Sprintf(`{"statusCode":"%d","error":"x","message":%q,"code":%q}`, status, message, code)
	}
	for name, tc := range map[string]struct {
		status        int
		body          string
		read, listing error
		foreign       bool
	}{
		"missing key":      {400, storage(404, "NoSuchKey", "Object not found"), object.ErrNotFound, object.ErrNoBucket, false},
		"missing bucket":   {400, storage(404, "NoSuchBucket", "Bucket not found"), object.ErrNotFound, object.ErrNoBucket, false},
		"expired":          {400, storage(403, "AccessDenied", `"exp" claim timestamp check failed`), object.ErrCredentials, object.ErrCredentials, false},
		"foreign token":    {400, storage(403, "AccessDenied", "signature verification failed"), object.ErrCredentials, object.ErrCredentials, false},
		"no JWT":           {400, storage(403, "AccessDenied", "Invalid Compact JWS"), object.ErrCredentials, object.ErrCredentials, false},
		"no JWT, with 403": {403, storage(403, "AccessDenied", "Invalid Compact JWS"), object.ErrCredentials, object.ErrCredentials, false},
		"broken header":    {400, storage(403, "AccessDenied", "JWS Protected Header is invalid"), object.ErrCredentials, object.ErrCredentials, false},
		"unknown to Kong":  {400, storage(400, "InvalidRequest", "headers must have required property 'authorization'"), object.ErrCredentials, object.ErrCredentials, false},
		"invalid API key":  {401, `{"message":"Invalid API key"}`, object.ErrCredentials, object.ErrCredentials, false},
		"no API key":       {401, `{"message":"No API key found in request"}`, object.ErrCredentials, object.ErrCredentials, false},
		"gateway's 401":    {401, `{"message":"Unauthorized"}`, object.ErrCredentials, object.ErrCredentials, false},
		"proxy's 401":      {401, `<html>Authorization Required`, object.ErrInvalid, object.ErrUnavailable, true},
		"denied":           {400, storage(403, "AccessDenied", "new row violates row-level security policy"), object.ErrDenied, object.ErrDenied, false},
		"invalid key":      {400, storage(400, "InvalidKey", "Invalid key: a"), object.ErrInvalid, object.ErrInvalid, false},
		"too large":        {400, storage(413, "EntityTooLarge", "The object exceeded the maximum allowed size"), object.ErrInvalid, object.ErrInvalid, false},
		"range":            {416, storage(416, "InvalidRange", "invalid range provided"), object.ErrRange, object.ErrRange, false},
		"throttled":        {429, storage(429, "SlowDown", "slow"), object.ErrThrottled, object.ErrThrottled, false},
		"throttled in 400": {400, storage(429, "SlowDown", "slow"), object.ErrThrottled, object.ErrThrottled, false},
		"database":         {544, storage(544, "DatabaseTimeout", "x"), object.ErrUnavailable, object.ErrUnavailable, false},
		"database in 400":  {400, storage(500, "DatabaseError", "x"), object.ErrUnavailable, object.ErrUnavailable, false},
		"no route":         {404, `{"message":"Route GET:/x not found","error":"Not Found","statusCode":404}`, object.ErrInvalid, object.ErrInvalid, false},
		"bad URL":          {400, `{"error":"Bad Request","code":"FST_ERR_BAD_URL","message":"not a valid url component","statusCode":400}`, object.ErrInvalid, object.ErrInvalid, false},
		"HTML 502":         {502, `<html>Bad Gateway`, object.ErrUnavailable, object.ErrUnavailable, true},
		"HTML 403":         {403, `<html>Forbidden`, object.ErrDenied, object.ErrUnavailable, true},
		"HTML 404":         {404, `<html>Not Found`, object.ErrUnavailable, object.ErrUnavailable, true},
		"HTML 400":         {400, `<html>Bad Request`, object.ErrInvalid, object.ErrUnavailable, true},
		"gateway's route":  {404, `{"message":"no Route matched with those values"}`, object.ErrInvalid, object.ErrUnavailable, true},
		"redirect":         {302, ``, object.ErrInvalid, object.ErrUnavailable, true},
		"quota":            {402, `{"message":"exceed_egress_quota"}`, object.ErrUnavailable, object.ErrUnavailable, true},
		"bare 404":         {404, ``, object.ErrUnavailable, object.ErrUnavailable, false},
		"bare 503":         {503, ``, object.ErrUnavailable, object.ErrUnavailable, false},
		"paused":           {540, `<html>`, object.ErrUnavailable, object.ErrUnavailable, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := answering(t, func(*http.Request) *http.Response { return plain(tc.status, tc.body) })
			_, err := c.Open(t.Context(), "k", 0)
			e, ok := errors.AsType[*object.Error](err)
			require.True(t, ok, err)
			require.Equal(t, tc.read, e.Kind, err)
			require.Equal(t, "k", e.Key)
			require.Equal(t, tc.foreign, errors.Is(err, object.ErrForeign), err)
			_, _, err = c.Page(t.Context(), "", "")
			require.ErrorIs(t, err, tc.listing)
		})
	}
}

func TestWhatAServerWritesReachesNoErrorAsItIs(t *testing.T) {
	const token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1In0.c2ln"
	for _, text := range []string{"you sent " + secretKey, "or " + token, "eyJhbGciOiJI\xffUzI1NiJ9.eyJzdWIiOiJ1In0.c2ln", "\x1b[31mred", "a\nlevel=error msg=forged"} {
		for _, answer := range []func() *http.Response{
			func() *http.Response { return plain(403, "<html>"+text) },
			func() *http.Response { return plain(200, "<html>"+text) },
			func() *http.Response {
				return plain(400, fmt.Sprintf(`{"statusCode":"403","message":%q,"code":%q}`, text, text))
			},
			func() *http.Response { return plain(401, fmt.Sprintf(`{"message":%q}`, text)) },
			func() *http.Response {
				return plain(200, fmt.Sprintf(`{"hasNext":false,"objects":[{"name":"k","metadata":{"size":%q}}]}`, text))
			},
			func() *http.Response { r := plain(302, ""); r.Header.Set("Location", "https://"+text+"/x"); return r },
		} {
			c := answering(t, func(*http.Request) *http.Response { return answer() }, func(o *plane.Options) {
				o.Credentials = static(object.Credentials{APIKey: secretKey, SessionToken: token})
			})
			objs, _, listErr := c.Page(t.Context(), "", "")
			_, _, listedErr := c.Listed(t.Context(), "k")
			_, openErr := c.Open(t.Context(), "k", 0)
			_, _, metaErr := c.UserMetadata(t.Context(), "k")
			all := fmt.Sprint(listErr, listedErr, openErr, metaErr, c.Delete(t.Context(), "k"))
			for _, o := range objs {
				all += o.Odd
			}
			for _, never := range []string{"\x1b", "\n", "eyJ", "c2ln", secretKey, "\xff"} {
				require.NotContains(t, all, never, text)
			}
		}
	}
}

// Storage on an S3 store answers a range beyond the end with HTTP 500.
func TestARangeBeyondTheEndIsToldFromAFailureByTheListing(t *testing.T) {
	const internal = `{"statusCode":"500","error":"Internal","message":"Internal Server Error","code":"InternalError"}`
	c := answering(t, func(r *http.Request) *http.Response {
		if strings.Contains(r.URL.Path, "list-v2") {
			return plain(200, pageOf(false, "k")) // of no bytes
		}
		return plain(500, internal)
	})
	_, err := c.OpenRange(t.Context(), "k", 0, 5)
	require.ErrorIs(t, err, object.ErrRange)
	_, err = c.Open(t.Context(), "k", 3)
	require.ErrorIs(t, err, object.ErrRange)
	_, err = c.Open(t.Context(), "k", 0)
	require.ErrorIs(t, err, object.ErrUnavailable, "without a range it failed")

	larger := answering(t, func(r *http.Request) *http.Response {
		if strings.Contains(r.URL.Path, "list-v2") {
			return plain(200, strings.Replace(pageOf(false, "k"), `"size":0`, `"size":100`, 1))
		}
		return plain(500, internal)
	})
	_, err = larger.OpenRange(t.Context(), "k", 5, 5)
	require.ErrorIs(t, err, object.ErrUnavailable)
	require.NotErrorIs(t, err, object.ErrRange)
}

func TestADeletionIsWhatTheServerSaysThatItDeleted(t *testing.T) {
	for name, tc := range map[string]struct {
		answer, listing string
		fails           bool
	}{
		"deleted":            {`[{"name":"a/k","bucket_id":"photos"}]`, pageOf(false, "a/k"), false},
		"there was nothing":  {`[]`, pageOf(false), false},
		"still there":        {`[]`, pageOf(false, "a/k"), true},
		"another one":        {`[{"name":"a/other"}]`, pageOf(false, "a/k"), true},
		"no list":            {`{"message":"ok"}`, pageOf(false, "a/k"), true},
		"a page":             {`<html>`, pageOf(false, "a/k"), true},
		"longer key is left": {`[]`, pageOf(false, "a/k.bak"), false},
	} {
		t.Run(name, func(t *testing.T) {
			c := answering(t, func(r *http.Request) *http.Response {
				switch {
				case r.Method == http.MethodDelete:
					doc := make([]byte, 100)
					n, _ := r.Body.Read(doc)
					require.JSONEq(t, `{"prefixes":["a/k"]}`, string(doc[:n]))
					require.Equal(t, "/storage/v1/object/photos", r.URL.Path)
					return plain(200, tc.answer)
				case strings.Contains(r.URL.Path, "list-v2"):
					return plain(200, tc.listing)
				}
				return plain(400, `{"statusCode":"404","error":"not_found","message":"Object not found","code":"NoSuchKey"}`)
			})
			err := c.Delete(t.Context(), "a/k")
			require.Equal(t, tc.fails, err != nil, err)
			if tc.fails {
				require.True(t, object.Transient(err), err)
			}
		})
	}
}

func TestBucketsAreListedPageByPage(t *testing.T) {
	var names []string
	for i := range 2*bucketsPage + 30 {
		names = append(names, fmt.Sprintf("bucket-%03d", i))
	}
	s := emulator.New(emulator.Options{})
	for _, name := range names {
		s.CreateBucket(name)
	}
	got, err := inMemory(t, s, func(o *plane.Options) { o.Bucket = "bucket-000" }).Buckets(t.Context())
	require.NoError(t, err)
	require.Equal(t, append(names, testBucket), got)

	n := 0
	old := answering(t, func(*http.Request) *http.Response {
		n++
		return plain(200, "["+strings.Join(slices.Repeat([]string{`{"id":"a"}`}, bucketsPage), ",")+"]")
	})
	got, err = old.Buckets(t.Context())
	require.NoError(t, err)
	require.Len(t, got, bucketsPage)
	require.Equal(t, 2, n, "a server that knows no pages is not asked without end")
}

// moving is a list of buckets that changes with each page.
type moving struct {
	names  []string
	change func(page int)
	pages  int
}

func (m *moving) answer(r *http.Request) *http.Response {
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	m.pages++
	var rows []string
	for i := offset; i < min(offset+limit, len(m.names)); i++ {
		rows = append(rows, fmt.Sprintf(`{"id":%q}`, m.names[i]))
	}
	m.change(m.pages)
	return plain(200, "["+strings.Join(rows, ",")+"]")
}

func TestABucketThatGoesWhileTheyAreListedHidesNoOther(t *testing.T) {
	for name, change := range map[string]func(m *moving){
		"one goes": func(m *moving) { m.names = m.names[1:] }, "one comes": func(m *moving) { m.names = slices.Insert(m.names, 0, "a") },
		"many go": func(m *moving) { m.names = m.names[150:] },
	} {
		t.Run(name, func(t *testing.T) {
			var m moving
			for i := range 3*bucketsPage + 1 {
				m.names = append(m.names, fmt.Sprintf("bucket-%03d", i))
			}
			m.change = func(page int) {
				if page == 1 || page == 3 {
					change(&m)
				}
			}
			all := answering(t, m.answer, func(o *plane.Options) { o.Bucket, o.AllBuckets = "", true })
			got, err := all.Buckets(t.Context())
			require.NoError(t, err)
			require.Equal(t, m.names, got)
		})
	}
}

func TestAListOfBucketsThatNeverSettlesIsAnErrorThatMayPass(t *testing.T) {
	m := moving{}
	for i := range 200 {
		m.names = append(m.names, fmt.Sprintf("bucket-%03d", i))
	}
	m.change = func(int) {
		m.names = append(m.names[1:len(m.names):len(m.names)], fmt.Sprintf("bucket-%d", 1000+m.pages))
	}
	_, err := answering(t, m.answer).Buckets(t.Context())
	require.ErrorContains(t, err, "changed each time")
	require.True(t, object.Transient(err))

	n := 0
	endless := answering(t, func(*http.Request) *http.Response {
		var rows []string
		for range bucketsPage {
			rows = append(rows, fmt.Sprintf(`{"id":"b%d"}`, n))
			n++
		}
		n-- // the next page begins with the last one of this
		return plain(200, "["+strings.Join(rows, ",")+"]")
	})
	_, err = endless.Buckets(t.Context())
	require.ErrorContains(t, err, "does not end")
}

func TestUserMetadataIsComplete(t *testing.T) {
	s := emulator.New(emulator.Options{})
	s.Put(testBucket, "k", nil, emulator.WithMetadata(map[string]any{
		"Plain": "text", "umlaut": "Grüße", "number": 7, "nested": map[string]any{"a": []any{1, "b"}}, "yes": true, "nothing": nil, "empty": "",
	}))
	s.Put(testBucket, "bare", nil)
	c := inMemory(t, s)
	meta, etag, err := c.UserMetadata(t.Context(), "k")
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"plain": "text", "umlaut": "Grüße", "number": "7", "nested": `{"a":[1,"b"]}`, "yes": "true", "nothing": "null", "empty": "",
	}, meta)
	listed, _, err := c.Listed(t.Context(), "k")
	require.NoError(t, err)
	require.Equal(t, listed.ETag, etag)
	meta, _, err = c.UserMetadata(t.Context(), "bare")
	require.NoError(t, err)
	require.Nil(t, meta)
	_, _, err = c.UserMetadata(t.Context(), "not there")
	require.ErrorIs(t, err, object.ErrNotFound)

	s = emulator.New(emulator.Options{Gateway: emulator.GatewayEnvoy})
	s.Put(testBucket, "a/k", nil, emulator.WithUserMetadata(map[string]string{"of": "another"}))
	s.Put(testBucket, "a//k", nil)
	_, _, err = inMemory(t, s).UserMetadata(t.Context(), "a//k")
	require.ErrorIs(t, err, object.ErrMismatch, "a gateway that merges slashes asks for another object")
}

func TestAServerIsToldFromWhatIsNone(t *testing.T) {
	for name, tc := range map[string]struct {
		status  int
		body    string
		answers bool
	}{
		"Storage":             {400, `{"statusCode":"400","error":"Error","message":"headers must have required property 'authorization'","code":"InvalidRequest"}`, true},
		"Storage, old":        {400, `{"statusCode":"403","error":"Unauthorized","message":"Invalid Compact JWS"}`, true},
		"hosted gateway":      {401, `{"message":"No API key found in request","hint":"No apikey request header or url param was found."}`, true},
		"buckets for all":     {200, `[]`, true},
		"other project":       {400, `{"statusCode":"400","error":"TenantNotFound","message":"Missing tenant config","code":"TenantNotFound"}`, false},
		"page":                {200, `<html>`, false},
		"another API":         {200, `{"swagger":"2.0"}`, false},
		"another API's error": {403, `{"message":"Forbidden"}`, false},
		"no route":            {404, `{"message":"Route GET:/bucket not found","error":"Not Found","statusCode":404}`, false},
		"nothing":             {403, ``, false},
		"broken":              {503, ``, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := answering(t, func(r *http.Request) *http.Response {
				require.Empty(t, r.Header.Get("Apikey"))
				require.Empty(t, r.Header.Get("Authorization"))
				return plain(tc.status, tc.body)
			})
			require.Equal(t, tc.answers, c.Answers(t.Context()) == nil)
		})
	}
}

func TestACDNThatIsLateServesTheVersionBeforeUnderItsOwnETag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		before := s.Put(testBucket, "k", []byte("before"))
		s.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{CDN: time.Minute} })
		c := inMemory(t, s)
		time.Sleep(time.Hour)
		_, err := c.Open(t.Context(), "k", 0)
		require.NoError(t, err)
		now := s.Put(testBucket, "k", []byte("after it"))
		content, err := c.Open(t.Context(), "k", 0)
		require.NoError(t, err)
		require.Equal(t, before.ETag, content.ETag)
		listed, _, err := c.Listed(t.Context(), "k")
		require.NoError(t, err)
		require.Equal(t, now.ETag, listed.ETag, "no cache keeps the listing")
		time.Sleep(content.StaleFor)
		content, err = c.Open(t.Context(), "k", 0)
		require.NoError(t, err)
		require.Equal(t, now.ETag, content.ETag)
	})
}

func TestARangeThatWasEncodedOnTheWayHasNoSize(t *testing.T) {
	s := emulator.New(emulator.Options{})
	s.Put(testBucket, "k", bytes.Repeat([]byte("content "), 100))
	s.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{Lie: emulator.LieGzipChunked} })
	c, err := inMemory(t, s).OpenRange(t.Context(), "k", 8, 100)
	require.NoError(t, err)
	defer c.Body.Close()
	require.True(t, c.Partial)
	require.Equal(t, "gzip", c.Encoding)
	require.EqualValues(t, object.UnknownSize, c.Size, "its ETag is right, so nothing else shows that its bytes are not")
}
