package supabase

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRowLevelSecurityIsBypassedByOneRole(t *testing.T) {
	require.True(t, BypassesRLS("service_role"))
	for _, role := range []string{"authenticated", "anon", ""} {
		require.False(t, BypassesRLS(role))
	}
}
