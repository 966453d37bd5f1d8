package s3

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// xmlScanner reads the tags of an S3 document. It exists for two reasons:
// encoding/xml needs more time for a page than the server does, and it rejects
// the whole page for one control character, which older servers write into keys
// unescaped. The scanner keeps text byte for byte, and knows only the XML that S3
// uses.
type xmlScanner struct {
	b   []byte
	pos int
}

// xmlTag is an opening or closing tag.
type xmlTag struct {
	name    []byte // without a namespace prefix
	closing bool
	empty   bool // <name/>
	// The text right before a closing tag: first the pieces that end at comments
	// and CDATA sections, resolved; then the last piece as it is written.
	pieces, last []byte
}

// text is the text before a closing tag, with entities and CDATA resolved. For an
// element without children that is its whole text.
func (t xmlTag) text() string {
	if len(t.pieces) == 0 {
		return unescapeXML(t.last)
	}
	return string(t.pieces) + unescapeXML(t.last)
}

var (
	errXMLCut = errors.New("the XML document ends early")
	errNotXML = errors.New("not an XML document")
)

// next returns the next tag. Comments, processing instructions and declarations
// are skipped. At the end of the document ok is false.
func (s *xmlScanner) next() (tag xmlTag, ok bool, err error) {
	var pieces []byte
	for {
		lt := bytes.IndexByte(s.b[s.pos:], '<')
		if lt < 0 {
			return xmlTag{}, false, nil
		}
		piece := s.b[s.pos : s.pos+lt]
		s.pos += lt
		rest := s.b[s.pos:]
		if len(rest) < 2 || (rest[1] != '!' && rest[1] != '?') {
			tag, err := s.tag()
			tag.pieces, tag.last = pieces, piece
			return tag, err == nil, err
		}
		raw, err := s.nonTag(rest)
		if err != nil {
			return xmlTag{}, false, err
		}
		pieces = append(append(pieces, unescapeXML(piece)...), raw...)
	}
}

// nonTag skips a CDATA section, comment, instruction or declaration. It returns
// the text of a CDATA section.
func (s *xmlScanner) nonTag(rest []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		return s.through("<![CDATA[", "]]>")
	case bytes.HasPrefix(rest, []byte("<!--")):
		_, err := s.through("<!--", "-->")
		return nil, err
	case rest[1] == '?':
		_, err := s.through("<?", "?>")
		return nil, err
	}
	_, err := s.through("<!", ">")
	return nil, err
}

// through skips everything from open to end, and returns what is between them.
func (s *xmlScanner) through(open, end string) ([]byte, error) {
	inner := s.b[s.pos+len(open):]
	i := bytes.Index(inner, []byte(end))
	if i < 0 {
		return nil, errXMLCut
	}
	s.pos += len(open) + i + len(end)
	return inner[:i], nil
}

// tag reads the tag at the current position. A ">" in the value of an attribute
// does not end the tag.
func (s *xmlScanner) tag() (xmlTag, error) {
	b := s.b[s.pos+1:]
	n := 0
	for n < len(b) && b[n] > ' ' && b[n] != '>' {
		n++
	}
	end := n // of a tag without attributes
	if n == len(b) || b[n] != '>' {
		end = endOfTag(b)
	}
	if end < 0 {
		return xmlTag{}, errXMLCut
	}
	s.pos += 1 + end + 1
	var t xmlTag
	t.empty = end > 0 && b[end-1] == '/'
	name := b[:n]
	if t.empty && n == end {
		name = b[:n-1]
	}
	name, t.closing = bytes.CutPrefix(name, []byte("/"))
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	if len(name) == 0 {
		return xmlTag{}, errNotXML
	}
	t.name = name
	return t, nil
}

// endOfTag is the index of the first ">" outside quotes, or -1.
func endOfTag(b []byte) int {
	quote := byte(0)
	for i, c := range b {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i
		}
	}
	return -1
}

// unescapeXML resolves the five named entities and character references.
// Anything else that starts with "&" stays as it is.
func unescapeXML(b []byte) string {
	amp := bytes.IndexByte(b, '&')
	if amp < 0 {
		return string(b)
	}
	out := make([]byte, 0, len(b))
	for amp >= 0 {
		out = append(out, b[:amp]...)
		b = b[amp:]
		semi := bytes.IndexByte(b[:min(len(b), 12)], ';')
		if r, ok := entity(b, semi); ok {
			out = utf8.AppendRune(out, r)
			b = b[semi+1:]
		} else {
			out = append(out, '&')
			b = b[1:]
		}
		amp = bytes.IndexByte(b, '&')
	}
	return string(append(out, b...))
}

// entity reads the reference b[:semi+1].
func entity(b []byte, semi int) (rune, bool) {
	if semi < 2 {
		return 0, false
	}
	name := string(b[1:semi])
	switch name {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	digits, ok := strings.CutPrefix(name, "#")
	base := 10
	if hex, isHex := strings.CutPrefix(digits, "x"); isHex {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if !ok || err != nil || n > utf8.MaxRune {
		return 0, false
	}
	return rune(n), true
}
