package emulator

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// appendISO writes a time in milliseconds, truncated and not rounded, as
// JavaScript does.
func appendISO(b []byte, micros int64) []byte {
	return time.UnixMicro(micros).UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
}

func iso(micros int64) string { return string(appendISO(nil, micros)) }

func httpTime(micros int64) string { return time.UnixMicro(micros).UTC().Format(http.TimeFormat) }

// jsonWriter builds an answer whose fields keep their order.
type jsonWriter struct{ buf []byte }

// string quotes s as JavaScript does: "<" and "&" stay.
func (w *jsonWriter) string(s string) {
	if jsonPlain(s) {
		w.buf = append(append(append(w.buf, '"'), s...), '"')
		return
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string into a builder cannot fail
	w.buf = append(w.buf, strings.TrimSuffix(b.String(), "\n")...)
}

func jsonPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// field writes sep, a name and a string.
func (w *jsonWriter) field(sep, name, value string) {
	w.raw(sep)
	w.string(name)
	w.raw(":")
	w.string(value)
}

func (w *jsonWriter) raw(s string) { w.buf = append(w.buf, s...) }

// comma writes a comma before each item of a list except the first.
func (w *jsonWriter) comma(i int) {
	if i > 0 {
		w.raw(",")
	}
}

// document writes an object as the database keeps it: short names first.
func (w *jsonWriter) document(m map[string]any) {
	w.raw("{")
	names := slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	})
	for i, name := range names {
		w.comma(i)
		w.string(name)
		w.raw(":")
		w.value(m[name])
	}
	w.raw("}")
}

// value writes a value that came from JSON.
func (w *jsonWriter) value(v any) {
	switch v := v.(type) {
	case string:
		w.string(v)
	case map[string]any:
		w.document(v)
	case []any:
		w.raw("[")
		for i, item := range v {
			w.comma(i)
			w.value(item)
		}
		w.raw("]")
	default:
		data, err := json.Marshal(v)
		if err != nil {
			panic("emulator: metadata that are not JSON: " + err.Error()) // the caller's mistake
		}
		w.buf = append(w.buf, data...)
	}
}

func (x *exchange) sendXML(status int, body []byte) {
	x.w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	x.send(status, blob(body), 0, int64(len(body)))
}

func (x *exchange) sendJSON(status int, body []byte) {
	x.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	x.send(status, blob(body), 0, int64(len(body)))
}

// uuid derives an identifier from parts. It looks like a random UUID.
func uuid(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// readAll returns the content's bytes, nil for a missing blob.
func readAll(c content) ([]byte, error) {
	if c == nil {
		return nil, nil
	}
	if b, ok := c.(blob); ok {
		return b, nil
	}
	r, err := c.open(0, c.length())
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}
