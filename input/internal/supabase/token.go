package supabase

import (
	"time"
)

// ReadToken reads from a JWT which role it makes of its bearer, and until when:
// zero where it has no end. It reports false for what is no JWT. The signature
// is not checked.
func ReadToken(token string) (role string, expires time.Time, ok bool) {
	c, ok := parseJWT(token)
	return c.Role, c.expires(), ok
}

// BypassesRLS reports whether row level security does not apply to a role.
func BypassesRLS(role string) bool { return role == "service_role" }

// CredentialType is the value of credentials.type.
func (p Project) CredentialType() string { return p.auth.Type }

// Expired says that the token ended at a time, as a [FieldError].
func (p Project) Expired(at time.Time) error {
	p.Expires = at
	field, problem, remedy := p.expired()
	return &FieldError{Field: field, Problem: problem, Remedy: remedy}
}
