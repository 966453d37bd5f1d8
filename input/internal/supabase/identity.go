package supabase

import (
	"cmp"
	"fmt"
	"strings"
)

// Identity is who the server treats the sender of a request as: it decides what row
// level security shows. The zero value is an identity that is not known.
type Identity struct {
	// Role is the Postgres role.
	Role string
	// Subject is the id of the signed-in user, empty for a key of the project.
	Subject string
	// Email is the user's, for people to read; it may be empty.
	Email string
}

// identity is that of the sender of a token.
func (c claims) identity() Identity {
	return Identity{Role: cmp.Or(c.Role, "anon"), Subject: c.Subject, Email: c.Email}
}

// bypassRole is the one that row level security does not apply to.
const bypassRole = "service_role"

// BypassesRLS reports whether everything is visible, so that what is not listed
// does not exist.
func (i Identity) BypassesRLS() bool { return i.Role == bypassRole }

// Text is the identity in the form that is kept in states, empty for one that is
// not known; [ParseIdentity] reads it.
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

// User names the user, empty for a key of the project.
func (i Identity) User() string { return cmp.Or(i.Email, i.Subject) }

// String names the role, and the user where there is one.
func (i Identity) String() string {
	switch {
	case i == Identity{}:
		return "a role that is not known yet"
	case i.User() == "":
		return fmt.Sprintf("the role %q", i.Role)
	}
	return fmt.Sprintf("the role %q (user %s)", i.Role, i.User())
}
