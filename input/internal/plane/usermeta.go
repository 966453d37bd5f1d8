package plane

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// userMetadata collects the x-amz-meta-* headers, as text.
func userMetadata(h http.Header) map[string]string {
	const prefix = "X-Amz-Meta-"
	var meta map[string]string
	for name, values := range h {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok || rest == "" {
			continue
		}
		if meta == nil {
			meta = make(map[string]string)
		}
		texts := make([]string, len(values))
		for i, value := range values {
			texts[i] = headerText(value)
		}
		meta[strings.ToLower(rest)] = strings.Join(texts, ",")
	}
	return meta
}

// headerText reads the value of a header as text, always valid UTF-8.
//
// S3 sends text that is not ASCII as encoded-words (RFC 2047), which are decoded. A
// value that only looks like an encoded-word stays as it is. Bytes that are not
// UTF-8 are read as ISO-8859-1, which HTTP once defined and which loses nothing.
func headerText(value string) string {
	if !utf8.ValidString(value) {
		runes := make([]rune, len(value))
		for i := range len(value) {
			runes[i] = rune(value[i])
		}
		value = string(runes)
	}
	var decoder mime.WordDecoder
	if text, err := decoder.DecodeHeader(value); err == nil && utf8.ValidString(text) {
		return text
	}
	return value
}

// missingMeta is how many values of the metadata the server left out because
// headers cannot carry them: numbers, nested values, text that is not ASCII.
func missingMeta(h http.Header) int {
	n, err := strconv.Atoi(strings.TrimSpace(h.Get("X-Amz-Missing-Meta")))
	if err != nil {
		return 0
	}
	return max(n, 0)
}
