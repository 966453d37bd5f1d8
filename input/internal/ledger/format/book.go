package format

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"time"
)

// BookEntry is one scope of a book: what it is called, and whether it is still
// there. Endpoint and Bucket are those of its [Scope].
type BookEntry struct {
	// ProjectRef and ProjectName are the project's, "" where it has none.
	ProjectRef, ProjectName string
	Endpoint, Bucket        string
	// Gone is since when the bucket or its project is not there any more; zero
	// while it is.
	Gone time.Time
}

// BookKey is the key of the book of a namespace.
func BookKey(namespace string) string { return string(keysOf(namespace)) + "-book" }

// EncodeBook makes the value under a [BookKey]. The entries are in the order of
// their endpoints and, of one endpoint, of their buckets; none is there twice.
func EncodeBook(key string, entries []BookEntry) []byte {
	b := binary.AppendUvarint(nil, uint64(len(entries)))
	var before BookEntry
	for _, e := range entries {
		b = appendFront(b, before.Endpoint, e.Endpoint)
		b = appendFront(b, before.Bucket, e.Bucket)
		b = appendFront(b, before.ProjectRef, e.ProjectRef)
		b = appendFront(b, before.ProjectName, e.ProjectName)
		b = appendTime(b, e.Gone)
		before = e
	}
	return seal(kindBook, key, pack(b))
}

// DecodeBook reads the value under a [BookKey].
func DecodeBook(key string, value []byte) ([]BookEntry, error) {
	return decode(kindBook, key, value, readBook)
}

func readBook(body []byte) ([]BookEntry, error) {
	b, err := unpack(body)
	if err != nil {
		return nil, fmt.Errorf("unpacking: %w", err)
	}
	r := reader{b: b}
	entries := make([]BookEntry, r.count(9))
	var before BookEntry
	for i := range entries {
		e := &entries[i]
		e.Endpoint = r.front(before.Endpoint)
		e.Bucket = r.front(before.Bucket)
		e.ProjectRef = r.front(before.ProjectRef)
		e.ProjectName = r.front(before.ProjectName)
		e.Gone = readTime(&r)
		if i > 0 && e.Compare(before) <= 0 {
			return nil, fmt.Errorf("entry %d of %d is out of order", i, len(entries))
		}
		before = *e
	}
	return entries, r.end()
}

// Compare orders entries by what tells scopes of one namespace apart.
func (e BookEntry) Compare(other BookEntry) int {
	return cmp.Or(cmp.Compare(e.Endpoint, other.Endpoint), cmp.Compare(e.Bucket, other.Bucket))
}
