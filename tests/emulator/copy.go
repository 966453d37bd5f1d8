package emulator

import (
	"net/http"
	"strings"
)

// copyObject answers CopyObject. Onto itself with new metadata it is how S3
// clients change metadata: the same bytes, a later LastModified.
func (x *exchange) copyObject() error {
	b, err := x.writable()
	if err != nil {
		return err
	}
	src, err := x.copySource()
	if err != nil {
		return err
	}
	if src.content == nil {
		return x.missingBlob()
	}
	d := draft{row: row{key: x.req.Key, etag: src.etag, size: src.size, content: src.content}, attrs: *src.attrs}
	if strings.EqualFold(x.r.Header.Get("X-Amz-Metadata-Directive"), "REPLACE") {
		h := x.r.Header
		d.attrs.contentType, d.attrs.cacheControl, d.attrs.user = h.Get("Content-Type"), h.Get("Cache-Control"), userMetadata(h)
	}
	if validKey(x.req.Key) && !x.mayWrite(x.req.Bucket)(x.req.Key) {
		return failRowPolicy
	}
	r, err := x.s.upload(x.req.Bucket, b, &d)
	if err != nil {
		return err
	}
	var w xmlWriter
	w.open("CopyObjectResult")
	w.element("ETag", `"`+r.blobETag()+`"`)
	w.time("LastModified", r.written)
	x.sendXML(http.StatusOK, w.close("CopyObjectResult"))
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
