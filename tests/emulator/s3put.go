package emulator

import (
	"crypto/md5"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// maxUpload bounds the memory for an upload.
const maxUpload = 1 << 30

// writable is the bucket of a request that deletes objects or writes in parts.
func (x *exchange) writable() (rows, error) {
	if err := x.checkWrite(); err != nil {
		return nil, err
	}
	return x.bucket()
}

func (x *exchange) checkWrite() error {
	switch {
	case !validBucket(x.req.Bucket):
		return failBucketName
	case x.s.readOnly:
		return failReadOnly
	}
	return nil
}

// bucket is the bucket of the request, whatever the policies say.
func (x *exchange) bucket() (rows, error) {
	b, ok := x.s.store.bucket(x.req.Bucket)
	switch {
	case ok:
		return b, nil
	case holdsNUL(x.req.Bucket):
		return nil, failText
	}
	return nil, failNoBucket
}

func holdsNUL(s string) bool { return strings.IndexByte(s, 0) >= 0 }

// putObject answers PutObject. Like the server, it does not check the form of the
// bucket's name.
func (x *exchange) putObject() error {
	if x.s.readOnly {
		return failReadOnly
	}
	b, err := x.bucket()
	if err != nil {
		return err
	}
	body, err := x.readBody()
	if err != nil {
		return err
	}
	r, err := x.store(b, body)
	if err != nil {
		return err
	}
	x.w.Header().Set("ETag", `"`+r.blobETag()+`"`)
	x.send(http.StatusOK, nil, 0, 0)
	return nil
}

// store uploads body under the request's key, with the request's headers.
func (x *exchange) store(b rows, body []byte) (*row, error) {
	sum := md5.Sum(body)
	h := x.r.Header
	d := draft{
		row: row{key: x.req.Key, etag: hex.EncodeToString(sum[:]), size: int64(len(body)), content: blob(body)},
		attrs: attrs{
			contentType: h.Get("Content-Type"), cacheControl: h.Get("Cache-Control"), user: userMetadata(h),
		},
	}
	if sub, ok := x.caller.claims["sub"].(string); ok {
		d.attrs.owner = sub
	}
	if validKey(x.req.Key) && !x.mayWrite(x.req.Bucket)(x.req.Key) {
		return nil, failRowPolicy
	}
	return x.s.upload(x.req.Bucket, b, &d)
}

func userMetadata(h http.Header) map[string]any {
	var m map[string]any
	for name, values := range h {
		if rest, ok := strings.CutPrefix(name, "X-Amz-Meta-"); ok && rest != "" {
			if m == nil {
				m = map[string]any{}
			}
			m[strings.ToLower(rest)] = strings.Join(values, ",")
		}
	}
	return m
}

// readBody reads an upload, and decodes the chunks in which SDKs send it.
func (x *exchange) readBody() ([]byte, error) {
	var body io.Reader = x.r.Body
	if strings.HasPrefix(x.r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		body = newChunkReader(body)
	}
	data, err := io.ReadAll(io.LimitReader(body, maxUpload+1))
	if err != nil {
		return nil, failInvalidRequest("reading the body: " + err.Error())
	}
	if len(data) > maxUpload {
		return nil, failTooLarge
	}
	if want := x.r.Header.Get("X-Amz-Decoded-Content-Length"); want != "" && want != strconv.Itoa(len(data)) {
		return nil, failInvalidRequest("the body has " + strconv.Itoa(len(data)) + " bytes, not " + want)
	}
	return data, nil
}

// deleteObject answers DeleteObject. Deleting a missing object succeeds, whatever
// its key. Deleting an object that policies protect is refused, whether the caller
// sees it or not.
func (x *exchange) deleteObject() error {
	if err := x.checkWrite(); err != nil {
		return err
	}
	if holdsNUL(x.req.Key) {
		return failText
	}
	b, err := x.bucket()
	if err != nil {
		return err
	}
	if err := x.remove(b, x.req.Key); err != nil {
		return err
	}
	x.send(http.StatusNoContent, nil, 0, 0)
	return nil
}

func (x *exchange) remove(b rows, key string) error {
	r, err := b.get(key)
	if err != nil || r == nil {
		return err
	}
	if !x.mayRead(x.req.Bucket)(key) || !x.mayWrite(x.req.Bucket)(key) {
		return failDenied("Access denied")
	}
	_, err = b.delete(key)
	return err
}
