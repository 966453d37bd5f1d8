package filter

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxBranches bounds what the braces of a pattern may expand to: they multiply.
const maxBranches = 1000

// branch is one of the patterns that a pattern with braces stands for.
type branch struct {
	// glob is the branch in the words of gobwas/glob.
	glob string
	// literal is what every match begins with; wild says that it ends before
	// the branch does.
	literal string
	wild    bool
}

func (b branch) then(next branch) branch {
	out := branch{glob: b.glob + next.glob, literal: b.literal, wild: b.wild || next.wild}
	if !b.wild {
		out.literal += next.literal
	}
	return out
}

// translate turns a pattern into branches that gobwas/glob understands as
// people do who know the shell or .gitignore:
//
//   - a leading "/" stands for the source prefix, and is dropped;
//   - braces are expanded, as a shell does before it looks at wildcards, so
//     that "{a,b/}**/c" is "a**/c" and "b/**/c";
//   - a class may mix ranges and characters, as in [a-z0-9_]; gobwas/glob
//     refuses that, or takes [_a-z] for the four characters _, a, -, z;
//   - a class matches no "/", negated or not, just as "*" and "?" do not;
//   - [^a], which gobwas/glob takes for a literal "^", is refused;
//   - braces and brackets that do not pair are refused, with their position.
func translate(text string) ([]branch, error) {
	t := translator{text: text}
	if strings.HasPrefix(text, "/") {
		t.pos = 1
	}
	return t.sequence(-1)
}

// translator reads a pattern from left to right.
type translator struct {
	text string
	pos  int
}

// sequence reads up to the end of the pattern, or, in a group that was opened
// at the position open, up to the "," or "}" that ends the alternative.
func (t *translator) sequence(open int) ([]branch, error) {
	branches := []branch{{}}
	for {
		r, size, err := t.peek()
		switch {
		case err != nil:
			return nil, err
		case size == 0 && open >= 0:
			return nil, t.fail(open, `"{" has no closing "}"`, `close it, or write \{ for the character itself`)
		case size == 0, open >= 0 && (r == ',' || r == '}'):
			return branches, nil
		}
		next, err := t.term(r)
		if err != nil {
			return nil, err
		}
		if branches, err = t.product(branches, next); err != nil {
			return nil, err
		}
	}
}

// product is every branch of left followed by every branch of right.
func (t *translator) product(left, right []branch) ([]branch, error) {
	if len(left)*len(right) > maxBranches {
		return nil, t.fail(0, fmt.Sprintf("the braces stand for more than %d patterns", maxBranches), "write several patterns")
	}
	out := make([]branch, 0, len(left)*len(right))
	for _, l := range left {
		for _, r := range right {
			out = append(out, l.then(r))
		}
	}
	return out, nil
}

// term reads one term, of which r is the first character.
func (t *translator) term(r rune) ([]branch, error) {
	switch r {
	case '{':
		return t.group()
	case '[':
		class, err := t.class()
		return []branch{{glob: class, wild: true}}, err
	case '*', '?':
		t.pos++
		return []branch{{glob: string(r), wild: true}}, nil
	case '}':
		return nil, t.fail(t.pos, `"}" has no opening "{"`, `open it, or write \} for the character itself`)
	case ']':
		return nil, t.fail(t.pos, `"]" has no opening "["`, `open it, or write \] for the character itself`)
	case '\\':
		at := t.pos
		escaped, err := t.escaped()
		if err == nil && escaped == '/' {
			err = t.fail(at, `"/" cannot be escaped`, `write "/" alone`)
		}
		return []branch{literalBranch(escaped)}, err
	}
	t.pos += utf8.RuneLen(r)
	return []branch{literalBranch(r)}, nil
}

// literalBranch is a character that stands for itself.
func literalBranch(r rune) branch {
	glob := string(r)
	if strings.ContainsRune(`\*?[]{},`, r) {
		glob = `\` + glob
	}
	return branch{glob: glob, literal: string(r)}
}

// group reads alternatives in braces.
func (t *translator) group() ([]branch, error) {
	open := t.pos
	var all []branch
	for {
		t.pos++ // The "{" at first, a "," afterwards.
		branches, err := t.sequence(open)
		if err != nil {
			return nil, err
		}
		all = append(all, branches...)
		if t.text[t.pos] == '}' {
			t.pos++
			return all, nil
		}
	}
}

// escaped reads a backslash and returns the character that follows.
func (t *translator) escaped() (rune, error) {
	t.pos++
	r, size, err := t.peek()
	switch {
	case err != nil:
		return 0, err
	case size == 0:
		return 0, t.fail(t.pos-1, "nothing follows the backslash", `write \\ for a backslash`)
	}
	t.pos += size
	return r, nil
}

// peek returns the next character and its size in bytes, 0 at the end.
func (t *translator) peek() (rune, int, error) {
	r, size := utf8.DecodeRuneInString(t.text[t.pos:])
	if r == utf8.RuneError && size == 1 {
		return 0, 0, t.fail(t.pos, "a byte is not UTF-8", "save the file as UTF-8")
	}
	return r, size, nil
}

func (t *translator) fail(at int, problem, remedy string) error {
	return &PatternError{Pattern: t.text, Offset: at, Problem: problem, Remedy: remedy}
}
