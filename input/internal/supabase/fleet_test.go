package supabase

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAFleetIsResolvedWithoutReferences(t *testing.T) {
	s := Settings{Bucket: "b", Endpoint: "http://[::1]:8000/{project_ref}/storage/v1/s3/"}
	s.Credentials.Type, s.Credentials.AccessToken, s.Credentials.APIURL = TypeAccessToken, "sbp_0123456789abcdef0123456789abcdef01234567", "http://[::1]:8000/v1"
	p, err := ResolveFleet(s)
	require.NoError(t, err)
	require.Empty(t, p.Ref)
	require.Equal(t, "http://[::1]:8000", p.APIURL)
	require.Equal(t, "http://[::1]:8000/{project_ref}/storage/v1/s3", p.Endpoint)
	one, err := Resolve(s.ForProject("a-1"))
	require.NoError(t, err)
	require.Equal(t, "http://[::1]:8000/a-1/storage/v1/s3", one.Endpoint)
	require.NotContains(t, one.Endpoint, RefPlace)
	for _, w := range append(p.Warnings, one.Warnings...) {
		require.NotContains(t, w.Error(), anyRef)
	}
	s.Endpoint = "http://a.example.com/{project_ref}/rest/v1"
	_, err = ResolveFleet(s)
	require.ErrorContains(t, err, "write http://a.example.com/{project_ref}/storage/v1/s3")
	require.NotContains(t, err.Error(), anyRef)
}

func TestErrorsOfOneOfManyProjectsDoNotBlameProjectRef(t *testing.T) {
	s := Settings{Bucket: "b"}
	s.Credentials.Type, s.Credentials.AccessToken = TypeAccessToken, "sbp_0123456789abcdef0123456789abcdef01234567"
	p, err := Resolve(s.ForProject("abcdefghijklmnopqrst"))
	require.NoError(t, err)
	require.ErrorContains(t, p.NotRunning("INACTIVE", "restore it"), "projects: the project abcdefghijklmnopqrst is INACTIVE; restore it")
}
