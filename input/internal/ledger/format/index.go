package format

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Index is the one value that is overwritten: it says which manifests and which
// journal records count.
type Index struct {
	// Pass is when the last complete pass ended; zero if none did.
	Pass time.Time
	// NextManifest numbers the next manifest. Nothing refers to a higher one,
	// so what a crash left there may be overwritten.
	NextManifest uint64
	// The records from OldestRecord up to FirstRecord are to be deleted; those
	// from FirstRecord on are replayed.
	OldestRecord, FirstRecord uint64
	// Garbage are manifests that are to be deleted.
	Garbage []uint64
	// Segments are in key order; the first begins at "".
	Segments []Segment
}

// Segment is a range of keys, from Lo up to the Lo of the next one.
type Segment struct {
	Lo string
	// Listed is how many objects the last listing showed in it.
	Listed int
	// Manifest is the number of the manifest that holds the entries, perhaps
	// along with those of other segments; 0 where there are none.
	Manifest uint64
	// Through is the last journal record whose changes the manifest has.
	Through uint64
	// Tally sums up the segment's entries in the manifest.
	Tally Tally
}

// EncodeIndex makes the value under [Keys.Index].
func EncodeIndex(key string, x Index) []byte {
	return seal(kindIndex, key, pack(x.append(make([]byte, 0, 64+80*len(x.Segments)))))
}

// DecodeIndex reads the value under [Keys.Index].
func DecodeIndex(key string, value []byte) (Index, error) {
	return decode(kindIndex, key, value, readIndex)
}

func (x *Index) append(b []byte) []byte {
	b = appendTime(b, x.Pass)
	b = binary.AppendUvarint(b, x.NextManifest)
	b = binary.AppendUvarint(b, x.OldestRecord)
	b = binary.AppendUvarint(b, x.FirstRecord)
	b = binary.AppendUvarint(b, uint64(len(x.Garbage)))
	for _, g := range x.Garbage {
		b = binary.AppendUvarint(b, g)
	}
	b = binary.AppendUvarint(b, uint64(len(x.Segments)))
	before := ""
	for i := range x.Segments {
		s := &x.Segments[i]
		b = appendFront(b, before, s.Lo)
		b = binary.AppendUvarint(b, uint64(s.Listed))
		b = binary.AppendUvarint(b, s.Through)
		b = binary.AppendUvarint(b, s.Manifest)
		if s.Manifest != 0 {
			b = binary.LittleEndian.AppendUint64(b, s.Tally.Sum)
			b = binary.AppendUvarint(b, uint64(s.Tally.Tracked))
			b = binary.AppendUvarint(b, uint64(s.Tally.Parked))
			b = binary.AppendUvarint(b, uint64(s.Tally.Irregular))
		}
		before = s.Lo
	}
	return b
}

func readIndex(body []byte) (Index, error) {
	b, err := unpack(body)
	if err != nil {
		return Index{}, fmt.Errorf("unpacking: %w", err)
	}
	r := reader{b: b}
	x := Index{Pass: readTime(&r), NextManifest: r.uvarint(), OldestRecord: r.uvarint(), FirstRecord: r.uvarint()}
	x.Garbage = make([]uint64, r.count(1))
	for i := range x.Garbage {
		x.Garbage[i] = r.uvarint()
	}
	x.Segments = make([]Segment, r.count(5))
	before := ""
	for i := range x.Segments {
		s := &x.Segments[i]
		s.Lo = r.front(before)
		s.Listed = int(r.uvarint())
		s.Through = r.uvarint()
		s.Manifest = r.uvarint()
		if s.Manifest != 0 {
			s.Tally = Tally{Sum: r.uint64(), Tracked: int(r.uvarint()), Parked: int(r.uvarint()), Irregular: int(r.uvarint())}
		}
		if i > 0 && s.Lo <= before || i == 0 && s.Lo != "" {
			return Index{}, fmt.Errorf("segment %d of %d is out of order", i, len(x.Segments))
		}
		before = s.Lo
	}
	if len(x.Segments) == 0 || x.NextManifest == 0 || x.OldestRecord > x.FirstRecord {
		r.fail()
	}
	return x, r.end()
}
