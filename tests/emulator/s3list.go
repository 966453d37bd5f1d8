package emulator

import (
	"encoding/base64"
	"math"
	"net/http"
	"net/url"
	"strings"
)

// maxKeys is the server's limit for a page. It treats 0 as this limit.
const maxKeys = 1000

// page is one page of a listing.
type page struct {
	rows []*row
	// folders are the common prefixes, in the server's form.
	folders   []string
	truncated bool
	// last is where the next page starts; empty on the last page and, because of a
	// bug of the server, after a folder named "/".
	last string
}

// listObjectsV2 answers ListObjectsV2.
func (x *exchange) listObjectsV2() error {
	q := x.req.Query
	limit, err := x.listParameters()
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
	d := x.document("ListBucketResult", 512+256*len(p.rows))
	d.element("Name", x.req.Bucket)
	d.element("Prefix", q.Get("prefix"))
	d.echo(q, "ContinuationToken", "continuation-token")
	d.contents(p.rows, encode)
	d.boolean("IsTruncated", p.truncated)
	d.number("MaxKeys", int64(limit))
	d.echo(q, "Delimiter", "delimiter")
	d.echo(q, "EncodingType", "encoding-type")
	d.number("KeyCount", int64(len(p.rows)+len(p.folders)))
	d.commonPrefixes(p.folders, encode)
	if p.truncated && p.last != "" {
		d.element("NextContinuationToken", s3Token(p.last, token != ""))
	}
	x.sendDocument(http.StatusOK, &d)
	return nil
}

// listObjectsV1 answers the older ListObjects. The server's Marker is the next
// marker, not the one in the request.
func (x *exchange) listObjectsV1() error {
	q := x.req.Query
	limit, err := x.listParameters()
	if err != nil {
		return err
	}
	p, err := x.listPage(q.Get("marker"), limit)
	if err != nil {
		return err
	}
	encode := x.keyEncoding()
	d := x.document("ListBucketResult", 512+256*len(p.rows))
	d.element("Name", x.req.Bucket)
	d.element("Prefix", q.Get("prefix"))
	if p.truncated {
		d.optional("Marker", p.last)
		if q.Get("delimiter") != "" {
			d.optional("NextMarker", p.last)
		}
	}
	d.number("MaxKeys", int64(limit))
	d.boolean("IsTruncated", p.truncated)
	d.contents(p.rows, encode)
	d.commonPrefixes(p.folders, encode)
	d.echo(q, "EncodingType", "encoding-type")
	x.sendDocument(http.StatusOK, &d)
	return nil
}

func (d *document) contents(rows []*row, encode func(string) string) {
	d.list("Contents", len(rows), func(i int) {
		r := rows[i]
		d.element("Key", encode(r.key))
		d.time("LastModified", r.updated)
		if etag := r.listedETag(); etag != "" {
			d.element("ETag", `"`+etag+`"`)
		}
		d.number("Size", r.listedSize())
		d.element("StorageClass", "STANDARD")
	})
}

func (d *document) commonPrefixes(folders []string, encode func(string) string) {
	d.list("CommonPrefixes", len(folders), func(i int) {
		d.element("Prefix", encode(folders[i]))
	})
}

// echo repeats a parameter of the request, even if it is empty.
func (d *document) echo(q url.Values, name, parameter string) {
	if q.Has(parameter) {
		d.element(name, q.Get(parameter))
	}
}

// listParameters checks what the server's validator checks, in its order, and
// returns the page size.
func (x *exchange) listParameters() (limit int, err error) {
	q := x.req.Query
	if q.Has("encoding-type") && q.Get("encoding-type") != "url" {
		return 0, failInvalidRequest("Querystring, encoding-type must be equal to one of the allowed values")
	}
	if !q.Has("max-keys") {
		return maxKeys, nil
	}
	n, ok := jsInteger(q.Get("max-keys"))
	switch {
	case !ok:
		return 0, failInvalidRequest("Querystring, max-keys must be integer")
	case n < 0:
		return 0, failInvalidRequest("Querystring, max-keys must be >= 0")
	case math.IsInf(n, 0):
		return 0, failInvalidRequest(`Querystring, max-keys must pass "finite" keyword validation`)
	case n == 0:
		return maxKeys, nil
	}
	return int(min(n, maxKeys)), nil
}

// keyEncoding is the form of keys for encoding-type: url is JavaScript's
// encodeURIComponent, which encodes "/" too.
func (x *exchange) keyEncoding() func(string) string {
	if x.req.Query.Get("encoding-type") != "url" {
		return func(key string) string { return key }
	}
	return func(key string) string { return string(appendEncoded(nil, key, "!*'()")) }
}

// listPage reads a page of the rows that the caller sees. Policies do not matter
// for whether the bucket exists.
func (x *exchange) listPage(after string, limit int) (page, error) {
	b, err := x.bucket()
	if err != nil {
		return page{}, err
	}
	see := x.mayRead(x.req.Bucket)
	prefix, delimiter := x.req.Query.Get("prefix"), x.req.Query.Get("delimiter")
	if holdsNUL(prefix) || holdsNUL(delimiter) || holdsNUL(after) {
		return page{}, failText
	}
	if delimiter != "" {
		return foldedPage(b, see, prefix, delimiter, after, limit)
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

// s3Token is a continuation token: base64 of lines, of which S3 needs only one.
// From the second page on the server adds the order.
func s3Token(last string, again bool) string {
	s := "l:" + last
	if again {
		s += "\no:asc"
	}
	return base64.StdEncoding.EncodeToString([]byte(s))
}

// readS3Token accepts what newer servers accept: the key, in ascending order.
// v1.70.6 also accepts sort columns, which no client should rely on.
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

// readCursor parses a cursor: one line per field, "l:" key, "o:" order,
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
