package s3

import (
	"context"
	"net/http"
	"regexp"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
)

// Copy makes one request that copies the version of an object to another key of the
// bucket, with all that is stored with it, and never retries it. It overwrites what is
// there. A version that was replaced since is refused, by servers that compare ETags.
func (c *Client) Copy(ctx context.Context, from object.Object, to string) (moved object.Moved, err error) {
	r := request{op: plane.OpCopying, method: http.MethodPut, key: to, copyOf: &from}
	err = c.caller.Held(ctx, func(ctx context.Context) error {
		return c.caller.Document(ctx, c.as(r), func(_ *plane.Answer, doc []byte) error {
			moved.ETag = decodeCopy(doc)
			return nil
		})
	})
	return moved, err
}

// decodeCopy reads the ETag of a CopyObjectResult. Any other document gives "".
func decodeCopy(doc []byte) string {
	s := xmlScanner{b: doc}
	root, ok, err := s.next()
	if err != nil || !ok || root.empty || root.closing || string(root.name) != "CopyObjectResult" {
		return ""
	}
	for {
		t, found, err := s.next()
		if err != nil || !found || t.closing {
			return ""
		}
		if t.empty {
			continue
		}
		end, err := s.element()
		if err != nil {
			return ""
		}
		if string(t.name) == "ETag" {
			return plane.TrimETag(end.text())
		}
	}
}

// plainSource are paths whose characters every server takes as they are, whether it
// decodes the header or not.
var plainSource = regexp.MustCompile(`^[A-Za-z0-9_/!.*'() &$@=;:+,?-]*[^ ]$`)

// copySource is the header that names the source. Supabase does not decode it, which
// other servers do, and a header can't end with a space.
func copySource(path string) string {
	if plainSource.MatchString(path) {
		return path
	}
	return plane.EscapePath(path)
}
