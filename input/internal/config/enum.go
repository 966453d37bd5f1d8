package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xrash/smetrics"

	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

var parseCredentialType = oneOf("a type of credentials", supabase.Types...)

// longestQuoted bounds what an error repeats of a value that is to be one of a few
// words. Whatever is longer may be a key in the wrong place.
const longestQuoted = 20

// oneOf reads an enumeration, in upper or lower case.
func oneOf(what string, values ...string) func(any) (string, error) {
	return func(v any) (string, error) {
		text := valueText(v)
		if value := strings.ToLower(text); slices.Contains(values, value) {
			return value, nil
		}
		problem := fmt.Sprintf("%q is not %s", text, what)
		if len(text) > longestQuoted {
			problem = "what it holds is not " + what
		}
		last := len(values) - 1
		remedy := "write " + strings.Join(values[:last], ", ") + " or " + values[last]
		if near := nearest(text, values); near != "" {
			remedy += ": did you mean " + near + "?"
		}
		return "", Wrong(problem, remedy)
	}
}

// nearest is the value that was probably meant: the one with the fewest letters to
// change, up to a third of them, or the only one that begins with the text. It is
// "" where none is near.
func nearest(text string, values []string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	near, least := "", len(text)/3+1
	for _, value := range values {
		if n := smetrics.WagnerFischer(text, value, 1, 1, 1); n < least {
			near, least = value, n
		}
	}
	if near != "" || text == "" {
		return near
	}
	begins := slices.DeleteFunc(slices.Clone(values), func(value string) bool { return !strings.HasPrefix(value, text) })
	if len(begins) == 1 {
		return begins[0]
	}
	return ""
}
