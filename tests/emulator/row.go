package emulator

import (
	"bytes"
	"io"
	"iter"
	"time"
)

// row is one row of storage.objects together with its blob. A row never changes
// once it is in a store: a write replaces it, so that a body that is being sent
// stays the same.
type row struct {
	key string
	// etag is without quotes.
	etag string
	// size is what the metadata says; the blob's length is content's.
	size int64
	// Microseconds since the epoch. updated is what listings show as
	// LastModified; written is the blob's own time, which GET shows.
	updated, created, written int64
	// bare says that the row has no metadata, like a row inserted by SQL: it is
	// listed without ETag and with size 0.
	bare bool
	// noETag says that the metadata holds no ETag.
	noETag bool
	// content is nil if the blob is gone.
	content content
	attrs   *attrs
	// before is the row that this one replaced, if the store keeps it: see
	// [LieStale]. replaced is when, in microseconds since the epoch.
	before   *row
	replaced int64
}

// attrs are the headers of an object. Most objects share theirs.
type attrs struct {
	contentType, cacheControl, owner string
	// user are the user metadata: text over S3, any JSON over REST.
	user map[string]any
}

// text are the user metadata that are text.
func (a *attrs) text() map[string]string {
	if a.user == nil {
		return nil
	}
	m := map[string]string{}
	for name, v := range a.user {
		if s, ok := v.(string); ok {
			m[name] = s
		}
	}
	return m
}

// content is a blob.
type content interface {
	length() int64
	// open reads n bytes from off on; both lie within the content. The reader
	// fails rather than ends early.
	open(off, n int64) (io.ReadCloser, error)
}

// blob is content in memory.
type blob []byte

func (b blob) length() int64 { return int64(len(b)) }

func (b blob) open(off, n int64) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(b[off : off+n])), nil
}

// listedETag is the ETag of the row's metadata, or "".
func (r *row) listedETag() string {
	if r.bare || r.noETag {
		return ""
	}
	return r.blobETag()
}

// listedSize is the size in the row's metadata.
func (r *row) listedSize() int64 {
	if r.bare {
		return 0
	}
	return r.size
}

// blobETag is the ETag that the blob store answers with.
func (r *row) blobETag() string {
	if r.etag == "" {
		if g, ok := r.content.(generated); ok {
			return g.etag()
		}
	}
	return r.etag
}

// Stored is an object as the database keeps it.
type Stored struct {
	Key string
	// ETag is without quotes, empty for a row without metadata.
	ETag         string
	Size         int64
	LastModified time.Time
	CreatedAt    time.Time
	ContentType  string
	CacheControl string
	// UserMetadata are the values that are text, all that S3 knows.
	UserMetadata map[string]string
	// Owner is the subject of the user who uploaded it, empty for a service key.
	Owner string
}

func (r *row) stored() Stored {
	return Stored{
		Key: r.key, ETag: r.listedETag(), Size: r.listedSize(),
		LastModified: time.UnixMicro(r.updated).UTC(), CreatedAt: time.UnixMicro(r.created).UTC(),
		ContentType: r.attrs.contentType, CacheControl: r.attrs.cacheControl,
		UserMetadata: r.attrs.text(), Owner: r.attrs.owner,
	}
}

// store is where the buckets are.
type store interface {
	bucket(name string) (rows, bool)
	// create makes the bucket if there is none.
	create(name string) (rows, error)
	// drop removes a bucket if it is empty, and reports whether it did.
	drop(name string) bool
	// remove removes a bucket with everything in it; an absent one is no error.
	remove(name string) error
	// buckets lists them in the order of their creation.
	buckets() ([]bucketInfo, error)
}

type bucketInfo struct {
	name    string
	created int64
}

// rows are the objects of one bucket.
type rows interface {
	get(key string) (*row, error)
	// scan yields the rows below prefix whose key is greater than after, in byte
	// order. It may or may not yield rows that are written meanwhile.
	scan(prefix, after string) iter.Seq2[*row, error]
	// put stores r and returns what it stored. If the key existed, its created time
	// is kept.
	put(r *row) (*row, error)
	// delete reports whether there was such a key.
	delete(key string) (bool, error)
	// touch moves the updated time of every row to now.
	touch(now int64) error
}
