package rest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
)

// page is one decoded answer to a list request.
type page struct {
	objects []object.Object
	more    bool
}

var (
	errNotAPage = errors.New("it has no hasNext or no objects")
	errFolders  = errors.New("it has folders, which were not asked for: their objects are missing")
	errNotUTF8  = errors.New("it is not UTF-8")
)

// rowName comes once in a row.
var rowName = []byte(`"name":`)

// decode fills the page. It accepts fields in any order and skips unknown ones. A row
// that makes no sense becomes an odd object; the other rows are kept.
func (p *page) decode(doc []byte) error {
	if !utf8.Valid(doc) {
		return errNotUTF8
	}
	*p = page{objects: slices.Grow(p.objects[:0], min(bytes.Count(doc, rowName), plane.PageKeys))}
	s := jsonScanner{b: doc}
	said, listed := "", false
	err := s.object(func(name []byte) (err error) {
		switch string(name) {
		case "hasNext":
			said, err = s.text()
		case "objects":
			listed = true
			err = s.array(func() error { return p.row(&s) })
		case "error", "statusCode":
			err = errNotAPage // an error in spite of the status
		case "folders":
			err = s.array(func() error { return errFolders })
		default:
			err = s.skip()
		}
		return err
	})
	switch p.more = said == "true"; {
	case err != nil:
		return err
	case s.peek() != 0:
		return errNotJSON // something wrote behind it
	case !listed, !p.more && said != "false":
		return errNotAPage
	}
	return nil
}

// row reads one object. What the S3 protocol shows of a row is what it becomes: a
// row without metadata has no ETag and the size 0.
func (p *page) row(s *jsonScanner) error {
	var o object.Object
	err := s.object(func(name []byte) (err error) {
		switch string(name) {
		case "name":
			o.Key, err = s.text()
		case "updated_at":
			o.LastModified, err = s.time()
		case "metadata":
			err = s.metadata(&o)
		default:
			err = s.skip()
		}
		return err
	})
	if o.Key == "" {
		o.Odd = "an entry without a key"
		if n := len(p.objects); n > 0 {
			o.Odd += ", after " + foreign.Key(p.objects[n-1].Key)
		}
	}
	p.objects = append(p.objects, o)
	return err
}

// metadata reads what the row knows of the content.
func (s *jsonScanner) metadata(o *object.Object) error {
	if s.peek() != '{' {
		return s.skip() // null, for a row that was inserted by SQL
	}
	return s.object(func(name []byte) (err error) {
		switch {
		case s.peek() == '{' || s.peek() == '[':
			if string(name) == "size" {
				o.Odd = "a size that is no number"
			}
			return s.skip()
		case string(name) == "eTag":
			o.ETag, err = s.text()
			o.ETag = plane.TrimETag(o.ETag)
			return err
		case string(name) == "size":
			text, err := s.text()
			o.Size, o.Odd = size(text)
			return err
		case string(name) == "mimetype":
			o.ContentType, err = s.text()
			return err
		}
		return s.skip()
	})
}

// size reads a size. If it can't be read, odd says what is wrong with it.
func size(text string) (n int64, odd string) {
	if text == "" || text == "false" {
		return 0, "" // as the S3 protocol shows it
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err == nil && n >= 0 {
		return n, ""
	}
	const mostShown = 40
	return 0, fmt.Sprintf("a size of %q", foreign.Text(text, mostShown))
}

// time reads a time, which is zero if it can't be read: it only filters. The
// server's times have milliseconds, as those of the S3 protocol.
func (s *jsonScanner) time() (time.Time, error) {
	if c := s.peek(); c == '{' || c == '[' {
		return time.Time{}, s.skip()
	}
	text, err := s.text()
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, nil //nolint:nilerr // The object can be read without it.
	}
	return t.UTC().Truncate(time.Millisecond), nil
}
