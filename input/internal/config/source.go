package config

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// sourcePath is a bucket and a literal prefix of its keys, or a pattern of buckets.
type sourcePath struct {
	bucket, prefix string
	buckets        *BucketPattern // nil where bucket is the only one
}

// bucketName is what the Storage API accepts as a name.
var bucketName = regexp.MustCompile(`^[A-Za-z0-9_!.*'() &$@=;:+,?-]{1,100}$`)

// objectURL is the path of a bucket or an object in the addresses that Supabase
// shows: those of objects, of images, of the S3 protocol.
var objectURL = regexp.MustCompile(`/storage/v1/(?:object/(?:public|authenticated|sign|info)|object|render/image/(?:public|authenticated|sign)|s3)/([^?#]+)`)

// pathOfURL is the bucket and prefix that a URL means, "" where it does not tell.
func pathOfURL(text string) string {
	m := objectURL.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	path, err := url.PathUnescape(m[1])
	if name, _, _ := strings.Cut(path, "/"); err != nil || !bucketName.MatchString(name) {
		return ""
	}
	return path
}

// parseSourcePath reads bucket, bucket/prefix or s3://bucket/prefix, where a pattern
// may be in the place of the bucket. Nothing of the prefix is changed: keys may begin
// with "/" and end with a space.
func parseSourcePath(v any) (sourcePath, error) {
	const forms = "write it as bucket, bucket/prefix or s3://bucket/prefix"
	if err := notText(v); err != nil {
		return sourcePath{}, err
	}
	text := unquoted(valueText(v))
	if text == "" {
		return sourcePath{}, Wrong("it is empty", forms)
	}
	rest, _ := strings.CutPrefix(text, "s3://")
	rest = unquoted(rest)
	if scheme, _, ok := strings.Cut(rest, "://"); ok && !strings.Contains(scheme, "/") {
		remedy := forms
		if path := pathOfURL(rest); path != "" {
			remedy = "write " + path
		}
		shown, _, _ := strings.Cut(text, "?") // what follows may be a token
		return sourcePath{}, Wrong(fmt.Sprintf("%q is a URL", shown), remedy+", and the address of the server under project_ref or endpoint")
	}
	name, prefix, _ := strings.Cut(rest, "/")
	switch {
	case name == "":
		return sourcePath{}, Wrong(fmt.Sprintf("%q has no bucket before its first \"/\"", text), forms)
	case strings.ContainsAny(name, patternMarks):
		buckets, bucket, err := parseBuckets(name, text)
		return sourcePath{bucket: bucket, buckets: buckets, prefix: prefix}, err
	case !bucketName.MatchString(name):
		return sourcePath{}, Wrong(fmt.Sprintf("%q cannot be the name of a bucket", name), forms+", with the name as the Dashboard shows it under Storage")
	}
	return sourcePath{bucket: name, prefix: prefix}, nil
}
