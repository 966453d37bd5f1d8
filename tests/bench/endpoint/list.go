package endpoint

import (
	"bytes"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// pageKeys is the most keys that a page has.
const pageKeys = 1000

// listQuery are the parameters of a listing.
type listQuery struct {
	prefix, delimiter string
	after             string // keys up to this one are left out
	token             string
	max               int
	v2                bool
	encoded           bool
}

func parseListQuery(q url.Values) (listQuery, bool) {
	l := listQuery{
		prefix: q.Get("prefix"), delimiter: q.Get("delimiter"), token: q.Get("continuation-token"),
		after: q.Get("marker"), max: pageKeys, v2: q.Get("list-type") == "2", encoded: q.Get("encoding-type") == "url",
	}
	if l.v2 {
		// A token is the last key, or common prefix, of the page before.
		l.after = max(q.Get("start-after"), l.token)
	}
	if text := q.Get("max-keys"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return l, false
		}
		l.max = min(n, pageKeys)
	}
	return l, true
}

// list answers a page of a listing, of either version.
func (x *exchange) list(bucket int) bool {
	q, ok := parseListQuery(x.req.query)
	if !ok {
		return x.refuse(http.StatusBadRequest, "InvalidArgument", "max-keys is not a number.")
	}
	s := x.server
	p := s.newPage(q, bucket)
	p.fill()
	s.stats.page(p.objects)
	return x.document(http.StatusOK, typeXML, p.document())
}

func (s *Server) newPage(q listQuery, bucket int) *page {
	p := &page{query: q, keys: s.keys, sizes: s.sizes, bucket: BucketName(bucket, s.o.buckets()), first: bucket * s.o.perBucket()}
	p.write = p.appendObject
	return p
}

// page is one page of a listing while it is made.
type page struct {
	query listQuery
	keys  naming
	sizes *sizes
	// bucket is the name of the bucket, and first the number of its first object.
	bucket string
	first  int
	// write adds an object to the page.
	write func(b, key []byte, i int) []byte

	contents []byte
	prefixes []byte
	objects  []int // in contents
	count    int
	last     string // key or common prefix
	more     bool
}

// fill lists what comes after the cursor. Keys with the prefix are next to each
// other, and so are keys with a common prefix.
func (p *page) fill() {
	q := p.query
	prefix, delimiter := []byte(q.prefix), []byte(q.delimiter)
	p.contents = make([]byte, 0, min(q.max, p.keys.n)*objectXML)
	p.objects = make([]int, 0, min(q.max, p.keys.n))
	var key []byte
	for i := p.start(); i < p.keys.n; i++ {
		key = p.keys.append(key[:0], i)
		if !bytes.HasPrefix(key, prefix) {
			return
		}
		if p.count == q.max {
			p.more = q.max > 0
			return
		}
		p.count++
		if at := bytes.Index(key[len(prefix):], delimiter); at >= 0 && len(delimiter) > 0 {
			p.last = string(key[:len(prefix)+at+len(delimiter)])
			p.prefixes = append(p.prefixes, "<CommonPrefixes><Prefix>"+p.last+"</Prefix></CommonPrefixes>"...)
			i = p.behind(p.last) - 1
			continue
		}
		if p.count == q.max {
			p.last = string(key)
		}
		p.contents = p.write(p.contents, key, p.first+i)
		p.objects = append(p.objects, p.first+i)
	}
}

// objectXML is about how many bytes an object needs in a listing.
const objectXML = 280

// start is the first object that may be on the page.
func (p *page) start() int {
	q := p.query
	first := p.keys.after(q.prefix, true)
	if q.after == "" {
		return first
	}
	if q.delimiter != "" && strings.HasSuffix(q.after, q.delimiter) && strings.HasPrefix(q.after, q.prefix) {
		return max(first, p.behind(q.after)) // a common prefix of the page before
	}
	return max(first, p.keys.after(q.after, false))
}

// behind is the first object after those with the prefix.
func (p *page) behind(prefix string) int {
	return p.keys.after(prefix+"\xff", true)
}

// modifiedXML is [modified] as listings write it.
var modifiedXML = modified.Format("2006-01-02T15:04:05.000Z")

func (p *page) appendObject(b, key []byte, i int) []byte {
	b = append(append(b, "<Contents><Key>"...), key...)
	b = append(append(b, "</Key><LastModified>"...), modifiedXML...)
	b = append(append(b, "</LastModified><ETag>&quot;"...), p.sizes.etag(i)...)
	b = strconv.AppendInt(append(b, "&quot;</ETag><Size>"...), p.sizes.size(i), 10)
	return append(b, "</Size><StorageClass>STANDARD</StorageClass></Contents>"...)
}

// document is the page as XML. No key needs an escape, in XML or in a URL; the
// client's parameters are escaped.
func (p *page) document() []byte {
	q := p.query
	b := make([]byte, 0, len(p.contents)+len(p.prefixes)+512)
	b = append(b, `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`...)
	b = element(b, "Name", p.bucket)
	b = element(b, "Prefix", q.prefix)
	b = element(b, "MaxKeys", strconv.Itoa(q.max))
	if q.delimiter != "" {
		b = element(b, "Delimiter", q.delimiter)
	}
	if q.encoded {
		b = element(b, "EncodingType", "url")
	}
	b = element(b, "IsTruncated", strconv.FormatBool(p.more))
	switch {
	case q.v2:
		b = element(b, "KeyCount", strconv.Itoa(p.count))
		if p.more {
			b = element(b, "NextContinuationToken", p.last)
		}
	default:
		b = element(b, "Marker", q.after)
		if p.more {
			b = element(b, "NextMarker", p.last)
		}
	}
	b = append(append(b, p.contents...), p.prefixes...)
	return append(b, "</ListBucketResult>"...)
}

// escapes are the escapes of XML.
var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func element(b []byte, name, text string) []byte {
	b = append(append(append(b, '<'), name...), '>')
	b = append(b, escapes.Replace(text)...)
	return append(append(append(b, "</"...), name...), '>')
}
