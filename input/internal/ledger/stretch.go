package ledger

import (
	"fmt"
	"sort"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// Stretch is a complete listing of the keys in [Lo, Hi): every object that the
// server showed there, in byte order, those that the filters take included. A
// listing that ended with an error is no stretch. It should hold about 4096
// objects, and begin and end where [Ledger.Bounds] says if it can.
type Stretch struct {
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
	// Matches is false for an object that the filters take. It is not tracked,
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

// check finds listings from which wrong conclusions would be drawn.
func (s *Stretch) check() error {
	if s.Hi != "" && s.Lo >= s.Hi {
		return fmt.Errorf("comparing a listing with the ledger: its range [%q, %q) is empty", s.Lo, s.Hi)
	}
	for i := range s.Objects {
		key := s.Objects[i].Key
		if key < s.Lo || s.Hi != "" && key >= s.Hi {
			return fmt.Errorf("comparing a listing with the ledger: key %q is outside its range [%q, %q)", key, s.Lo, s.Hi)
		}
		if i > 0 && key <= s.Objects[i-1].Key {
			return fmt.Errorf("comparing a listing with the ledger: key %q comes after %q, which is not in byte order", key, s.Objects[i-1].Key)
		}
	}
	return nil
}

// measured is a listing with what each object adds to a digest.
type measured struct {
	objects []Listed
	parts   []uint64
}

func (m Identity) measure(objects []Listed) measured {
	parts := make([]uint64, len(objects))
	for i := range objects {
		o := &objects[i]
		if o.Matches {
			parts[i] = contribution(o.Key, m.identify(&o.Object))
		} else {
			parts[i] = presence(o.Key)
		}
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

// digest sums up: what matches, what does not, and how many match.
func (m measured) digest() (d memo, matching int) {
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
