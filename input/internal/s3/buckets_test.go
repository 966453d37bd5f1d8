package s3

import (
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
		names, err := decodeBuckets([]byte(doc))
		require.NoError(t, err, doc)
		require.Equal(t, want, names, doc)
	}
	for _, doc := range []string{"", "no", "<html></html>", "<ListAllMyBucketsResult><Buckets><Bucket><Name>a</Name>"} {
		_, err := decodeBuckets([]byte(doc))
		require.Error(t, err, doc)
	}
	// The refusals are those of every request.
	s := emulator.New(emulator.Options{})
	bad := accessKey(s)
	bad.SecretAccessKey += "0"
	_, err := inMemory(t, s, func(o *plane.Options) { o.Credentials = static(bad) }).Buckets(t.Context())
	require.ErrorIs(t, err, object.ErrCredentials)
}
