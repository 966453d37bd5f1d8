package object

import (
	"fmt"
	"io"
)

// Signed is a URL under which an object can be read without keys, or why there is
// none. The URL is a secret.
type Signed struct {
	URL string
	// Err is about this object alone.
	Err error
}

// Format hides the URL from every verb of package fmt.
func (Signed) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "<signed URL>") }
