package supabase

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestATokenTellsTheIdentity(t *testing.T) {
	s := emulator.New(emulator.Options{})
	for _, c := range []struct {
		token, says, kept string
		bypasses          bool
	}{
		{s.Settings().ServiceRoleKey, `the role "service_role"`, "service_role\n", true},
		{s.Settings().AnonKey, `the role "anon"`, "anon\n", false},
		{s.UserToken("9f3a", 1e9), `the role "authenticated" (user 9f3a)`, "authenticated\n9f3a", false},
		{s.Token(map[string]any{"sub": "9f3a"}), `the role "anon" (user 9f3a)`, "anon\n9f3a", false},
		{s.Token(map[string]any{"role": "reporting"}), `the role "reporting"`, "reporting\n", false},
		{"no token", `the role "anon"`, "anon\n", false},
	} {
		claims, _ := parseJWT(c.token)
		i := claims.identity()
		require.Equal(t, c.says, i.String())
		require.Equal(t, c.kept, i.Text())
		require.Equal(t, i, ParseIdentity(i.Text()))
		require.Equal(t, c.bypasses, i.BypassesRLS())
	}
	require.Equal(t, `the role "authenticated" (user ada@example.com)`, Identity{"authenticated", "9f3a", "ada@example.com"}.String())
	require.Equal(t, "authenticated\n9f3a", Identity{"authenticated", "9f3a", "ada@example.com"}.Text())
	require.Equal(t, "", Identity{}.Text())
	require.Equal(t, Identity{}, ParseIdentity(""))
	require.False(t, Identity{}.BypassesRLS(), "a role that is not known may see nothing")
	require.Contains(t, Identity{}.String(), "not known yet")
}
