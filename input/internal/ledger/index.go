package ledger

import (
	"encoding/binary"
	"fmt"
	"time"
)

// The index is the one value that says what is true:
//
//	packed: the time of the last complete pass in milliseconds, or 0; the
//	        number of the next manifest; the oldest journal record that may
//	        still exist and the oldest that counts; the manifests that nobody
//	        needs any more; then for each segment its lower bound
//	        (front-coded), how many objects were listed in it, the last journal
//	        record it holds, and its manifest with its tally, or 0

// index is the decoded form.
type index struct {
	pass time.Time
	// nextManifest numbers the next manifest. Nothing refers to a higher one,
	// so what a crash left there may be overwritten.
	nextManifest uint64
	// oldestRecord..firstRecord-1 are to be deleted; from firstRecord on they
	// are replayed.
	oldestRecord, firstRecord uint64
	// garbage are manifests that are to be deleted.
	garbage  []uint64
	segments []bound
}

// bound is a segment as the index has it.
type bound struct {
	lo     string
	listed int
	stored stored
}

// stored is what the store has of a segment.
type stored struct {
	// manifest is the number of the value that holds the entries, along with
	// those of other segments perhaps; 0 where there are none.
	manifest uint64
	// through is the last journal record whose changes the manifest has.
	through uint64
	tally   tally
}

func encodeIndex(c *codec, x index) []byte {
	b := make([]byte, 0, 64+80*len(x.segments))
	b = appendTime(b, x.pass)
	b = binary.AppendUvarint(b, x.nextManifest)
	b = binary.AppendUvarint(b, x.oldestRecord)
	b = binary.AppendUvarint(b, x.firstRecord)
	b = binary.AppendUvarint(b, uint64(len(x.garbage)))
	for _, g := range x.garbage {
		b = binary.AppendUvarint(b, g)
	}
	b = binary.AppendUvarint(b, uint64(len(x.segments)))
	before := ""
	for i := range x.segments {
		s := &x.segments[i]
		b = appendFront(b, before, s.lo)
		b = binary.AppendUvarint(b, uint64(s.listed))
		b = binary.AppendUvarint(b, s.stored.through)
		b = binary.AppendUvarint(b, s.stored.manifest)
		if s.stored.manifest != 0 {
			t := s.stored.tally
			b = binary.LittleEndian.AppendUint64(b, t.sum)
			b = binary.AppendUvarint(b, uint64(t.tracked))
			b = binary.AppendUvarint(b, uint64(t.parked))
			b = binary.AppendUvarint(b, uint64(t.irregular))
		}
		before = s.lo
	}
	return c.pack(b)
}

func decodeIndex(c *codec, body []byte) (index, error) {
	b, err := c.unpack(body)
	if err != nil {
		return index{}, fmt.Errorf("unpacking: %w", err)
	}
	r := reader{b: b}
	x := index{pass: readTime(&r), nextManifest: r.uvarint(), oldestRecord: r.uvarint(), firstRecord: r.uvarint()}
	x.garbage = make([]uint64, r.count(1))
	for i := range x.garbage {
		x.garbage[i] = r.uvarint()
	}
	x.segments = make([]bound, r.count(5))
	before := ""
	for i := range x.segments {
		s := &x.segments[i]
		s.lo = r.front(before)
		s.listed = int(r.uvarint())
		s.stored.through = r.uvarint()
		s.stored.manifest = r.uvarint()
		if s.stored.manifest != 0 {
			s.stored.tally = tally{sum: r.uint64(), tracked: int(r.uvarint()), parked: int(r.uvarint()), irregular: int(r.uvarint())}
		}
		if i > 0 && s.lo <= before || i == 0 && s.lo != "" {
			return index{}, fmt.Errorf("segment %d of %d is out of order", i, len(x.segments))
		}
		before = s.lo
	}
	if len(x.segments) == 0 || x.nextManifest == 0 || x.oldestRecord > x.firstRecord {
		r.fail()
	}
	return x, r.end()
}
