package format

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Record is what one checkpoint wrote: changes in the order in which they
// happened.
type Record struct {
	// Pass is when the last complete pass ended; zero where the record does not
	// say.
	Pass    time.Time
	Changes []Change
}

// Op is what happened to a key.
type Op uint8

// What can happen to a key.
const (
	OpDelivered Op = iota // a version was delivered
	OpParked              // a version was parked, or left out
	OpAbsent              // a complete pass found a tracked key missing
	OpForgotten           // nothing is known of the key any more
)

// Change is one thing that happened to one key. The changes of a key in their
// order, applied to its entry, make the entry that is true now. Applying them to
// an entry that already has them changes nothing, as long as none is left out at
// the end.
type Change struct {
	Key string
	Op  Op
	// Version and Alias are what was delivered.
	Version Version
	Alias   uint64
	// Parked is set for OpParked alone.
	Parked *Parked
	// Before is the tally of the entry until then, so that a segment's tally can
	// be kept without reading the manifest. It can be wrong where Late is set:
	// another change of the key may have come in between.
	Before Tally
	Late   bool
}

// The flags of a change, above those of an entry.
const (
	flagBeforeTracked = 1 << (8 + iota)
	flagBeforeParked
	flagBeforeIrregular
	flagLate
)

// EncodeRecord makes the value under a [Keys.Record].
func EncodeRecord(key string, rec Record) []byte {
	return seal(kindRecord, key, pack(rec.append(make([]byte, 0, 64+96*len(rec.Changes)))))
}

// DecodeRecord reads the value under a [Keys.Record].
func DecodeRecord(key string, value []byte) (Record, error) {
	return decode(kindRecord, key, value, readRecord)
}

func (rec *Record) append(b []byte) []byte {
	b = appendTime(b, rec.Pass)
	b = binary.AppendUvarint(b, uint64(len(rec.Changes)))
	before := ""
	for i := range rec.Changes {
		ch := &rec.Changes[i]
		b = appendFront(b, before, ch.Key)
		b = ch.append(b)
		before = ch.Key
	}
	return b
}

func readRecord(body []byte) (Record, error) {
	b, err := unpack(body)
	if err != nil {
		return Record{}, fmt.Errorf("unpacking: %w", err)
	}
	r := reader{b: b}
	rec := Record{Pass: readTime(&r)}
	rec.Changes = make([]Change, r.count(4))
	before := ""
	for i := range rec.Changes {
		ch := &rec.Changes[i]
		ch.Key = r.front(before)
		ch.read(&r)
		before = ch.Key
	}
	return rec, r.end()
}

func (c *Change) append(b []byte) []byte {
	e := Entry{Version: c.Version, Alias: c.Alias, Parked: c.Parked, Tracked: c.Op == OpDelivered}
	flags := e.flags()
	if c.Before.Tracked != 0 {
		flags |= flagBeforeTracked
	}
	if c.Before.Parked != 0 {
		flags |= flagBeforeParked
	}
	if c.Before.Irregular != 0 {
		flags |= flagBeforeIrregular
	}
	if c.Late {
		flags |= flagLate
	}
	b = append(b, byte(c.Op))
	b = binary.AppendUvarint(b, flags)
	b = e.appendExtra(b)
	if c.Op == OpDelivered {
		b = binary.LittleEndian.AppendUint64(b, c.Version.Fingerprint)
	}
	if c.Before.Tracked != 0 {
		b = binary.LittleEndian.AppendUint64(b, c.Before.Sum)
	}
	return b
}

func (c *Change) read(r *reader) {
	c.Op = Op(r.byte())
	if c.Op > OpForgotten {
		r.fail()
	}
	var e Entry
	flags := r.uvarint()
	e.readExtra(r, flags)
	c.Version, c.Alias, c.Parked = e.Version, e.Alias, e.Parked
	if c.Op == OpDelivered {
		c.Version.Fingerprint = r.uint64()
	}
	if (c.Op == OpParked) != (c.Parked != nil) || (c.Op == OpDelivered) != e.Tracked {
		r.fail()
	}
	c.Late = flags&flagLate != 0
	c.Before = Tally{
		Tracked:   one(flags&flagBeforeTracked != 0),
		Parked:    one(flags&flagBeforeParked != 0),
		Irregular: one(flags&flagBeforeIrregular != 0),
	}
	if c.Before.Tracked != 0 {
		c.Before.Sum = r.uint64()
	}
}
