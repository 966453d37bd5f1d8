package emulator

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
)

// uploads are the multi-part uploads that have begun.
type uploads struct {
	mu   sync.Mutex
	last int
	byID map[string]*upload
}

type upload struct {
	bucket, key string
	attrs       attrs
	parts       map[int][]byte
}

var failNoUpload = &failure{http.StatusNotFound, "NoSuchUpload", "The upload does not exist", ""}

// multipart answers the requests of a multi-part upload.
func (x *exchange) multipart() error {
	b, err := x.writable()
	if err != nil {
		return err
	}
	if !validKey(x.req.Key) {
		return failInvalidKey(x.req.Key)
	}
	if !x.mayWrite(x.req.Bucket)(x.req.Key) {
		return failRowPolicy
	}
	switch x.req.Op {
	case OpCreateUpload:
		x.createUpload()
		return nil
	case OpUploadPart:
		return x.uploadPart()
	case OpCompleteUpload:
		return x.completeUpload(b)
	default:
		x.s.uploads.take(x.req.Query.Get("uploadId"))
		x.send(http.StatusNoContent, nil, 0, 0)
		return nil
	}
}

func (x *exchange) createUpload() {
	h := x.r.Header
	u := &upload{bucket: x.req.Bucket, key: x.req.Key, parts: map[int][]byte{}, attrs: attrs{
		contentType: h.Get("Content-Type"), cacheControl: h.Get("Cache-Control"), user: userMetadata(h),
	}}
	id := x.s.uploads.add(u)
	d := x.document("InitiateMultipartUploadResult", 512)
	d.element("Bucket", x.req.Bucket)
	d.element("Key", x.req.Key)
	d.element("UploadId", id)
	x.sendDocument(http.StatusOK, &d)
}

func (x *exchange) uploadPart() error {
	part, err := strconv.Atoi(x.req.Query.Get("partNumber"))
	if err != nil || part < 1 || part > 10000 {
		return failInvalidRequest("Querystring, partNumber must be between 1 and 10000")
	}
	body, err := x.readBody()
	if err != nil {
		return err
	}
	if !x.s.uploads.addPart(x.req, part, body) {
		return failNoUpload
	}
	sum := md5.Sum(body)
	x.w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
	x.send(http.StatusOK, nil, 0, 0)
	return nil
}

// completeUpload puts the parts together. If blobs are files, the ETag is the MD5
// of the whole; on S3 it is the MD5 of the parts' MD5s, and their number.
func (x *exchange) completeUpload(b rows) error {
	var doc struct {
		Part []struct{ PartNumber int }
	}
	data, err := io.ReadAll(io.LimitReader(x.r.Body, 4<<20))
	if err != nil || xml.Unmarshal(data, &doc) != nil {
		return failInvalidRequest("the body is no list of parts")
	}
	u := x.s.uploads.take(x.req.Query.Get("uploadId"))
	if u == nil || u.bucket != x.req.Bucket || u.key != x.req.Key {
		return failNoUpload
	}
	var whole bytes.Buffer
	sums := md5.New()
	numbers := slices.Sorted(maps.Keys(u.parts))
	if len(doc.Part) != len(numbers) {
		return failInvalidRequest("the list of parts is not the one that was uploaded")
	}
	for _, n := range numbers {
		sum := md5.Sum(u.parts[n])
		sums.Write(sum[:])
		whole.Write(u.parts[n])
	}
	sum := md5.Sum(whole.Bytes())
	etag := hex.EncodeToString(sum[:])
	if x.s.s3Backend {
		etag = hex.EncodeToString(sums.Sum(nil)) + "-" + strconv.Itoa(len(numbers))
	}
	d := draft{attrs: u.attrs, row: row{
		key: u.key, etag: etag, size: int64(whole.Len()), content: blob(whole.Bytes()),
	}}
	r, err := x.s.upload(u.bucket, b, &d)
	if err != nil {
		return err
	}
	answer := x.document("CompleteMultipartUploadResult", 512)
	answer.element("Location", u.bucket+"/"+u.key)
	answer.element("Bucket", u.bucket)
	answer.element("Key", u.key)
	answer.element("ETag", `"`+r.blobETag()+`"`)
	x.sendDocument(http.StatusOK, &answer)
	return nil
}

func (u *uploads) add(one *upload) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.byID == nil {
		u.byID = map[string]*upload{}
	}
	u.last++
	id := uuid("upload", strconv.Itoa(u.last), one.bucket, one.key)
	u.byID[id] = one
	return id
}

func (u *uploads) addPart(r Request, part int, body []byte) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	one := u.byID[r.Query.Get("uploadId")]
	if one == nil || one.bucket != r.Bucket || one.key != r.Key {
		return false
	}
	one.parts[part] = body
	return true
}

// take removes and returns an upload.
func (u *uploads) take(id string) *upload {
	u.mu.Lock()
	defer u.mu.Unlock()
	one := u.byID[id]
	delete(u.byID, id)
	return one
}
