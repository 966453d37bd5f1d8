package s3

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

const testBucket = "photos"

// static are credentials that never change.
func static(c object.Credentials) func(context.Context) (object.Credentials, error) {
	return func(context.Context) (object.Credentials, error) { return c, nil }
}

// accessKey are the emulator's S3 keys.
func accessKey(s *emulator.Server) object.Credentials {
	set := s.Settings()
	return object.Credentials{AccessKeyID: set.AccessKeyID, SecretAccessKey: set.SecretAccessKey}
}

// inMemory is a client of s without sockets, patient for an hour. edit may
// change the options.
func inMemory(t testing.TB, s *emulator.Server, edit func(*plane.Options)) *Client {
	t.Helper()
	s.CreateBucket(testBucket)
	o := plane.Options{
		Endpoint: s.Endpoint(), Region: s.Settings().Region, Bucket: testBucket,
		Credentials: static(accessKey(s)), Transport: s.Transport(),
		ResponseTimeout: time.Hour, IdleTimeout: time.Hour,
	}
	if edit != nil {
		edit(&o)
	}
	c, err := New(o)
	require.NoError(t, err)
	return c
}

// overLoopback is a client of s over real sockets, with its own transport.
func overLoopback(t testing.TB, s *emulator.Server, edit func(*plane.Options)) *Client {
	t.Helper()
	l, err := s.Start("")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	c := inMemory(t, s, func(o *plane.Options) {
		o.Endpoint, o.Transport = l.Endpoint(), nil
		o.ConnectTimeout = 5 * time.Second
		if edit != nil {
			edit(o)
		}
	})
	t.Cleanup(c.Close)
	return c
}

// patient tries five times.
var patient = retry.Policy{MaxAttempts: 5, InitialInterval: time.Second, MaxInterval: time.Minute}

// roundTrip is an http.RoundTripper of one function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// list collects a listing.
func list(ctx context.Context, c *Client, r Range) ([]object.Object, error) {
	var all []object.Object
	for o, err := range c.List(ctx, r) {
		if err != nil {
			return all, err
		}
		all = append(all, o)
	}
	return all, nil
}

// oddKeys hold every character that the Storage API accepts, and the shapes
// that a client is tempted to clean.
var oddKeys = []string{
	"plain.txt", "a b", "plus+sign", "bang!", "quote'", "round(1)", "star*", "and&", "dollar$", "at@", "eq=1",
	"semi;colon:comma,", "question?mark", "dash-_under.dot", "/leading", "double//slash", "trailing space ",
	"f.txt", "f.txt.bak", "f.txt-1", "f.txt (copy)", "space /slash", "//", "many   spaces", "?versions", "a?b=c&d=e+f",
	`!-_.*'()& $@=;:+,?/0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ`,
}

func TestEveryAllowedKeyIsListedReadInspectedAndDeleted(t *testing.T) {
	for _, kind := range []string{"in memory", "over sockets"} {
		t.Run(kind, func(t *testing.T) {
			s := emulator.New(emulator.Options{})
			for _, key := range oddKeys {
				s.Put(testBucket, key, []byte("content of "+key))
			}
			c := inMemory(t, s, nil)
			if kind == "over sockets" {
				c = overLoopback(t, s, nil)
			}
			listed, err := list(t.Context(), c, Range{})
			require.NoError(t, err)
			require.Len(t, listed, len(oddKeys))
			for _, o := range listed {
				content, err := c.Open(t.Context(), o.Key, 0)
				require.NoError(t, err, o.Key)
				got, err := io.ReadAll(content.Body)
				require.NoError(t, err, o.Key)
				require.NoError(t, content.Body.Close())
				require.Equal(t, "content of "+o.Key, string(got))
				require.True(t, o.SameVersion(content.Object), cmp.Diff(o, content.Object))

				alone, found, err := c.Listed(t.Context(), o.Key)
				require.NoError(t, err, o.Key)
				require.True(t, found, o.Key)
				require.Equal(t, o, alone)
				require.NoError(t, c.Delete(t.Context(), o.Key), o.Key)
				_, _, found = s.Get(testBucket, o.Key)
				require.False(t, found, o.Key)
				_, found, err = c.Listed(t.Context(), o.Key)
				require.NoError(t, err)
				require.False(t, found, o.Key)
			}
		})
	}
}

func TestSessionTokenSeesWhatItsRoleMay(t *testing.T) {
	s := emulator.New(emulator.Options{})
	s.Put(testBucket, "mine/1", []byte("1"))
	s.Put(testBucket, "theirs/1", []byte("1"))
	s.AllowRead(testBucket, func(claims map[string]any, key string) bool { return key == "mine/1" })
	set := s.Settings()
	as := func(token string) []object.Object {
		c := inMemory(t, s, func(o *plane.Options) {
			o.Credentials = static(object.Credentials{AccessKeyID: set.ProjectRef, SecretAccessKey: set.AnonKey, SessionToken: token})
		})
		all, err := list(t.Context(), c, Range{})
		require.NoError(t, err)
		return all
	}
	require.Len(t, as(set.ServiceRoleKey), 2)
	require.Len(t, as(s.UserToken("me", time.Hour)), 1)
}

func TestRotatedSecretUnderTheSameKeyIDIsUsedAtOnce(t *testing.T) {
	s := emulator.New(emulator.Options{})
	s.Put(testBucket, "k", []byte("x"))
	cred := accessKey(s)
	good := cred.SecretAccessKey
	cred.SecretAccessKey = "the one before the rotation"
	c := inMemory(t, s, func(o *plane.Options) {
		o.Credentials = func(context.Context) (object.Credentials, error) { return cred, nil }
	})
	_, _, err := c.Listed(t.Context(), "k")
	require.ErrorIs(t, err, object.ErrCredentials)
	cred.SecretAccessKey = good
	_, _, err = c.Listed(t.Context(), "k")
	require.NoError(t, err)
}

func TestNoEncodingIsAskedForAndThatIsNotSigned(t *testing.T) {
	s := emulator.New(emulator.Options{})
	s.Put(testBucket, "k", []byte("0123456789"))
	c := overLoopback(t, s, nil)
	content, err := c.Open(t.Context(), "k", 3)
	require.NoError(t, err)
	require.NoError(t, content.Body.Close())
	_, err = list(t.Context(), c, Range{})
	require.NoError(t, err)
	for _, r := range s.Log() {
		require.Equal(t, "identity", r.Header.Get("Accept-Encoding"))
		require.Contains(t, r.Header.Get("Authorization"), "SignedHeaders=host;x-amz-content-sha256;x-amz-date,")
	}
}

func TestEndpointFormsLeadToTheSameAddress(t *testing.T) {
	for endpoint, want := range map[string]string{
		"https://abc.supabase.co/storage/v1/s3":      "https://abc.supabase.co/storage/v1/s3/photos",
		"https://abc.supabase.co/storage/v1/s3/":     "https://abc.supabase.co/storage/v1/s3/photos",
		"https://abc.supabase.co:443/storage/v1/s3/": "https://abc.supabase.co/storage/v1/s3/photos",
		"http://127.0.0.1:54321/storage/v1/s3":       "http://127.0.0.1:54321/storage/v1/s3/photos",
		"http://example.com:80":                      "http://example.com/photos",
		"http://example.com/":                        "http://example.com/photos",
		"http://[::1]:9000":                          "http://[::1]:9000/photos",
	} {
		u, err := bucketURL(endpoint, testBucket)
		require.NoError(t, err, endpoint)
		require.Equal(t, want, u.String())
	}
	for _, endpoint := range []string{"", "abc.supabase.co", "ftp://x", "https://", "http://[", "://"} {
		_, err := bucketURL(endpoint, testBucket)
		require.Error(t, err, endpoint)
	}
	_, err := New(plane.Options{Endpoint: "https://abc.supabase.co", Credentials: static(object.Credentials{})})
	require.ErrorContains(t, err, "bucket")
}

func TestPasswordInAnEndpointIsNotRepeated(t *testing.T) {
	_, err := bucketURL("ftp://me:hunter2@example.com", testBucket)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2")
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	s := emulator.New(emulator.Options{})
	s.Put(testBucket, "k", []byte("0123456789"))
	s.Put(testBucket, "empty", nil)
	c := overLoopback(t, s, func(o *plane.Options) { o.MaxConns = 4 })
	dialled := 0
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		if !i.Reused {
			dialled++
		}
	}})
	for range 20 {
		content, err := c.Open(ctx, "k", 0)
		require.NoError(t, err)
		_, err = io.ReadAll(content.Body)
		require.NoError(t, err)
		require.NoError(t, content.Body.Close())
		_, err = c.Open(ctx, "not there", 0)
		require.ErrorIs(t, err, object.ErrNotFound)
		content, err = c.Open(ctx, "empty", 0)
		require.NoError(t, err)
		require.NoError(t, content.Body.Close())
		_, err = list(ctx, c, Range{})
		require.NoError(t, err)
	}
	require.Equal(t, 1, dialled)
}
