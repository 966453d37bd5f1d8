package statecmd

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input"
)

// Keys are their uploaders' to choose, and a terminal obeys escape sequences.
func TestKeysCannotWriteToTheTerminal(t *testing.T) {
	var out strings.Builder
	err := newPrinter(&out, false).parked(input.ParkedObject{
		Key: "a\x1b[2J\nb.txt", Reason: "denied", Attempts: 2, Next: time.Now().Add(90 * time.Minute),
	})
	require.NoError(t, err)
	require.Contains(t, out.String(), `"a\x1b[2J\nb.txt"`)
	require.NotContains(t, out.String(), "\x1b")
	require.Contains(t, out.String(), "2 attempts")
	require.Contains(t, out.String(), "1 hour from now")
}
