package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

const hidden = "a-token-that-is-secret"

// serve starts a server of one handler, and returns a client of it with its own
// transport.
func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return New(Options{Base: s.URL, ConnectTimeout: 5 * time.Second, Timeout: 5 * time.Second})
}

// get is the error of a request, in which no secret may be.
func get(t *testing.T, c *Client) error {
	t.Helper()
	err := c.Do(t.Context(), Request{Op: "asking", Method: http.MethodGet, Path: "/x", Bearer: hidden, APIKey: hidden + "2"}, new(map[string]any))
	require.Error(t, err)
	require.NotContains(t, err.Error(), hidden)
	return err
}

func TestARequestIsSentAsItIsMeant(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, `{"seen":%q}`, strings.Join([]string{
			r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"), r.Header.Get("Apikey"), r.Header.Get("Content-Type"), string(body),
		}, "|"))
	})
	var out struct{ Seen string }
	require.NoError(t, c.Do(t.Context(), Request{
		Op: "asking", Method: http.MethodPost, Path: "/a%2Fb", Query: map[string][]string{"c": {"d e"}},
		Bearer: "b", APIKey: "k", Body: map[string]string{"x": "y"},
	}, &out))
	require.Equal(t, `POST|/a%2Fb?c=d+e|Bearer b|k|application/json|{"x":"y"}`, out.Seen)
	require.NoError(t, c.Do(t.Context(), Request{Op: "asking", Method: http.MethodGet, Path: "/"}, &out))
	require.Equal(t, `GET|/||||`, out.Seen)
}

func TestEachAnswerHasItsKind(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		kind   error
		words  string
	}{
		"unauthorized":  {401, `{"message":"Unauthorized"}`, object.ErrCredentials, `HTTP 401, "Unauthorized"`},
		"auth":          {400, `{"code":400,"error_code":"user_banned","msg":"User is banned"}`, object.ErrCredentials, `HTTP 400, user_banned, "User is banned"`},
		"new auth":      {400, `{"code":"user_banned","message":"User is banned"}`, object.ErrCredentials, `HTTP 400, user_banned, "User is banned"`},
		"oauth":         {400, `{"error":"invalid_grant","error_description":"no"}`, object.ErrCredentials, `HTTP 400, invalid_grant, "no"`},
		"list":          {400, `{"message":["one"]}`, object.ErrCredentials, `"one"`},
		"not found":     {404, `{"message":"Project not found"}`, object.ErrCredentials, `Project not found`},
		"echo":          {403, `{"message":"the token ` + hidden + ` may not"}`, object.ErrCredentials, `the token [redacted] may not`},
		"throttled":     {429, `{"message":"slow down"}`, object.ErrThrottled, `slow down`},
		"conflict":      {409, `{"msg":"at once"}`, object.ErrUnavailable, `at once`},
		"broken":        {500, ``, object.ErrUnavailable, `HTTP 500`},
		"gateway":       {502, `<html>`, object.ErrUnavailable, `HTTP 502`},
		"paused":        {540, `Project paused`, object.ErrUnavailable, `HTTP 540`},
		"page":          {200, "<html>\n<b>" + hidden, object.ErrForeign, `begins "<html> <b>[redacted]"`},
		"other's 404":   {404, `404 page not found`, object.ErrForeign, `not an answer of a Supabase API`},
		"redirect":      {302, ``, object.ErrForeign, `a redirect to http://127.0.0.1:1, which is not followed`},
		"long":          {403, `{"message":"` + strings.Repeat("x", 5000) + `"}`, object.ErrCredentials, strings.Repeat("x", 200) + "..."},
		"without end":   {403, `{"message":"` + strings.Repeat("x", MaxRefusal), object.ErrForeign, `xxx...`},
		"without words": {403, `{}`, object.ErrCredentials, `HTTP 403`},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if tc.status == http.StatusFound {
					w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
				}
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			})
			err := get(t, c)
			require.ErrorIs(t, err, tc.kind)
			require.ErrorContains(t, err, tc.words)
			require.ErrorContains(t, err, "asking: ")
			require.NotErrorIs(t, err, object.ErrNotFound, "an object is not what is missing")
			require.Less(t, len(err.Error()), 500)
		})
	}
}

func TestStorageWritesTheRealStatusIntoTheBody(t *testing.T) {
	const notFound = `{"statusCode":"404","error":"not_found","message":"Object not found","code":"NoSuchKey"}`
	for name, tc := range map[string]struct {
		status int
		key    string
		body   string
		kind   error
		real   int
	}{
		"object":          {400, "k", notFound, object.ErrNotFound, 404},
		"old server":      {400, "k", `{"statusCode":"404","error":"not_found","message":"Object not found"}`, object.ErrNotFound, 404},
		"bucket":          {400, "", `{"statusCode":"404","error":"Bucket not found","message":"Bucket not found","code":"NoSuchBucket"}`, object.ErrNoBucket, 404},
		"expired":         {400, "k", `{"statusCode":"403","error":"Unauthorized","message":"\"exp\" claim timestamp check failed","code":"AccessDenied"}`, object.ErrCredentials, 403},
		"denied":          {400, "k", `{"statusCode":"403","error":"Unauthorized","message":"new row violates row-level security policy","code":"AccessDenied"}`, object.ErrDenied, 403},
		"range":           {416, "k", `{"statusCode":"416","error":"invalid_range","message":"invalid range provided","code":"InvalidRange"}`, object.ErrRange, 416},
		"database":        {400, "k", `{"statusCode":"544","message":"timeout","code":"DatabaseTimeout"}`, object.ErrUnavailable, 544},
		"throttled":       {400, "k", `{"statusCode":"429","message":"slow","code":"SlowDown"}`, object.ErrThrottled, 429},
		"a number":        {400, "k", `{"statusCode":404,"code":"NoSuchKey"}`, object.ErrNotFound, 404},
		"no status":       {400, "k", `{"statusCode":"many","message":"x"}`, object.ErrInvalid, 400},
		"a good one":      {400, "k", `{"statusCode":"200","message":"x"}`, object.ErrInvalid, 400},
		"a list":          {400, "k", `[{"statusCode":"404"}]`, object.ErrInvalid, 400},
		"invalid":         {400, "k", `{"statusCode":"400","error":"InvalidRequest","message":"body must be object"}`, object.ErrInvalid, 400},
		"an unknown key":  {400, "k", `{"statusCode":"400","error":"Error","message":"headers must have required property 'authorization'","code":"InvalidRequest"}`, object.ErrCredentials, 400},
		"another status":  {500, "k", notFound, object.ErrUnavailable, 500},
		"no route":        {404, "k", `{"message":"Route GET:/x not found","error":"Not Found","statusCode":404}`, object.ErrInvalid, 404},
		"no server":       {404, "k", `404 page not found`, object.ErrUnavailable, 404},
		"head":            {400, "k", ``, object.ErrInvalid, 400},
		"key of gateway":  {401, "k", `{"message":"No API key found in request"}`, object.ErrCredentials, 401},
		"not implemented": {501, "k", ``, object.ErrInvalid, 501},
		"quota":           {402, "k", `{"message":"exceed_egress_quota"}`, object.ErrUnavailable, 402},
		"page":            {200, "k", `<html>`, object.ErrUnavailable, 200},
		"another form":    {200, "k", `[]`, ErrShape, 200},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			})
			c.o.Storage = true
			err := c.Do(t.Context(), Request{Op: "reading", Key: tc.key, Method: http.MethodGet, Path: "/x", APIKey: hidden}, new(map[string]any))
			require.ErrorIs(t, err, tc.kind)
			e, ok := errors.AsType[*object.Error](err)
			require.True(t, ok)
			require.Equal(t, tc.real, e.Status)
			require.Equal(t, tc.key, e.Key)
		})
	}
}

func TestAnAnswerWithoutEndIsNotReadToItsEnd(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `"`+strings.Repeat("x", maxAnswer)+`"`)
	})
	require.ErrorIs(t, get(t, c), object.ErrOversized)
	require.ErrorIs(t, get(t, c), object.ErrCredentials)
	c.o.Storage = true
	require.ErrorIs(t, get(t, c), object.ErrUnavailable)
}

func TestWhatIsCutOrLateMayPass(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"a":`)
		},
		"hung up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"late":    func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, h)
			c.o.Timeout = 300 * time.Millisecond
			err := get(t, c)
			require.ErrorIs(t, err, object.ErrUnavailable)
			require.NotErrorIs(t, err, context.DeadlineExceeded, "it is not the caller's")
		})
	}
}

func TestNobodyThereIsUnreachable(t *testing.T) {
	s := httptest.NewServer(nil)
	s.Close()
	err := get(t, New(Options{Base: s.URL}))
	require.ErrorIs(t, err, object.ErrUnreachable)

	tls := httptest.NewTLSServer(http.NotFoundHandler())
	defer tls.Close()
	err = get(t, New(Options{Base: tls.URL, Timeout: 5 * time.Second}))
	require.ErrorIs(t, err, object.ErrUnreachable)
	require.ErrorContains(t, err, "certificate")
}

func TestACancelledCallerGetsItsOwnError(t *testing.T) {
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := c.Do(ctx, Request{Op: "asking", Method: http.MethodGet, Path: "/"}, new(any))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.False(t, object.Transient(err))
}

func TestHowLongToWait(t *testing.T) {
	for name, tc := range map[string]struct {
		status        int
		header, value string
		want          time.Duration
	}{
		"seconds":     {429, "Retry-After", "7", 7 * time.Second},
		"a quota":     {429, "X-RateLimit-Reset", "12", 12 * time.Second},
		"at most":     {503, "Retry-After", "86400", maxPause},
		"absurd":      {503, "Retry-After", "1e300", maxPause},
		"past":        {429, "Retry-After", "Mon, 01 Jan 2024 00:00:00 GMT", 0},
		"a far date":  {429, "Retry-After", "Thu, 01 Jan 2099 00:00:00 GMT", maxPause},
		"negative":    {429, "Retry-After", "-5", 0},
		"nonsense":    {429, "Retry-After", "soon", 0},
		"a refusal":   {403, "Retry-After", "7", 0},
		"none":        {429, "X-Other", "7", 0},
		"not a limit": {401, "X-RateLimit-Reset", "12", 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set(tc.header, tc.value)
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, `{}`)
			})
			err := get(t, c)
			require.Equal(t, tc.want, PauseOf(err))
		})
	}
}

// Whatever an answer is, the error is short, on one line, and without what the
// request held.
func FuzzARefusalIsShortAndHoldsNoSecret(f *testing.F) {
	for _, doc := range []string{`{"message":"x"}`, `{"code":1,"msg":["` + hidden + `"]}`, "<html>" + hidden, "\xff\x00", "null", "[]", `{"error":{}}`, `{"error":"a\nb` + strings.Repeat("x", 5000) + `"}`} {
		f.Add(400, doc)
		f.Add(503, doc)
		f.Add(301, doc)
	}
	// A byte that is not UTF-8, a line break and a control character in the token.
	for _, in := range []string{"\xff", "\n", " ", "\x00", "\x1b[1m", "\u200b"} {
		broken := hidden[:7] + in + hidden[7:]
		f.Add(400, broken)
		f.Add(400, `{"message":"`+broken+`","code":"`+broken+`"}`)
	}
	f.Fuzz(func(t *testing.T, status int, doc string) {
		r := Request{Op: "asking", Bearer: hidden}
		err := refusal(r.Op, r.Key, &http.Response{StatusCode: status, Header: http.Header{}}, []byte(doc), r.secrets(), keyKind)
		require.Less(t, len(err.Error()), 4000)
		require.NotContains(t, err.Error(), hidden)
		require.NotContains(t, err.Error(), "\n")
		require.NotEqual(t, object.Transient(err), errors.Is(err, object.ErrCredentials), "one of the two")
	})
}
