package input

import (
	"errors"
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
		return sourcePath{}, errors.New("it is empty; " + forms)
	}
	rest, _ := strings.CutPrefix(text, "s3://")
	if scheme, _, ok := strings.Cut(rest, "://"); ok && !strings.Contains(scheme, "/") {
		return sourcePath{}, fmt.Errorf("%q is a URL; %s, and the address of the server under project_ref or endpoint", text, forms)
	}
	name, prefix, _ := strings.Cut(rest, "/")
	switch {
	case name == "":
		return sourcePath{}, fmt.Errorf("%q has no bucket before its first \"/\"; %s", text, forms)
	case !bucketName.MatchString(name):
		return sourcePath{}, fmt.Errorf("%q cannot be the name of a bucket; %s, with the name as the Dashboard shows it under Storage", name, forms)
	}
	return sourcePath{bucket: name, prefix: prefix}, nil
}
