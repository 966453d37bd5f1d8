package supabase

// BypassesRLS reports whether row level security does not apply to a role.
func BypassesRLS(role string) bool { return role == "service_role" }

// CredentialType is the value of credentials.type.
func (p Project) CredentialType() string { return p.auth.Type }
