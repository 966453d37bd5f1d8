package filter

import (
	"slices"
	"strings"

	"github.com/gobwas/glob"
)

// Name is a compiled pattern of a name, such as that of a bucket: all of the name is
// matched, case-sensitive, and no character in it separates anything.
type Name struct {
	glob     *glob.Pattern
	literals []string // nil where a wildcard may match any other name
}

// NewName reads a pattern. Its error is a [*PatternError].
func NewName(text string) (*Name, error) {
	if text == "" {
		return nil, &PatternError{Problem: "the pattern is empty", Remedy: `remove it, or write "*" to match every name`}
	}
	branches, err := translate(text)
	if err != nil {
		return nil, err
	}
	n := &Name{}
	globs := make([]string, len(branches))
	wild := false
	for i, b := range branches {
		globs[i], wild = b.glob, wild || b.wild
		n.literals = append(n.literals, b.literal)
	}
	slices.Sort(n.literals)
	if n.literals = slices.Compact(n.literals); wild {
		n.literals = nil
	}
	joined := globs[0]
	if len(globs) > 1 {
		joined = "{" + strings.Join(globs, ",") + "}"
	}
	if n.glob, err = new(glob.Compiler).Compile(joined); err != nil {
		return nil, &PatternError{Pattern: text, Problem: err.Error(), Remedy: "escape special characters with a backslash"}
	}
	return n, nil
}

// Match reports whether the pattern matches all of the name.
func (n *Name) Match(name string) bool {
	if n.literals != nil {
		_, found := slices.BinarySearch(n.literals, name)
		return found
	}
	return n.glob.Match(name)
}

// Literals are the names that the pattern matches, sorted; ok is false where it has
// wildcards.
func (n *Name) Literals() (names []string, ok bool) {
	return slices.Clone(n.literals), n.literals != nil
}

// CheckName reports what is wrong with a pattern of a name: nil, or a [*PatternError].
func CheckName(text string) error {
	_, err := NewName(text)
	return err
}
