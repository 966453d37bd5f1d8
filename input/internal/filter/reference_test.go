package filter

import (
	"strings"
	"unicode/utf8"
)

// refMatch is the specification of a pattern in its plainest form: braces are
// expanded as text, and each branch is matched by trying everything. Only
// well-formed patterns are given to it.
func refMatch(prefix, text, key string) bool {
	subject := BaseName(key)
	if strings.Contains(text, "/") {
		subject = Path(prefix, key)
		text = strings.TrimPrefix(text, "/")
	}
	for _, p := range refExpand(text) {
		if refBranch(p, subject, true) {
			return true
		}
	}
	return false
}

// refExpand expands the first group of p and recurs.
func refExpand(p string) []string {
	depth, open, from := 0, 0, 0
	var parts []string
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '\\':
			i++
		case c == '[':
			i = refClassEnd(p, i)
		case c == '{':
			if depth++; depth == 1 {
				open, from = i, i+1
			}
		case c == '}':
			if depth--; depth == 0 {
				var all []string
				for _, part := range append(parts, p[from:i]) {
					all = append(all, refExpand(p[:open]+part+p[i+1:])...)
				}
				return all
			}
		case c == ',' && depth == 1:
			parts = append(parts, p[from:i])
			from = i + 1
		}
	}
	return []string{p}
}

// refClassEnd is the position of the "]" of the class that begins at i.
func refClassEnd(p string, i int) int {
	for i++; p[i] != ']'; i++ {
		if p[i] == '\\' {
			i++
		}
	}
	return i
}

// refBranch matches p, which has no braces, against all of s. Segment says that
// p begins at the beginning of a path segment.
func refBranch(p, s string, segment bool) bool {
	if p == "" {
		return s == ""
	}
	r, size := utf8.DecodeRuneInString(s)
	switch {
	case strings.HasPrefix(p, "**"):
		rest := strings.TrimLeft(p, "*")
		if after, ok := strings.CutPrefix(rest, "/"); ok && segment && refBranch(after, s, true) {
			return true
		}
		for i := 0; i <= len(s); i++ {
			if refBranch(rest, s[i:], false) {
				return true
			}
		}
		return false
	case p[0] == '*':
		return refBranch(p[1:], s, false) || size > 0 && r != '/' && refBranch(p, s[size:], segment)
	case size == 0:
		return false
	case p[0] == '?':
		return r != '/' && refBranch(p[1:], s[size:], false)
	case p[0] == '[':
		end := refClassEnd(p, 0)
		return r != '/' && refClass(p[1:end], r) && refBranch(p[end+1:], s[size:], false)
	case p[0] == '\\':
		p = p[1:]
	}
	c, n := utf8.DecodeRuneInString(p)
	return c == r && refBranch(p[n:], s[size:], r == '/')
}

// refClass reports whether the class with the given inside matches r.
func refClass(inside string, r rune) bool {
	inside, negated := strings.CutPrefix(inside, "!")
	var chars []rune
	var ranges []bool // Whether the character is a "-" that makes a range.
	for i := 0; i < len(inside); {
		escaped := inside[i] == '\\'
		if escaped {
			i++
		}
		c, n := utf8.DecodeRuneInString(inside[i:])
		i += n
		chars, ranges = append(chars, c), append(ranges, c == '-' && !escaped)
	}
	for i := 0; i < len(chars); i++ {
		lo, hi := chars[i], chars[i]
		if i+2 < len(chars) && ranges[i+1] {
			hi = chars[i+2]
			i += 2
		}
		if lo <= r && r <= hi {
			return !negated
		}
	}
	return negated
}
