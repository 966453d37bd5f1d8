package config

import (
	"fmt"
	"regexp"
	"strings"
)

// sourcePath is a bucket and a literal prefix of its keys.
type sourcePath struct {
	bucket, prefix string
}

// bucketName is what the Storage API accepts as a name.
var bucketName = regexp.MustCompile(`^[A-Za-z0-9_!.*'() &$@=;:+,?-]{1,100}$`)

// parseSourcePath reads bucket, bucket/prefix or s3://bucket/prefix. Nothing of
// the prefix is changed: keys may begin with "/" and end with a space.
func parseSourcePath(v any) (sourcePath, error) {
	const forms = "write it as bucket, bucket/prefix or s3://bucket/prefix"
	text := valueText(v)
	if text == "" {
		return sourcePath{}, Wrong("it is empty", forms)
	}
	rest, _ := strings.CutPrefix(text, "s3://")
	if scheme, _, ok := strings.Cut(rest, "://"); ok && !strings.Contains(scheme, "/") {
		return sourcePath{}, Wrong(fmt.Sprintf("%q is a URL", text), forms+", and the address of the server under project_ref or endpoint")
	}
	name, prefix, _ := strings.Cut(rest, "/")
	switch {
	case name == "":
		return sourcePath{}, Wrong(fmt.Sprintf("%q has no bucket before its first \"/\"", text), forms)
	case !bucketName.MatchString(name):
		return sourcePath{}, Wrong(fmt.Sprintf("%q cannot be the name of a bucket", name), forms+", with the name as the Dashboard shows it under Storage")
	}
	return sourcePath{bucket: name, prefix: prefix}, nil
}
