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
)

// page is one decoded answer to a list request.
type page struct {
	objects []object.Object
	// truncated says that there is more: the server said so, or gave a token, or
	// said nothing about it and filled the page.
	truncated bool
	// last says that the server called it the last page, whatever token it gave.
	last  bool
	token string
	// prefix is the one that the page is of, as the server repeats it; nil where it
	// does not.
	prefix *string
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

// decode fills the page from a ListBucketResult that was asked for at most
// maxKeys keys. It accepts elements in any order and skips those it does not
// know. An entry that makes no sense is an odd object, and costs no other.
func (p *page) decode(doc []byte, maxKeys int) error {
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
	said := "" // of IsTruncated
	for {
		t, ok, err := s.next()
		switch {
		case err != nil:
			return err
		case !ok:
			return errXMLCut
		case t.closing:
			p.truncated, p.last = goesOn(said, p.token, len(p.objects) >= maxKeys)
			return nil
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

// goesOn reads IsTruncated as XML Schema and servers write it. A token means that
// there is more whatever is said. Where nothing is said that makes sense, a full
// page is reason enough to ask for the next.
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
	case "Prefix":
		p.prefix = new(end.text())
	case "EncodingType":
		if end.text() != "" {
			return errEncodedKeys
		}
	}
	return nil
}

// decodeObject reads one Contents element, of which there is no more than its tag
// where that is empty.
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
			o.ETag = trimETag(end.text())
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
		o.Odd = "an entry without a key" + p.behind()
	case !sized:
		o.Odd = "an entry without a size"
	}
	p.objects = append(p.objects, o)
	return nil
}

// behind says after which key an entry stands that has none.
func (p *page) behind() string {
	if len(p.objects) == 0 {
		return ""
	}
	return ", after " + foreign.Key(p.objects[len(p.objects)-1].Key)
}

// oddSize reads a size that is not written in the usual way, and says what is
// wrong with one that can't be read.
func oddSize(text string) (size int64, odd string) {
	size, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err == nil && size >= 0 {
		return size, ""
	}
	return 0, fmt.Sprintf("a size of %q", foreign.Text(text, mostShown))
}

// mostShown is how much of a value is shown that can't be read.
const mostShown = 40

// timeLayouts are those in which stores were seen to write LastModified, except
// for the usual one. Without a zone it is UTC.
var timeLayouts = []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", http.TimeFormat}

// oddTime reads a time that is not written in the usual way, and is zero where it
// can't be read. A time only filters, so that the object needs none to be read.
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
