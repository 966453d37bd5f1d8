package target

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// maxNesting is how many arrays, envelopes and documents in strings may stand
// around what names an object. Two are what senders make: an array of envelopes.
const maxNesting = 8

var (
	bom   = []byte("\xef\xbb\xbf")
	blank = " \t\r\n"
)

// Parse returns the objects that a message names, in its order. The message is
// one JSON document, or one on each line. It may name no object and be fine: an
// empty array, or a webhook of an old version.
//
// The error is a [*Problem]. It says what in the message names no object, and
// what to do about it. Both are returned where a part of the message is fine.
func Parse(message []byte) ([]Target, error) {
	message = bytes.Trim(bytes.TrimPrefix(message, bom), blank)
	p := &parser{}
	switch {
	case len(message) == 0:
		p.problem("", says(toReference, "the message is empty"))
	case json.Valid(message):
		p.document(message, "", 0)
	case isLines(message):
		p.lines(message)
	default:
		p.problem("", notJSON(message))
	}
	if p.found.Elements > 0 {
		return p.targets, &p.found
	}
	return p.targets, nil
}

// isLines is true where a line is a whole document by itself. It need not be the first,
// which may be the broken one; a text that begins as no document has none.
func isLines(message []byte) bool {
	if message[0] != '{' && message[0] != '[' {
		return false
	}
	for line := range bytes.SplitSeq(message, []byte("\n")) {
		if len(line) > 0 && (line[0] == '{' || line[0] == '[') && json.Valid(line) {
			return true
		}
	}
	return false
}

type parser struct {
	targets []Target
	found   Problem
}

func (p *parser) problem(where string, what *reason) { p.found.add(where, what) }

func (p *parser) lines(message []byte) {
	for n := 1; len(message) > 0; n++ {
		var line []byte
		line, message, _ = bytes.Cut(message, []byte("\n"))
		line = bytes.Trim(line, blank)
		where := fmt.Sprintf("line %d", n)
		switch {
		case len(line) == 0:
		case json.Valid(line):
			p.document(line, where, 0)
		default:
			p.problem(where, notJSON(line))
		}
	}
}

// document reads one that is valid JSON.
func (p *parser) document(doc []byte, where string, depth int) {
	if depth > maxNesting {
		p.problem(where, says(toReference, "what names an object is more than %d levels deep", maxNesting))
		return
	}
	switch doc[0] {
	case '{':
		p.object(doc, where, depth)
	case '[':
		p.array(doc, where, depth)
	case '"':
		p.text(doc, where, depth)
	default: // null, true, 12.5
		p.problem(where, says(toReference, "%s names no object", kind(doc)))
	}
}

func (p *parser) array(doc []byte, where string, depth int) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	_, _ = dec.Token() // the bracket: the document is valid
	var element json.RawMessage
	for n := 1; dec.More(); n++ {
		if dec.Decode(&element) != nil {
			return // does not happen: see above
		}
		p.document(element, join(where, fmt.Sprintf("element %d", n)), depth+1)
	}
}

// text reads a string, which may hold a document: some queues hand them on so.
func (p *parser) text(doc []byte, where string, depth int) {
	s, bad := text(doc)
	if bad != "" {
		p.problem(where, says(toReference, "a string that %s", bad))
		return
	}
	inner := []byte(strings.Trim(s, blank))
	switch {
	case len(inner) == 0 || inner[0] != '{' && inner[0] != '[':
		p.problem(where, says(toText, "a string in place of a JSON object"))
	case !json.Valid(inner):
		p.problem(where, says(toReference, "a string that begins like a document and is not JSON"))
	default:
		p.document(inner, where, depth+1)
	}
}

func (p *parser) object(doc []byte, where string, depth int) {
	f, err := read(doc)
	if err != nil {
		p.problem(where, err)
		return
	}
	if f.is("msg_id") && f.has("message") {
		if !f.is("message") {
			p.problem(where, says(toReference, "an entry of a queue (msg_id %s) whose message is null", short(f.values["msg_id"])))
			return
		}
		p.document(f.values["message"], join(where, "message"), depth+1)
		return
	}
	targets, err := named(f)
	if err != nil {
		p.problem(where, err)
	}
	p.targets = append(p.targets, targets...)
}

// join names a place in a place.
func join(outer, inner string) string {
	if outer == "" {
		return inner
	}
	return outer + ", " + inner
}
