package supabase

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

const (
	ref      = "abcdefghijklmnopqrst"
	otherRef = "tsrqponmlkjihgfedcba"
	keyID    = "0123456789abcdef0123456789abcdef"
	secret   = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
)

// token makes a JWT with these claims. Nobody here checks its signature.
func token(claims map[string]any) string {
	part := func(v any) string {
		raw, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	return part(map[string]any{"alg": "HS256", "typ": "JWT"}) + "." + part(claims) + "." +
		base64.RawURLEncoding.EncodeToString([]byte("signature of a test"))
}

func apiKey(project, role string) string {
	return token(map[string]any{"iss": "supabase", "ref": project, "role": role, "exp": int64(4_000_000_000)})
}

func userToken(project string, expires time.Time) string {
	return token(map[string]any{
		"iss": "https://" + project + ".supabase.co/auth/v1", "role": "authenticated", "sub": "u", "exp": expires.Unix(),
	})
}

func demoKey(role string) string { return token(map[string]any{"iss": "supabase-demo", "role": role}) }

func accessKeySettings() Settings {
	return Settings{
		ProjectRef: ref, Region: "eu-central-1", Bucket: "photos",
		Credentials: CredentialSettings{Type: TypeAccessKey, AccessKeyID: keyID, SecretAccessKey: secret},
	}
}

func sessionSettings() Settings {
	return Settings{
		ProjectRef: ref, Region: "eu-central-1", Bucket: "photos",
		Credentials: CredentialSettings{Type: TypeSessionToken, AnonKey: apiKey(ref, "anon"), ServiceRoleKey: apiKey(ref, "service_role")},
	}
}

// credentials are those that requests of p are signed with.
func credentials(t *testing.T, p Project) object.Credentials {
	t.Helper()
	c, ok := p.Keys()
	require.True(t, ok)
	require.Equal(t, p.Region, c.Region)
	c.Region = ""
	return c
}

func TestAccessKeyProject(t *testing.T) {
	p, err := Resolve(accessKeySettings())
	require.NoError(t, err)
	require.Equal(t, ref, p.Ref)
	require.Equal(t, "https://abcdefghijklmnopqrst.supabase.co/storage/v1/s3", p.Endpoint)
	require.Equal(t, "eu-central-1", p.Region)
	require.Equal(t, "photos", p.Bucket)
	require.Equal(t, "service_role", p.Identity.Role)
	require.Zero(t, p.Expires)
	require.Empty(t, p.Warnings)
	require.Equal(t, object.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, credentials(t, p))
}

func TestSessionTokenProject(t *testing.T) {
	s := sessionSettings()
	p, err := Resolve(s)
	require.NoError(t, err)
	require.Equal(t, "service_role", p.Identity.Role)
	require.Equal(t, time.Unix(4_000_000_000, 0).UTC(), p.Expires)
	require.Equal(t, object.Credentials{
		AccessKeyID: ref, SecretAccessKey: s.Credentials.AnonKey, SessionToken: s.Credentials.ServiceRoleKey, Expires: p.Expires,
		APIKey: s.Credentials.AnonKey,
	}, credentials(t, p))
}

func TestUserTokenProject(t *testing.T) {
	s := sessionSettings()
	s.Credentials.ServiceRoleKey = ""
	s.Credentials.UserToken = userToken(ref, time.Now().Add(time.Hour))
	p, err := Resolve(s)
	require.NoError(t, err)
	require.Equal(t, "authenticated", p.Identity.Role)
	require.Equal(t, s.Credentials.UserToken, credentials(t, p).SessionToken)
	require.Empty(t, p.Warnings)
}

func TestWithoutAnAnonKeyTheReferenceSigns(t *testing.T) {
	s := sessionSettings()
	s.Credentials.AnonKey = ""
	p, err := Resolve(s)
	require.NoError(t, err)
	require.Equal(t, ref, credentials(t, p).SecretAccessKey)
}

func TestReferenceIsTakenFromTheKeysWhereTheEndpointIsOnesOwn(t *testing.T) {
	for name, tc := range map[string]struct {
		endpoint string
		cred     CredentialSettings
		want     string
	}{
		"anon key":     {"https://files.example.com/storage/v1/s3", CredentialSettings{AnonKey: apiKey(ref, "anon"), ServiceRoleKey: demoKey("service_role")}, ref},
		"service key":  {"https://files.example.com/storage/v1/s3", CredentialSettings{ServiceRoleKey: apiKey(ref, "service_role")}, ref},
		"user's token": {"https://files.example.com/storage/v1/s3", CredentialSettings{UserToken: userToken(ref, time.Now().Add(time.Hour))}, ref},
		"endpoint":     {"https://" + ref + ".storage.supabase.co/storage/v1/s3", CredentialSettings{ServiceRoleKey: demoKey("service_role")}, ref},
		"local stack":  {"http://127.0.0.1:54321/storage/v1/s3", CredentialSettings{AnonKey: demoKey("anon"), ServiceRoleKey: demoKey("service_role")}, "stub"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.cred.Type = TypeSessionToken
			p, err := Resolve(Settings{Endpoint: tc.endpoint, Credentials: tc.cred})
			require.NoError(t, err)
			require.Equal(t, tc.want, p.Ref)
			require.Equal(t, tc.want, credentials(t, p).AccessKeyID)
			require.Equal(t, UniversalRegion, p.Region)
		})
	}
}

func TestSelfHostedServersMayHaveAnyKeysAndTenant(t *testing.T) {
	s := Settings{
		ProjectRef: "stub", Endpoint: "https://supabase.example.com:8443/storage/v1/s3/", Region: "local",
		Credentials: CredentialSettings{Type: TypeAccessKey, AccessKeyID: "minio", SecretAccessKey: "minio-secret"},
	}
	p, err := Resolve(s)
	require.NoError(t, err)
	require.Equal(t, "https://supabase.example.com:8443/storage/v1/s3", p.Endpoint)
	s.Endpoint = "http://localhost:7070"
	s.Credentials.AccessKeyID = "AKIAIOSFODNN7EXAMPLE"
	p, err = Resolve(s)
	require.NoError(t, err)
	require.Equal(t, "http://localhost:7070", p.Endpoint)
}

func TestAnonTokenEarnsAWarning(t *testing.T) {
	s := sessionSettings()
	s.Credentials.ServiceRoleKey, s.Credentials.UserToken = "", apiKey(ref, "anon")
	p, err := Resolve(s)
	require.NoError(t, err)
	require.Len(t, p.Warnings, 1)
	require.Contains(t, p.Warnings[0].Error(), "credentials.user_token")
}

func TestAllProblemsAreToldInTheOrderOfTheFields(t *testing.T) {
	_, err := Resolve(Settings{
		ProjectRef: "nope", Region: "East US",
		Credentials: CredentialSettings{Type: TypeSessionToken, AnonKey: "x", UserToken: "y"},
	})
	problems := err.(Problems) //nolint:errorlint // the type itself is the contract
	var fields []string
	for _, p := range problems {
		fields = append(fields, p.Field)
		require.ErrorIs(t, err, p)
	}
	require.Equal(t, []string{"project_ref", "region", "credentials.anon_key", "credentials.user_token"}, fields)
	require.Len(t, strings.Split(err.Error(), "\n"), 4)
}

// TestTheServersClockDecidesWhenATokenEnds lets a clock that is ahead by less than
// a day leave the decision to the server: the token may be good there.
func TestTheServersClockDecidesWhenATokenEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sessionSettings()
		end := time.Now().Add(time.Minute)
		s.Credentials.ServiceRoleKey, s.Credentials.UserToken = "", userToken(ref, end)
		time.Sleep(time.Minute - time.Second)
		p, err := Resolve(s)
		require.NoError(t, err)
		require.Empty(t, p.Warnings)
		keys, _ := p.Keys()
		require.True(t, end.Equal(keys.Expires))
		for _, later := range []time.Duration{time.Second, 23 * time.Hour} {
			time.Sleep(later)
			p, err = Resolve(s)
			require.NoError(t, err)
			require.Len(t, p.Warnings, 1)
			require.Contains(t, p.Warnings[0].Error(), "credentials.user_token: expired on "+end.UTC().Format(time.RFC3339)+" by the clock of this machine")
			require.Contains(t, p.Warnings[0].Error(), "sign the user in again")
			keys, ok := p.Keys()
			require.True(t, ok)
			require.Zero(t, keys.Expires, "when it ends is not known")
			require.True(t, end.Equal(p.Expires))
		}
		time.Sleep(time.Hour + time.Second)
		_, err = Resolve(s)
		require.ErrorContains(t, err, "credentials.user_token: expired on", "no clock is so wrong")
	})
}

func TestASecretMayHoldWhatLooksLikeAVariable(t *testing.T) {
	password := func(text string) error {
		s := sessionSettings()
		s.Credentials = CredentialSettings{Type: TypeUser, AnonKey: apiKey(ref, "anon"), Email: "a@example.com", Password: text}
		_, err := Resolve(s)
		return err
	}
	odd := []string{"a${b}c", "${", "}${a}", "$${a}", "${}", "${a b}", "${a-b}", " ${A} ", "${A}${B}", `"'\#$`, `a\nb`, "  "}
	for _, text := range odd {
		require.NoError(t, password(text), text)
		s := sessionSettings()
		s.Endpoint = "https://supabase.example.com/storage/v1/s3"
		s.Credentials = CredentialSettings{Type: TypeAccessKey, AccessKeyID: keyID, SecretAccessKey: "x" + strings.TrimSpace(text) + "x"}
		_, err := Resolve(s)
		require.NoError(t, err, text)
	}
	for _, text := range []string{"${NAME}", "${NAME:default}", "${NAME:${OTHER}}", "${NAME|base64decode}", "${a.b_1:}"} {
		require.ErrorContains(t, password(text), "credentials.password: holds the text of an environment variable")
	}

	t.Setenv("A_PASSWORD", "${NAME}")
	require.NoError(t, password("${NAME}"), "it was replaced: the environment holds this text")

	s := sessionSettings()
	s.Credentials = CredentialSettings{Type: TypeUser, AnonKey: apiKey(ref, "anon"), Email: "a@example.com", Files: map[string]string{fieldPassword: "p"}}
	read, err := s.Read(func(string) ([]byte, error) { return []byte("${FROM_A_FILE}\n"), nil })
	require.NoError(t, err)
	p, err := Resolve(read)
	require.NoError(t, err)
	require.Equal(t, "${FROM_A_FILE}", p.Login().Password)
}

func TestPrintingAProjectShowsNoKey(t *testing.T) {
	for _, s := range []Settings{accessKeySettings(), sessionSettings()} {
		p, err := Resolve(s)
		require.NoError(t, err)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			noSecrets(t, s, fmt.Sprintf(verb, p)+fmt.Sprintf(verb, &p)+fmt.Sprintf(verb, s)+fmt.Sprintf(verb, s.Credentials))
		}
	}
}

// Whatever is written into whatever field, no secret value comes back.
func FuzzNoProblemRepeatsASecret(f *testing.F) {
	for i := range byte(6) {
		f.Add(i, apiKey(ref, "anon"))
		f.Add(i, "sb_secret_abcdefghijklmnop")
		f.Add(i, " \"${x}\" "+secret)
	}
	f.Fuzz(func(t *testing.T, where byte, value string) {
		for _, s := range []Settings{accessKeySettings(), sessionSettings()} {
			c := &s.Credentials
			fields := []*string{&c.AccessKeyID, &c.SecretAccessKey, &c.AnonKey, &c.ServiceRoleKey, &c.UserToken}
			*fields[int(where)%len(fields)] = value
			_, err := Resolve(s)
			if err == nil || len(value) < 20 {
				continue
			}
			// A JWT's role and project are told; they are no secrets.
			if _, isJWT := parseJWT(value); !isJWT {
				require.NotContains(t, err.Error(), value)
			}
			noSecrets(t, s, err.Error())
		}
	})
}
