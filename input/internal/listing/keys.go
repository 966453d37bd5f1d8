package listing

import (
	"strings"
	"unicode/utf8"
)

// A bound is a point between keys. Keys below it are on its left; the bound
// itself, if it is a key, and greater keys are on its right. The empty bound is
// the end of the prefix. This package makes bounds from a key and a NUL, which is
// the least string above that key. Postgres cannot store a NUL, so no key ever
// equals such a bound.

// above is the least bound that has key on its left.
func above(key string) string { return key + "\x00" }

// beforeBound reports whether key lies left of bound.
func beforeBound(key, bound string) bool { return bound == "" || key < bound }

// startAfter turns a lower bound into the start-after of a request, which the
// server reads as "greater than". There is no greatest string below a key, so for
// a bound that may be a key the answer can begin a little early. The share drops
// the keys that come too early.
func startAfter(bound string) string {
	if below, ok := strings.CutSuffix(bound, "\x00"); ok {
		return below
	}
	r, size := utf8.DecodeLastRuneInString(bound)
	head := bound[:len(bound)-size]
	switch {
	case r <= ' ', r == utf8.RuneError && size == 1:
		return head // only keys with control characters lie between
	case r == 0x80:
		r = '~'
	case r == 0xE000:
		r = 0xD7FF // what lies between cannot be encoded
	default:
		r--
	}
	return head + string(r) + string(utf8.MaxRune)
}

// sendable reports whether s can be sent as the place to start after: Postgres
// refuses what is not UTF-8, and the NUL.
func sendable(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// afterPrefix is the bound where the keys with prefix end, or "" if no bound is
// above them.
func afterPrefix(prefix string) string {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xFF {
			return prefix[:i] + string([]byte{prefix[i] + 1})
		}
	}
	return ""
}

// commonPrefix is the length of the longest common prefix of a and b.
func commonPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// unplaced reports whether key may be out of order. The server replaces a
// character that XML cannot carry by U+FFFD, but sorts by the real character. An
// entry without a key may be anywhere.
func unplaced(key string) bool {
	if key == "" {
		return true
	}
	i := strings.IndexByte(key, "\uFFFD"[0]) // a quick no for nearly all keys
	return i >= 0 && strings.Contains(key[i:], "\uFFFD")
}

// lowest is the lowest key that an unplaced key can stand for.
func lowest(key string) string { return strings.ReplaceAll(key, "\uFFFD", "\x01") }
