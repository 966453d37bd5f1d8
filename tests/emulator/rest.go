package emulator

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// routeREST reads a path of the REST API. An unknown path stays OpUnknown.
func (x *exchange) routeREST(path string) {
	path, ok := strings.CutPrefix(path, "/object/")
	if !ok {
		return
	}
	if bucket, ok := strings.CutPrefix(path, "list-v2/"); ok {
		if x.r.Method == http.MethodPost && !strings.Contains(bucket, "/") {
			x.split(bucket)
			x.req.Op, x.access = OpListV2, needsToken
		}
		return
	}
	path, info := strings.CutPrefix(path, "info/")
	x.access = takesAny
	if rest, ok := strings.CutPrefix(path, "authenticated/"); ok {
		path, x.access = rest, needsHeader
	} else if rest, ok := strings.CutPrefix(path, "public/"); ok {
		path, x.access = rest, publicOnly
	}
	x.split(path)
	if x.req.Key == "" {
		return
	}
	switch {
	case info && (x.r.Method == http.MethodGet || x.r.Method == http.MethodHead):
		x.req.Op = OpRESTInfo
	case x.r.Method == http.MethodGet:
		x.req.Op = OpRESTGet
		x.req.Offset = rangeStart(x.r.Header.Get("Range"))
	case x.r.Method == http.MethodHead:
		x.req.Op = OpRESTHead
	}
}

func (x *exchange) serveREST() error {
	if x.req.Op == OpListV2 {
		return x.listV2() // checks the body before the token
	}
	if err := x.authenticate(); err != nil {
		return err
	}
	switch x.req.Op {
	case OpRESTInfo:
		return x.restInfo()
	default:
		return x.restObject()
	}
}

// restRow finds the row that the request names. No bucket of the emulator is
// public, so a caller without a valid token finds none.
func (x *exchange) restRow() (*row, error) {
	if x.access == publicOnly && x.req.Op == OpRESTGet && !validKey(x.req.Key) {
		return nil, failInvalidKey(x.req.Key)
	}
	b, err := x.bucket()
	switch {
	case err != nil:
		return nil, err
	case !x.authenticated:
		return nil, failNoBucket
	case !validKey(x.req.Key):
		return nil, failInvalidKey(x.req.Key)
	}
	return x.visible(b)
}

// restObject answers GET and HEAD of /object/authenticated/{bucket}/{key}.
func (x *exchange) restObject() error {
	r, err := x.restRow()
	if err != nil {
		return err
	}
	if r.content == nil && x.req.Op == OpRESTGet {
		return x.restMissingBlob()
	}
	h := x.w.Header()
	h.Set("Accept-Ranges", "bytes")
	h.Set("X-Robots-Tag", "none")
	h.Set("Content-Type", r.attrs.contentType)
	h.Set("Cache-Control", r.attrs.cacheControl)
	if x.req.Op == OpRESTGet {
		h.Set("ETag", `"`+r.blobETag()+`"`)
		h.Set("Last-Modified", httpTime(r.written))
		since, _ := modifiedSince(x.r.Header) // an invalid date is no condition
		return x.sendObject(r, since)
	}
	x.setETag(r.listedETag())
	h.Set("Last-Modified", httpTime(r.updated))
	x.send(http.StatusOK, nil, 0, r.listedSize())
	return nil
}

func (x *exchange) restMissingBlob() error {
	if x.s.s3Backend {
		return &failure{http.StatusNotFound, "NoSuchKey", "The resource was not found", "Not found"}
	}
	return failInternal
}

// restInfo answers /object/info: the row as JSON.
func (x *exchange) restInfo() error {
	r, err := x.restRow()
	if err != nil {
		return err
	}
	h := x.w.Header()
	x.setETag(r.listedETag())
	h.Set("Last-Modified", httpTime(r.updated))
	h.Set("Cache-Control", r.attrs.cacheControl)
	var j jsonWriter
	j.field("{", "id", x.objectID(r))
	j.field(",", "name", r.key)
	j.field(",", "version", uuid("version", x.req.Bucket, r.key, iso(r.written), r.blobETag()))
	j.field(",", "bucket_id", x.req.Bucket)
	j.raw(`,"size":` + strconv.FormatInt(r.listedSize(), 10))
	j.field(",", "content_type", r.attrs.contentType)
	j.field(",", "cache_control", r.attrs.cacheControl)
	j.field(",", "etag", `"`+r.listedETag()+`"`)
	j.raw(`,"metadata":`)
	j.stringMap(r.attrs.user)
	j.field(",", "last_modified", iso(r.updated))
	j.field(",", "created_at", iso(r.created))
	j.raw("}")
	x.sendJSON(http.StatusOK, j.buf)
	return nil
}

// objectID is the row's id, which an overwrite keeps.
func (x *exchange) objectID(r *row) string {
	return uuid("object", x.req.Bucket, r.key, iso(r.created))
}

func (x *exchange) setETag(etag string) {
	if etag != "" {
		x.w.Header().Set("ETag", `"`+etag+`"`)
	}
}

// unescape decodes one name of a path.
func unescape(s string) (string, bool) {
	name, err := url.PathUnescape(s)
	return name, err == nil
}
