package supabase

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// problem is what a mistake must be answered with: its field, and words of the
// text.
type problem struct {
	edit  func(*Settings)
	field string
	words []string
}

func check(t *testing.T, base func() Settings, cases map[string]problem) {
	t.Helper()
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := base()
			tc.edit(&s)
			_, err := Resolve(s)
			require.Error(t, err)
			problems := err.(Problems) //nolint:errorlint // the type itself is the contract
			require.Equal(t, tc.field, problems[0].Field, err)
			require.Len(t, problems, 1, err)
			require.NotEmpty(t, problems[0].Remedy)
			for _, word := range tc.words {
				require.ErrorContains(t, err, word)
			}
			noSecrets(t, s, err.Error())
		})
	}
}

// noSecrets fails where text holds a secret of s, or most of one.
func noSecrets(t *testing.T, s Settings, text string) {
	t.Helper()
	c := s.Credentials
	for _, value := range []string{c.AccessKeyID, c.SecretAccessKey, c.AnonKey, c.ServiceRoleKey, c.UserToken, c.Password, c.AccessToken, c.SecretKey, c.PublishableKey} {
		if value = strings.Trim(value, " \n\"'"); len(value) < 12 || value == s.ProjectRef {
			continue
		}
		require.NotContains(t, text, value)
		if len(value) >= 40 {
			require.NotContains(t, text, value[:len(value)/2])
			require.NotContains(t, text, value[len(value)/2:])
		}
	}
}

func TestMistakesInTheAddress(t *testing.T) {
	at := func(endpoint string) func(*Settings) {
		return func(s *Settings) { s.ProjectRef, s.Endpoint = "", endpoint }
	}
	named := func(projectRef string) func(*Settings) { return func(s *Settings) { s.ProjectRef = projectRef } }
	check(t, accessKeySettings, map[string]problem{
		"nothing":             {func(s *Settings) { s.ProjectRef = "" }, "project_ref", []string{"missing", "endpoint"}},
		"url as ref":          {named("https://" + ref + ".supabase.co"), "project_ref", []string{"write " + ref}},
		"host as ref":         {named(ref + ".supabase.co"), "project_ref", []string{"write " + ref}},
		"storage host as ref": {named("https://" + ref + ".storage.supabase.co/storage/v1/s3"), "project_ref", []string{"write " + ref}},
		"dashboard as ref":    {named("https://supabase.com/dashboard/project/" + ref + "/settings/general"), "project_ref", []string{"write " + ref}},
		"dashboard page":      {named("supabase.com/dashboard/project/" + ref + "?tab=1"), "project_ref", []string{"write " + ref}},
		"database as ref":     {named("postgresql://postgres:hunter2@db." + ref + ".supabase.co:5432/postgres"), "project_ref", []string{"write " + ref}},
		"pooler as ref":       {named("postgres://postgres." + ref + ":hunter2@aws-0-eu-central-1.pooler.supabase.com:6543/postgres"), "project_ref", []string{"write " + ref}},
		"upper case host":     {named("HTTPS://" + strings.ToUpper(ref) + ".SUPABASE.CO/"), "project_ref", []string{"write " + ref}},
		"dashboard, no ref":   {named("https://supabase.com/dashboard/projects"), "project_ref", []string{"20 lower-case letters"}},
		"other url as ref":    {named("http://localhost:54321"), "project_ref", []string{"write endpoint"}},
		"upper case":          {named(strings.ToUpper(ref)), "project_ref", []string{"write " + ref}},
		"name of the project": {named("my-project"), "project_ref", []string{"20 lower-case letters"}},
		"key as ref":          {named("sb_secret_1234567890"), "project_ref", []string{"sb_secret_"}},
		"variable":            {named("${SUPABASE_REF}"), "project_ref", []string{"environment variable"}},
		"line break":          {named(ref + "\n"), "project_ref", []string{"white space"}},
		"no scheme":           {at("files.example.com"), "endpoint", []string{"https://"}},
		"other scheme":        {at("s3://files.example.com"), "endpoint", []string{"https://"}},
		"password":            {at("https://me:hunter2-hunter2@files.example.com"), "endpoint", []string{"credentials"}},
		"query":               {at("https://files.example.com/storage/v1/s3?a=b"), "endpoint", []string{"?"}},
		"not a url":           {at("https://[files"), "endpoint", []string{"not a URL"}},
		"dashboard":           {at("https://supabase.com/dashboard/project/" + ref), "endpoint", []string{"write project_ref: " + ref}},
		"database host":       {at("https://db." + ref + ".supabase.co/storage/v1/s3"), "endpoint", []string{"db." + ref}},
		"plain http":          {at("http://" + ref + ".supabase.co/storage/v1/s3"), "endpoint", []string{"write https://" + ref}},
		"no path":             {at("https://" + ref + ".supabase.co"), "endpoint", []string{"write https://" + ref + ".supabase.co/storage/v1/s3"}},
		"half a path":         {at("https://" + ref + ".supabase.co/storage/v1"), "endpoint", []string{".co/storage/v1/s3"}},
		"rest path":           {at("https://files.example.com/rest/v1/"), "endpoint", []string{"another API", "write https://files.example.com/storage/v1/s3"}},
		"object path":         {at("https://files.example.com/storage/v1/object"), "endpoint", []string{"write https://files.example.com/storage/v1/s3"}},
		"bucket in the path":  {at("https://" + ref + ".supabase.co/storage/v1/s3/photos"), "endpoint", []string{"source_path"}},
		"local, no path":      {at("http://127.0.0.1:54321"), "endpoint", []string{"write http://127.0.0.1:54321/storage/v1/s3"}},
		"local studio":        {at("http://localhost:54323/storage/v1/s3"), "endpoint", []string{"write http://localhost:54321/storage/v1/s3"}},
		"local database":      {at("http://[::1]:54322"), "endpoint", []string{"write http://[::1]:54321/storage/v1/s3"}},
		"two projects": {
			func(s *Settings) { s.Endpoint = "https://" + otherRef + ".supabase.co/storage/v1/s3" }, "endpoint",
			[]string{ref, otherRef},
		},
		"name of a region": {func(s *Settings) { s.Region = "East US (Ohio)" }, "region", []string{"eu-central-1"}},
		"loud region":      {func(s *Settings) { s.Region = "EU-CENTRAL-1" }, "region", []string{"id of a region"}},
		"spaced region":    {func(s *Settings) { s.Region = "eu-central-1 " }, "region", []string{"white space"}},
		"no type":          {func(s *Settings) { s.Credentials.Type = "" }, "credentials.type", []string{"access_key", "session_token"}},
	})
}

func TestMistakesWithAccessKeys(t *testing.T) {
	id := func(v string) func(*Settings) { return func(s *Settings) { s.Credentials.AccessKeyID = v } }
	sec := func(v string) func(*Settings) { return func(s *Settings) { s.Credentials.SecretAccessKey = v } }
	check(t, accessKeySettings, map[string]problem{
		"no id":       {id(""), "credentials.access_key_id", []string{"missing", "Project Settings -> Storage"}},
		"no secret":   {sec(""), "credentials.secret_access_key", []string{"missing", "Project Settings -> Storage"}},
		"jwt as id":   {id(apiKey(ref, "anon")), "credentials.access_key_id", []string{"a JWT", "session_token"}},
		"jwt":         {sec(apiKey(ref, "service_role")), "credentials.secret_access_key", []string{"a JWT", "service_role_key"}},
		"new key":     {sec("sb_secret_abcdefghijklmnop"), "credentials.secret_access_key", []string{"sb_secret_..."}},
		"publishable": {id("sb_publishable_abcdefghijkl"), "credentials.access_key_id", []string{"sb_publishable_..."}},
		"pat":         {sec("sbp_0123456789abcdef0123456789"), "credentials.secret_access_key", []string{"personal access token"}},
		"aws":         {id("AKIAIOSFODNN7EXAMPLE"), "credentials.access_key_id", []string{"AWS"}},
		"swapped":     {func(s *Settings) { s.Credentials.AccessKeyID, s.Credentials.SecretAccessKey = secret, keyID }, "credentials.access_key_id", []string{"swap"}},
		"same twice":  {sec(keyID), "credentials.secret_access_key", []string{"same"}},
		"ref as id":   {id(ref), "credentials.access_key_id", []string{"session_token"}},
		"quotes":      {id(`"` + keyID + `"`), "credentials.access_key_id", []string{"quotation"}},
		"line break":  {sec(secret + "\n"), "credentials.secret_access_key", []string{"white space"}},
		"inner break": {sec(secret[:32] + "\n" + secret[32:]), "credentials.secret_access_key", []string{"white space"}},
		"variable":    {sec("${SUPABASE_S3_SECRET_ACCESS_KEY}"), "credentials.secret_access_key", []string{"environment variable"}},
		"unused":      {func(s *Settings) { s.Credentials.AnonKey = apiKey(ref, "anon") }, "credentials.anon_key", []string{"not used"}},
		"wrong type": {
			func(s *Settings) { s.Credentials = sessionSettings().Credentials; s.Credentials.Type = TypeAccessKey }, "credentials.type",
			[]string{"write type: session_token"},
		},
	})
}

func TestMistakesWithSessionTokens(t *testing.T) {
	anon := func(v string) func(*Settings) { return func(s *Settings) { s.Credentials.AnonKey = v } }
	service := func(v string) func(*Settings) { return func(s *Settings) { s.Credentials.ServiceRoleKey = v } }
	user := func(v string) func(*Settings) {
		return func(s *Settings) { s.Credentials.ServiceRoleKey, s.Credentials.UserToken = "", v }
	}
	soon := time.Now().Add(time.Hour)
	past := time.Date(2024, 6, 1, 12, 0, 0, 0, time.UTC)
	whole := apiKey(ref, "service_role")
	check(t, sessionSettings, map[string]problem{
		"no token":            {service(""), "credentials.service_role_key", []string{"missing", "credentials.user_token", "API keys"}},
		"two tokens":          {func(s *Settings) { s.Credentials.UserToken = userToken(ref, soon) }, "credentials.user_token", []string{"together"}},
		"publishable as anon": {anon("sb_publishable_abcdefghijkl"), "credentials.anon_key", []string{"SignatureDoesNotMatch", "API keys"}},
		"new secret":          {service("sb_secret_abcdefghijklmnop"), "credentials.service_role_key", []string{"sb_secret_...", "JWT"}},
		"s3 secret":           {service(secret), "credentials.service_role_key", []string{"S3 access key", "JWT"}},
		"no jwt":              {user("hello-hello-hello"), "credentials.user_token", []string{"not a JWT"}},
		"half a jwt":          {service(whole[:len(whole)/2]), "credentials.service_role_key", []string{"incomplete"}},
		"damaged jwt":         {service("eyJ%%%." + whole[4:]), "credentials.service_role_key", []string{"damaged"}},
		"anon as service":     {service(apiKey(ref, "anon")), "credentials.service_role_key", []string{"anon key"}},
		"user as service":     {service(userToken(ref, soon)), "credentials.service_role_key", []string{`"authenticated"`, "user_token"}},
		"service as anon":     {anon(apiKey(ref, "service_role")), "credentials.anon_key", []string{"service_role key"}},
		"user as anon":        {anon(userToken(ref, soon)), "credentials.anon_key", []string{`"authenticated"`}},
		"service as user":     {user(apiKey(ref, "service_role")), "credentials.user_token", []string{"row level security"}},
		"other anon":          {anon(apiKey(otherRef, "anon")), "credentials.anon_key", []string{otherRef, ref}},
		"other service":       {service(apiKey(otherRef, "service_role")), "credentials.service_role_key", []string{otherRef, ref}},
		"other user":          {user(userToken(otherRef, soon)), "credentials.user_token", []string{otherRef, ref, "sign in"}},
		"expired":             {user(userToken(ref, past)), "credentials.user_token", []string{"expired on 2024-06-01T12:00:00Z"}},
		"quotes":              {anon("'" + apiKey(ref, "anon") + "'"), "credentials.anon_key", []string{"quotation"}},
		"spaces":              {service(" " + whole), "credentials.service_role_key", []string{"white space"}},
		"variable":            {service("${SERVICE_ROLE_KEY:none}"), "credentials.service_role_key", []string{"environment variable"}},
		"unused":              {func(s *Settings) { s.Credentials.AccessKeyID = keyID }, "credentials.access_key_id", []string{"not used"}},
		"wrong type": {
			func(s *Settings) {
				s.Credentials = accessKeySettings().Credentials
				s.Credentials.Type = TypeSessionToken
			}, "credentials.type",
			[]string{"write type: access_key"},
		},
		"no ref": {func(s *Settings) {
			s.ProjectRef, s.Endpoint = "", "https://files.example.com/storage/v1/s3"
			s.Credentials.AnonKey, s.Credentials.ServiceRoleKey = "", token(map[string]any{"role": "service_role"})
		}, "project_ref", []string{"session token", "TENANT_ID"}},
	})
}

func TestMistakesWithUsers(t *testing.T) {
	edit := func(f func(c *CredentialSettings)) func(*Settings) { return func(s *Settings) { f(&s.Credentials) } }
	own := func(endpoint string, f func(s *Settings)) func(*Settings) {
		return func(s *Settings) {
			s.Endpoint = endpoint
			f(s)
		}
	}
	check(t, userSettings, map[string]problem{
		"no anon key":  {edit(func(c *CredentialSettings) { c.AnonKey = "" }), "credentials.anon_key", []string{"missing", "API keys"}},
		"secret key":   {edit(func(c *CredentialSettings) { c.AnonKey = "sb_secret_abcdefghijklmnop" }), "credentials.anon_key", []string{"sb_secret_..."}},
		"service key":  {edit(func(c *CredentialSettings) { c.AnonKey = apiKey(ref, "service_role") }), "credentials.anon_key", []string{"service_role key"}},
		"other anon":   {edit(func(c *CredentialSettings) { c.AnonKey = apiKey(otherRef, "anon") }), "credentials.anon_key", []string{otherRef}},
		"no email":     {edit(func(c *CredentialSettings) { c.Email = "" }), "credentials.email", []string{"missing"}},
		"name":         {edit(func(c *CredentialSettings) { c.Email = "ada" }), "credentials.email", []string{"no e-mail address"}},
		"no password":  {edit(func(c *CredentialSettings) { c.Password = "" }), "credentials.password", []string{"missing"}},
		"variable":     {edit(func(c *CredentialSettings) { c.Password = "${PASSWORD}" }), "credentials.password", []string{"environment variable"}},
		"user token":   {edit(func(c *CredentialSettings) { c.UserToken = apiKey(ref, "authenticated") }), "credentials.user_token", []string{"not used by the type user", "type: session_token"}},
		"auth address": {edit(func(c *CredentialSettings) { c.AuthURL = "example.com" }), "credentials.auth_url", []string{"https://"}},
		"auth query":   {edit(func(c *CredentialSettings) { c.AuthURL = "https://example.com/?a=b" }), "credentials.auth_url", []string{"query"}},
		"plain auth":   {edit(func(c *CredentialSettings) { c.AuthURL = "http://" + ref + ".supabase.co/auth/v1" }), "credentials.auth_url", []string{"https://"}},
		"odd endpoint": {own("https://files.example.com/s3", func(*Settings) {}), "credentials.auth_url", []string{"can't be derived", "/auth/v1"}},
		"no ref": {own("https://files.example.com/storage/v1/s3", func(s *Settings) {
			s.ProjectRef, s.Credentials.AnonKey = "", token(map[string]any{"role": "anon"})
		}), "project_ref", []string{"session token"}},
		"wrong type": {edit(func(c *CredentialSettings) { c.Type = TypeAccessKey }), "credentials.type", []string{"write type: user"}},
	})
}

func TestMistakesWithAccessTokens(t *testing.T) {
	edit := func(f func(c *CredentialSettings)) func(*Settings) { return func(s *Settings) { f(&s.Credentials) } }
	check(t, tokenSettings, map[string]problem{
		"no token":    {edit(func(c *CredentialSettings) { c.AccessToken = "" }), "credentials.access_token", []string{"missing", "Account -> Access Tokens"}},
		"service key": {edit(func(c *CredentialSettings) { c.AccessToken = apiKey(ref, "service_role") }), "credentials.access_token", []string{"a JWT", "sbp_..."}},
		"secret key":  {edit(func(c *CredentialSettings) { c.AccessToken = "sb_secret_abcdefghijklmnop" }), "credentials.access_token", []string{"sb_secret_..."}},
		"line break":  {edit(func(c *CredentialSettings) { c.AccessToken += "\n" }), "credentials.access_token", []string{"white space"}},
		"no ref": {
			func(s *Settings) { s.ProjectRef, s.Endpoint = "", "https://files.example.com/storage/v1/s3" }, "project_ref",
			[]string{"needed to ask the Management API"},
		},
		"password":   {edit(func(c *CredentialSettings) { c.APIURL = "https://me:hunter2-hunter2@example.com" }), "credentials.api_url", []string{"user name or password"}},
		"plain":      {edit(func(c *CredentialSettings) { c.APIURL = "http://api.supabase.com" }), "credentials.api_url", []string{"https://"}},
		"anon key":   {edit(func(c *CredentialSettings) { c.AnonKey = apiKey(ref, "anon") }), "credentials.anon_key", []string{"not used by the type access_token"}},
		"wrong type": {edit(func(c *CredentialSettings) { c.Type = TypeSessionToken }), "credentials.type", []string{"write type: access_token"}},
	})
}

func TestMistakesWithFiles(t *testing.T) {
	files := func(pairs ...string) func(*Settings) {
		return func(s *Settings) {
			s.Credentials.Files = map[string]string{}
			for i := 0; i < len(pairs); i += 2 {
				s.Credentials.Files["credentials."+pairs[i]] = pairs[i+1]
			}
		}
	}
	check(t, accessKeySettings, map[string]problem{
		"both": {files("secret_access_key", "/run/secret"), "credentials.secret_access_key_file", []string{"together with credentials.secret_access_key", "keep one"}},
		"other type's": {
			files("password", "/run/password"), "credentials.password_file",
			[]string{"not used by the type access_key", "type: user"},
		},
		"one of two": {func(s *Settings) {
			files("access_key_id", "/run/id")(s)
			s.Credentials.AccessKeyID, s.Credentials.SecretAccessKey = "", ""
		}, "credentials.secret_access_key", []string{"missing"}},
		"of another type": {func(s *Settings) {
			files("access_token", "/run/token")(s)
			s.Credentials.AccessKeyID, s.Credentials.SecretAccessKey = "", ""
		}, "credentials.type", []string{"write type: access_token"}},
	})
	check(t, sessionSettings, map[string]problem{
		"two tokens": {files("user_token", "/run/token"), "credentials.user_token_file", []string{"together with credentials.service_role_key"}},
	})
}
