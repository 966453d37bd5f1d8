package ledger

import (
	"cmp"
	"fmt"
	"sort"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/format"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// Range is a complete listing of the keys in [Lo, Hi): every object that the
// server showed there, in byte order, also those that the filters drop. What was
// listed before an error is not a Range. It should hold about 4096 objects, and
// begin and end where [Ledger.Bounds] says if it can.
type Range struct {
	// Lo is the first key that belongs to the range, whether it exists or not.
	Lo string
	// Hi is the first key above the range; "" means that the range goes on to
	// the end of the bucket, whatever the prefix is. For the end of a prefix
	// see [PrefixEnd].
	Hi      string
	Objects []Listed
}

// Listed is an object as the listing shows it.
type Listed struct {
	object.Object
	// Matches is false for an object that the filters drop. It is not tracked,
	// but it exists.
	Matches bool
}

// PrefixEnd returns the first key above all that begin with prefix, "" where
// there is none.
func PrefixEnd(prefix string) string {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			return prefix[:i] + string([]byte{prefix[i] + 1})
		}
	}
	return ""
}

// check finds listings that would lead to wrong conclusions.
func (r *Range) check() error {
	if r.Hi != "" && r.Lo >= r.Hi {
		return fmt.Errorf("its range [%q, %q) is empty", r.Lo, r.Hi)
	}
	for i := range r.Objects {
		if key := r.Objects[i].Key; key < r.Lo || r.Hi != "" && key >= r.Hi {
			return fmt.Errorf("key %q is outside its range [%q, %q)", key, r.Lo, r.Hi)
		}
	}
	return checkOrder(r.Objects)
}

func checkOrder(objects []Listed) error {
	for i := 1; i < len(objects); i++ {
		if before, key := objects[i-1].Key, objects[i].Key; key <= before {
			return fmt.Errorf("key %q comes after %q, which is not in byte order", key, before)
		}
	}
	return nil
}

// ChangeDetection says what makes two listings of a key the same version of it.
type ChangeDetection int

const (
	// ByETag compares the ETag and the size. A row that was only touched is the
	// same version. This is the default.
	ByETag ChangeDetection = iota
	// ByModified compares the time of the last modification too.
	ByModified
)

// version makes the version of a listed object.
func (d ChangeDetection) version(o *object.Object) format.Version {
	switch {
	case o.ETag == "":
		return format.VersionOf(o, format.SizeAndTime)
	case d == ByModified:
		return format.VersionOf(o, format.ContentAndTime)
	default:
		return format.VersionOf(o, format.Content)
	}
}

// delivered makes the version of what was fetched for a listed object, and an
// alias where the two differ.
//
// The time is always the listed one, since a download carries the time of the
// backend's file. A row that is listed without ETag is known by its listing
// alone. And where another version was fetched than was listed, nobody knows
// that version's time.
func (d ChangeDetection) delivered(listed, fetched *object.Object) (version format.Version, alias uint64) {
	was := d.version(listed)
	if was.Kind == format.SizeAndTime {
		return was, 0
	}
	got := *listed
	got.Size, got.ETag = fetched.Size, cmp.Or(fetched.ETag, listed.ETag)
	if is := format.VersionOf(&got, format.Content); is.Fingerprint != was.Fingerprint {
		return is, format.AliasOf(listed)
	}
	return was, 0
}

// matches reports whether a listed object is the version v. It compares what v is
// made of, so that another change detection does not make new versions of a whole
// bucket.
func (d ChangeDetection) matches(v format.Version, o *object.Object) bool {
	switch {
	case v.Kind == format.SizeAndTime:
		return v == format.VersionOf(o, format.SizeAndTime)
	case o.ETag == "":
		return false
	case v.Kind == format.ContentAndTime && d == ByModified:
		return v == format.VersionOf(o, format.ContentAndTime)
	default:
		return v.Fingerprint == format.VersionOf(o, format.Content).Fingerprint
	}
}

// measured is a listing with what each object adds to a digest.
type measured struct {
	objects []Listed
	parts   []uint64
}

func (d ChangeDetection) measure(objects []Listed) measured {
	parts := make([]uint64, len(objects))
	for i := range objects {
		o := &objects[i]
		var v format.Version // an object that does not match adds only its key
		if o.Matches {
			v = d.version(&o.Object)
		}
		parts[i] = v.Digest(o.Key)
	}
	return measured{objects: objects, parts: parts}
}

// cut splits off what lies below hi; "" is everything.
func (m measured) cut(hi string) (below, rest measured) {
	n := len(m.objects)
	if hi != "" {
		n = sort.Search(n, func(i int) bool { return m.objects[i].Key >= hi })
	}
	return measured{m.objects[:n], m.parts[:n]}, measured{m.objects[n:], m.parts[n:]}
}

// digest is what a listing looks like: the sums of what matches, and of the keys
// that do not. The zero value is no listing.
type digest struct {
	known          bool
	matching, rest uint64
}

// digest sums up, and counts what matches.
func (m measured) digest() (d digest, matching int) {
	d.known = true
	for i, p := range m.parts {
		if m.objects[i].Matches {
			d.matching += p
			matching++
		} else {
			d.rest += p
		}
	}
	return d, matching
}
