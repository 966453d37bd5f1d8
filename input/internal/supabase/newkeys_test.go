package supabase

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

const (
	secretKey      = "sb_secret_abcdefghijklmnopqrstuv_12345678"
	publishableKey = "sb_publishable_abcdefghijklmnopqrstuv_12345678"
)

func secretKeySettings() Settings {
	return Settings{ProjectRef: ref, Bucket: "photos", Credentials: CredentialSettings{Type: TypeSecretKey, SecretKey: secretKey}}
}

func publishableSettings() Settings {
	return Settings{ProjectRef: ref, Bucket: "photos", Credentials: CredentialSettings{
		Type: TypeSessionToken, PublishableKey: publishableKey, UserToken: userToken(ref, time.Now().Add(time.Hour)),
	}}
}

func TestASecretKeyGoesOverREST(t *testing.T) {
	p, err := Resolve(secretKeySettings())
	require.NoError(t, err)
	require.True(t, p.OverREST())
	require.Equal(t, "https://"+ref+".supabase.co/storage/v1", p.Address())
	require.Equal(t, Identity{Role: "service_role"}, p.Identity)
	require.Equal(t, object.Credentials{APIKey: secretKey}, credentials(t, p))
	require.Empty(t, p.Warnings)
	require.Zero(t, p.Expires)
}

func TestAPublishableKeyGoesWithATokenOverREST(t *testing.T) {
	s := publishableSettings()
	p, err := Resolve(s)
	require.NoError(t, err)
	require.True(t, p.OverREST())
	require.Equal(t, object.Credentials{APIKey: publishableKey, SessionToken: s.Credentials.UserToken, Expires: p.Expires}, credentials(t, p))
	require.Equal(t, "u", p.Identity.Subject)
	require.NotZero(t, p.Expires)

	s.Credentials.UserToken, s.Credentials.ServiceRoleKey = "", apiKey(ref, "service_role")
	p, err = Resolve(s)
	require.NoError(t, err)
	require.True(t, p.OverREST())
	require.Equal(t, Identity{Role: "service_role"}, p.Identity)
}

// TestTheStateIsTheSameOnBothPlanes compares what the scope and the identity of a
// state are made of.
func TestTheStateIsTheSameOnBothPlanes(t *testing.T) {
	for _, pair := range [][2]func() Settings{
		{accessKeySettings, secretKeySettings},
		{func() Settings {
			s := publishableSettings()
			s.Credentials.PublishableKey, s.Credentials.AnonKey = "", apiKey(ref, "anon")
			return s
		}, publishableSettings},
	} {
		signed, err := Resolve(pair[0]())
		require.NoError(t, err)
		sent, err := Resolve(pair[1]())
		require.NoError(t, err)
		require.NotEqual(t, signed.OverREST(), sent.OverREST())
		require.Equal(t, signed.Endpoint, sent.Endpoint)
		require.Equal(t, signed.Identity, sent.Identity)
	}
	for _, endpoint := range []string{
		"https://supabase.example.com/storage/v1", "https://supabase.example.com/storage/v1/",
		"https://supabase.example.com/storage/v1/s3", "https://supabase.example.com/storage/v1/s3/",
	} {
		s := secretKeySettings()
		s.ProjectRef, s.Endpoint = "", endpoint
		p, err := Resolve(s)
		require.NoError(t, err)
		require.Equal(t, "https://supabase.example.com/storage/v1/s3", p.Endpoint, endpoint)
		require.Equal(t, "https://supabase.example.com/storage/v1", p.Address(), endpoint)
	}
}

func TestASelfHostedGatewayMayKnowKeysOfAnyForm(t *testing.T) {
	s := secretKeySettings()
	s.ProjectRef, s.Endpoint = "", "https://supabase.example.com/storage/v1"
	s.Credentials.SecretKey = "made-up-by-an-operator"
	p, err := Resolve(s)
	require.NoError(t, err)
	require.Equal(t, "made-up-by-an-operator", credentials(t, p).APIKey)
}

func TestMistakesWithSecretKeys(t *testing.T) {
	key := func(v string) func(*Settings) { return func(s *Settings) { s.Credentials.SecretKey = v } }
	check(t, secretKeySettings, map[string]problem{
		"none":           {key(""), "credentials.secret_key", []string{"missing", "API keys -> Secret keys"}},
		"publishable":    {key(publishableKey), "credentials.secret_key", []string{"alone reads nothing", "publishable_key", "type: user"}},
		"service key":    {key(apiKey(ref, "service_role")), "credentials.secret_key", []string{"a JWT", "type: session_token", "service_role_key"}},
		"s3 secret":      {key(secret), "credentials.secret_key", []string{"S3 access key", "type: access_key"}},
		"s3 id":          {key(keyID), "credentials.secret_key", []string{"S3 access key", "type: access_key"}},
		"pat":            {key("sbp_0123456789abcdef0123456789abcdef01234567"), "credentials.secret_key", []string{"personal access token", "type: access_token"}},
		"name of a key":  {key("default"), "credentials.secret_key", []string{"not its name"}},
		"masked":         {key("sb_secret_abcde·················"), "credentials.secret_key", []string{"not shown in full", "reveal"}},
		"shortened":      {key("sb_secret_abcde..."), "credentials.secret_key", []string{"not shown in full"}},
		"quotes":         {key("'" + secretKey + "'"), "credentials.secret_key", []string{"quotation"}},
		"line break":     {key(secretKey + "\n"), "credentials.secret_key", []string{"white space"}},
		"variable":       {key("${SUPABASE_SECRET_KEY}"), "credentials.secret_key", []string{"environment variable"}},
		"and an s3 key":  {func(s *Settings) { s.Credentials.AccessKeyID = keyID }, "credentials.access_key_id", []string{"not used by the type secret_key"}},
		"and a user":     {func(s *Settings) { s.Credentials.PublishableKey = publishableKey }, "credentials.publishable_key", []string{"not used by the type secret_key"}},
		"wrong type":     {func(s *Settings) { s.Credentials.Type = TypeAccessKey }, "credentials.type", []string{"write type: secret_key"}},
		"another server": {func(s *Settings) { s.ProjectRef, s.Endpoint = "", "https://minio.example.com" }, "endpoint", []string{"REST API", "/storage/v1"}},
		"another API":    {func(s *Settings) { s.ProjectRef, s.Endpoint = "", "https://files.example.com/rest/v1" }, "endpoint", []string{"another API"}},
	})
}

func TestMistakesWithPublishableKeys(t *testing.T) {
	edit := func(f func(c *CredentialSettings)) func(*Settings) { return func(s *Settings) { f(&s.Credentials) } }
	key := func(v string) func(*Settings) { return edit(func(c *CredentialSettings) { c.PublishableKey = v }) }
	check(t, publishableSettings, map[string]problem{
		"alone":          {edit(func(c *CredentialSettings) { c.UserToken = "" }), "credentials.service_role_key", []string{"missing", "the publishable key alone reads nothing"}},
		"secret key":     {key(secretKey), "credentials.publishable_key", []string{"row level security", "type: secret_key"}},
		"anon key":       {key(apiKey(ref, "anon")), "credentials.publishable_key", []string{"a JWT", "move it to credentials.anon_key"}},
		"service key":    {key(apiKey(ref, "service_role")), "credentials.publishable_key", []string{"a JWT", "move it to credentials.service_role_key"}},
		"s3 secret":      {key(secret), "credentials.publishable_key", []string{"S3 access key"}},
		"name":           {key("default"), "credentials.publishable_key", []string{"not a publishable API key"}},
		"quotes":         {key(`"` + publishableKey + `"`), "credentials.publishable_key", []string{"quotation"}},
		"both":           {edit(func(c *CredentialSettings) { c.AnonKey = apiKey(ref, "anon") }), "credentials.publishable_key", []string{"together with credentials.anon_key", "keep one"}},
		"swapped":        {edit(func(c *CredentialSettings) { c.PublishableKey, c.UserToken = c.UserToken, c.PublishableKey }), "credentials.publishable_key", []string{"user_token", "swap"}},
		"as the token":   {edit(func(c *CredentialSettings) { c.UserToken = publishableKey }), "credentials.user_token", []string{"where a JWT is needed"}},
		"secret as one":  {edit(func(c *CredentialSettings) { c.UserToken = secretKey }), "credentials.user_token", []string{"type: secret_key"}},
		"other project":  {edit(func(c *CredentialSettings) { c.UserToken = userToken(otherRef, time.Now().Add(time.Hour)) }), "credentials.user_token", []string{otherRef}},
		"another server": {func(s *Settings) { s.ProjectRef, s.Endpoint = "", "https://minio.example.com" }, "endpoint", []string{"REST API"}},
	})
	check(t, sessionSettings, map[string]problem{
		"new keys in place of the old": {edit(func(c *CredentialSettings) { c.ServiceRoleKey = secretKey }), "credentials.service_role_key", []string{"type: secret_key", "into credentials.secret_key"}},
		"publishable as anon":          {edit(func(c *CredentialSettings) { c.AnonKey = publishableKey }), "credentials.anon_key", []string{"move it to credentials.publishable_key"}},
		"secret as anon":               {edit(func(c *CredentialSettings) { c.AnonKey = secretKey }), "credentials.anon_key", []string{"type: secret_key"}},
	})
}

func TestRefusalsOverRESTNameTheirFieldAndRemedy(t *testing.T) {
	own := secretKeySettings()
	own.ProjectRef, own.Endpoint = "", "https://supabase.example.com/storage/v1"
	denied := func(status int, code, message string) *object.Error {
		return &object.Error{Op: "listing", Kind: object.ErrCredentials, Status: status, Code: code, Message: message}
	}
	for name, tc := range map[string]struct {
		s     Settings
		err   *object.Error
		field string
		words []string
	}{
		"deleted":            {secretKeySettings(), denied(401, "", "Invalid API key"), "credentials.secret_key", []string{"deleted", "Secret keys"}},
		"gateway without it": {own, denied(400, "InvalidRequest", "headers must have required property 'authorization'"), "credentials.secret_key", []string{"does not know the new API keys", "Kong"}},
		"passed on":          {own, denied(403, "AccessDenied", "Invalid Compact JWS"), "credentials.secret_key", []string{"Envoy"}},
		"publishable":        {publishableSettings(), denied(401, "", "Invalid API key"), "credentials.publishable_key", []string{"no such publishable key"}},
		"expired":            {publishableSettings(), denied(403, "AccessDenied", `"exp" claim timestamp check failed`), "credentials.user_token", []string{"expired on 20", "sign the user in again"}},
		"foreign token":      {publishableSettings(), denied(403, "AccessDenied", "signature verification failed"), "credentials.user_token", []string{"not signed by this project"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Resolve(tc.s)
			require.NoError(t, err)
			got := p.Explain(tc.err, "")
			for _, word := range append(tc.words, tc.field+": ") {
				require.ErrorContains(t, got, word)
			}
			require.NotContains(t, got.Error(), "region")
			noSecrets(t, tc.s, got.Error())
		})
	}
}

func TestPrintingAProjectShowsNoNewKey(t *testing.T) {
	for _, s := range []Settings{secretKeySettings(), publishableSettings()} {
		p, err := Resolve(s)
		require.NoError(t, err)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			noSecrets(t, s, fmt.Sprintf(verb, p)+fmt.Sprintf(verb, &p)+fmt.Sprintf(verb, s)+fmt.Sprintf(verb, s.Credentials))
		}
	}
}
