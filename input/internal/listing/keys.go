package listing

import (
	"strings"
	"unicode/utf8"
)

// A bound is a point between keys: everything below it is left of it, the bound
// itself and everything above it is right of it. The empty bound stands for the
// end of the prefix's range. Bounds made here are a key followed by a NUL, the
// least string above that key; Postgres cannot store a NUL, so that no key ever
// equals such a bound.

// above is the least bound that has key on its left.
func above(key string) string { return key + "\x00" }

// beforeBound reports whether key lies left of bound.
func beforeBound(key, bound string) bool { return bound == "" || key < bound }

// startAfter turns a lower bound into the start-after of a request, which the
// server reads as "greater than". No string is the greatest below a key, so for
// a bound that is a possible key the answer may begin a little early; what is
// too much of it is dropped.
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

// afterPrefix is the bound at which the keys with prefix end, empty where none
// is above them.
func afterPrefix(prefix string) string {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xFF {
			return prefix[:i] + string([]byte{prefix[i] + 1})
		}
	}
	return ""
}

// shared is the length of the start that a and b have in common.
func shared(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// unplaced reports whether key may stand out of its order. The server lists a
// character that XML cannot carry as U+FFFD, in the place of that character. An
// entry without a key may stand anywhere.
func unplaced(key string) bool {
	if key == "" {
		return true
	}
	i := strings.IndexByte(key, "\uFFFD"[0]) // a quick no for nearly all keys
	return i >= 0 && strings.Contains(key[i:], "\uFFFD")
}

// lowest is the first place where an unplaced key can really stand.
func lowest(key string) string { return strings.ReplaceAll(key, "\uFFFD", "\x01") }
