package supabase_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestCredentialsTellWhomTheServerTakesTheSenderFor(t *testing.T) {
	s := emulator.New(emulator.Options{})
	for _, c := range []struct {
		token, says string
		bypasses    bool
	}{
		{"", `the role "service_role"`, true},
		{s.Settings().ServiceRoleKey, `the role "service_role"`, true},
		{s.Settings().AnonKey, `the role "anon"`, false},
		{s.UserToken("9f3a", 1e9), `the role "authenticated" (user 9f3a)`, false},
		{s.Token(map[string]any{"sub": "9f3a"}), `the role "anon" (user 9f3a)`, false},
		{s.Token(map[string]any{"role": "reporting"}), `the role "reporting"`, false},
		{"no token", `the role "anon"`, false},
	} {
		who := supabase.IdentityOf(object.Credentials{AccessKeyID: "id", SecretAccessKey: "secret", SessionToken: c.token})
		require.Equal(t, c.says, who.String())
		require.Equal(t, who, supabase.ParseIdentity(who.Text()))
		require.Equal(t, c.bypasses, who.BypassesRLS())
	}
}
