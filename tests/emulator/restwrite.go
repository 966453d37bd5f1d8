package emulator

import (
	"cmp"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Refusals of REST's writing routes.
var (
	failKeyExists = &failure{http.StatusConflict, "KeyAlreadyExists", "The resource already exists", "Duplicate"}
	failMimeType  = &failure{
		http.StatusUnsupportedMediaType, "InvalidMimeType", "Invalid Content-Type header", "invalid_mime_type",
	}
	failNoBody = &failure{
		http.StatusBadRequest, "InvalidRequest",
		"Body cannot be empty when content-type is set to 'application/json'", "FastifyError",
	}
)

// restPut answers POST and PUT of /object/{bucket}/{key}: an upload. POST overwrites
// only where the header x-upsert says so.
func (x *exchange) restPut() error {
	if x.s.readOnly {
		return failReadOnly
	}
	if !validKey(x.req.Key) {
		return failInvalidKey(x.req.Key)
	}
	b, err := x.bucket()
	if err != nil {
		return err
	}
	body, err := x.readBody()
	if err != nil {
		return err
	}
	h := x.r.Header
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return failMimeType
	}
	if kind == "multipart/form-data" {
		return failInvalidRequest("the emulator does not take uploads by form")
	}
	if !x.mayWrite(x.req.Bucket)(x.req.Key) {
		return failRowPolicy
	}
	if x.r.Method == http.MethodPost && h.Get("X-Upsert") != "true" {
		if r, err := b.get(x.req.Key); err != nil || r != nil {
			return cmp.Or(err, error(failKeyExists))
		}
	}
	d := draft{
		row: row{key: x.req.Key, etag: x.s.streamETag(body), size: int64(len(body)), content: blob(body)},
		attrs: attrs{
			contentType: h.Get("Content-Type"), cacheControl: h.Get("Cache-Control"), user: restMetadata(h),
		},
		slash: true,
	}
	d.attrs.owner, _ = x.caller.claims["sub"].(string)
	r, err := x.s.upload(x.req.Bucket, b, &d)
	if err != nil {
		return err
	}
	var j jsonWriter
	j.field("{", "Key", x.req.Bucket+"/"+r.key)
	j.field(",", "Id", x.objectID(r))
	j.raw("}")
	x.sendJSON(http.StatusOK, j.buf)
	return nil
}

// streamPart is the size of the parts in which the server hands an upload over REST on to
// S3, in bytes.
const streamPart = 16 << 20

// streamETag is the ETag of an upload over REST: the MD5 of the content, or, where the
// server hands it on to S3 in several parts, the one that S3 makes of theirs.
func (s *Server) streamETag(body []byte) string {
	if !s.s3Backend || len(body) <= streamPart {
		sum := md5.Sum(body)
		return hex.EncodeToString(sum[:])
	}
	sums, n := md5.New(), 0
	for part := range slices.Chunk(body, streamPart) {
		sum := md5.Sum(part)
		sums.Write(sum[:])
		n++
	}
	return hex.EncodeToString(sums.Sum(nil)) + "-" + strconv.Itoa(n)
}

// restMetadata reads the header x-metadata: JSON in base64. What cannot be read is
// left out.
func restMetadata(h http.Header) map[string]any {
	data, err := base64.StdEncoding.DecodeString(h.Get("X-Metadata"))
	if err != nil {
		return nil
	}
	var m map[string]any
	if json.Unmarshal(data, &m) != nil {
		return nil
	}
	return m
}

// restDelete answers DELETE of /object/{bucket}/{key}.
func (x *exchange) restDelete() error {
	if x.isJSON() && x.r.ContentLength == 0 {
		return failNoBody
	}
	if x.s.readOnly {
		return failReadOnly
	}
	if holdsNUL(x.req.Key) {
		return failText
	}
	b, ok := x.s.store.bucket(x.req.Bucket)
	if !ok {
		return failNoKey
	}
	r, err := b.get(x.req.Key)
	switch {
	case err != nil:
		return err
	case r == nil:
		return failNoKey
	}
	if err := x.remove(b, x.req.Key); err != nil {
		return err
	}
	x.sendJSON(http.StatusOK, []byte(`{"message":"Successfully deleted"}`))
	return nil
}

// restDeleteMany answers DELETE of /object/{bucket}, with whole keys in the body, and
// names the rows that it deleted. Keys that do not exist or that policies protect
// are not among them; no answer says which is which.
func (x *exchange) restDeleteMany() error {
	keys, err := x.readPrefixes()
	if err != nil {
		return err
	}
	if err := x.authenticate(); err != nil {
		return err
	}
	if x.s.readOnly {
		return failReadOnly
	}
	if holdsNUL(x.req.Bucket) || holdsNUL(strings.Join(keys, "")) {
		return failText
	}
	var j jsonWriter
	j.raw("[")
	if b, ok := x.s.store.bucket(x.req.Bucket); ok {
		for _, key := range keys {
			if err := x.removeShown(b, key, &j); err != nil {
				return err
			}
		}
	}
	j.raw("]")
	x.sendJSON(http.StatusOK, j.buf)
	return nil
}

// removeShown deletes a key and writes its row to j, if there is a row that the
// caller may delete.
func (x *exchange) removeShown(b rows, key string, j *jsonWriter) error {
	r, err := b.get(key)
	if err != nil || r == nil || !x.mayRead(x.req.Bucket)(key) || !x.mayWrite(x.req.Bucket)(key) {
		return err
	}
	if gone, err := b.delete(key); err != nil || !gone {
		return err
	}
	j.comma(len(j.buf) - 1)
	j.field("{", "name", r.key)
	j.field(",", "bucket_id", x.req.Bucket)
	j.field(",", "owner", r.attrs.owner)
	j.field(",", "owner_id", r.attrs.owner)
	j.field(",", "version", x.version(r))
	j.field(",", "id", x.objectID(r))
	j.times(r)
	j.metadata(r)
	j.raw(`,"user_metadata":`)
	j.document(r.attrs.user)
	j.raw("}")
	return nil
}

// isJSON reports whether the request says that its body is JSON.
func (x *exchange) isJSON() bool {
	kind, _, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// readPrefixes reads the keys to delete as the server's validator does.
func (x *exchange) readPrefixes() ([]string, error) {
	var doc any
	if x.isJSON() {
		if len(x.req.Body) == 0 {
			return nil, failNoBody
		}
		if json.Unmarshal(x.req.Body, &doc) != nil {
			return nil, failBodyJSON
		}
	}
	fields, ok := doc.(map[string]any)
	if !ok {
		return nil, failInvalidRequest("body must be object")
	}
	v, found := fields["prefixes"]
	if !found {
		return nil, failInvalidRequest("body must have required property 'prefixes'")
	}
	list, ok := v.([]any)
	if !ok {
		if _, ok := v.(map[string]any); ok {
			return nil, failInvalidRequest("body/prefixes must be array")
		}
		list = []any{v} // as JavaScript's validator does with a single value
	}
	if len(list) == 0 {
		return nil, failInvalidRequest("body/prefixes must NOT have fewer than 1 items")
	}
	keys := make([]string, len(list))
	for i, v := range list {
		if keys[i], ok = coerceString(v); !ok {
			return nil, failInvalidRequest("body/prefixes/" + strconv.Itoa(i) + " must be string")
		}
	}
	return keys, nil
}
