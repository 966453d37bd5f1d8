package emulator

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// routeREST reads a path of the REST API. An unknown path stays OpUnknown.
func (x *exchange) routeREST(path string) {
	if rest, ok := strings.CutPrefix(path, "/bucket"); ok {
		x.routeBucket(rest)
		return
	}
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
	if x.routeSign(path) {
		return
	}
	reads := x.r.Method == http.MethodGet || x.r.Method == http.MethodHead
	if !reads {
		x.routeRESTWrite(path)
		return
	}
	path, info := cutRoute(path, "info/")
	x.access = takesAny
	if rest, ok := cutRoute(path, "authenticated/"); ok {
		path, x.access = rest, needsHeader
	} else if rest, ok := cutRoute(path, "public/"); ok {
		path, x.access = rest, publicOnly
	}
	if x.split(path); !strings.Contains(path, "/") {
		return
	}
	switch {
	case info:
		x.req.Op = OpRESTInfo
	case x.r.Method == http.MethodGet:
		x.req.Op = OpRESTGet
		x.req.Offset = rangeStart(x.r.Header.Get("Range"))
	default:
		x.req.Op = OpRESTHead
	}
}

// cutRoute cuts the name of a route off a path, if a bucket and a key follow: a
// bucket may have the same name.
func cutRoute(path, name string) (string, bool) {
	rest, ok := strings.CutPrefix(path, name)
	if !ok || !strings.Contains(rest, "/") {
		return path, false
	}
	return rest, true
}

// otherRoutes are the routes of POST and PUT below /object/ that are no uploads.
var otherRoutes = []string{"list", "sign", "upload", "copy", "move"}

// routeRESTWrite reads a path of an upload or a deletion.
func (x *exchange) routeRESTWrite(path string) {
	bucket, _, hasKey := strings.Cut(path, "/")
	x.split(path)
	x.access = needsHeader
	switch x.r.Method {
	case http.MethodPost, http.MethodPut:
		switch {
		case path == "move" && x.r.Method == http.MethodPost:
			x.req.Op = OpRESTMove
		case hasKey && !slices.Contains(otherRoutes, bucket):
			x.req.Op = OpRESTPut
		}
	case http.MethodDelete:
		x.req.Op = OpRESTDelete
		if !hasKey {
			x.req.Op = OpRESTDeleteMany
		}
	}
}

// routeBucket reads a path behind /bucket.
func (x *exchange) routeBucket(path string) {
	name, ok := strings.CutPrefix(path, "/")
	reads := x.r.Method == http.MethodGet || x.r.Method == http.MethodHead
	if name == "" && x.r.Method == http.MethodPost {
		x.req.Op, x.access = OpRESTCreateBucket, needsHeader
		return
	}
	if path != "" && !ok || strings.Contains(name, "/") || !reads {
		return
	}
	x.access = needsHeader
	x.req.Op = OpRESTListBuckets
	if name != "" {
		x.split(name)
		x.req.Op = OpRESTGetBucket
	}
}

// readKeyedBody reads the body of a request that says there what it is about.
func (x *exchange) readKeyedBody() {
	switch x.req.Op {
	case OpListV2, OpRESTDeleteMany, OpRESTSignMany, OpRESTMove:
		x.req.Body, x.bodyErr = io.ReadAll(io.LimitReader(x.r.Body, 1<<20))
	}
	if x.req.Op == OpRESTMove {
		x.move.read(x.req.Body)
		x.req.Bucket, x.req.Key = x.move.BucketID, x.move.SourceKey
	}
}

func (x *exchange) serveREST() error {
	if x.bodyErr != nil {
		return x.bodyErr
	}
	switch x.req.Op { // these check the request before the token
	case OpListV2:
		return x.listV2()
	case OpRESTDeleteMany:
		return x.restDeleteMany()
	case OpRESTSignMany:
		return x.restSignMany()
	case OpRESTMove:
		return x.restMove()
	case OpRESTSigned:
		return x.restSigned()
	case OpRESTListBuckets:
		return x.restBuckets()
	case OpRESTGetBucket:
		return x.restBucket()
	case OpRESTCreateBucket:
		return x.restCreateBucket()
	}
	if err := x.authenticate(); err != nil {
		return err
	}
	switch x.req.Op {
	case OpRESTInfo:
		return x.restInfo()
	case OpRESTPut:
		return x.restPut()
	case OpRESTDelete:
		return x.restDelete()
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
	x.restHeader(r)
	if x.req.Op == OpRESTGet {
		since, _ := modifiedSince(x.r.Header) // an invalid date is no condition
		return x.sendObject(r, since)
	}
	x.send(http.StatusOK, nil, 0, r.listedSize())
	return nil
}

// restHeader sets the headers of an object: a GET shows those of the blob, a HEAD
// those of the row.
func (x *exchange) restHeader(r *row) {
	h := x.w.Header()
	h.Set("Accept-Ranges", "bytes")
	h.Set("X-Robots-Tag", "none")
	h.Set("Content-Type", r.attrs.contentType)
	h.Set("Cache-Control", r.attrs.cacheControl)
	if x.req.Op == OpRESTGet || x.req.Op == OpRESTSigned {
		h.Set("ETag", `"`+r.blobETag()+`"`)
		h.Set("Last-Modified", httpTime(r.written))
		return
	}
	x.setETag(r.listedETag())
	h.Set("Last-Modified", httpTime(r.updated))
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
	j.field(",", "version", x.version(r))
	j.field(",", "bucket_id", x.req.Bucket)
	j.raw(`,"size":` + strconv.FormatInt(r.listedSize(), 10))
	j.field(",", "content_type", r.attrs.contentType)
	j.field(",", "cache_control", r.attrs.cacheControl)
	j.field(",", "etag", `"`+r.listedETag()+`"`)
	j.raw(`,"metadata":`)
	j.document(r.attrs.user)
	j.field(",", "last_modified", iso(r.updated))
	j.field(",", "created_at", iso(r.created))
	j.raw("}")
	x.sendJSON(http.StatusOK, j.buf)
	return nil
}

// version is the identifier of this version of the object.
func (x *exchange) version(r *row) string {
	return uuid("version", x.req.Bucket, r.key, iso(r.written), r.blobETag())
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
