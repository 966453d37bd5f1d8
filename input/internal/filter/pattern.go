package filter

import (
	"fmt"
	"strings"

	"github.com/gobwas/glob"
)

// PatternError says what is wrong with a pattern, where, and how to write it
// instead.
type PatternError struct {
	// Pattern is the pattern as it was written.
	Pattern string
	// Offset is the position of the fault in Pattern, in bytes from 0.
	Offset int
	// Problem and Remedy are clauses without a closing full stop.
	Problem, Remedy string
}

// Error names the pattern, the position counted from 1, the problem and the
// remedy.
func (e *PatternError) Error() string {
	if e.Pattern == "" {
		return fmt.Sprintf("%s; %s", e.Problem, e.Remedy)
	}
	return fmt.Sprintf("pattern %q: %s at character %d; %s",
		e.Pattern, e.Problem, len([]rune(e.Pattern[:e.Offset]))+1, e.Remedy)
}

// pattern is one compiled pattern.
type pattern struct {
	// label says which pattern it is, for reports.
	label string
	// onPath is set for a pattern with a "/", which is matched against the path
	// below the source prefix; others are matched against the base name.
	onPath bool
	// literal is what every match starts with.
	literal string
	glob    *glob.Pattern
}

func (p *pattern) match(name, path string) bool {
	if p.onPath {
		return p.glob.Match(path)
	}
	return p.glob.Match(name)
}

// Check reports what is wrong with a pattern: nil, or a [*PatternError].
func Check(text string) error {
	_, err := compile(text)
	return err
}

// compile reads a pattern as its users mean it, and hands gobwas/glob one that
// it understands the same way: see [translate].
func compile(text string) (pattern, error) {
	if err := checkEnds(text); err != nil {
		return pattern{}, err
	}
	branches, err := translate(text)
	if err != nil {
		return pattern{}, err
	}
	p := pattern{onPath: strings.Contains(text, "/"), literal: branches[0].literal}
	globs := make([]string, len(branches))
	for i, b := range branches {
		globs[i] = b.glob
		p.literal = commonPrefix(p.literal, b.literal)
	}
	joined := globs[0]
	if len(globs) > 1 {
		joined = "{" + strings.Join(globs, ",") + "}"
	}
	// Globstar lets "**/" match no folder too, which is what everyone expects.
	c := glob.Compiler{Separators: []rune{'/'}, Globstar: true}
	if p.glob, err = c.Compile(joined); err != nil {
		return pattern{}, &PatternError{Pattern: text, Problem: err.Error(), Remedy: "escape special characters with a backslash"}
	}
	return p, nil
}

// checkEnds refuses what is well-formed but can match no object.
func checkEnds(text string) error {
	switch {
	case text == "":
		return &PatternError{Problem: "the pattern is empty", Remedy: `remove it, or write "*" to match every object`}
	case text == "/":
		return &PatternError{Pattern: text, Problem: `a lone "/" matches no object`, Remedy: `write "**" to match every object`}
	case strings.HasSuffix(text, "/"):
		return &PatternError{
			Pattern: text, Offset: len(text) - 1,
			Problem: `the closing "/" matches no object`,
			Remedy:  fmt.Sprintf("write %q for everything in the folder, %q for a folder of this name at any depth", text+"**", "**/"+strings.TrimPrefix(text, "/")+"**"),
		}
	}
	return nil
}

// listPrefix is the longest literal that every path pattern of include begins
// with, below the source prefix.
func listPrefix(prefix string, include []pattern) string {
	// Below a prefix without a closing "/", a path may follow the prefix with
	// or without one, so no literal can be appended.
	if len(include) == 0 || prefix != "" && !strings.HasSuffix(prefix, "/") {
		return prefix
	}
	common := include[0].literal
	for _, p := range include {
		if !p.onPath {
			return prefix
		}
		common = commonPrefix(common, p.literal)
	}
	return prefix + common
}

// commonPrefix is the longest string that both a and b begin with, byte for
// byte.
func commonPrefix(a, b string) string {
	for !strings.HasPrefix(b, a) {
		a = a[:len(a)-1]
	}
	return a
}
