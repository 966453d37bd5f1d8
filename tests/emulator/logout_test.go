package emulator

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLoggingOutEndsTheSessionsOfItsScope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, New(Options{}))
		c.s.SetUser(User{Email: "ada@example.com", Password: "pw"})
		logOut := func(token, scope string) int {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.s.URL()+"/auth/v1/logout?scope="+scope, http.NoBody)
			require.NoError(t, err)
			r.Header.Set("Apikey", c.s.Settings().AnonKey)
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			got := c.send(r)
			require.NoError(t, got.err)
			return got.status
		}
		first, second, third := c.signIn("ada@example.com", "pw"), c.signIn("ada@example.com", "pw"), c.signIn("ada@example.com", "pw")
		require.Equal(t, 3, c.s.Sessions("Ada@example.com"))
		require.Equal(t, 401, logOut("", "local"))
		require.Equal(t, 403, logOut("no.jwt.here", "local"))
		require.Equal(t, 400, logOut(first.AccessToken, "all"))
		require.Equal(t, 204, logOut(first.AccessToken, "local"))
		require.Equal(t, 403, logOut(first.AccessToken, "local"), "it is over")
		require.Equal(t, "refresh_token_not_found", c.refresh(first.RefreshToken).ErrorCode)
		require.Equal(t, 2, c.s.Sessions("ada@example.com"))
		require.Equal(t, 204, logOut(second.AccessToken, "others"))
		require.Equal(t, 1, c.s.Sessions("ada@example.com"))
		require.Equal(t, "refresh_token_not_found", c.refresh(third.RefreshToken).ErrorCode)
		time.Sleep(2 * time.Hour)
		require.Equal(t, 403, logOut(second.AccessToken, "local"), "the token has expired")
		require.Equal(t, 204, logOut(c.refresh(second.RefreshToken).AccessToken, ""))
		require.Zero(t, c.s.Sessions("ada@example.com"))
	})
}
