package supabase

import (
	"fmt"
	"io"
)

// Format keeps the keys out of everything that is printed, whatever the verb.
func (CredentialSettings) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "[redacted]")
}

// Format prints where the project is, and none of its keys.
func (p Project) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "project %q at %s, bucket %q", p.Ref, p.Endpoint, p.Bucket)
}

// Format keeps the password out of everything that is printed.
func (Login) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }
