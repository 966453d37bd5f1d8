package emulator

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// document is an answer of the S3 interface in the server's form: XML without
// spaces, with "<Name/>" for empty elements, or the same as JSON for a client that
// does not accept XML.
type document struct {
	buf  []byte
	root string
	json bool
}

const (
	xmlHead      = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`
	xmlNamespace = ` xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`
)

// document begins an answer in the form that the client accepts. size is a
// guess at its length in bytes.
func (x *exchange) document(root string, size int) document {
	d := document{buf: make([]byte, 0, size), root: root, json: !acceptsXML(x.r.Header)}
	if d.json {
		d.raw(`{"` + root + `":{`)
	} else {
		d.raw(xmlHead + "<" + root + xmlNamespace)
	}
	return d
}

// sendDocument ends d and answers with it.
func (x *exchange) sendDocument(status int, d *document) {
	if d.json {
		d.raw("}}")
		x.sendJSON(status, d.buf)
		return
	}
	d.after(d.root)
	x.sendXML(status, d.buf)
}

// sendText sends an answer whose root contains only text.
func (x *exchange) sendText(root, text string) {
	if acceptsXML(x.r.Header) {
		d := x.document(root, 256)
		d.text(text)
		x.sendDocument(http.StatusOK, &d)
		return
	}
	var j jsonWriter
	j.field("{", root, text)
	j.raw("}")
	x.sendJSON(http.StatusOK, j.buf)
}

func (d *document) raw(s string) { d.buf = append(d.buf, s...) }

// before and after write what surrounds every value.
func (d *document) before(name string) {
	if !d.json {
		d.buf = append(append(append(d.buf, '<'), name...), '>')
		return
	}
	if d.buf[len(d.buf)-1] != '{' {
		d.buf = append(d.buf, ',')
	}
	d.buf = append(append(append(d.buf, '"'), name...), `":`...)
}

func (d *document) after(name string) {
	if !d.json {
		d.buf = append(append(append(d.buf, "</"...), name...), '>')
	}
}

// group writes an element that contains other elements.
func (d *document) group(name string, inside func()) {
	d.before(name)
	if d.json {
		d.raw("{")
	}
	inside()
	if d.json {
		d.raw("}")
	}
	d.after(name)
}

// list writes n elements of one name, which are an array in JSON.
func (d *document) list(name string, n int, item func(i int)) {
	if !d.json {
		for i := range n {
			d.before(name)
			item(i)
			d.after(name)
		}
		return
	}
	d.before(name)
	separator := "[{"
	for i := range n {
		d.raw(separator)
		item(i)
		separator = "},{"
	}
	if n == 0 {
		d.raw("[]")
	} else {
		d.raw("}]")
	}
}

func (d *document) element(name, text string) {
	switch {
	case d.json:
		d.before(name)
		j := jsonWriter{d.buf}
		j.string(text)
		d.buf = j.buf
	case text == "":
		d.buf = append(append(append(d.buf, '<'), name...), "/>"...)
	default:
		d.before(name)
		d.text(text)
		d.after(name)
	}
}

// optional writes nothing if text is empty.
func (d *document) optional(name, text string) {
	if text != "" {
		d.element(name, text)
	}
}

// null writes an element that is always empty.
func (d *document) null(name string) {
	if !d.json {
		d.element(name, "")
		return
	}
	d.before(name)
	d.raw("null")
}

func (d *document) number(name string, n int64) {
	d.before(name)
	d.buf = strconv.AppendInt(d.buf, n, 10)
	d.after(name)
}

func (d *document) boolean(name string, b bool) {
	d.before(name)
	d.buf = strconv.AppendBool(d.buf, b)
	d.after(name)
}

func (d *document) time(name string, micros int64) {
	if d.json {
		d.element(name, iso(micros))
		return
	}
	d.before(name)
	d.buf = appendISO(d.buf, micros)
	d.after(name)
}

// text escapes s for XML. Control characters, which XML cannot hold, become
// U+FFFD.
func (d *document) text(s string) {
	for _, c := range s {
		switch {
		case c == '&':
			d.raw("&amp;")
		case c == '<':
			d.raw("&lt;")
		case c == '>':
			d.raw("&gt;")
		case c == '\r':
			d.raw("&#xD;")
		case c < ' ' && c != '\n' && c != '\t', c == 0xfffe, c == 0xffff:
			d.buf = utf8.AppendRune(d.buf, utf8.RuneError)
		default:
			d.buf = utf8.AppendRune(d.buf, c)
		}
	}
}

// xmlTypes are the types by which a client asks the server for XML.
var xmlTypes = [...]string{"application/xml", "text/xml", "text/html"}

// acceptsXML negotiates by the Accept header. Without that header it is XML.
func acceptsXML(h http.Header) bool {
	values := h["Accept"]
	if len(values) == 0 || len(values) == 1 && (values[0] == "" || values[0] == "*/*") {
		return true
	}
	// For each type the most specific range decides, wherever it is in the header.
	var weight, rank [len(xmlTypes)]float64
	for field := range strings.SplitSeq(strings.Join(values, ","), ",") {
		accepted, q, ok := mediaRange(field)
		if !ok {
			continue
		}
		for i, offered := range xmlTypes {
			major, _, _ := strings.Cut(offered, "/")
			r := map[string]float64{"*/*": 1, major + "/*": 2, offered: 3}[accepted]
			if r > rank[i] {
				rank[i], weight[i] = r, q
			}
		}
	}
	return max(weight[0], weight[1], weight[2]) > 0
}

// mediaRange reads one range of an Accept header and its weight. A range with
// parameters matches none of the offered types.
func mediaRange(field string) (accepted string, q float64, ok bool) {
	accepted, params, err := mime.ParseMediaType(field)
	if err != nil {
		return "", 0, false
	}
	q = 1
	if s, found := params["q"]; found {
		if q, err = strconv.ParseFloat(s, 64); err != nil {
			return "", 0, false
		}
		delete(params, "q")
	}
	return accepted, q, len(params) == 0
}
