package rest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestARowIsWhatTheS3ProtocolShowsOfIt(t *testing.T) {
	at := time.Date(2026, 11, 20, 19, 1, 35, 954_000_000, time.UTC)
	row := func(fields string) string {
		return `{"hasNext":false,"folders":[],"objects":[{` + fields + `,"updated_at":"2026-11-20T19:01:35.954Z"}]}`
	}
	for name, tc := range map[string]struct {
		doc  string
		want object.Object
	}{
		"usual":                    {pageOf(false, "a"), object.Object{Key: "a", ETag: "e0", ContentType: "text/plain", LastModified: at}},
		"microseconds":             {strings.Replace(pageOf(false, "a"), "35.954Z", "35.954999+00:00", 1), object.Object{Key: "a", ETag: "e0", ContentType: "text/plain", LastModified: at}},
		"multipart":                {row(`"name":"a","metadata":{"eTag":"\"0123-2\"","size":5}`), object.Object{Key: "a", ETag: "0123-2", Size: 5, LastModified: at}},
		"weak":                     {row(`"name":"a","metadata":{"eTag":"W/\"x\"","size":5}`), object.Object{Key: "a", ETag: "x", Size: 5, LastModified: at}},
		"no metadata":              {row(`"name":"a","metadata":null`), object.Object{Key: "a", LastModified: at}},
		"metadata is missing":      {row(`"name":"a"`), object.Object{Key: "a", LastModified: at}},
		"empty metadata":           {row(`"name":"a","metadata":{}`), object.Object{Key: "a", LastModified: at}},
		"metadata is a text":       {row(`"name":"a","metadata":"x"`), object.Object{Key: "a", LastModified: at}},
		"nulls":                    {row(`"name":"a","metadata":{"size":null,"eTag":null,"mimetype":null}`), object.Object{Key: "a", LastModified: at}},
		"size as text":             {row(`"name":"a","metadata":{"size":"12","eTag":"x"}`), object.Object{Key: "a", ETag: "x", Size: 12, LastModified: at}},
		"below zero":               {row(`"name":"a","metadata":{"size":-1}`), object.Object{Key: "a", LastModified: at, Odd: `a size of "-1"`}},
		"a fraction":               {row(`"name":"a","metadata":{"size":1.5}`), object.Object{Key: "a", LastModified: at, Odd: `a size of "1.5"`}},
		"too large":                {row(`"name":"a","metadata":{"size":12345678901234567890}`), object.Object{Key: "a", LastModified: at, Odd: `a size of "12345678901234567890"`}},
		"a word":                   {row(`"name":"a","metadata":{"size":"many"}`), object.Object{Key: "a", LastModified: at, Odd: `a size of "many"`}},
		"a nested size":            {row(`"name":"a","metadata":{"size":{"a":[1,{}]},"eTag":["x"]}`), object.Object{Key: "a", LastModified: at, Odd: "a size that is no number"}},
		"a key with every escape":  {row(`"name":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é"`), object.Object{Key: "\"\\/\b\f\n\r\té😀é", LastModified: at}},
		"control characters":       {row(`"name":"a\u0001b\u007f"`), object.Object{Key: "a\x01b\x7f", LastModified: at}},
		"no key":                   {row(`"id":"x"`), object.Object{LastModified: at, Odd: "an entry without a key"}},
		"unknown fields":           {row(`"x":{"name":"y","z":[[],[1,"]}"]]},"name":"a","metadata":{"user":{"size":7}}`), object.Object{Key: "a", LastModified: at}},
		"an unreadable time":       {strings.Replace(pageOf(false, "a"), "2026-11-20T19:01:35.954Z", "yesterday", 1), object.Object{Key: "a", ETag: "e0", ContentType: "text/plain"}},
		"spaces between all parts": {"{ \"hasNext\" : false ,\n\"objects\" : [ { \"name\" : \"a\" } ] }", object.Object{Key: "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			var p page
			require.NoError(t, p.decode([]byte(tc.doc)))
			require.Equal(t, []object.Object{tc.want}, p.objects)
			require.False(t, p.more)
		})
	}
}

func TestAPageThatCannotBeRightIsAskedForAgain(t *testing.T) {
	whole := pageOf(true, "a/1", "a/2")
	wrong := map[string]string{
		"another prefix": pageOf(false, "b/1"), "out of order": pageOf(true, "a/2", "a/1"), "two versions of a key": pageOf(false, "a/1", "a/1"),
		"not behind the place to start": pageOf(false, "a/0"), "goes on with nothing": pageOf(true), "folders": `{"hasNext":false,"folders":[{"name":"a/"}],"objects":[]}`,
		"no hasNext": `{"objects":[]}`, "no objects": `{"hasNext":false}`, "a list": `[]`, "nothing": ``, "a page": `<html>`, "a message": `{"message":"starting"}`,
		"an error": `{"statusCode":"500","error":"x","objects":[],"hasNext":false}`, "more behind it": pageOf(false) + "<html>", "nulls": `{"hasNext":false,"objects":null}`, "nothing in it": `{}`,
		"not UTF-8": strings.Replace(pageOf(false, "a/1"), "a/1", "a/\xff", 1),
	}
	for i := range len(whole) - 1 {
		wrong[fmt.Sprint("cut at ", i)] = whole[:i]
	}
	for name, doc := range wrong {
		n := 0
		c := answering(t, func(*http.Request) *http.Response {
			if n++; n == 1 {
				return plain(200, doc)
			}
			return plain(200, pageOf(false, "a/1"))
		}, func(o *plane.Options) { o.Retry = retry.Policy{MaxAttempts: 2} })
		got, more, err := c.Page(t.Context(), "a/", "a/0")
		require.NoError(t, err, name)
		require.Equal(t, []string{"a/1"}, keysOf(got), name)
		require.False(t, more)
		require.Equal(t, 2, n, name)

		n = 0
		_, _, err = answering(t, func(*http.Request) *http.Response { return plain(200, doc) }).Page(t.Context(), "a/", "a/0")
		require.True(t, object.Transient(err), name)
	}
}

func TestAForeignPageInTheMiddleOfAListingIsWaitedFor(t *testing.T) {
	for name, page := range map[string]func() *http.Response{
		"page":     func() *http.Response { return plain(200, "<html>maintenance</html>") },
		"403":      func() *http.Response { return plain(403, "<html>Forbidden</html>") },
		"bare 403": func() *http.Response { return plain(403, "") },
		"400":      func() *http.Response { return plain(400, "<html>Bad Request</html>") },
		"404":      func() *http.Response { return plain(404, "404 page not found") },
		"gateway":  func() *http.Response { return plain(404, `{"message":"no Route matched with those values"}`) },
		"302":      func() *http.Response { return plain(302, "") },
		"402":      func() *http.Response { return plain(402, `{"message":"exceed_egress_quota"}`) },
		"544": func() *http.Response {
			return plain(544, `{"statusCode":"544","code":"DatabaseTimeout","message":"timeout"}`)
		},
		"544 in a 400": func() *http.Response {
			return plain(400, `{"statusCode":"544","code":"DatabaseTimeout","message":"timeout"}`)
		},
		"429": func() *http.Response { return plain(400, `{"statusCode":"429","code":"SlowDown","message":"slow"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				c := answering(t, func(*http.Request) *http.Response {
					switch n++; n {
					case 1:
						return plain(200, pageOf(true, "a"))
					case 2, 3:
						return page()
					}
					return plain(200, pageOf(false, "b"))
				}, func(o *plane.Options) { o.Retry = patient })
				got, err := list(t.Context(), c, "", "")
				require.NoError(t, err)
				require.Equal(t, []string{"a", "b"}, keysOf(got))
			})
		})
	}
}

// A cursor has its fields in lines, and JavaScript's regular expressions end a line
// at four characters.
func TestACursorCarriesEveryKey(t *testing.T) {
	parts := []string{"", "a", "~", " ", "\x01", "\t", "\n", "\r", "\f", "\x0e", "\x00", "\u2027", "\u2028", "\u2029", "\u202a", "\ufffd", "😀", "o:desc", "\xff", "é"}
	var keys []string
	for _, a := range parts {
		for _, b := range parts {
			for _, c := range parts {
				keys = append(keys, a+b+c)
			}
		}
	}
	for _, key := range keys {
		sent := carried(key)
		require.LessOrEqual(t, sent, key, "%q", key)
		require.True(t, utf8.ValidString(sent), "%q", key)
		require.False(t, strings.ContainsAny(sent, "\x00\n\r\u2028\u2029"), "%q", key)
		if utf8.ValidString(key) && !strings.ContainsAny(key, "\x00\n\r\u2028\u2029") {
			require.Equal(t, key, sent)
		}
	}
}

func TestAListingGoesOnBehindKeysThatNoCursorCarries(t *testing.T) {
	keys := []string{"a\x01b", "a\tz", "a\n", "a\nb", "a\nl:z", "a\no:desc", "a\rb", "aé", "a\u2028b", "a\u2029b", "a\ufffdb", "b"}
	server := func(r *http.Request) *http.Response {
		var q struct {
			Prefix, Cursor string
			Limit          int
		}
		doc, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(doc, &q)
		cursor, err := base64.StdEncoding.DecodeString(q.Cursor)
		if err != nil || strings.ContainsAny(string(cursor), "\n\r\u2028\u2029\x00") {
			return plain(400, `{"statusCode":"400","error":"InvalidParameter","message":"Invalid Parameter continuation token","code":"InvalidParameter"}`)
		}
		after := strings.TrimPrefix(string(cursor), "l:")
		var rows []string
		for _, key := range keys {
			if key > after && strings.HasPrefix(key, q.Prefix) {
				name, _ := json.Marshal(key)
				rows = append(rows, `{"name":`+string(name)+`}`)
			}
		}
		more := len(rows) > 6
		return plain(200, fmt.Sprintf(`{"hasNext":%v,"folders":[],"objects":[%s]}`, more, strings.Join(rows[:min(6, len(rows))], ",")))
	}
	c := answering(t, server)
	for i, key := range append([]string{""}, keys...) {
		got, err := list(t.Context(), c, "", key)
		require.NoError(t, err, "%q", key)
		require.Equal(t, keys[i:], keysOf(got), "%q", key)
	}
	// There is an end to what can be left out.
	keys = []string{"a\n1", "a\n2", "a\n3", "a\n4", "a\n5", "a\n6", "a\n7", "a\n8"}
	_, err := list(t.Context(), c, "", "")
	require.ErrorIs(t, err, object.ErrUnavailable)
	require.ErrorContains(t, err, "no cursor can lead beyond them")
}

func TestPagesInPartsAreTheWholeListing(t *testing.T) {
	s := emulator.New(emulator.Options{})
	for i := range 2500 {
		s.Put(testBucket, fmt.Sprintf("d%02d/%04d", i%7, i), nil)
	}
	c := inMemory(t, s)
	all, err := list(t.Context(), c, "", "")
	require.NoError(t, err)
	require.Len(t, all, 2500)
	require.True(t, slices.IsSortedFunc(all, func(a, b object.Object) int { return strings.Compare(a.Key, b.Key) }))
	for _, after := range []string{"a", "d", "d03", "d03/0500", "d03/0500x", "zz", "\U0010FFFF"} {
		got, err := list(t.Context(), c, "", after)
		require.NoError(t, err)
		i, _ := slices.BinarySearchFunc(all, after, func(o object.Object, key string) int { return strings.Compare(o.Key, key) })
		if i < len(all) && all[i].Key == after {
			i++
		}
		require.Equal(t, keysOf(all[i:]), keysOf(got), after)
	}
	got, err := list(t.Context(), c, "d03/", "a")
	require.NoError(t, err)
	require.Len(t, got, 357, "a place to start that is above the prefix")
}

func TestABucketThatDoesNotExistIsNoEmptyListing(t *testing.T) {
	s := emulator.New(emulator.Options{})
	s.CreateBucket("empty")
	set := s.Settings()
	for name, cred := range map[string]object.Credentials{
		"secret key": {APIKey: set.SecretKey}, "user": {APIKey: set.PublishableKey, SessionToken: s.UserToken("u", time.Hour)}, "anon": {APIKey: set.PublishableKey},
	} {
		t.Run(name, func(t *testing.T) {
			missing := inMemory(t, s, func(o *plane.Options) { o.Bucket, o.Credentials = "nope", static(cred) })
			_, _, err := missing.Probe(t.Context(), "", retry.Once)
			require.ErrorIs(t, err, object.ErrNoBucket)
			_, _, err = missing.Page(t.Context(), "a/", "")
			require.ErrorIs(t, err, object.ErrNoBucket)
			_, _, err = missing.Listed(t.Context(), "k")
			require.ErrorIs(t, err, object.ErrNoBucket)

			s.ResetLog()
			empty := inMemory(t, s, func(o *plane.Options) { o.Bucket, o.Credentials = "empty", static(cred) })
			_, found, err := empty.Probe(t.Context(), "", retry.Once)
			require.NoError(t, err, "a role that may not see the bucket sees an empty listing")
			require.False(t, found)
			require.Equal(t, 1, s.Count(emulator.OpRESTInfo))
		})
	}
}

func TestAnEmptyListingCountsOnlyOnceTheBucketIsKnownToExist(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		doc    string
		kind   error
	}{
		"no such object":       {400, `{"statusCode":"404","error":"not_found","message":"Object not found","code":"NoSuchKey"}`, nil},
		"there is one":         {200, `{"name":".emptyFolderPlaceholder"}`, nil},
		"an old server":        {404, `{"message":"Route GET:/x not found","error":"Not Found","statusCode":404}`, nil},
		"not allowed":          {400, `{"statusCode":"403","error":"Unauthorized","message":"no","code":"AccessDenied"}`, nil},
		"no bucket":            {400, `{"statusCode":"404","error":"Bucket not found","message":"Bucket not found","code":"NoSuchBucket"}`, object.ErrNoBucket},
		"no bucket, old":       {400, `{"statusCode":"404","error":"Bucket not found","message":"Bucket not found"}`, object.ErrNoBucket},
		"the database is down": {500, `{"statusCode":"500","error":"Internal","message":"x","code":"InternalError"}`, object.ErrUnavailable},
		"a page":               {404, `<html>`, object.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			c := answering(t, func(r *http.Request) *http.Response {
				if strings.Contains(r.URL.Path, "list-v2") {
					return plain(200, pageOf(false))
				}
				return plain(tc.status, tc.doc)
			})
			_, _, err := c.Page(t.Context(), "", "")
			if tc.kind == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, tc.kind)
			e, _ := errors.AsType[*object.Error](err)
			require.Empty(t, e.Key, "it is about no object")
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(pageOf(true, "a", "b\u00e9")))
	f.Add(samplePage(2))
	f.Add([]byte(`{"hasNext":false,"objects":[{"name":"\ud800","metadata":{"eTag":"\\","size":1e3}}]}`))
	f.Add([]byte(`{"hasNext":false,"objects":[{"name":"a\\\"","x":[[[{}]]]}]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		var p page
		if p.decode(doc) != nil {
			return
		}
		var a jsonPage
		if !json.Valid(doc) || json.Unmarshal(doc, &a) != nil {
			return // the scanner is tolerant
		}
		for _, o := range p.objects {
			if !utf8.ValidString(o.Key + o.ETag + o.Odd) {
				t.Fatalf("%+v", o)
			}
		}
	})
}

// numbers make the rows of pageOf differ.
var numbers = regexp.MustCompile(`(\\"e|"size":)\d`)

func TestACompletePageMayBeInAnyOrder(t *testing.T) {
	for name, keys := range map[string][]string{
		"reversed": {"c", "b", "a"}, "shuffled": {"b", "c", "a"}, "repeated": {"a", "a", "b", "b", "c", "c"},
		"shuffled and repeated": {"b", "a", "c", "b", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			c := answering(t, func(*http.Request) *http.Response {
				return plain(200, numbers.ReplaceAllString(pageOf(false, keys...), "${1}0"))
			})
			got, more, err := c.Page(t.Context(), "", "")
			require.NoError(t, err)
			require.False(t, more)
			require.Equal(t, []string{"a", "b", "c"}, keysOf(got))
		})
	}
}

func TestPagesThatCannotBeRightAreAnErrorOfTheirOwnAfterFewAttempts(t *testing.T) {
	for name, keys := range map[string][]string{"reversed": {"c", "b", "a"}, "the same page": {"a", "b"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				c := answering(t, func(*http.Request) *http.Response {
					n++
					return plain(200, pageOf(true, keys...))
				}, func(o *plane.Options) {
					o.Retry = retry.Policy{MaxAttempts: 50, InitialInterval: time.Second, MaxInterval: time.Minute}
				})
				start := time.Now()
				_, err := list(t.Context(), c, "", "")
				require.ErrorIs(t, err, object.ErrMisled)
				require.NotErrorIs(t, err, object.ErrUnavailable)
				require.Less(t, time.Since(start), time.Minute)
				require.Less(t, n, 10)
				_, found, err := c.Probe(t.Context(), "", retry.Once)
				require.NoError(t, err, "an answer is all that a probe wants")
				require.True(t, found)
			})
		})
	}
}
