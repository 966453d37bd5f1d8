package supabase

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

func userSettings() Settings {
	return Settings{
		ProjectRef: ref, Bucket: "photos",
		Credentials: CredentialSettings{Type: TypeUser, AnonKey: apiKey(ref, "anon"), Email: "ada@example.com", Password: "correct horse battery staple"},
	}
}

func tokenSettings() Settings {
	return Settings{
		ProjectRef: ref, Bucket: "photos",
		Credentials: CredentialSettings{Type: TypeAccessToken, AccessToken: "sbp_0123456789abcdef0123456789abcdef01234567"},
	}
}

func TestAuthStandsBesideStorage(t *testing.T) {
	for endpoint, want := range map[string]string{
		"": "https://" + ref + ".supabase.co/auth/v1",
		"https://" + ref + ".storage.supabase.co/storage/v1/s3": "https://" + ref + ".supabase.co/auth/v1",
		"https://files.example.com/storage/v1/s3/":              "https://files.example.com/auth/v1",
		"https://example.com:8443/supabase/storage/v1/s3":       "https://example.com:8443/supabase/auth/v1",
		"http://127.0.0.1:54321/storage/v1/s3":                  "http://127.0.0.1:54321/auth/v1",
	} {
		s := userSettings()
		s.Endpoint = endpoint
		p, err := Resolve(s)
		require.NoError(t, err)
		require.Equal(t, want, p.AuthURL)
		_, known := p.Keys()
		require.False(t, known, "they come with the sign-in")
		require.Zero(t, p.Identity)
	}
	s := userSettings()
	s.Endpoint, s.Credentials.AuthURL = "http://storage:5000/s3", "http://auth:9999/"
	p, err := Resolve(s)
	require.NoError(t, err)
	require.Equal(t, "http://auth:9999", p.AuthURL)
}

func TestSignedInUser(t *testing.T) {
	s := userSettings()
	p, err := Resolve(s)
	require.NoError(t, err)
	now := time.Now().Truncate(time.Second).UTC()
	signed, err := p.SignedIn(userToken(ref, now.Add(time.Hour)), time.Time{})
	require.NoError(t, err)
	require.Equal(t, "authenticated", signed.Identity.Role)
	require.Equal(t, "ada@example.com", signed.Identity.User())
	require.Equal(t, now.Add(time.Hour), signed.Expires)
	require.Equal(t, s.Credentials.AnonKey, credentials(t, signed).SecretAccessKey)

	signed, err = p.SignedIn(userToken(ref, now.Add(-time.Hour)), time.Time{})
	require.NoError(t, err)
	require.Zero(t, signed.Expires, "the clocks differ")

	_, err = p.SignedIn(userToken(otherRef, now.Add(time.Hour)), time.Time{})
	require.ErrorContains(t, err, otherRef)
	_, err = p.SignedIn("abc", time.Time{})
	require.ErrorContains(t, err, "no JWT")
}

func TestAPublishableKeySignsInAndRequestsGoOverREST(t *testing.T) {
	const key = "sb_publishable_abcdefghijklmnop"
	token := userToken(ref, time.Now().Add(time.Hour))
	for name, edit := range map[string]func(c *CredentialSettings){
		"publishable_key": func(c *CredentialSettings) { c.AnonKey, c.PublishableKey = "", key },
		"anon_key":        func(c *CredentialSettings) { c.AnonKey = key }, // where it was written before
	} {
		t.Run(name, func(t *testing.T) {
			s := userSettings()
			edit(&s.Credentials)
			p, err := Resolve(s)
			require.NoError(t, err)
			require.True(t, p.OverREST())
			require.Equal(t, key, p.Login().APIKey)
			p, err = p.SignedIn(token, time.Time{})
			require.NoError(t, err)
			c := credentials(t, p)
			require.False(t, c.Signs())
			require.Equal(t, object.Credentials{APIKey: key, SessionToken: token, Expires: p.Expires}, c)
			require.Equal(t, "authenticated", p.Identity.Role)
		})
	}
}

func TestAddressesOfTheManagementAPI(t *testing.T) {
	for written, want := range map[string]string{
		"": hostedAPI, "https://api.supabase.com/": hostedAPI, "https://api.supabase.com/v1": hostedAPI,
		"http://127.0.0.1:8080/": "http://127.0.0.1:8080",
	} {
		s := tokenSettings()
		s.Credentials.APIURL = written
		p, err := Resolve(s)
		require.NoError(t, err)
		require.Equal(t, want, p.APIURL)
		require.Equal(t, want != hostedAPI, p.OwnAPI())
	}
}

func TestFilesAreNotReadToResolve(t *testing.T) {
	for name, s := range map[string]Settings{
		"access_key": {ProjectRef: ref, Credentials: CredentialSettings{Type: TypeAccessKey, Files: map[string]string{fieldKeyID: "a", fieldSecret: "b"}}},
		"session":    {Endpoint: "https://files.example.com/storage/v1/s3", Credentials: CredentialSettings{Type: TypeSessionToken, Files: map[string]string{fieldUserToken: "a"}}},
		"user": {ProjectRef: ref, Credentials: CredentialSettings{
			Type: TypeUser, Email: "a@b", Files: map[string]string{fieldAnonKey: "a", fieldPassword: "b"},
		}},
		"access_token": {ProjectRef: ref, Credentials: CredentialSettings{Type: TypeAccessToken, Files: map[string]string{fieldAccessToken: "a"}}},
	} {
		t.Run(name, func(t *testing.T) {
			require.True(t, s.HasFiles())
			p, err := Resolve(s)
			require.NoError(t, err)
			_, known := p.Keys()
			require.False(t, known)
		})
	}
}

func TestWhatIsWrongInAFileIsToldOfTheFile(t *testing.T) {
	s := sessionSettings()
	s.Credentials.ServiceRoleKey = ""
	s.Credentials.Files = map[string]string{fieldServiceKey: "/run/key"}
	read := func(text string) (Project, error) {
		filled, err := s.Read(func(path string) ([]byte, error) {
			require.Equal(t, "/run/key", path)
			return []byte(text), nil
		})
		if err != nil {
			return Project{}, err
		}
		return Resolve(filled)
	}
	p, err := read(apiKey(ref, "service_role") + "\r\n")
	require.NoError(t, err)
	require.Equal(t, "service_role", p.Identity.Role)
	field, ok := errors.AsType[*FieldError](p.Explain(refused(403, object.ErrCredentials, "AccessDenied", "signature verification failed"), ""))
	require.True(t, ok)
	require.Equal(t, "credentials.service_role_key_file", field.Field)

	for text, words := range map[string]string{
		apiKey(ref, "anon"): "credentials.service_role_key_file: holds the anon key",
		" x":                "credentials.service_role_key_file: begins or ends with white space",
		"\n":                "credentials.service_role_key_file: the file is empty",
	} {
		_, err = read(text)
		require.ErrorContains(t, err, words)
	}
	_, err = s.Read(func(string) ([]byte, error) { return nil, errors.New("permission denied") })
	require.ErrorContains(t, err, "credentials.service_role_key_file: the file can't be read; check that it is there, and that this process may read it (permission denied)")
}

func TestPrintingALoginShowsNothing(t *testing.T) {
	for _, s := range []Settings{userSettings(), tokenSettings()} {
		p, err := Resolve(s)
		require.NoError(t, err)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			noSecrets(t, s, fmt.Sprintf(verb, p)+fmt.Sprintf(verb, s)+fmt.Sprintf(verb, p.Login()))
		}
	}
}

func TestRefusalsOfKeysThatWereAskedForNameWhereTheyCameFrom(t *testing.T) {
	user, err := Resolve(userSettings())
	require.NoError(t, err)
	user, err = user.SignedIn(userToken(ref, time.Now().Add(time.Hour)), time.Time{})
	require.NoError(t, err)
	api, err := Resolve(tokenSettings())
	require.NoError(t, err)
	api, err = api.WithAPIKeys(apiKey(ref, "anon"), apiKey(ref, "service_role"), "ap-south-1")
	require.NoError(t, err)
	require.Equal(t, "ap-south-1", api.Region)
	mismatch := refused(403, object.ErrCredentials, "SignatureDoesNotMatch", "x")
	denied := func(message string) error { return refused(403, object.ErrCredentials, "AccessDenied", message) }
	for name, tc := range map[string]struct {
		p     Project
		err   error
		field string
		words string
	}{
		"anon key of a user":     {user, mismatch, "credentials.anon_key", "does not accept this key"},
		"anon key of the API":    {api, mismatch, "credentials.access_token", "the anon key that the Management API gives"},
		"token of a user":        {user, denied("signature verification failed"), "credentials.email", "keys were asked for"},
		"key of the API":         {api, denied("signature verification failed"), "credentials.access_token", "keys were asked for"},
		"session that has ended": {user, denied(`"exp" claim timestamp check failed`), "credentials.email", "why it could not be renewed"},
		"no right":               {user, refused(403, object.ErrDenied, "AccessDenied", "x"), "credentials.email", "policy"},
	} {
		t.Run(name, func(t *testing.T) {
			field, ok := errors.AsType[*FieldError](tc.p.Explain(tc.err, ""))
			require.True(t, ok)
			require.Equal(t, tc.field, field.Field)
			require.ErrorContains(t, field, tc.words)
			require.ErrorIs(t, field, tc.err)
		})
	}
	_, err = api.WithAPIKeys("", apiKey(otherRef, "service_role"), "")
	require.ErrorContains(t, err, "credentials.access_token: the Management API gave keys that can't be used: is a key of the project")
}
