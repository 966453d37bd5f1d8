package emulator

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
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
	asked, other := x.listing().prefix, ""
	if asked == "" && x.req.Op == OpListV2 {
		return false // nothing in such a page gives it away
	}
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
	return x.askedFor(t, other)
}

// samePage answers with the first page.
func samePage(x *exchange, t *reply) bool {
	asked := x.listing()
	return asked.later && x.askedFor(t, asked.prefix)
}

// listingAsked is what a listing asks for, over S3 or REST.
type listingAsked struct {
	prefix string
	// later says that it is not the first page.
	later bool
}

func (x *exchange) listing() listingAsked {
	if x.req.Op == OpListV2 {
		body, _ := x.readListV2() // a body that is wrong has no true answer to twist
		return listingAsked{body.prefix, body.cursor != ""}
	}
	q := x.req.Query
	return listingAsked{q.Get("prefix"), q.Get("continuation-token") != "" || q.Get("start-after") != ""}
}

// askedFor puts the first page of a prefix into t, unless it has no key: an empty
// page would look like an empty bucket.
func (x *exchange) askedFor(t *reply, prefix string) bool {
	other := x.truthOf(func(inner *exchange) {
		if x.req.Op == OpListV2 {
			inner.req.Body = withoutCursor(x.req.Body, prefix)
			return
		}
		inner.req.Query = maps.Clone(x.req.Query)
		inner.req.Query.Set("prefix", prefix)
		inner.req.Query.Del("continuation-token")
		inner.req.Query.Del("start-after")
	})
	if other.status >= 300 || !sizeOf(x.req.Op).Match(other.body) {
		return false
	}
	*t = *other
	return true
}

// withoutCursor is the body of a list-v2 for the first page of a prefix.
func withoutCursor(body []byte, prefix string) []byte {
	var fields map[string]any
	if json.Unmarshal(body, &fields) != nil {
		return body // such a body has no true answer to twist
	}
	fields["prefix"] = prefix
	delete(fields, "cursor")
	changed, err := json.Marshal(fields)
	if err != nil {
		panic("emulator: " + err.Error()) // cannot happen: it came from JSON
	}
	return changed
}

// The size of an object in a listing, which every object has.
var (
	sizeElement = regexp.MustCompile(`<Size>()[^<]*()</Size>`)
	sizeMember  = regexp.MustCompile(`"size":()[0-9]+()`)
)

func sizeOf(op Op) *regexp.Regexp {
	if op == OpListV2 {
		return sizeMember
	}
	return sizeElement
}

// listedSize gives one object of the page another size, at each attempt the next
// object.
func listedSize(size string) func(*exchange, *reply) bool {
	return func(x *exchange, t *reply) bool {
		found := sizeOf(x.req.Op).FindAllSubmatchIndex(t.body, -1)
		if len(found) == 0 {
			return false
		}
		at := found[x.req.KeyN%len(found)]
		from, to := at[2], at[4]
		t.body = slices.Concat(t.body[:from], []byte(size), t.body[to:])
		return true
	}
}
