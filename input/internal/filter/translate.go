package filter

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxBranches bounds what the braces of a pattern may expand to: they multiply.
const maxBranches = 1000

// maxClassRange bounds how many characters one range of a class may span, since
// a range is spelled out.
const maxClassRange = 512

var (
	// termRE matches one term: an escape, a whole class, or one character.
	termRE = regexp.MustCompile(`(?s)\\.|\[(?:\\.|[^\]\\])*\]|.`)
	// itemRE matches one item of a class: a character or a range of them.
	itemRE = regexp.MustCompile(`(?s)(\\.|.)(?:-(\\.|.))?`)
)

// branch is one of the patterns that a pattern with braces stands for.
type branch struct {
	// glob is the branch in the syntax of gobwas/glob.
	glob string
	// literal is what every match begins with; wild says that a wildcard ended it.
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

// translator reads the terms of a pattern from left to right.
type translator struct {
	text  string
	terms [][]int // begin and end of each term in text
	next  int     // the term to read next
}

// translate turns a pattern into branches that gobwas/glob v1.1.0 understands as
// people do who know the shell or .gitignore. What it does not do by itself:
//
//   - Braces are expanded before wildcards are looked at, so that "{a,b/}**/c" is
//     "a**/c" and "b/**/c". It looks for "**/" before it expands braces. The
//     branches also tell where a listing may begin.
//   - A class may mix ranges and characters, as in [a-z0-9_]. It refuses that, and
//     reads [_a-z] as the four characters _, a, -, z.
//   - A class never matches "/", negated or not, just as "*" and "?" do not.
//   - [^a] is refused, which it reads as "^" or "a", and so are a "}" or "]"
//     without its partner, which it reads as themselves.
//
// A leading "/" stands for the source prefix, and is dropped.
func translate(text string) ([]branch, error) {
	t := &translator{text: text, terms: termRE.FindAllStringIndex(text, -1)}
	for at := range text {
		if r, size := utf8.DecodeRuneInString(text[at:]); r == utf8.RuneError && size == 1 {
			return nil, t.fail(at, "a byte is not UTF-8", "save the file as UTF-8")
		}
	}
	if backslashes := len(text) - len(strings.TrimRight(text, `\`)); backslashes%2 == 1 {
		return nil, t.fail(len(text)-1, "nothing follows the backslash", `write \\ for a backslash`)
	}
	if strings.HasPrefix(text, "/") {
		t.next++
	}
	return t.sequence(-1)
}

// sequence reads to the end of the pattern, or, in a group that was opened at the
// position open, to the "," or "}" that ends the alternative.
func (t *translator) sequence(open int) ([]branch, error) {
	branches := []branch{{}}
	for ; t.next < len(t.terms); t.next++ {
		term, at := t.term()
		var next []branch
		var err error
		switch {
		case open >= 0 && (term == "," || term == "}"):
			return branches, nil
		case term == "{":
			next, err = t.group(at)
		default:
			next = make([]branch, 1)
			next[0], err = t.single(term, at)
		}
		if err != nil {
			return nil, err
		}
		if len(branches)*len(next) > maxBranches {
			return nil, t.fail(0, fmt.Sprintf("the braces stand for more than %d patterns", maxBranches), "write several patterns")
		}
		var product []branch
		for _, left := range branches {
			for _, right := range next {
				product = append(product, left.then(right))
			}
		}
		branches = product
	}
	if open >= 0 {
		return nil, t.fail(open, `"{" has no closing "}"`, `close it, or write \{ for the character itself`)
	}
	return branches, nil
}

// group reads the alternatives of the braces that open at a position, up to the
// closing one.
func (t *translator) group(open int) ([]branch, error) {
	var all []branch
	for term := ""; term != "}"; term, _ = t.term() {
		t.next++ // the "{" at first, a "," afterwards
		alternative, err := t.sequence(open)
		if err != nil {
			return nil, err
		}
		all = append(all, alternative...)
	}
	return all, nil
}

// term is the next term, and where it begins.
func (t *translator) term() (term string, at int) {
	at = t.terms[t.next][0]
	return t.text[at:t.terms[t.next][1]], at
}

// single translates a term that is no group.
func (t *translator) single(term string, at int) (branch, error) {
	switch {
	case term == "*", term == "?":
		return branch{glob: term, wild: true}, nil
	case term == "[":
		return branch{}, t.fail(at, `"[" has no closing "]"`, `close it, or write \[ for the character itself`)
	case term[0] == '[':
		class, err := t.class(term[1:len(term)-1], at+1)
		return branch{glob: class, wild: true}, err
	case term == "]":
		return branch{}, t.fail(at, `"]" has no opening "["`, `open it, or write \] for the character itself`)
	case term == "}":
		return branch{}, t.fail(at, `"}" has no opening "{"`, `open it, or write \} for the character itself`)
	case term == `\/`:
		return branch{}, t.fail(at, `"/" cannot be escaped`, `write "/" alone`)
	case term == ",": // a literal, also in the braces that join the branches
		return branch{glob: `\,`, literal: term}, nil
	}
	return branch{glob: term, literal: string(character(term))}, nil
}

// class translates the inside of a class, which begins at a position, to the one
// form that gobwas/glob and everyone else read alike: the list of its characters.
func (t *translator) class(inside string, at int) (string, error) {
	items, negated := strings.CutPrefix(inside, "!")
	switch {
	case items == "":
		return "", t.fail(at-1, "the class is empty", `list its characters, or write \[ for the character itself`)
	case strings.HasPrefix(inside, "^"):
		return "", t.fail(at, `"^" does not negate a class`, `write [! in place of [^`)
	}
	at += len(inside) - len(items)
	set := map[rune]bool{}
	for _, m := range itemRE.FindAllStringSubmatchIndex(items, -1) {
		lo := character(items[m[2]:m[3]])
		hi := lo
		if m[4] >= 0 {
			hi = character(items[m[4]:m[5]])
		}
		switch {
		case lo == '/' || hi == '/':
			return "", t.fail(at+m[0], `a class cannot match "/"`, `write "/" outside of the class`)
		case hi < lo:
			return "", t.fail(at+m[0], "the range runs backwards", "write its smaller character first, as in [a-z]")
		case hi-lo >= maxClassRange:
			return "", t.fail(at+m[0], "the range spans too many characters", `write "?" for any character`)
		}
		for r := lo; r <= hi; r++ {
			set[r] = true
		}
	}
	if delete(set, '/'); negated {
		set['/'] = true
	}
	return classText(set, negated), nil
}

// character is the one that a term or an item of a class stands for.
func character(text string) rune {
	r, _ := utf8.DecodeRuneInString(strings.TrimPrefix(text, `\`))
	return r
}

// classText writes a set of characters. In gobwas/glob a "-" in the second place
// makes a range, and no backslash protects it there, so it goes first.
func classText(set map[rune]bool, negated bool) string {
	text := "["
	if negated {
		text += "!"
	}
	if set['-'] {
		text += "-"
	}
	var textSb211 strings.Builder
	for _, r := range slices.Sorted(maps.Keys(set)) {
		if r != '-' {
			textSb211.WriteString(`\` + string(r))
		}
	}
	text += textSb211.String()
	return text + "]"
}

func (t *translator) fail(at int, problem, remedy string) error {
	return &PatternError{Pattern: t.text, Offset: at, Problem: problem, Remedy: remedy}
}
