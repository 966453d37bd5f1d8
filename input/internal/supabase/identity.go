package supabase

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// Identity is whom the server takes the sender of a request for: it decides
// what row level security shows.
type Identity struct {
	// Role is the Postgres role.
	Role string
	// Subject is the id of the signed-in user, empty for a key of the project.
	Subject string
	// Email is the user's, for people to read; it may be empty.
	Email string
}

// IdentityOf reads what the credentials say. Without a session token they are
// an S3 access key, which acts as service_role.
func IdentityOf(c object.Credentials) Identity {
	if c.SessionToken == "" {
		return Identity{Role: bypassRole}
	}
	seen, _ := parseJWT(c.SessionToken)
	return Identity{Role: cmp.Or(seen.Role, "anon"), Subject: seen.Subject, Email: seen.Email}
}

// bypassRole is the one that row level security does not apply to.
const bypassRole = "service_role"

// BypassesRLS reports whether everything is visible, so that what is not listed
// does not exist.
func (i Identity) BypassesRLS() bool { return i.Role == bypassRole }

// Text is the identity in a form that is kept in states, empty for nobody;
// [ParseIdentity] reads it.
func (i Identity) Text() string {
	if i == (Identity{}) {
		return ""
	}
	return i.Role + "\n" + i.Subject
}

// ParseIdentity reads what Text wrote.
func ParseIdentity(text string) Identity {
	role, subject, _ := strings.Cut(text, "\n")
	return Identity{Role: role, Subject: subject}
}

// String names the role, and the user where there is one.
func (i Identity) String() string {
	if i.Subject == "" {
		return fmt.Sprintf("the role %q", i.Role)
	}
	return fmt.Sprintf("the role %q (user %s)", i.Role, cmp.Or(i.Email, i.Subject))
}
