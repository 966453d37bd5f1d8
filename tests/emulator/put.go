package emulator

import (
	"crypto/md5"
	"encoding/hex"
	"maps"
	"time"
)

// PutOption sets something about an object in addition to its bytes.
type PutOption func(*draft)

// draft is an upload before it is a row.
type draft struct {
	row     row
	attrs   attrs
	raw     bool
	missing bool
	touched bool
	// slash says that a slash at the end of the key makes no placeholder.
	slash bool
}

// WithContentType sets Content-Type, which is application/octet-stream without it.
func WithContentType(s string) PutOption { return func(d *draft) { d.attrs.contentType = s } }

// WithCacheControl sets Cache-Control, which is no-cache without it.
func WithCacheControl(s string) PutOption { return func(d *draft) { d.attrs.cacheControl = s } }

// WithUserMetadata sets the x-amz-meta-* headers; names are without the prefix.
func WithUserMetadata(m map[string]string) PutOption {
	all := make(map[string]any, len(m))
	for name, value := range m {
		all[name] = value
	}
	return WithMetadata(all)
}

// WithMetadata sets the user metadata to any values that JSON has, as REST does. Over
// S3 only those that are ASCII text can be seen.
func WithMetadata(m map[string]any) PutOption {
	return func(d *draft) { d.attrs.user = maps.Clone(m) }
}

// WithOwner sets the subject of the user who uploaded the object.
func WithOwner(sub string) PutOption { return func(d *draft) { d.attrs.owner = sub } }

// WithLastModified sets the time of the upload in place of the clock's, with a
// precision of microseconds.
func WithLastModified(t time.Time) PutOption {
	return func(d *draft) { d.row.updated, d.touched = t.UnixMicro(), true }
}

// WithETag sets the ETag, without quotes, instead of the content's MD5: after a
// multi-part upload to S3, the ETag is not an MD5.
func WithETag(s string) PutOption { return func(d *draft) { d.row.etag = s } }

// WithoutETag makes metadata without an ETag, as some rows inserted by SQL have.
func WithoutETag() PutOption { return func(d *draft) { d.row.noETag = true } }

// WithoutMetadata makes a row as if inserted by SQL: it is listed without an ETag
// and with size 0, whatever its content.
func WithoutMetadata() PutOption { return func(d *draft) { d.row.bare = true } }

// WithMissingContent makes a row whose blob is gone: it is listed and HEAD
// answers, but GET fails.
func WithMissingContent() PutOption { return func(d *draft) { d.missing = true } }

// WithRawKey stores the key as it is, as if inserted by SQL: the Storage API need
// not accept it, and a trailing slash makes no placeholder.
func WithRawKey() PutOption { return func(d *draft) { d.raw = true } }

// CreateBucket makes a bucket if there is none. It panics if the name cannot be the
// name of a bucket or, for a server over a folder, if writing fails.
func (s *Server) CreateBucket(name string) {
	if _, err := s.store.create(name); err != nil {
		panic("emulator: creating bucket " + name + ": " + err.Error())
	}
}

// RemoveBucket deletes a bucket with its settings and everything in it; an absent one is
// no error.
func (s *Server) RemoveBucket(name string) {
	if err := s.store.remove(name); err != nil {
		panic("emulator: removing bucket " + name + ": " + err.Error())
	}
	s.buckets.m.Delete(name)
}

// Put uploads or overwrites an object, and makes the bucket if there is none.
// body must not be changed afterwards. It panics if the Storage API does not accept
// the key (see [WithRawKey]) or, for a server over a folder, if writing fails.
func (s *Server) Put(bucket, key string, body []byte, opts ...PutOption) Stored {
	sum := md5.Sum(body)
	return s.mustUpload(bucket, key, blob(body), hex.EncodeToString(sum[:]), opts)
}

// PutGenerated is [Server.Put] for content that needs no memory: see [Generated].
// Its ETag is not the MD5 of the content, which would take longer than everything
// else, but equal content has an equal ETag.
func (s *Server) PutGenerated(bucket, key string, size int64, seed uint64, opts ...PutOption) Stored {
	return s.mustUpload(bucket, key, generated{seed, size}, "", opts)
}

func (s *Server) mustUpload(bucket, key string, c content, etag string, opts []PutOption) Stored {
	d := draft{row: row{key: key, etag: etag, size: c.length(), content: c}}
	for _, o := range opts {
		o(&d)
	}
	b, err := s.store.create(bucket)
	if err == nil {
		var r *row
		if r, err = s.upload(bucket, b, &d); err == nil {
			return r.stored()
		}
	}
	panic("emulator: storing " + key + " in bucket " + bucket + ": " + err.Error())
}

// sharedAttrs are the attributes of all objects without their own.
var sharedAttrs = &attrs{contentType: defaultContentType, cacheControl: defaultCacheControl}

const (
	defaultContentType  = "application/octet-stream"
	defaultCacheControl = "no-cache"
	// placeholder is the name of the empty object that keeps a folder alive.
	placeholder = ".emptyFolderPlaceholder"
)

// upload checks the key and stores d in bucket b.
func (s *Server) upload(bucket string, b rows, d *draft) (*row, error) {
	if !d.raw {
		if err := s.checkUploadKey(bucket, d); err != nil {
			return nil, err
		}
	}
	now := s.now()
	if !d.touched {
		d.row.updated = now
	}
	d.row.created, d.row.written = d.row.updated, d.row.updated
	if d.missing {
		d.row.content = nil
		if d.row.etag == "" {
			d.row.etag = generated{size: d.row.size}.etag()
		}
	}
	d.row.attrs = d.attrs.share()
	r := d.row
	return b.put(&r)
}

// share fills in the defaults. It returns sharedAttrs if there is nothing else, to
// save memory.
func (a attrs) share() *attrs {
	if a.contentType == "" {
		a.contentType = defaultContentType
	}
	if a.cacheControl == "" {
		a.cacheControl = defaultCacheControl
	}
	if a.user == nil && a.owner == "" && a.contentType == defaultContentType && a.cacheControl == defaultCacheControl {
		return sharedAttrs
	}
	return &a
}

// Delete removes an object; an absent one is no error.
func (s *Server) Delete(bucket, key string) {
	if b, ok := s.store.bucket(bucket); ok {
		if _, err := b.delete(key); err != nil {
			panic("emulator: deleting " + key + " in bucket " + bucket + ": " + err.Error())
		}
	}
}

// Touch is an UPDATE of every row of the bucket: each LastModified moves to
// now, and no byte changes.
func (s *Server) Touch(bucket string) {
	if b, ok := s.store.bucket(bucket); ok {
		if err := b.touch(s.now()); err != nil {
			panic("emulator: touching bucket " + bucket + ": " + err.Error())
		}
	}
}

// Get returns an object as it is stored, whatever the policies say. The content is
// nil if the blob is missing.
func (s *Server) Get(bucket, key string) (Stored, []byte, bool) {
	b, ok := s.store.bucket(bucket)
	if !ok {
		return Stored{}, nil, false
	}
	r, err := b.get(key)
	if err != nil || r == nil {
		return Stored{}, nil, false
	}
	body, err := readAll(r.content)
	if err != nil {
		return Stored{}, nil, false
	}
	return r.stored(), body, true
}
