package foreign

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// Short is the usual limit of a text in an error, in characters: what a
	// server has to say fits, and an error stays a few lines long.
	Short = 200
	// mostRead bounds the work on one text, in bytes. A text shows its first
	// characters only.
	mostRead = 16 << 10
	// mostKey is above the length of every key that S3 knows, in bytes.
	mostKey = 1100
)

// Text makes a text that others wrote fit to be shown: one line of at most
// limit characters, with "..." where it was cut, without control characters
// and escape sequences, and with "[redacted]" in place of the secrets and of
// everything else that looks like a key, a token or a signature.
func Text(text string, limit int, secrets ...string) string {
	text = strings.Join(strings.Fields(redact(plain(text), secrets)), " ")
	n := 0
	for i := range text {
		if n == limit {
			return text[:i] + "..."
		}
		n++
	}
	return text
}

// simpleWord is what the codes of S3 and of Supabase's APIs look like.
var simpleWord = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Code returns a code, such as that of an S3 error, if it is a simple word
// without a secret in it, else "".
func Code(code string, secrets ...string) string {
	if !simpleWord.MatchString(code) || redact(code, secrets) != code {
		return ""
	}
	return code
}

// CodeAndMessage makes both fit to be shown. A code that is no simple word
// becomes the beginning of the message.
func CodeAndMessage(code, message string, secrets ...string) (string, string) {
	word := Code(code, secrets...)
	if word == "" && code != "" {
		message = code + " " + message
	}
	return word, Text(message, Short, secrets...)
}

// Key quotes the key of an object for an error or a log line. A key is shown
// whole, because somebody has to find the object; only what has the form of a
// token is left out, and what is beyond the length that a key can have.
func Key(key string) string {
	cut := ""
	if len(key) > mostKey {
		key, cut = key[:mostKey], "..."
	}
	return strconv.Quote(tokens.ReplaceAllString(key, redacted)) + cut
}

// Cause makes of an error, such as one of the network, one with a text that is
// fit to be shown. errors.Is and errors.As find what is beneath it, except the
// end of a context: the network's own timeouts claim to be
// [context.DeadlineExceeded], and are not the caller's.
func Cause(err error, secrets ...string) error {
	const limit = 300
	c := &cause{text: Text(err.Error(), limit, secrets...), err: err}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		c.err = nil
	}
	return c
}

type cause struct {
	text string
	err  error
}

func (c *cause) Error() string { return c.text }
func (c *cause) Unwrap() error { return c.err }

// plain removes what is no text: bytes that are not UTF-8, control characters,
// invisible ones, and the escape sequences of terminals. White space of any
// kind becomes a space.
func plain(text string) string {
	if len(text) > mostRead {
		text = text[:mostRead]
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '\x1b' || r == '\u009b':
			size = escapeSequence(text[i:])
		case unicode.IsSpace(r):
			out = append(out, ' ')
		case r != utf8.RuneError && unicode.IsPrint(r):
			// U+FFFD goes, too: a decoder wrote it for a byte that was broken.
			out = utf8.AppendRune(out, r)
		}
		i += size
	}
	return string(out)
}

// sequences are the control sequences of terminals (ECMA-48): CSI, and the
// strings OSC, DCS, APC, PM and SOS; else ESC takes one character with it.
var sequences = regexp.MustCompile("^(?:(?:\x1b\\[|\u009b)[0-?]*[ -/]*[@-~]?|\x1b[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\)?|\x1b[ -/]*[0-~]?)")

// escapeSequence is the length of the sequence that text begins with.
func escapeSequence(text string) int { return max(len(sequences.FindString(text)), 1) }
