package s3bucket

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
)

// page is one decoded answer to a list request.
type page struct {
	objects   []bucket.Object
	truncated bool
	token     string
}

// reset empties the page but keeps its memory.
func (p *page) reset() {
	clear(p.objects)
	*p = page{objects: p.objects[:0]}
}

var (
	// errNotAList is returned for a document that is no listing at all, in
	// contrast to a listing that was cut.
	errNotAList    = errors.New("not an S3 listing")
	errEncodedKeys = errors.New("the server encodes keys (EncodingType) although that was not asked for")
)

// openContents is how a server begins an object.
var openContents = []byte("<Contents>")

// decode fills the page from a ListBucketResult. It takes elements in any order
// and skips those it does not know.
func (p *page) decode(doc []byte) error {
	p.reset()
	p.objects = slices.Grow(p.objects, min(bytes.Count(doc, openContents), pageKeys))
	s := xmlScanner{b: doc}
	root, ok, err := s.next()
	switch {
	case err != nil:
		return err
	case !ok || root.closing || string(root.name) != "ListBucketResult":
		return errNotAList
	}
	if root.empty {
		return nil
	}
	for {
		t, ok, err := s.next()
		switch {
		case err != nil:
			return err
		case !ok:
			return errXMLCut
		case t.closing:
			return nil
		case t.empty:
			continue
		}
		if string(t.name) == "Contents" {
			err = p.decodeObject(&s)
		} else {
			err = p.decodeField(&s, string(t.name))
		}
		if err != nil {
			return err
		}
	}
}

// decodeField reads the element name, whose opening tag has been read.
func (p *page) decodeField(s *xmlScanner, name string) error {
	end, err := s.element()
	if err != nil {
		return err
	}
	switch name {
	case "IsTruncated":
		p.truncated = end.text() == "true"
	case "NextContinuationToken":
		p.token = end.text()
	case "EncodingType":
		if end.text() != "" {
			return errEncodedKeys
		}
	}
	return nil
}

// decodeObject reads one Contents element.
func (p *page) decodeObject(s *xmlScanner) error {
	var o bucket.Object
	for {
		t, ok, err := s.next()
		switch {
		case err != nil:
			return err
		case !ok:
			return errXMLCut
		case t.closing:
			p.objects = append(p.objects, o)
			return nil
		case t.empty:
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
			o.ETag = trimETag(end.text())
		case "Size":
			if o.Size, err = strconv.ParseInt(string(end.last), 10, 64); err != nil || o.Size < 0 {
				return fmt.Errorf("object %q has the size %q", o.Key, end.text())
			}
		case "LastModified":
			if o.LastModified, err = time.Parse(time.RFC3339, string(end.last)); err != nil {
				return fmt.Errorf("object %q was last modified at %q", o.Key, end.text())
			}
		}
	}
}

// element reads to the end of the element whose opening tag has just been read,
// and returns the closing tag, which knows the text. Children are skipped.
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
