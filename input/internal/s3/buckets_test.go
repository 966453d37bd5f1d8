package s3

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestBucketsAreThoseThatTheRoleMaySee(t *testing.T) {
	s := emulator.New(emulator.Options{})
	for _, name := range []string{"avatars", "a b & c", "Photos"} {
		s.CreateBucket(name)
	}
	s.AllowBucket("avatars", func(claims map[string]any) bool { return claims["sub"] == "ada" })
	// A bucket that the client was made for need not be there.
	missing := func(o *plane.Options) { o.Bucket = "photo s" }
	names, err := inMemory(t, s, missing).Buckets(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"avatars", "a b & c", "Photos", testBucket}, names)
	names, err = overLoopback(t, s, missing).Buckets(t.Context())
	require.NoError(t, err)
	require.Len(t, names, 4)

	set := s.Settings()
	for sub, want := range map[string][]string{"ada": {"avatars"}, "eve": nil} {
		cred := object.Credentials{AccessKeyID: set.ProjectRef, SecretAccessKey: set.AnonKey, SessionToken: s.UserToken(sub, 1<<40)}
		names, err := inMemory(t, s, func(o *plane.Options) { o.Credentials = static(cred) }).Buckets(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, names, sub)
	}
}

func TestBucketsAreToldApartFromOtherAnswers(t *testing.T) {
	for doc, want := range map[string][]string{
		`<?xml version="1.0"?><ListAllMyBucketsResult xmlns="x"><Owner><ID>i</ID><DisplayName>d</DisplayName></Owner><Buckets><Bucket><CreationDate>c</CreationDate><Name>a&amp;b</Name></Bucket><Bucket><Name>c</Name></Bucket></Buckets></ListAllMyBucketsResult>`: {"a&b", "c"},
		`<ListAllMyBucketsResult/>`:                                   nil,
		`<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>`: nil,
	} {
		names, next, err := decodeBuckets([]byte(doc))
		require.NoError(t, err, doc)
		require.Empty(t, next)
		require.Equal(t, want, names, doc)
	}
	for _, doc := range []string{"", "no", "<html></html>", "<ListAllMyBucketsResult><Buckets><Bucket><Name>a</Name>"} {
		_, _, err := decodeBuckets([]byte(doc))
		require.Error(t, err, doc)
	}
	// The refusals are those of every request.
	s := emulator.New(emulator.Options{})
	bad := accessKey(s)
	bad.SecretAccessKey += "0"
	_, err := inMemory(t, s, func(o *plane.Options) { o.Credentials = static(bad) }).Buckets(t.Context())
	require.ErrorIs(t, err, object.ErrCredentials)
}

func TestAllPagesOfTheBucketsAreListed(t *testing.T) {
	page := func(name, next string) string {
		doc := "<ListAllMyBucketsResult><Buckets><Bucket><Name>" + name + "</Name></Bucket></Buckets>"
		if next != "" {
			doc += "<ContinuationToken>" + next + "</ContinuationToken>"
		}
		return doc + "</ListAllMyBucketsResult>"
	}
	for name, tc := range map[string]struct {
		pages map[string]string // by token
		want  []string
		fails bool
	}{
		"one":      {map[string]string{"": page("a", "")}, []string{"a"}, false},
		"three":    {map[string]string{"": page("a", "x&amp;y"), "x&y": page("b", "z"), "z": page("c", "")}, []string{"a", "b", "c"}, false},
		"circular": {map[string]string{"": page("a", "x"), "x": page("b", "x")}, nil, true},
		"empty":    {map[string]string{"": page("a", "x"), "x": "<ListAllMyBucketsResult><ContinuationToken>y</ContinuationToken></ListAllMyBucketsResult>"}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			c := inMemory(t, emulator.New(emulator.Options{}), func(o *plane.Options) {
				o.Bucket, o.AllBuckets, o.Transport = "", true, roundTrip(func(r *http.Request) (*http.Response, error) {
					asked++
					doc := tc.pages[r.URL.Query().Get("continuation-token")]
					return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/xml"}}, Body: io.NopCloser(strings.NewReader(doc)), ContentLength: int64(len(doc)), Request: r}, nil
				})
			})
			names, err := c.Buckets(t.Context())
			require.Equal(t, tc.want, names)
			require.Equal(t, tc.fails, err != nil, err)
			require.LessOrEqual(t, asked, 3)
		})
	}
}
