package rest

import (
	"bytes"
	"encoding/json"
	"errors"
)

var (
	errJSONCut = errors.New("the JSON ends too early")
	errNotJSON = errors.New("it is not JSON of that form")
)

// maxDepth bounds how deep values may be nested. A row nests three levels, apart from
// what somebody writes into its metadata.
const maxDepth = 100

// jsonScanner goes through a JSON document once, without building anything of what
// it skips: encoding/json takes three times as long for a page of a listing, and the
// XML of the S3 protocol a third longer. It is tolerant in what it skips, and never
// reads beyond the document.
type jsonScanner struct {
	b []byte
	i int
}

// peek returns the first byte of what follows, or 0 at the end.
func (s *jsonScanner) peek() byte {
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case ' ', '\n', '\t', '\r':
		default:
			return c
		}
	}
	return 0
}

// take moves behind c, which has to follow.
func (s *jsonScanner) take(c byte) error {
	switch s.peek() {
	case c:
		s.i++
		return nil
	case 0:
		return errJSONCut
	}
	return errNotJSON
}

// object calls field for each field of an object, whose value it has to read or
// skip.
func (s *jsonScanner) object(field func(name []byte) error) error {
	if err := s.take('{'); err != nil {
		return err
	}
	return s.elements('}', func() error {
		name, err := s.quoted()
		if err == nil {
			err = s.take(':')
		}
		if err != nil {
			return err
		}
		return field(name)
	})
}

// array calls element for each element of an array, which it has to read or skip.
func (s *jsonScanner) array(element func() error) error {
	if err := s.take('['); err != nil {
		return err
	}
	return s.elements(']', element)
}

// elements reads up to the closing bracket.
func (s *jsonScanner) elements(closing byte, element func() error) error {
	if s.peek() == closing {
		s.i++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if s.peek() == ',' {
			s.i++
			continue
		}
		return s.take(closing)
	}
}

// quoted reads a string and returns what is between its quotes, as it is written.
func (s *jsonScanner) quoted() ([]byte, error) {
	if err := s.take('"'); err != nil {
		return nil, err
	}
	for at := s.i; ; {
		n := bytes.IndexByte(s.b[at:], '"')
		if n < 0 {
			return nil, errJSONCut
		}
		at += n
		escapes := 0
		for at-escapes > s.i && s.b[at-escapes-1] == '\\' {
			escapes++
		}
		at++
		if escapes%2 == 0 {
			raw := s.b[s.i : at-1]
			s.i = at
			return raw, nil
		}
	}
}

// scalar reads a number, true, false or null as it is written.
func (s *jsonScanner) scalar() ([]byte, error) {
	s.peek()
	from := s.i
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case ',', '}', ']', ' ', '\n', '\t', '\r':
			if s.i == from {
				return nil, errNotJSON
			}
			return s.b[from:s.i], nil
		case '{', '[', '"', ':':
			return nil, errNotJSON
		}
	}
	return nil, errJSONCut
}

// skip moves behind one value.
func (s *jsonScanner) skip() error { return s.skipAt(0) }

func (s *jsonScanner) skipAt(depth int) error {
	if depth > maxDepth {
		return errNotJSON
	}
	switch s.peek() {
	case '"':
		_, err := s.quoted()
		return err
	case '{':
		return s.object(func([]byte) error { return s.skipAt(depth + 1) })
	case '[':
		return s.array(func() error { return s.skipAt(depth + 1) })
	}
	_, err := s.scalar()
	return err
}

// text reads a string, or any scalar as text; null is "".
func (s *jsonScanner) text() (string, error) {
	if s.peek() != '"' {
		raw, err := s.scalar()
		if err != nil || string(raw) == "null" {
			return "", err
		}
		return string(raw), nil
	}
	raw, err := s.quoted()
	if err != nil {
		return "", err
	}
	return unescape(raw)
}

// unescape decodes what is between the quotes of a string. ETags always have escaped
// quotes, so those are decoded here; all other escapes are rare.
func unescape(raw []byte) (string, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw), nil
	}
	var buf [64]byte
	out := buf[:0]
	for i := 0; i < len(raw); i++ {
		switch {
		case raw[i] != '\\':
			out = append(out, raw[i])
		case raw[i+1] == '"' || raw[i+1] == '\\': // a quote never follows the last backslash
			i++
			out = append(out, raw[i])
		default:
			var text string
			if json.Unmarshal(append(append([]byte{'"'}, raw...), '"'), &text) != nil {
				return "", errNotJSON
			}
			return text, nil
		}
	}
	return string(out), nil
}
