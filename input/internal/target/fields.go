package target

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
)

// fields are those of a JSON object that tell its shape or name an object.
type fields struct {
	values map[string]json.RawMessage
	// names are the first that it has, for somebody who looks for the right ones.
	names []string
	more  bool
}

// known are the fields that count. The case counts as well: in a document of
// somebody else, Key may be another thing than key.
var known = map[string]bool{
	"bucket": true, "bucket_id": true, "bucketId": true, "key": true, "name": true, "event": true, "project_ref": true,
	"archived_at": true, "is_delete_marker": true, // a row of storage.objects
	"type": true, "table": true, "schema": true, "record": true, "old_record": true, // a database webhook
	"payload": true, "tenant": true, "ref": true, // Storage's own webhook
	"msg_id": true, "message": true, // a queue
	"Records": true, "s3": true, "eventSource": true, "source": true, // S3 events
}

// mostNames is how many field names a problem shows.
const mostNames = 8

// read takes the fields out of an object that is valid JSON. A field that
// counts and stands there twice is a reason: readers of JSON differ in which they use.
func read(doc []byte) (fields, *reason) {
	f := fields{values: map[string]json.RawMessage{}}
	dec := json.NewDecoder(bytes.NewReader(doc))
	_, _ = dec.Token() // the brace: the document is valid
	var other json.RawMessage
	for dec.More() {
		token, _ := dec.Token()
		name, _ := token.(string)
		if len(f.names) < mostNames {
			f.names = append(f.names, name)
		} else {
			f.more = true
		}
		if !known[name] {
			if dec.Decode(&other) != nil {
				break
			}
			continue
		}
		if f.has(name) {
			return f, says(toReference, "the field %s stands there twice", name)
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			break
		}
		f.values[name] = value
	}
	return f, nil
}

// has is true where the field is there, also if it is null.
func (f fields) has(name string) bool { return f.values[name] != nil }

// is is true where the field is there and not null.
func (f fields) is(name string) bool { v := f.values[name]; return v != nil && v[0] != 'n' }

// object returns the fields of a field. There are none if it is no object.
func (f fields) object(name string) (inner fields, ok bool, err *reason) {
	if v := f.values[name]; v == nil || v[0] != '{' {
		return fields{}, false, nil
	}
	inner, err = read(f.values[name])
	return inner, true, err
}

// word returns a string that tells the shape, "" where the field holds none.
func (f fields) word(name string) string {
	if v := f.values[name]; v == nil || v[0] != '"' {
		return ""
	}
	s, _ := text(f.values[name])
	return s
}

// seen lists the names of the fields for a problem.
func (f fields) seen() string {
	if len(f.names) == 0 {
		return "an empty JSON object"
	}
	shown := make([]string, len(f.names))
	for i, name := range f.names {
		shown[i] = foreign.Text(name, 40)
	}
	list := strings.Join(shown, ", ")
	if f.more {
		list += ", ..."
	}
	return "a JSON object with the fields " + list
}

// text decodes a JSON string. What is bad about it is said where that would lose
// something: Go puts U+FFFD in the place of what is no Unicode.
func text(raw []byte) (s, bad string) {
	if !utf8.Valid(raw) {
		return "", "is not valid UTF-8"
	}
	if json.Unmarshal(raw, &s) != nil {
		return "", "is not a JSON string" // does not happen: the document is valid
	}
	if hasHalfPair(raw) {
		return "", "has half of a surrogate pair, which is no character"
	}
	return s, ""
}

// hasHalfPair looks for \ud800 to \udfff that do not come as a pair.
func hasHalfPair(raw []byte) bool {
	for i := 0; i+1 < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		switch unit := escaped(raw[i:]); {
		case unit >= 0xd800 && unit < 0xdc00:
			if low := escaped(raw[i+6:]); low < 0xdc00 || low > 0xdfff {
				return true
			}
			i += 11
		case unit >= 0xdc00 && unit <= 0xdfff:
			return true
		default:
			i++ // what follows the backslash
		}
	}
	return false
}

// escaped is the number of \uXXXX that stands at the beginning, else -1.
func escaped(raw []byte) int64 {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseInt(string(raw[2:6]), 16, 32)
	if err != nil {
		return -1
	}
	return n
}
