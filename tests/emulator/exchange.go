package emulator

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// exchange is one request and its answer.
type exchange struct {
	s *Server
	w http.ResponseWriter
	r *http.Request
	// base is the beginning of the path that the project does not see.
	base string

	req   Request
	fault Fault
	// resource is bucket and key as in the path, still encoded: S3 errors name it.
	resource string
	// surface decides the form of the answer, and above all of an error.
	surface surface
	access  access
	// badPath says that the path cannot be decoded to text.
	badPath bool
	caller  caller
	// authenticated says of a request to the REST API that its token is valid.
	authenticated bool
	// For lies: refused is the answer, whatever the request asks for; stale answers
	// with the version before; vouched says that the caller is already known from
	// the original request, because a changed request has no valid signature.
	refused        *failure
	stale, vouched bool
	// bodyErr is why the body could not be read.
	bodyErr error
}

// surface is one of the interfaces of a project.
type surface int

const (
	surfaceS3 surface = iota
	// surfaceREST is Storage's REST API, and every path that nothing serves.
	surfaceREST
	surfaceAuth
	surfaceManagement
)

// route reads path and query into x.req.
func (x *exchange) route() {
	x.req.Header, x.req.Project = x.r.Header, x.s.ref
	if x.r.URL.RawQuery != "" {
		x.req.Query = x.r.URL.Query()
	}
	x.surface = surfaceREST
	path := strings.TrimPrefix(x.r.URL.EscapedPath(), x.base)
	if rest, ok := strings.CutPrefix(path, authPrefix); ok {
		x.routeAuth(rest)
		return
	}
	if isManagement(path) {
		x.routeManagement(path)
		return
	}
	path, ok := strings.CutPrefix(path, x.s.prefix)
	if !ok {
		return
	}
	if rest, ok := strings.CutPrefix(path, "/s3"); ok && (rest == "" || rest[0] == '/') {
		x.surface = surfaceS3
		x.split(strings.TrimPrefix(rest, "/"))
		x.req.Op = x.s3Op()
		x.req.Offset = rangeStart(x.r.Header.Get("Range"))
		return
	}
	x.routeREST(path)
	x.readKeyedBody()
}

// split splits "bucket/key" at the first slash: the key may start with another
// slash.
func (x *exchange) split(resource string) {
	x.resource = resource
	bucket, key, _ := strings.Cut(resource, "/")
	var err1, err2 error
	x.req.Bucket, err1 = url.PathUnescape(bucket)
	x.req.Key, err2 = url.PathUnescape(key)
	x.badPath = err1 != nil || err2 != nil || !utf8.ValidString(x.req.Bucket) || !utf8.ValidString(x.req.Key)
}

// s3Op names the operation. Sub-resources that the server does not know are
// ignored, as it does: ?acl on an object is the object.
func (x *exchange) s3Op() Op {
	q := x.req.Query
	switch {
	case x.req.Bucket == "":
		if x.r.Method == http.MethodGet {
			return OpListBuckets
		}
	case x.req.Key == "":
		return x.s3BucketOp(q)
	default:
		return x.s3ObjectOp(q)
	}
	return OpUnknown
}

func (x *exchange) s3BucketOp(q url.Values) Op {
	switch x.r.Method {
	case http.MethodHead:
		return OpHeadBucket
	case http.MethodPut:
		return OpCreateBucket
	case http.MethodDelete:
		return OpDeleteBucket
	case http.MethodPost:
		if q.Has("delete") {
			return OpDeleteMany
		}
	case http.MethodGet:
		switch {
		case q.Has("location"):
			return OpBucketLocation
		case q.Has("versioning"):
			return OpBucketVersioning
		case q.Get("list-type") == "2":
			return OpList
		}
		return OpListV1
	}
	return OpUnknown
}

func (x *exchange) s3ObjectOp(q url.Values) Op {
	switch x.r.Method {
	case http.MethodGet:
		if q.Has("tagging") {
			return OpTagging
		}
		return OpGet
	case http.MethodHead:
		return OpHead
	case http.MethodPut:
		switch {
		case q.Has("uploadId"):
			return OpUploadPart
		case x.r.Header.Get("X-Amz-Copy-Source") != "":
			return OpCopy
		}
		return OpPut
	case http.MethodPost:
		switch {
		case q.Has("uploads"):
			return OpCreateUpload
		case q.Has("uploadId"):
			return OpCompleteUpload
		}
	case http.MethodDelete:
		if q.Has("uploadId") {
			return OpAbortUpload
		}
		return OpDelete
	}
	return OpUnknown
}

// serve authenticates the request and runs its operation.
func (x *exchange) serve() error {
	switch {
	case x.refused != nil:
		return x.refused
	case x.headerTooLarge():
		x.tooLarge()
		return nil
	case x.unreachable():
		return nil
	case x.badPath:
		x.noPath()
		return nil
	case x.req.Op == OpUnknown:
		x.noRoute()
		return nil
	}
	switch x.surface {
	case surfaceREST:
		return x.serveREST()
	case surfaceAuth:
		return x.serveAuth()
	case surfaceManagement:
		return x.serveManagement()
	}
	if !x.vouched {
		if err := x.authenticate(); err != nil {
			return err
		}
	}
	return x.serveS3()
}

func (x *exchange) serveS3() error {
	switch x.req.Op {
	case OpList:
		return x.listObjectsV2()
	case OpListV1:
		return x.listObjectsV1()
	case OpGet:
		return x.getObject()
	case OpHead:
		return x.headObject()
	case OpPut:
		return x.putObject()
	case OpCopy:
		return x.copyObject()
	case OpDelete:
		return x.deleteObject()
	case OpDeleteMany:
		return x.deleteObjects()
	case OpCreateUpload, OpUploadPart, OpCompleteUpload, OpAbortUpload:
		return x.multipart()
	default:
		return x.serveS3Bucket()
	}
}
