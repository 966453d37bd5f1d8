package emulator

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
)

// BucketSettings are what a project says of a bucket in addition to its name. The
// emulator keeps and tells them; it does not enforce them.
type BucketSettings struct {
	Public bool `json:"public"`
	// FileSizeLimit is the largest upload in bytes; 0 is no limit of the bucket.
	FileSizeLimit int64 `json:"file_size_limit"`
	// AllowedMIMETypes are the types that the bucket takes; none is all.
	AllowedMIMETypes []string `json:"allowed_mime_types"`
}

// bucketSettings are those of a server's buckets by name.
type bucketSettings struct{ m sync.Map }

func (b *bucketSettings) of(name string) BucketSettings {
	v, _ := b.m.Load(name)
	settings, _ := v.(BucketSettings)
	return settings
}

// SetBucket makes a bucket, if there is none, and gives it settings. It panics as
// [Server.CreateBucket] does.
func (s *Server) SetBucket(name string, settings BucketSettings) {
	s.CreateBucket(name)
	s.buckets.m.Store(name, settings)
}

// BucketSettings returns the settings of a bucket, and whether there is one.
func (s *Server) BucketSettings(name string) (BucketSettings, bool) {
	_, ok := s.store.bucket(name)
	return s.buckets.of(name), ok
}

// restCreateBucket answers POST /bucket.
func (x *exchange) restCreateBucket() error {
	body, err := io.ReadAll(io.LimitReader(x.r.Body, 1<<20))
	if err != nil {
		return err
	}
	var doc struct {
		ID, Name string
		BucketSettings
	}
	if !x.isJSON() || json.Unmarshal(body, &doc) != nil {
		return failBodyJSON
	}
	if doc.Name == "" {
		return failInvalidRequest("body must have required property 'name'")
	}
	if err := x.authenticate(); err != nil {
		return err
	}
	name := doc.ID
	if name == "" {
		name = doc.Name
	}
	switch _, exists := x.s.store.bucket(name); {
	case x.s.readOnly:
		return failReadOnly
	case !validBucket(name):
		return failBucketName
	case !x.caller.bypass():
		return failRowPolicy
	case exists:
		return &failure{http.StatusConflict, "BucketAlreadyExists", "The resource already exists", "Duplicate"}
	}
	if _, err := x.s.store.create(name); err != nil {
		return &failure{http.StatusBadRequest, "InvalidBucketName", err.Error(), ""}
	}
	x.s.buckets.m.Store(name, doc.BucketSettings)
	var j jsonWriter
	j.field("{", "name", name)
	j.raw("}")
	x.sendJSON(http.StatusOK, j.buf)
	return nil
}
