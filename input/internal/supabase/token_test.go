package supabase

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestATokenTellsRoleAndEnd(t *testing.T) {
	role, expires, ok := ReadToken(token(map[string]any{"role": "authenticated", "exp": 1767225600}))
	require.True(t, ok)
	require.Equal(t, "authenticated", role)
	require.Equal(t, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), expires)
	_, expires, ok = ReadToken(token(map[string]any{}))
	require.True(t, ok)
	require.Zero(t, expires)
	_, _, ok = ReadToken("")
	require.False(t, ok)
}

func TestRowLevelSecurityIsBypassedByOneRole(t *testing.T) {
	require.True(t, BypassesRLS("service_role"))
	for _, role := range []string{"authenticated", "anon", ""} {
		require.False(t, BypassesRLS(role))
	}
}
