package target

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
)

// The remedies. Each is a processor below targets_input, which has to make of the
// message what names an object.
const (
	toReference = `make {"bucket": …, "key": …} of it with a mapping below targets_input, and drop what names no object (root = deleted())`
	toText      = "a text alone is not read as a key; where it is one, put the mapping `root.key = content().string()` below targets_input (`root.key = this` for a JSON string)"
	toObjects   = `let the webhook or the trigger be one on storage.objects, or drop these messages with a mapping below targets_input (root = deleted())`
	toStorage   = "the key there is the one of the store behind Storage, tenant/bucket/name/version. Put this mapping below targets_input: " +
		"`root = this.Records.filter(r -> r.eventName.contains(\"ObjectCreated\")).map_each(r -> r.s3.object.key.unescape_url_query().split(\"/\"))" +
		".map_each(p -> {\"bucket\": p.index(1), \"key\": p.slice(2, -1).join(\"/\")})`"
)

// Problem is what in a message names no object. Its text is fit to be shown: no
// line break and no secret is in it, and it is short whatever the message holds.
type Problem struct {
	// Elements is how many elements, lines or messages name none.
	Elements int
	shown    []string
	remedy   string
}

// mostShown is how many elements a problem describes; the others are counted.
const mostShown = 3

func (p *Problem) add(where string, what *reason) {
	p.Elements++
	if len(p.shown) == mostShown {
		return
	}
	if p.remedy == "" {
		p.remedy = what.remedy
	}
	text := what.text
	if where != "" {
		text = where + ": " + text
	}
	p.shown = append(p.shown, text)
}

// Error says what was seen, and the remedy of the first.
func (p *Problem) Error() string {
	text := strings.Join(p.shown, "; ")
	if more := p.Elements - len(p.shown); more > 0 {
		text += fmt.Sprintf("; and %d more that name no object", more)
	}
	return text + ": " + p.remedy
}

// reason is why one document names nothing.
type reason struct{ text, remedy string }

func says(remedy, format string, args ...any) *reason {
	return &reason{text: fmt.Sprintf(format, args...), remedy: remedy}
}

// notJSON describes a text that is no document.
func notJSON(doc []byte) *reason {
	var syntax *json.SyntaxError
	var v json.RawMessage
	begins := foreign.Text(string(doc[:min(len(doc), 400)]), 40)
	if err := json.Unmarshal(doc, &v); errors.As(err, &syntax) && (doc[0] == '{' || doc[0] == '[') {
		return says(toReference, "not JSON (%s, at byte %d of what begins %q)", foreign.Text(syntax.Error(), 80), syntax.Offset, begins)
	}
	return says(toText, "not JSON but a text that begins %q", begins)
}

// short shows a word of a document.
func short(raw []byte) string { return foreign.Text(string(raw[:min(len(raw), 400)]), 40) }

// kind is what a JSON value is, in words.
func kind(raw []byte) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a truth value"
	case 'n':
		return "null"
	}
	return "a number"
}
