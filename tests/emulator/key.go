package emulator

import (
	"slices"
	"strings"
)

// keyBytes are the characters that the Storage API allows in a key.
var keyBytes = func() (ok [256]bool) {
	for c := range 128 {
		ok[c] = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			strings.IndexByte("_/!.*'() &$=@;:+,?-", byte(c)) >= 0
	}
	return ok
}()

// validKey reports whether the Storage API accepts key. The server checks this for
// reads too, so a row inserted by SQL can be listed but not read. It does not check
// for deletes.
func validKey(key string) bool {
	for i := range len(key) {
		if !keyBytes[key[i]] {
			return false
		}
	}
	return key != ""
}

// maxBucketName is the longest name of a bucket, in bytes.
const maxBucketName = 100

// validBucket reports whether a bucket can have that name.
func validBucket(name string) bool {
	return len(name) <= maxBucketName && validKey(name) && strings.IndexByte(name, '/') < 0
}

// checkUploadKey refuses the keys that the server refuses. An empty object whose
// key ends in a slash becomes a folder's placeholder over S3.
func (s *Server) checkUploadKey(bucket string, d *draft) error {
	if strings.HasSuffix(d.row.key, "/") && d.row.size == 0 && !d.slash {
		d.row.key += placeholder
	}
	key := d.row.key
	if !validKey(key) {
		return failInvalidKey(key)
	}
	if !s.s3Backend && hasDotSegment(key) {
		return failInvalidKey(strings.Join([]string{
			"stub", s.Settings().ProjectRef, bucket, key, uuid("version", bucket, key),
		}, "/") + " contains dot path segment")
	}
	if strings.HasSuffix(key, placeholder) && d.row.size > 0 {
		return failTooLarge
	}
	return nil
}

func hasDotSegment(key string) bool {
	return slices.ContainsFunc(strings.Split(key, "/"), func(s string) bool { return s == "." || s == ".." })
}
