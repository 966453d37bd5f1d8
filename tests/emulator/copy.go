package emulator

import (
	"net/http"
	"strings"
)

// copyObject answers CopyObject. S3 clients change metadata by copying an object
// onto itself: the same bytes, a later LastModified.
func (x *exchange) copyObject() error {
	if x.s.readOnly {
		return failReadOnly
	}
	src, err := x.copySource()
	if err != nil {
		return err
	}
	if src.content == nil {
		return x.missingBlob()
	}
	b, ok := x.s.store.bucket(x.req.Bucket)
	if !ok {
		return failNoRelated
	}
	to := draft{row: row{key: x.req.Key, etag: src.etag, size: src.size, content: src.content}, attrs: *src.attrs}
	if strings.EqualFold(x.r.Header.Get("X-Amz-Metadata-Directive"), "REPLACE") {
		h := x.r.Header
		to.attrs.contentType, to.attrs.cacheControl, to.attrs.user = h.Get("Content-Type"), h.Get("Cache-Control"), userMetadata(h)
	}
	if validKey(x.req.Key) && !x.mayWrite(x.req.Bucket)(x.req.Key) {
		return failRowPolicy
	}
	r, err := x.s.upload(x.req.Bucket, b, &to)
	if err != nil {
		return err
	}
	d := x.document("CopyObjectResult", 256)
	d.element("ETag", `"`+r.blobETag()+`"`)
	d.time("LastModified", r.written)
	x.sendDocument(http.StatusOK, &d)
	return nil
}

// copySource finds the row that X-Amz-Copy-Source names: "/bucket/key", encoded.
func (x *exchange) copySource() (*row, error) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(x.r.Header.Get("X-Amz-Copy-Source"), "/"), "/")
	bucket, ok1 := unescape(bucket)
	key, ok2 := unescape(key)
	if !ok1 || !ok2 || !validKey(key) {
		return nil, failInvalidKey(key)
	}
	b, ok := x.s.store.bucket(bucket)
	if !ok || !x.mayRead(bucket)(key) {
		return nil, failNoKey
	}
	r, err := b.get(key)
	if err == nil && r == nil {
		err = failNoKey
	}
	return r, err
}
