package filter

import (
	"maps"
	"slices"
	"strings"
)

// maxClassRange bounds how many characters one range of a class may span, since
// a range is spelled out.
const maxClassRange = 512

// class reads a character class and returns it in the one form that gobwas/glob
// and everyone else read alike: the list of its characters.
func (t *translator) class() (string, error) {
	start := t.pos
	t.pos++
	negated := strings.HasPrefix(t.text[t.pos:], "!")
	switch {
	case negated:
		t.pos++
	case strings.HasPrefix(t.text[t.pos:], "^"):
		return "", t.fail(t.pos, `"^" does not negate a class`, `write [! in place of [^`)
	}
	set := map[rune]bool{}
	for !strings.HasPrefix(t.text[t.pos:], "]") {
		lo, hi, err := t.classItem(start)
		if err != nil {
			return "", err
		}
		for r := lo; r <= hi; r++ {
			set[r] = true
		}
	}
	t.pos++
	if len(set) == 0 {
		return "", t.fail(start, "the class is empty", `list its characters, or write \[ for the character itself`)
	}
	if delete(set, '/'); negated {
		set['/'] = true
	}
	return classText(set, negated), nil
}

// classItem reads one character of the class that began at start, or one range.
func (t *translator) classItem(start int) (lo, hi rune, err error) {
	at := t.pos
	if lo, err = t.classRune(start); err != nil {
		return 0, 0, err
	}
	rest := t.text[t.pos:]
	if !strings.HasPrefix(rest, "-") || strings.HasPrefix(rest, "-]") {
		return lo, lo, nil
	}
	t.pos++
	if hi, err = t.classRune(start); err != nil {
		return 0, 0, err
	}
	switch {
	case hi < lo:
		return 0, 0, t.fail(at, "the range runs backwards", "write its smaller character first, as in [a-z]")
	case hi-lo >= maxClassRange:
		return 0, 0, t.fail(at, "the range spans too many characters", `write "?" for any character`)
	}
	return lo, hi, nil
}

// classRune reads one character of the class that began at start.
func (t *translator) classRune(start int) (rune, error) {
	r, size, err := t.peek()
	switch {
	case err != nil:
		return 0, err
	case size == 0:
		return 0, t.fail(start, `"[" has no closing "]"`, `close it, or write \[ for the character itself`)
	case r == '/':
		return 0, t.fail(t.pos, `a class cannot match "/"`, `write "/" outside of the class`)
	case r != '\\':
		t.pos += size
		return r, nil
	}
	at := t.pos
	if r, err = t.escaped(); err == nil && r == '/' {
		err = t.fail(at, `a class cannot match "/"`, `write "/" outside of the class`)
	}
	return r, err
}

// classText writes a set of characters. In gobwas/glob a "-" makes a range only
// in the second place, and no backslash protects it there, so it goes last.
func classText(set map[rune]bool, negated bool) string {
	var b strings.Builder
	b.WriteByte('[')
	if negated {
		b.WriteByte('!')
	}
	for _, r := range slices.Sorted(maps.Keys(set)) {
		if r != '-' {
			b.WriteByte('\\')
			b.WriteRune(r)
		}
	}
	if set['-'] {
		b.WriteByte('-')
	}
	b.WriteByte(']')
	return b.String()
}
