package emulator

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// failure is an answer that reports an error.
type failure struct {
	status        int
	code, message string
	// legacy is the "error" of REST answers; if empty, they use the code.
	legacy string
}

// Error makes a failure an error that a handler may return.
func (f *failure) Error() string {
	return strconv.Itoa(f.status) + " " + f.code + ": " + f.message
}

// What the server refuses, in its own words.
var (
	failNoKey      = &failure{http.StatusNotFound, "NoSuchKey", "Object not found", "not_found"}
	failNoBucket   = &failure{http.StatusNotFound, "NoSuchBucket", "Bucket not found", "Bucket not found"}
	failRange      = &failure{http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "invalid range provided", "invalid_range"}
	failS3Range    = &failure{http.StatusRequestedRangeNotSatisfiable, "S3Error", "invalid range provided", ""}
	failInternal   = &failure{http.StatusInternalServerError, "InternalError", "Internal Server Error", "Internal"}
	failS3Missing  = &failure{http.StatusNotFound, "S3Error", "Object not found", "Not found"}
	failNoRelated  = &failure{http.StatusNotFound, "InvalidRequest", "The related resource does not exist", ""}
	failBucketName = &failure{http.StatusBadRequest, "InvalidBucketName", "Bucket name invalid", "Invalid Input"}
	failNotEmpty   = &failure{http.StatusConflict, "ResourceNotEmpty", "The bucket you tried to delete is not empty", ""}
	failToken      = &failure{http.StatusBadRequest, "InvalidParameter", "Invalid Parameter continuation token", "InvalidParameter"}
	failTooLarge   = &failure{http.StatusRequestEntityTooLarge, "EntityTooLarge", "The object exceeded the maximum allowed size", "Payload too large"}
	failRowPolicy  = &failure{http.StatusForbidden, "AccessDenied", "new row violates row-level security policy", "Unauthorized"}
	failReadOnly   = &failure{http.StatusServiceUnavailable, "DatabaseReadOnly", "The database is currently in read-only mode. Please try again later.", ""}
	failExpiredURL = &failure{http.StatusBadRequest, "ExpiredToken", "The provided token has expired.", ""}
	failBodyJSON   = &failure{
		http.StatusBadRequest, "InvalidRequest",
		"Body is not valid JSON but content-type is set to 'application/json'", "FastifyError",
	}
	// failText is what the database says about NUL, which text cannot contain.
	failText      = failDatabase("22021")
	failSignature = &failure{
		http.StatusForbidden, "SignatureDoesNotMatch",
		"The request signature we calculated does not match the signature you provided. Check your key and signing method.", "",
	}
	failAccessKeyID = &failure{
		http.StatusForbidden, "InvalidAccessKeyId", "The Access Key Id you provided does not exist in our records.", "",
	}
	failTokenSignature = &failure{
		http.StatusForbidden, "SignatureDoesNotMatch",
		"The request signature we calculated does not match the signature you provided, Check your credentials. " +
			"The session token should be a valid JWT token", "",
	}
)

func failDenied(message string) *failure {
	return &failure{http.StatusForbidden, "AccessDenied", message, "Unauthorized"}
}

func failInvalidKey(key string) *failure {
	return &failure{http.StatusBadRequest, "InvalidKey", "Invalid key: " + key, "InvalidKey"}
}

func failInvalidRequest(message string) *failure {
	return &failure{http.StatusBadRequest, "InvalidRequest", message, "Error"}
}

func failInvalidSignature(message string) *failure {
	return &failure{http.StatusBadRequest, "InvalidSignature", message, "InvalidSignature"}
}

// failDatabase is the server's answer to an SQLSTATE that it does not know.
func failDatabase(sqlstate string) *failure {
	return &failure{http.StatusInternalServerError, "DatabaseError", "database error, code: " + sqlstate, ""}
}

// byStatus are the usual answers of the server for each status.
var byStatus = map[int]*failure{
	http.StatusBadRequest:                   {http.StatusBadRequest, "InvalidRequest", "Invalid Request", ""},
	http.StatusForbidden:                    failDenied("Access denied"),
	http.StatusNotFound:                     failNoKey,
	http.StatusRequestedRangeNotSatisfiable: failRange,
	http.StatusLocked:                       {http.StatusLocked, "ResourceLocked", "The resource is locked", ""},
	http.StatusTooManyRequests: {
		http.StatusTooManyRequests, "SlowDown", "Too many connections issued to the database", "too_many_connections",
	},
	http.StatusInternalServerError: failInternal,
	http.StatusServiceUnavailable:  {http.StatusServiceUnavailable, "LockTimeout", "acquiring lock timeout", "acquiring_lock_timeout"},
	544:                            {544, "DatabaseTimeout", "The connection to the database timed out", ""},
}

// asFailure is the failure that the client sees for err.
func asFailure(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	return failInternal
}

// fail writes err as the answer: a document over S3, JSON over REST.
func (x *exchange) fail(err error) {
	f := asFailure(err)
	switch x.surface {
	case surfaceREST:
		x.failJSON(f)
		return
	case surfaceAuth:
		x.failAuth(f)
		return
	case surfaceManagement:
		x.failManagement(f)
		return
	}
	d := x.document("Error", 512)
	d.element("Resource", strings.Join(strings.FieldsFunc(x.resource, func(c rune) bool { return c == '/' }), "/"))
	d.element("Code", f.code)
	d.element("Message", f.message)
	x.sendDocument(f.status, &d)
}

// failJSON writes REST's form. If the database or the authorization refused the
// request, the status is 400, and the body has the real status.
func (x *exchange) failJSON(f *failure) {
	status := f.status
	switch status {
	case http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnsupportedMediaType:
		status = http.StatusBadRequest
	}
	x.sendJSON(status, f.document())
}

// document is REST's form of an error.
func (f *failure) document() []byte {
	var j jsonWriter
	j.field("{", "statusCode", strconv.Itoa(f.status))
	j.field(",", "error", cmp.Or(f.legacy, f.code))
	j.field(",", "message", f.message)
	j.field(",", "code", f.code)
	j.raw("}")
	return j.buf
}

// target is path and query behind the gateway's prefix, as they were sent.
func (x *exchange) target() string {
	return strings.TrimPrefix(x.r.URL.RequestURI(), x.base+x.s.prefix)
}

// noRoute is the answer of the router rather than of Storage.
func (x *exchange) noRoute() {
	switch x.surface {
	case surfaceAuth:
		x.noAuthRoute()
		return
	case surfaceManagement:
		x.fail(&failure{status: http.StatusNotFound, message: "Cannot " + x.r.Method + " " + x.r.URL.RequestURI()})
		return
	}
	if path, ok := strings.CutPrefix(x.r.URL.Path, x.base+x.s.prefix); ok && (strings.HasPrefix(path, "/object") || strings.HasPrefix(path, "/bucket")) {
		f := &failure{http.StatusNotFound, "InvalidRequest", "Route " + x.r.Method + ":" + x.target() + " not found", "Not Found"}
		x.sendBareJSON(f.status, f.document())
		return
	}
	var j jsonWriter
	j.field("{", "message", "Route "+x.r.Method+":"+x.target()+" not found")
	j.raw(`,"error":"Not Found","statusCode":404}`)
	x.sendJSON(http.StatusNotFound, j.buf)
}

// noPath is the router's answer to a path that cannot be decoded.
func (x *exchange) noPath() {
	var j jsonWriter
	j.field("{", "error", "Bad Request")
	j.field(",", "code", "FST_ERR_BAD_URL")
	j.field(",", "message", "'"+x.target()+"' is not a valid url component")
	j.raw(`,"statusCode":400}`)
	x.sendBareJSON(http.StatusBadRequest, j.buf)
}

// maxHeader is the limit for request line and header together, in bytes: the
// parser of the server's runtime counts the target, names and values.
const maxHeader = 16 << 10

func (x *exchange) headerTooLarge() bool {
	n := len(x.r.RequestURI) + len("Host") + len(x.r.Host)
	for name, values := range x.r.Header {
		for _, value := range values {
			n += len(name) + len(value)
		}
	}
	return n >= maxHeader
}

func (x *exchange) tooLarge() {
	x.sendBareJSON(http.StatusRequestHeaderFieldsTooLarge, []byte(`{"error":"Request Header Fields Too Large",`+
		`"message":"Exceeded maximum allowed HTTP header size","statusCode":431}`))
}

// sendBareJSON sends JSON without a charset, as Auth does and the code before the
// routes of Storage.
func (x *exchange) sendBareJSON(status int, body []byte) {
	x.w.Header().Set("Content-Type", "application/json")
	x.send(status, blob(body), 0, int64(len(body)))
}
