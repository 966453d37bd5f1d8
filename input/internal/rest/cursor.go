package rest

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// cursorAfter is the place to start after, as the server's own cursors name it. The
// server takes any text for the key, be there such an object or not.
func cursorAfter(key string) string {
	if key == "" {
		return ""
	}
	return base64.StdEncoding.EncodeToString([]byte("l:" + carried(key)))
}

// carried is the greatest text up to key that a cursor can carry. The lines of a
// cursor are its fields, and JavaScript ends lines at four characters, so that the
// rest of a key behind one of those would be lost, or be another field. Postgres
// knows no NUL, and what is not UTF-8 would become another text. Where a key holds
// such a character the page begins before it; what comes too early is dropped.
func carried(key string) string {
	i := strings.IndexFunc(key, func(r rune) bool { return strings.ContainsRune("\x00\n\r\u2028\u2029\uFFFD", r) })
	if i < 0 {
		return key
	}
	head := key[:i]
	switch r, size := utf8.DecodeRuneInString(key[i:]); {
	case r == utf8.RuneError && size > 1: // U+FFFD itself
		return head + string(r) + carried(key[i+size:])
	case r == '\n':
		return head + "\t" + string(utf8.MaxRune)
	case r == '\r':
		return head + "\f" + string(utf8.MaxRune)
	case r == '\u2028', r == '\u2029':
		return head + "\u2027" + string(utf8.MaxRune)
	}
	return head
}
