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
	// Key is the full key in the bucket, byte for byte as the server keeps it. It
	// may start with "/", contain "//" and end with a space.
	Key string
	// ETag identifies the content, without quotes. It is empty for rows that
	// were inserted by SQL and have no metadata.
	ETag string
	// Size is the length of the content in bytes.
	Size int64
	// LastModified is storage.objects.updated_at for a listed object. It
	// filters; it never decides whether an object changed, because any UPDATE
	// of the row moves it.
	LastModified time.Time
	// ContentType is the media type from the listing; empty if it does not tell.
	ContentType string
	// Odd says what is wrong with the object's entry in the listing, such as
	// `a size of "-1"`. It is empty for nearly all objects. An odd object can't be
	// read: it is parked. A LastModified that can't be understood is zero; it does
	// not make the object odd.
	Odd string
}

// SameVersion reports whether o and p are the same content under the same key.
// The time is not compared on purpose: see [Object.LastModified].
func (o Object) SameVersion(p Object) bool {
	return o.Key == p.Key && o.ETag == p.ETag && o.Size == p.Size
}

// ID is a stable hash of the bucket's name, the key and the ETag. The same version
// has the same ID in every run and process, so a consumer can use it as an
// idempotency key. Every part is length-prefixed, so different triples never give
// the hash the same input.
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

// NoMeta is the MissingMeta of answers that never hold metadata of the object, so
// that it has to be asked for.
const NoMeta = -1

// UnknownSize is the size of a content whose length was not announced.
const UnknownSize = -1

// Content is one version of an object while it is read.
type Content struct {
	// Object is what the answer says it is; it has not been compared with the
	// listing. ETag is empty if the answer has no ETag or a weak one. Size is the
	// size of the whole object even when Body starts at Offset, or [UnknownSize].
	Object
	// Encoding is the Content-Encoding of the answer, empty if it has none.
	Encoding string
	// EndsItself says that a body of unknown size marks its own end: if it ends
	// cleanly before the listed size, it was not cut off.
	EndsItself bool
	// ContentType is the header of the answer, which need not be what the listing
	// says: that is Object.ContentType.
	ContentType  string
	CacheControl string
	// UserMetadata holds the x-amz-meta-* headers: lower-case names without the
	// prefix, and values in valid UTF-8. Nil if there are none.
	UserMetadata map[string]string
	// MissingMeta is how many values of the object's metadata the server could not
	// send, or [NoMeta].
	MissingMeta int
	// StaleFor is for how long after an overwrite the answer may be the version
	// before, because a cache stands in between; 0 if there is none.
	StaleFor time.Duration
	// Offset is the position of Body's first byte in the object.
	Offset int64
	// Partial says that the endpoint sent only the requested range.
	Partial bool
	// Body yields the bytes from Offset to the end. If the connection is cut, Read
	// returns a [Transient] error, never io.EOF.
	Body io.ReadCloser
}

// Credentials sign a request. They never appear in an error or a log line.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	// SessionToken is a JWT in session-token mode, else empty.
	SessionToken string
	// Expires is when the session token expires; zero if never, or if that is not
	// known.
	Expires time.Time
	// Region is the region to sign for; empty leaves it to the client.
	Region string
	// APIKey is the project's key that its gateway wants: in addition to the token,
	// or alone where it is a secret key. It is empty if there is none.
	APIKey string
}

// Signs reports whether c signs requests of the S3 protocol. Other credentials are
// sent as they are, to the Storage REST API: APIKey, and SessionToken where there
// is one.
func (c Credentials) Signs() bool { return c.AccessKeyID != "" }

// SameKeys reports whether c and d open the same: a server that refuses c also
// refuses d.
func (c Credentials) SameKeys(d Credentials) bool {
	return c.AccessKeyID == d.AccessKeyID && c.SecretAccessKey == d.SecretAccessKey &&
		c.SessionToken == d.SessionToken && c.Region == d.Region && c.APIKey == d.APIKey
}

// Secrets are the values that must never be shown, even if a server sends them
// back.
func (c Credentials) Secrets() []string { return []string{c.SessionToken, c.SecretAccessKey, c.APIKey} }

// Format hides the secrets from every verb of package fmt.
func (Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "<credentials>") }
