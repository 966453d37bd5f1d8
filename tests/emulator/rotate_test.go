package emulator

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRotatedJWTSecretEndsTokensAtOnce(t *testing.T) {
	s := New(Options{})
	s.Put("b", "k", []byte("x"))
	s.SetUser(ann)
	s.AllowRead("b", func(map[string]any, string) bool { return true })
	c := newClient(t, s)
	session := c.signIn(ann.Email, ann.Password)
	old := s.Settings()
	before := c.as(session.AccessToken)
	require.Equal(t, http.StatusOK, before.get("b", "k").status)

	set := s.RotateJWTSecret()
	require.Equal(t, set, s.Settings())
	require.NotEqual(t, old.AnonKey, set.AnonKey)
	require.NotEqual(t, old.ServiceRoleKey, set.ServiceRoleKey)
	require.Equal(t, old.AccessKeyID, set.AccessKeyID)
	got := before.get("b", "k")
	require.Equal(t, http.StatusForbidden, got.status)
	require.Equal(t, "SignatureDoesNotMatch", got.code()) // the old anon key
	got = c.as(session.AccessToken).get("b", "k")
	require.Equal(t, http.StatusForbidden, got.status)
	require.Contains(t, got.body, "<Code>AccessDenied</Code><Message>signature verification failed</Message>")
	require.Contains(t, c.as(old.ServiceRoleKey).get("b", "k").body, "signature verification failed")
	require.Equal(t, http.StatusOK, c.as(set.ServiceRoleKey).get("b", "k").status)
	require.Equal(t, http.StatusOK, c.get("b", "k").status) // the access key pair did not change

	require.Contains(t, c.post("password", "{}", http.Header{"Apikey": {old.AnonKey}}).body, `"Invalid API key"`)
	fresh := c.refresh(session.RefreshToken)
	require.Equal(t, http.StatusOK, fresh.status)
	require.Equal(t, http.StatusOK, c.as(fresh.AccessToken).get("b", "k").status)
	require.Equal(t, set.AnonKey, c.apiKeys("")[0].APIKey)
}

func TestRotatedAccessKeyIsRefusedAtOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		options       Options
		code, message string
	}{
		"one's own server": {Options{}, "AccessDenied", "Invalid Access Key"},
		"hosted":           {Options{MultiTenant: true}, "InvalidAccessKeyId", "The Access Key Id you provided does not exist in our records."},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(tc.options)
			s.Put("b", "k", []byte("x"))
			c := newClient(t, s)
			set := s.RotateAccessKey()
			require.Regexp(t, `^[0-9a-f]{32}$`, set.AccessKeyID)
			require.Regexp(t, `^[0-9a-f]{64}$`, set.SecretAccessKey)
			got := c.get("b", "k")
			require.Equal(t, http.StatusForbidden, got.status)
			require.Contains(t, got.body, "<Code>"+tc.code+"</Code><Message>"+tc.message+"</Message>")
			require.Equal(t, http.StatusOK, newClient(t, s).get("b", "k").status)
		})
	}
}

func TestAnonKeyIsNoSecretWithoutLegacyKeys(t *testing.T) {
	s := New(Options{})
	s.Put("b", "k", []byte("x"))
	c := newClient(t, s).as(s.Settings().ServiceRoleKey)
	s.SetProject(func(p *Project) { p.LegacyKeys = LegacyDisabled })
	require.Equal(t, http.StatusOK, c.get("b", "k").status)
	s.SetProject(func(p *Project) { p.LegacyKeys = LegacyNone })
	require.Equal(t, "SignatureDoesNotMatch", c.get("b", "k").code())
	for _, key := range []string{s.Settings().PublishableKey, s.Settings().SecretKey} {
		c.sign.secret = key
		require.Equal(t, "SignatureDoesNotMatch", c.get("b", "k").code())
	}
	c.sign.secret = s.Settings().ProjectRef
	require.Equal(t, http.StatusOK, c.get("b", "k").status)
}

func TestGatewayTurnsNewKeysIntoRolesForREST(t *testing.T) {
	s := New(Options{})
	s.Put("b", "k", []byte("x"))
	c := newClient(t, s)
	get := func(header, value string) answered {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+"/storage/v1/object/authenticated/b/k", nil)
		require.NoError(t, err)
		r.Header.Set(header, value)
		return c.send(r)
	}
	require.Equal(t, "x", get("Apikey", s.Settings().SecretKey).body)
	require.Contains(t, get("Apikey", s.Settings().PublishableKey).body, `"statusCode":"404"`)
	require.Contains(t, get("Authorization", "Bearer "+s.Settings().SecretKey).body, "Invalid Compact JWS")
	old := s.Settings().SecretKey
	s.RotateAPIKeys()
	require.Equal(t, http.StatusBadRequest, get("Apikey", old).status)
}

func TestChangedRegionCountsForSignatures(t *testing.T) {
	s := New(Options{})
	s.Put("b", "k", []byte("x"))
	c := newClient(t, s)
	s.SetProject(func(p *Project) { p.Region = "us-west-1" })
	require.Equal(t, "SignatureDoesNotMatch", c.get("b", "k").code())
	require.Equal(t, http.StatusOK, newClient(t, s).get("b", "k").status)
}

func TestRotationUnderLoadIsSafe(t *testing.T) {
	s := New(Options{APIRateLimit: -1})
	s.Put("b", "k", []byte("x"))
	s.SetUser(ann)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				c := newClient(t, s)
				for _, a := range []answered{c.as(c.s.Settings().ServiceRoleKey).get("b", "k"), c.manage(defaultAccessToken, ref+"/api-keys?reveal=true"), c.post("password", `{"email":"ann@example.com","password":"correct horse"}`, nil)} {
					if a.err != nil || a.status >= http.StatusInternalServerError {
						t.Errorf("answered with %d %v", a.status, a.err)
						return
					}
				}
			}
		})
	}
	for range 50 {
		s.RotateJWTSecret()
		s.RotateAccessKey()
		s.RotateAPIKeys()
		s.SignOut(ann.Email)
		s.RevokeRefreshTokens(ann.Email)
	}
	close(stop)
	wg.Wait()
	require.Equal(t, http.StatusOK, newClient(t, s).get("b", "k").status)
}
