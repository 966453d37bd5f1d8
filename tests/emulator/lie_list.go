package emulator

import (
	"bytes"
	"maps"
	"net/url"
	"regexp"
	"strings"
)

// cutDocument leaves two thirds of the document.
func cutDocument(_ *exchange, t *reply) bool {
	t.body = t.body[:len(t.body)*2/3]
	return true
}

func truncatedAs1(_ *exchange, t *reply) bool {
	const before, after = "<IsTruncated>", "</IsTruncated>"
	body := bytes.Replace(t.body, []byte(before+"true"+after), []byte(before+"1"+after), 1)
	body = bytes.Replace(body, []byte(before+"false"+after), []byte(before+"0"+after), 1)
	changed := !bytes.Equal(body, t.body)
	t.body = body
	return changed
}

// otherPrefix answers for another prefix: the folder of the first key outside the
// requested prefix or, if all keys have that prefix, the folder of the last key.
func otherPrefix(x *exchange, t *reply) bool {
	b, ok := x.s.store.bucket(x.req.Bucket)
	if !ok {
		return false
	}
	asked, other := x.req.Query.Get("prefix"), ""
	for r, err := range b.scan("", "") {
		if err != nil {
			return false
		}
		folder, _, found := strings.Cut(r.key, "/")
		if found {
			folder += "/"
		}
		if asked != "" && strings.HasPrefix(r.key, asked) {
			continue
		}
		if other = folder; asked != "" {
			break
		}
	}
	if other == "" || other == asked {
		return false
	}
	return x.askedFor(t, func(q url.Values) {
		q.Set("prefix", other)
		q.Del("continuation-token")
		q.Del("start-after")
	})
}

// samePage answers with the first page.
func samePage(x *exchange, t *reply) bool {
	q := x.req.Query
	if q.Get("continuation-token") == "" && q.Get("start-after") == "" {
		return false
	}
	return x.askedFor(t, func(q url.Values) {
		q.Del("continuation-token")
		q.Del("start-after")
	})
}

// askedFor puts the answer to other parameters into t, unless it has no key: an
// empty page would look like an empty bucket.
func (x *exchange) askedFor(t *reply, change func(url.Values)) bool {
	other := x.truthOf(func(inner *exchange) {
		inner.req.Query = maps.Clone(x.req.Query)
		change(inner.req.Query)
	})
	if other.status >= 300 || !bytes.Contains(other.body, []byte("<Key>")) {
		return false
	}
	*t = *other
	return true
}

var sizeElement = regexp.MustCompile(`<Size>[^<]*</Size>`)

// listedSize gives one object of the page another size, at each attempt the next
// object.
func listedSize(size string) func(*exchange, *reply) bool {
	return func(x *exchange, t *reply) bool {
		found := sizeElement.FindAllIndex(t.body, -1)
		if len(found) == 0 {
			return false
		}
		at := found[x.req.KeyN%len(found)]
		t.body = append(append(bytes.Clone(t.body[:at[0]]), "<Size>"+size+"</Size>"...), t.body[at[1]:]...)
		return true
	}
}
