package emulator

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

// maxKeys is the server's cap, and what it takes 0 for.
const maxKeys = 1000

// page is one page of a listing.
type page struct {
	rows []*row
	// folders are the common prefixes, in the server's form.
	folders   []string
	truncated bool
	// last is where the next page starts; empty on the last page, and, which
	// is a bug of the server, after a folder named "/".
	last string
}

// listObjectsV2 answers ListObjectsV2.
func (x *exchange) listObjectsV2() error {
	q := x.req.Query
	limit, err := x.maxKeys()
	if err != nil {
		return err
	}
	after := q.Get("start-after")
	token := q.Get("continuation-token")
	if token != "" {
		if after, err = readS3Token(token); err != nil {
			return err
		}
	}
	p, err := x.listPage(after, limit)
	if err != nil {
		return err
	}
	encode := x.keyEncoding()
	w := xmlWriter{buf: make([]byte, 0, 512+256*len(p.rows))}
	w.open("ListBucketResult")
	w.element("Name", x.req.Bucket)
	w.element("Prefix", q.Get("prefix"))
	w.optional("ContinuationToken", token)
	w.contents(p.rows, encode)
	w.boolean("IsTruncated", p.truncated)
	w.number("MaxKeys", int64(limit))
	w.optional("Delimiter", q.Get("delimiter"))
	w.optional("EncodingType", q.Get("encoding-type"))
	w.number("KeyCount", int64(len(p.rows)+len(p.folders)))
	w.commonPrefixes(p.folders, encode)
	if p.truncated && p.last != "" {
		w.element("NextContinuationToken", s3Token(p.last, token != ""))
	}
	x.sendXML(http.StatusOK, w.close("ListBucketResult"))
	return nil
}

// listObjectsV1 answers the older ListObjects, whose Marker is, in the server,
// the next one rather than the one that was sent.
func (x *exchange) listObjectsV1() error {
	q := x.req.Query
	limit, err := x.maxKeys()
	if err != nil {
		return err
	}
	p, err := x.listPage(q.Get("marker"), limit)
	if err != nil {
		return err
	}
	encode := x.keyEncoding()
	var w xmlWriter
	w.open("ListBucketResult")
	w.element("Name", x.req.Bucket)
	w.element("Prefix", q.Get("prefix"))
	if p.truncated {
		w.optional("Marker", p.last)
		if q.Get("delimiter") != "" {
			w.optional("NextMarker", p.last)
		}
	}
	w.number("MaxKeys", int64(limit))
	w.boolean("IsTruncated", p.truncated)
	w.contents(p.rows, encode)
	w.commonPrefixes(p.folders, encode)
	x.sendXML(http.StatusOK, w.close("ListBucketResult"))
	return nil
}

func (w *xmlWriter) contents(rows []*row, encode func(string) string) {
	for _, r := range rows {
		w.start("Contents")
		w.element("Key", encode(r.key))
		w.time("LastModified", r.updated)
		if etag := r.listedETag(); etag != "" {
			w.element("ETag", `"`+etag+`"`)
		}
		w.number("Size", r.listedSize())
		w.element("StorageClass", "STANDARD")
		w.end("Contents")
	}
}

func (w *xmlWriter) commonPrefixes(folders []string, encode func(string) string) {
	for _, f := range folders {
		w.start("CommonPrefixes")
		w.element("Prefix", encode(f))
		w.end("CommonPrefixes")
	}
}

// maxKeys reads the page size as the server's validator does.
func (x *exchange) maxKeys() (int, error) {
	s := x.req.Query.Get("max-keys")
	if s == "" {
		return maxKeys, nil
	}
	n, err := strconv.Atoi(s)
	switch {
	case err != nil:
		return 0, failInvalidRequest("Querystring, max-keys must be integer")
	case n < 0:
		return 0, failInvalidRequest("Querystring, max-keys must be >= 0")
	case n == 0:
		return maxKeys, nil
	}
	return min(n, maxKeys), nil
}

// keyEncoding is the form of keys for encoding-type: url is JavaScript's
// encodeURIComponent, which encodes "/" too.
func (x *exchange) keyEncoding() func(string) string {
	if x.req.Query.Get("encoding-type") != "url" {
		return func(key string) string { return key }
	}
	return func(key string) string { return string(appendEncoded(nil, key, "!*'()")) }
}

// listPage reads a page of the bucket, of the rows that the caller sees. That
// the bucket exists is asked past all policies.
func (x *exchange) listPage(after string, limit int) (page, error) {
	b, ok := x.s.store.bucket(x.req.Bucket)
	if !ok {
		return page{}, failNoBucket
	}
	see := x.mayRead(x.req.Bucket)
	prefix := x.req.Query.Get("prefix")
	if d := x.req.Query.Get("delimiter"); d != "" {
		return foldedPage(b, see, prefix, d, after, limit)
	}
	return flatPage(b, see, prefix, after, limit)
}

func flatPage(b rows, see func(string) bool, prefix, after string, limit int) (page, error) {
	p := page{rows: make([]*row, 0, min(limit, 64))}
	for r, err := range b.scan(prefix, after) {
		if err != nil {
			return page{}, err
		}
		if !see(r.key) {
			continue
		}
		if len(p.rows) == limit {
			p.truncated = true
			p.last = p.rows[limit-1].key
			break
		}
		p.rows = append(p.rows, r)
	}
	return p, nil
}

// s3Token is a continuation token: base64 of lines, of which S3 needs but one.
// From the second page on the server adds the order.
func s3Token(last string, again bool) string {
	s := "l:" + last
	if again {
		s += "\no:asc"
	}
	return base64.StdEncoding.EncodeToString([]byte(s))
}

// readS3Token accepts what newer servers accept: the key, in ascending order.
// Sort columns, which v1.70.6 lets through, would only seduce clients.
func readS3Token(token string) (string, error) {
	lines, err := readCursor(token)
	if err != nil {
		return "", err
	}
	last, ok := lines['l']
	if o := lines['o']; !ok || lines['c'] != "" || o != "" && o != "asc" {
		return "", failToken
	}
	return last, nil
}

// readCursor takes a cursor apart: one line per field, "l:" key, "o:" order,
// "c:" column and "a:" the column's value.
func readCursor(cursor string) (map[byte]string, error) {
	raw, err := base64.StdEncoding.DecodeString(cursor)
	if err != nil {
		raw, err = base64.RawStdEncoding.DecodeString(cursor)
	}
	if err != nil {
		return nil, failToken
	}
	lines := map[byte]string{}
	for line := range strings.SplitSeq(string(raw), "\n") {
		if len(line) < 2 || line[1] != ':' || strings.IndexByte("loca", line[0]) < 0 {
			return nil, failToken
		}
		lines[line[0]] = line[2:]
	}
	return lines, nil
}
