package endpoint

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// The routes of the Storage REST API that are served: a page of a listing, and an
// object.
const (
	restList = "/storage/v1/object/list-v2/"
	restRead = "/storage/v1/object/authenticated/"
)

// maxBody is the largest request for a page.
const maxBody = 64 << 10

// restQuery is the body of a request for a page. A cursor is the key before the page.
type restQuery struct {
	Prefix string `json:"prefix"`
	Limit  int    `json:"limit"`
	Cursor string `json:"cursor"`
}

// restPage answers a page of a listing of the REST API.
func (x *exchange) restPage(bucket int) bool {
	var r restQuery
	err := json.Unmarshal(x.asked, &r)
	cursor, err2 := base64.StdEncoding.DecodeString(r.Cursor)
	after, ok := strings.CutPrefix(string(cursor), "l:")
	if err != nil || err2 != nil || !ok && r.Cursor != "" || r.Limit < 0 {
		return x.document(http.StatusBadRequest, typeJSON, []byte(`{"statusCode":"400","error":"invalid_request","message":"Not a request for a page."}`))
	}
	limit := pageKeys
	if r.Limit > 0 {
		limit = min(r.Limit, pageKeys)
	}
	p := x.server.newPage(listQuery{prefix: r.Prefix, after: after, max: limit}, bucket)
	p.write = p.appendRow
	p.fill()
	x.server.stats.page(p.objects)
	b := append(make([]byte, 0, len(p.contents)+64), `{"hasNext":`...)
	b = append(strconv.AppendBool(b, p.more), `,"folders":[],"objects":[`...)
	if len(p.contents) > 0 {
		b = append(b, p.contents[1:]...) // without its first comma
	}
	return x.document(http.StatusOK, typeJSON, append(b, "]}"...))
}

// appendRow adds an object as JSON. No key needs an escape.
func (p *page) appendRow(b, key []byte, i int) []byte {
	b = append(append(b, `,{"name":"`...), key...)
	b = append(append(b, `","updated_at":"`...), modifiedXML...)
	b = append(append(b, `","metadata":{"eTag":"\"`...), p.sizes.etag(i)...)
	b = strconv.AppendInt(append(b, `\"","size":`...), p.sizes.size(i), 10)
	return append(b, "}}"...)
}

// readBody keeps the body of a request for a page, and discards all others.
func (x *exchange) readBody() bool {
	to := io.Discard
	x.asked = x.asked[:0]
	if strings.HasPrefix(x.req.path, restList) && x.req.length <= maxBody {
		to = (*keeper)(&x.asked)
	}
	_, err := io.CopyN(to, x.in, x.req.length)
	return err == nil
}

// keeper is a slice that is written to.
type keeper []byte

func (k *keeper) Write(p []byte) (int, error) {
	*k = append(*k, p...)
	return len(p), nil
}
