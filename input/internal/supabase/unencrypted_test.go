package supabase

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatTravelsUnencryptedIsSaid(t *testing.T) {
	at := func(s Settings, host string) Project {
		s.ProjectRef, s.Endpoint = ref, "http://"+host+"/storage/v1/s3"
		p, err := Resolve(s)
		require.NoError(t, err, host)
		return p
	}
	for _, host := range []string{"supabase.example.com", "supabase.example.com.:8000", "8.8.8.8", "[2001:db8::1]:8000", "172.32.0.1", "notlocal.dev", "a.localhost.example.com"} {
		p := at(sessionSettings(), host)
		require.Len(t, p.Warnings, 1, host)
		require.Contains(t, p.Warnings[0].Error(), "endpoint: is not encrypted: everybody on the way to ")
		require.Contains(t, p.Warnings[0].Error(), "the token that opens them")
		require.Len(t, p.LeaksSecrets(), 1, host)
		p = at(accessKeySettings(), host)
		require.Len(t, p.Warnings, 1, host)
		require.NotContains(t, p.Warnings[0].Error(), "token")
		require.Empty(t, p.LeaksSecrets(), "an access key signs, and is not sent")
	}
	for _, host := range []string{
		"127.0.0.1:54321", "127.8.8.8", "localhost:8000", "LOCALHOST.", "api.localhost", "[::1]:8000", "[::ffff:127.0.0.1]", "kong:8000", "storage", "10.1.2.3", "172.16.0.9", "192.168.1.2",
		"169.254.1.1", "100.100.1.1", "[fd00::1]", "nas.local", "host.docker.internal:54321", "storage.supabase.svc", "storage.supabase.svc.cluster.local", "emulator.invalid",
	} {
		require.Empty(t, at(sessionSettings(), host).Warnings, host)
	}
	p, err := Resolve(sessionSettings())
	require.NoError(t, err)
	require.Empty(t, p.Warnings, "https")
}

func TestThePlainAddressesOfAuthAndTheAPIAreNamed(t *testing.T) {
	s := sessionSettings()
	s.Credentials = CredentialSettings{Type: TypeUser, AnonKey: apiKey(ref, "anon"), Email: "a@example.com", Password: "p", AuthURL: "http://auth.example.com/auth/v1"}
	p, err := Resolve(s)
	require.NoError(t, err)
	require.Contains(t, p.Warnings.Error(), "credentials.auth_url: is not encrypted: everybody on the way to auth.example.com can read the password")
	s.Credentials = CredentialSettings{Type: TypeAccessToken, AccessToken: "sbp_x", APIURL: "http://api.example.com"}
	p, err = Resolve(s)
	require.NoError(t, err)
	require.Contains(t, p.Warnings.Error(), "credentials.api_url: is not encrypted: ")
}
