// Package object holds the words that every room of the input speaks: an
// object, its content, the credentials of a request, and the errors that say
// what an endpoint answered. It imports the
// standard library and package foreign.
package object

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"time"
)

// Object is one version of one object, as a listing shows it or as a download
// found it.
type Object struct {
	// Key is the full key below the bucket, byte for byte as the server keeps
	// it. It may start with "/", hold "//" and end with a space.
	Key string
	// ETag identifies the content, without quotes. It is empty for rows that
	// were inserted by SQL and carry no metadata.
	ETag string
	// Size is the length of the content in bytes.
	Size int64
	// LastModified is storage.objects.updated_at for a listed object. It
	// filters; it never decides whether an object changed, because any UPDATE
	// of the row moves it.
	LastModified time.Time
	// Odd says what is wrong with the entry of a listing that shows the object,
	// such as `a size of "-1"`. An odd object can't be read: it is parked. It is
	// empty for nearly all. Where LastModified alone could not be understood it is
	// zero, and the object is not odd.
	Odd string
}

// SameVersion reports whether o and p are the same content under the same key.
// The time is left out on purpose: see [Object.LastModified].
func (o Object) SameVersion(p Object) bool {
	return o.Key == p.Key && o.ETag == p.ETag && o.Size == p.Size
}

// ID is a stable hash of the bucket's name, the key and the ETag: the same
// version has the same ID in every run and process, so that a consumer can use
// it as an idempotency key. Every part is length-prefixed, so no two different
// triples share an input to the hash.
func (o Object) ID(bucketName string) string {
	var buf [256]byte
	parts := buf[:0]
	for _, part := range [...]string{bucketName, o.Key, o.ETag} {
		parts = strconv.AppendInt(parts, int64(len(part)), 10)
		parts = append(parts, ':')
		parts = append(parts, part...)
	}
	sum := sha256.Sum256(parts)
	return hex.EncodeToString(sum[:16])
}

// UnknownSize is the size of a content whose length was not announced.
const UnknownSize = -1

// Content is one version of an object on its way to a reader.
type Content struct {
	// Object is what the answer claims to be, which nobody has compared with the
	// listing yet. ETag is empty where the answer has none or a weak one. Size is
	// the size of the whole object even when Body starts at Offset, or
	// [UnknownSize].
	Object
	// Encoding is the Content-Encoding of the answer, empty where it has none.
	Encoding string
	// EndsItself says that a body of unknown size marks its own end, so that a
	// clean end before the listed size is no cut.
	EndsItself   bool
	ContentType  string
	CacheControl string
	// UserMetadata holds the x-amz-meta-* headers, lower-case names without the
	// prefix, and the values as valid UTF-8. Nil where there are none.
	UserMetadata map[string]string
	// MissingMeta is how many values of the object's metadata the server could not
	// send with it.
	MissingMeta int
	// Offset is the position of Body's first byte in the object.
	Offset int64
	// Partial says that the endpoint sent just the range that it was asked for.
	Partial bool
	// Body yields the bytes from Offset to the end. A cut connection is an
	// error that [Transient] knows, never a clean io.EOF before the end.
	Body io.ReadCloser
}

// Credentials sign a request. They never appear in an error or a log line.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	// SessionToken is a JWT in session-token mode, else empty.
	SessionToken string
	// Expires is when the session token ends; zero where it does not or is not
	// known.
	Expires time.Time
	// Region is the one to sign for, empty where whoever makes the request is to
	// know it.
	Region string
	// APIKey is the key of the project that its gateway asks for next to the token,
	// empty where there is none.
	APIKey string
}

// SameKeys reports whether c and d sign alike: a server that refuses the one
// refuses the other.
func (c Credentials) SameKeys(d Credentials) bool {
	return c.AccessKeyID == d.AccessKeyID && c.SecretAccessKey == d.SecretAccessKey &&
		c.SessionToken == d.SessionToken && c.Region == d.Region
}

// Secrets are what must not be shown, wherever it comes back from.
func (c Credentials) Secrets() []string { return []string{c.SessionToken, c.SecretAccessKey, c.APIKey} }

// Format hides the secrets from every verb of package fmt.
func (Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "<credentials>") }
