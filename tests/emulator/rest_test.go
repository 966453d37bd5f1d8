package emulator

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rest sends a request to the REST API. An empty authorization sends no such header.
func (c *client) rest(method, path, authorization, body string) answered {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, "http://emulator.invalid"+c.s.prefix+"/object/"+path, strings.NewReader(body))
	require.NoError(c.t, err)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return c.send(r)
}

const (
	restNoBucket = `{"statusCode":"404","error":"Bucket not found","message":"Bucket not found","code":"NoSuchBucket"}`
	restNoHeader = `{"statusCode":"400","error":"Error","message":"headers must have required property 'authorization'","code":"InvalidRequest"}`
)

func TestPathDecidesWhatATokenMustBe(t *testing.T) {
	s := New(Options{})
	s.Put("b", "k", []byte("x"))
	c := newClient(t, s)
	service := s.Settings().ServiceRoleKey
	const noJWT = `"message":"Invalid Compact JWS","code":"AccessDenied"}`
	for _, q := range []struct{ path, authorization, want string }{
		{"authenticated/b/k", "Bearer " + service, "x"},
		{"authenticated/b/k", "bearer  " + service, "x"},
		{"authenticated/b/k", service, "x"},
		{"authenticated/b/k", "", restNoHeader},
		{"authenticated/b/k", "Bearer ", noJWT},
		{"authenticated/b/k", "Bearer sb_secret_1", noJWT},
		{"authenticated/no/k", "Bearer " + service, restNoBucket},
		{"authenticated/no/k", "", restNoHeader},
		{"b/k", "Bearer " + service, "x"},
		{"b/k", "", restNoBucket},
		{"b/k", "Bearer " + s.UserToken("u", -time.Hour), restNoBucket},
		{"b/k", "Bearer " + s.UserToken("u", time.Hour), `"code":"NoSuchKey"}`},
		{"info/b/k", "Bearer " + service, `"name":"k"`},
		{"info/b/k", "", restNoBucket},
		{"info/b/k", "Bearer sb_secret_1", restNoBucket},
		{"info/authenticated/b/k", "Bearer " + service, `"name":"k"`},
		{"info/authenticated/b/k", "", restNoHeader},
		{"public/b/k", "Bearer " + service, restNoBucket},
		{"public/b/k", "Bearer sb_secret_1", restNoBucket},
		{"public/b/k", "", restNoBucket},
		{"public/b/%23", "", `"message":"Invalid key: #","code":"InvalidKey"}`},
		{"info/public/b/k", "Bearer " + service, restNoBucket},
		{"b/%FF", "", `"message":"'/object/b/%FF' is not a valid url component"`},
	} {
		got := c.rest(http.MethodGet, q.path, q.authorization, "")
		require.Contains(t, got.body, q.want, "%s %.20s", q.path, q.authorization)
		require.Equal(t, got.status, c.rest(http.MethodHead, q.path, q.authorization, "").status, "%s %.20s", q.path, q.authorization)
	}
}

func TestListV2BodyIsCoercedAsInJavaScript(t *testing.T) {
	s := New(Options{})
	for _, key := range []string{"5", "a", "d/e"} {
		s.Put("b", key, nil)
	}
	c := newClient(t, s)
	count := func(body string) int {
		got := c.rest(http.MethodPost, "list-v2/b", "Bearer "+s.Settings().ServiceRoleKey, body)
		require.Equal(t, http.StatusOK, got.status, "%s: %s", body, got.body)
		return strings.Count(got.body, `"name":`)
	}
	for body, want := range map[string]int{
		`{}`: 3, `{"limit":"2"}`: 2, `{"limit":2.0}`: 2, `{"limit":true}`: 1, `{"limit":[2]}`: 2, `{"limit":" 0x2 "}`: 2,
		`{"prefix":5}`: 1, `{"prefix":["d"]}`: 1, `{"prefix":null}`: 3, `{"prefix":true}`: 0, `{"Prefix":"d"}`: 3,
		`{"cursor":null}`: 3, `{"with_delimiter":"true","prefix":"d"}`: 1, `{"with_delimiter":1}`: 3, `{"with_delimiter":null}`: 3,
		`{"sortBy":{"column":["name"],"order":"desc"},"limit":1}`: 1,
	} {
		require.Equal(t, want, count(body), body)
	}
}

func TestListV2BodyIsCheckedBeforeTheToken(t *testing.T) {
	s := New(Options{})
	s.CreateBucket("b")
	c := newClient(t, s)
	const allowed = " must be equal to one of the allowed values"
	for body, message := range map[string]string{
		``: "body must be object", `[]`: "body must be object", `null`: "body must be object", `"x"`: "body must be object",
		`{"limit":"x"}`: "body/limit must be integer", `{"limit":""}`: "body/limit must be integer", `{"limit":2.5}`: "body/limit must be integer",
		`{"limit":[2,3]}`: "body/limit must be integer", `{"limit":{}}`: "body/limit must be integer",
		`{"limit":null}`: "body/limit must be >= 1", `{"limit":"0"}`: "body/limit must be >= 1",
		`{"limit":"Infinity"}`:                    `body/limit must pass \"finite\" keyword validation`,
		`{"prefix":{},"limit":"x"}`:               "body/prefix must be string",
		`{"cursor":[]}`:                           "body/cursor must be string",
		`{"with_delimiter":2}`:                    "body/with_delimiter must be boolean",
		`{"sortBy":{}}`:                           "body/sortBy must have required property 'column'",
		`{"sortBy":null}`:                         "body/sortBy must be object",
		`{"sortBy":[{"column":"name"}]}`:          "body/sortBy must be object",
		`{"sortBy":{"column":{}}}`:                "body/sortBy/column must be string",
		`{"sortBy":{"column":null}}`:              "body/sortBy/column" + allowed,
		`{"sortBy":{"column":"name","order":""}}`: "body/sortBy/order" + allowed,
		`{"sortBy":{"column":"name","order":{}}}`: "body/sortBy/order must be string",
	} {
		got := c.rest(http.MethodPost, "list-v2/b", "", body)
		require.Equal(t, http.StatusBadRequest, got.status)
		require.Equal(t, `{"statusCode":"400","error":"Error","message":"`+message+`","code":"InvalidRequest"}`, got.body, body)
	}
	for _, body := range []string{"x", "{", " ", `{"prefix":"a"} x`} {
		got := c.rest(http.MethodPost, "list-v2/b", "", body)
		require.JSONEq(t, `{"statusCode":"400","error":"FastifyError",`+
			`"message":"Body is not valid JSON but content-type is set to 'application/json'","code":"InvalidRequest"}`, got.body, body)
	}
	require.Contains(t, c.rest(http.MethodPost, "list-v2/b", "", "{}").body, `"code":"AccessDenied"`)
	got := c.rest(http.MethodPost, "list-v2/b", "Bearer "+s.Settings().AnonKey, `{"prefix":"\u0000"}`)
	require.Equal(t, http.StatusInternalServerError, got.status)
	require.Contains(t, got.body, `"message":"database error, code: 22021"`)
}
