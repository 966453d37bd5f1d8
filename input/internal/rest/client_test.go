package rest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

const (
	testBucket = "photos"
	secretKey  = "sb_secret_0123456789abcdefghij_01234567"
)

// patient tries five times.
var patient = retry.Policy{MaxAttempts: 5, InitialInterval: time.Second, MaxInterval: time.Minute}

// static are credentials that never change.
func static(c object.Credentials) func(context.Context) (object.Credentials, error) {
	return func(context.Context) (object.Credentials, error) { return c, nil }
}

// inMemory is a client of s without sockets, with its secret key.
func inMemory(t testing.TB, s *emulator.Server, edit ...func(*plane.Options)) *Client {
	t.Helper()
	s.CreateBucket(testBucket)
	o := plane.Options{
		Endpoint: s.Endpoint(), Bucket: testBucket, Transport: s.Transport(),
		Credentials: func(context.Context) (object.Credentials, error) {
			return object.Credentials{APIKey: s.Settings().SecretKey}, nil
		},
		ResponseTimeout: time.Hour, IdleTimeout: time.Hour,
	}
	for _, e := range edit {
		e(&o)
	}
	c, err := New(o)
	require.NoError(t, err)
	return c
}

// roundTrip is an http.RoundTripper of one function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering is a client whose every request gets the answer of f.
func answering(t testing.TB, f func(*http.Request) *http.Response, edit ...func(*plane.Options)) *Client {
	t.Helper()
	o := plane.Options{
		Endpoint: "https://abcdefghijklmnopqrst.supabase.co/storage/v1", Bucket: testBucket, Credentials: static(object.Credentials{APIKey: secretKey}),
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) { return f(r), nil }),
	}
	for _, e := range edit {
		e(&o)
	}
	c, err := New(o)
	require.NoError(t, err)
	return c
}

func plain(status int, body string) *http.Response {
	kind := "application/json; charset=utf-8"
	if strings.HasPrefix(body, "<") {
		kind = "text/html"
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {kind}, "Etag": {`"abc"`}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// pageOf is a page as the server writes it.
func pageOf(more bool, keys ...string) string {
	rows := make([]string, len(keys))
	for i, key := range keys {
		rows[i] = fmt.Sprintf(`{"id":"8d72023d","name":%q,"metadata":{"eTag":"\"e%d\"","size":%d,"mimetype":"text/plain"},"updated_at":"2026-11-20T19:01:35.954Z","created_at":"2026-11-20T19:01:35.954Z"}`, key, i, i)
	}
	return fmt.Sprintf(`{"hasNext":%v,"folders":[],"objects":[%s]}`, more, strings.Join(rows, ","))
}

// list goes from page to page.
func list(ctx context.Context, c *Client, prefix, after string) (all []object.Object, err error) {
	for more := true; more; {
		var objs []object.Object
		if objs, more, err = c.Page(ctx, prefix, after); err != nil {
			return all, err
		}
		all = append(all, objs...)
		if more {
			after = objs[len(objs)-1].Key
		}
	}
	return all, nil
}

func keysOf(objs []object.Object) []string {
	keys := make([]string, len(objs))
	for i := range objs {
		keys[i] = objs[i].Key
	}
	return keys
}

// oddKeys hold every character that the Storage API accepts, and the shapes that a
// client is tempted to clean.
var oddKeys = []string{
	"plain.txt", "a b", "plus+sign", "bang!", "quote'", "round(1)", "star*", "and&", "dollar$", "at@", "eq=1",
	"semi;colon:comma,", "question?mark", "dash-_under.dot", "/leading", "double//slash", "trailing space ", "trailing/",
	"f.txt", "f.txt.bak", "f.txt-1", "f.txt (copy)", "space /slash", "//", "many   spaces", "?versions", "a?b=c&d=e+f",
	strings.Repeat("long/", 204) + "1234",
}

func TestEveryAllowedKeyIsListedReadAndDeleted(t *testing.T) {
	for _, gateway := range []emulator.Gateway{emulator.GatewayKong, emulator.GatewayNone} {
		for _, s3 := range []bool{false, true} {
			t.Run(fmt.Sprint(gateway, " ", s3), func(t *testing.T) {
				s := emulator.New(emulator.Options{Gateway: gateway, S3Backend: s3})
				for _, key := range oddKeys {
					s.Put(testBucket, key, []byte("content of "+key))
				}
				c := inMemory(t, s, func(o *plane.Options) {
					if gateway == emulator.GatewayNone {
						o.Credentials = static(object.Credentials{SessionToken: s.Settings().ServiceRoleKey})
					}
				})
				all, err := list(t.Context(), c, "", "")
				require.NoError(t, err)
				require.ElementsMatch(t, oddKeys, keysOf(all))
				for i, o := range all {
					rest, err := list(t.Context(), c, "", o.Key)
					require.NoError(t, err)
					require.ElementsMatch(t, keysOf(all[i+1:]), keysOf(rest))
					now, listed, err := c.Listed(t.Context(), o.Key)
					require.NoError(t, err)
					require.True(t, listed)
					require.Equal(t, o, now)
					read(t, c, o, 0)
					read(t, c, o, 5)
					part, err := c.OpenRange(t.Context(), o.Key, 3, 4)
					require.NoError(t, err)
					doc, err := io.ReadAll(part.Body)
					require.NoError(t, err)
					require.Equal(t, ("content of " + o.Key)[3:7], string(doc))
					require.NoError(t, c.Delete(t.Context(), o.Key))
					require.NoError(t, c.Delete(t.Context(), o.Key), "a missing object is no error")
					_, err = c.Open(t.Context(), o.Key, 0)
					require.ErrorIs(t, err, object.ErrNotFound)
				}
			})
		}
	}
}

// read reads an object from offset on.
func read(t *testing.T, c *Client, o object.Object, offset int64) {
	t.Helper()
	content, err := c.Open(t.Context(), o.Key, offset)
	require.NoError(t, err)
	doc, err := io.ReadAll(content.Body)
	require.NoError(t, err)
	require.NoError(t, content.Body.Close())
	require.Equal(t, ("content of " + o.Key)[offset:], string(doc))
	require.Equal(t, o.ETag, content.ETag)
	require.Equal(t, o.Size, content.Size)
	require.Equal(t, offset, content.Offset)
	require.Positive(t, content.StaleFor, "a cache may stand in between")
}

func TestKeysAreSentWhereTheyBelongAndNowhereElse(t *testing.T) {
	for name, tc := range map[string]struct {
		cred          object.Credentials
		apiKey, token string
	}{
		"secret key":               {object.Credentials{APIKey: secretKey}, secretKey, ""},
		"publishable key and user": {object.Credentials{APIKey: "sb_publishable_x", SessionToken: "a.b.c"}, "sb_publishable_x", "Bearer a.b.c"},
		"service key":              {object.Credentials{SessionToken: "a.b.c"}, "", "Bearer a.b.c"},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			c := answering(t, func(r *http.Request) *http.Response {
				n++
				require.Equal(t, tc.apiKey, r.Header.Get("Apikey"))
				require.Equal(t, tc.token, r.Header.Get("Authorization"))
				require.Equal(t, "abcdefghijklmnopqrst.supabase.co", r.URL.Host)
				require.NotContains(t, r.URL.String(), "sb_")
				answer := plain(http.StatusFound, "")
				answer.Header.Set("Location", "https://elsewhere.example.com/")
				return answer
			}, func(o *plane.Options) { o.Credentials = static(tc.cred) })
			_, _, err := c.Page(t.Context(), "", "")
			require.ErrorContains(t, err, "redirect to https://elsewhere.example.com")
			_, err = c.Open(t.Context(), "k", 0)
			require.ErrorContains(t, err, "which is not followed")
			require.Error(t, c.Delete(t.Context(), "k"))
			_, err = c.Buckets(t.Context())
			require.Error(t, err)
			_, err = c.UserMetadata(t.Context(), "k")
			require.Error(t, err)
			require.Equal(t, 5, n)
		})
	}
}

func TestKeysThatAreRefusedAreRenewed(t *testing.T) {
	for _, gateway := range emulator.Gateways() {
		t.Run(string(gateway), func(t *testing.T) {
			s := emulator.New(emulator.Options{Gateway: gateway})
			s.Put(testBucket, "k", []byte("content of k"))
			key, renewed := "sb_secret_of_another_project_", 0
			c := inMemory(t, s, func(o *plane.Options) {
				o.Credentials = func(context.Context) (object.Credentials, error) {
					if gateway == emulator.GatewayNone {
						return object.Credentials{SessionToken: key}, nil
					}
					return object.Credentials{APIKey: key}, nil
				}
				o.Renew = func(_ context.Context, rejected object.Credentials) (bool, error) {
					renewed++
					require.Contains(t, rejected.APIKey+rejected.SessionToken, key)
					key = s.Settings().SecretKey
					if gateway == emulator.GatewayNone {
						key = s.Settings().ServiceRoleKey
					}
					return true, nil
				}
			})
			for i, ask := range []func() error{
				func() error { _, _, err := c.Page(t.Context(), "", ""); return err },
				func() error { _, err := c.Open(t.Context(), "k", 0); return err },
				func() error { _, _, err := c.Probe(t.Context(), "", retry.Once); return err },
				func() error { _, err := c.Buckets(t.Context()); return err },
				func() error { return c.Delete(t.Context(), "k") },
			} {
				key = "sb_secret_of_another_project_"
				require.NoError(t, ask(), i)
				require.Equal(t, i+1, renewed)
			}
		})
	}
}

func TestAnEndpointIsTakenWithAndWithoutS3(t *testing.T) {
	for _, endpoint := range []string{
		"https://abc.supabase.co/storage/v1", "https://abc.supabase.co/storage/v1/", "https://abc.supabase.co/storage/v1/s3",
		"https://abc.supabase.co:443/storage/v1/s3/",
	} {
		c := answering(t, func(r *http.Request) *http.Response {
			require.Equal(t, "https://abc.supabase.co/storage/v1/object/list-v2/photos", r.URL.String())
			return plain(200, pageOf(false, "a"))
		}, func(o *plane.Options) { o.Endpoint = endpoint })
		_, _, err := c.Probe(t.Context(), "", retry.Once)
		require.NoError(t, err)
	}
	_, err := New(plane.Options{Endpoint: "ftp://me:hunter2@example.com", Bucket: "b", Credentials: static(object.Credentials{})})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2")
}

func TestNoAnswerToOneReadIsTheAnswerToAnother(t *testing.T) {
	seen := map[string]bool{}
	c := answering(t, func(r *http.Request) *http.Response {
		require.NotEmpty(t, r.URL.Query().Get("cacheNonce"))
		require.False(t, seen[r.URL.String()], "a cache could have it")
		seen[r.URL.String()] = true
		return plain(200, "x")
	})
	for range 3 {
		_, err := c.Open(t.Context(), "k", 0)
		require.NoError(t, err)
	}
}

func TestAStalledBodyMayBeTakenUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		s.Put(testBucket, "k", make([]byte, 100<<10))
		s.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{StallAfter: 10} })
		c := inMemory(t, s, func(o *plane.Options) { o.IdleTimeout = time.Minute })
		content, err := c.Open(t.Context(), "k", 0)
		require.NoError(t, err)
		_, err = io.ReadAll(content.Body)
		require.ErrorIs(t, err, object.ErrUnavailable)
		require.NoError(t, content.Body.Close())
	})
}
