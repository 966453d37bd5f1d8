package s3

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
)

// page is one decoded answer to a list request.
type page struct {
	objects []object.Object
	// truncated says that there is more: the server said so, or gave a token, or
	// said nothing about it and filled the page.
	truncated bool
	// last says that the server called this the last page, even if it gave a token.
	last  bool
	token string
	// bucket is the name of the bucket as the server repeats it; "" if it does not.
	bucket string
	// prefix is the prefix of the page as the server repeats it; nil if it does
	// not.
	prefix *string
}

// reset empties the page but keeps its memory.
func (p *page) reset() {
	clear(p.objects)
	*p = page{objects: p.objects[:0]}
}

var (
	// errNotAList is returned for a document that is not a listing, in contrast to
	// a listing that was cut off.
	errNotAList    = errors.New("not an S3 listing")
	errEncodedKeys = errors.New("the server encodes keys (EncodingType) although that was not asked for")
)

// openContents begins an object in a listing.
var openContents = []byte("<Contents>")

// decode fills the page from a ListBucketResult for a request of at most maxKeys
// keys. It accepts elements in any order and skips unknown ones. An entry that
// makes no sense becomes an odd object; the other entries are kept.
func (p *page) decode(doc []byte, maxKeys int) error {
	p.reset()
	p.objects = slices.Grow(p.objects, min(bytes.Count(doc, openContents), plane.PageKeys))
	s := xmlScanner{b: doc}
	root, ok, err := s.next()
	switch {
	case err != nil:
		return err
	case !ok || root.closing || string(root.name) != "ListBucketResult":
		return errNotAList
	}
	if root.empty {
		return errNotAList
	}
	said := "" // of IsTruncated
	known := false
	for {
		t, ok, err := s.next()
		switch {
		case err != nil:
			return err
		case !ok:
			return errXMLCut
		case t.closing && !known:
			return errNotAList // whatever it is, it does not say that the bucket is empty
		case t.closing:
			p.truncated, p.last = goesOn(said, p.token, len(p.objects) >= maxKeys)
			return nil
		}
		known = known || slices.Contains(ofListings, string(t.name))
		switch {
		case t.empty && string(t.name) == "Prefix":
			p.prefix = new("")
			continue
		case t.empty && string(t.name) != "Contents":
			continue
		}
		if string(t.name) == "Contents" {
			err = p.decodeObject(&s, t.empty)
		} else {
			err = p.decodeField(&s, string(t.name), &said)
		}
		if err != nil {
			return err
		}
	}
}

// ofListings are elements of which a listing has at least one. A document with none
// of them is not Storage's.
var ofListings = []string{"Contents", "Name", "Prefix", "KeyCount", "IsTruncated"}

// goesOn reads IsTruncated as XML Schema and servers write it. A token always
// means that there is more. Without a token and without a readable IsTruncated, a
// full page means that there may be more.
func goesOn(said, token string, full bool) (truncated, last bool) {
	switch strings.ToLower(strings.TrimSpace(said)) {
	case "true", "1":
		return true, false
	case "false", "0":
		return token != "", true
	}
	return token != "" || full, false
}

// decodeField reads the element name, whose opening tag has been read.
func (p *page) decodeField(s *xmlScanner, name string, said *string) error {
	end, err := s.element()
	if err != nil {
		return err
	}
	switch name {
	case "IsTruncated":
		*said = end.text()
	case "NextContinuationToken":
		p.token = end.text()
	case "Name":
		p.bucket = end.text()
	case "Prefix":
		p.prefix = new(end.text())
	case "EncodingType":
		if end.text() != "" {
			return errEncodedKeys
		}
	}
	return nil
}

// decodeObject reads one Contents element. Empty says that it is <Contents/>.
func (p *page) decodeObject(s *xmlScanner, empty bool) error {
	var o object.Object
	sized := false
	for !empty {
		t, ok, err := s.next()
		if err != nil {
			return err
		}
		if !ok {
			return errXMLCut
		}
		if t.closing {
			break
		}
		if t.empty {
			continue
		}
		end, err := s.element()
		if err != nil {
			return err
		}
		switch string(t.name) {
		case "Key":
			o.Key = end.text()
		case "ETag":
			o.ETag = plane.TrimETag(end.text())
		case "Size":
			sized = true
			if o.Size, err = strconv.ParseInt(string(end.last), 10, 64); err != nil || o.Size < 0 || len(end.pieces) > 0 {
				o.Size, o.Odd = oddSize(end.text())
			}
		case "LastModified":
			if o.LastModified, err = time.Parse(time.RFC3339, string(end.last)); err != nil {
				o.LastModified = oddTime(end.text())
			}
		}
	}
	switch {
	case o.Key == "":
		o.Odd = "an entry without a key" + p.afterLast()
	case !sized:
		o.Odd = "an entry without a size"
	}
	p.objects = append(p.objects, o)
	return nil
}

// afterLast names the last key before an entry without a key.
func (p *page) afterLast() string {
	if len(p.objects) == 0 {
		return ""
	}
	return ", after " + foreign.Key(p.objects[len(p.objects)-1].Key)
}

// oddSize reads a size that is not written in the usual way. If it can't be read,
// odd says what is wrong with it.
func oddSize(text string) (size int64, odd string) {
	size, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err == nil && size >= 0 {
		return size, ""
	}
	return 0, fmt.Sprintf("a size of %q", foreign.Text(text, mostShown))
}

// mostShown is how many bytes of an unreadable value are shown.
const mostShown = 40

// timeLayouts are the unusual layouts in which stores were seen to write
// LastModified. A time without a zone is UTC.
var timeLayouts = []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", http.TimeFormat}

// oddTime reads a time that is not written in the usual way. It returns zero if
// the time can't be read: the time only filters, so the object can be read
// without it.
func oddTime(text string) time.Time {
	text = strings.TrimSpace(text)
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// element reads to the end of the element whose opening tag has just been read,
// and returns the closing tag, which has the text. It skips children.
func (s *xmlScanner) element() (xmlTag, error) {
	for depth := 1; ; {
		t, ok, err := s.next()
		switch {
		case err != nil:
			return xmlTag{}, err
		case !ok:
			return xmlTag{}, errXMLCut
		case t.empty:
		case !t.closing:
			depth++
		default:
			if depth--; depth == 0 {
				return t, nil
			}
		}
	}
}
