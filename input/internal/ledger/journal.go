package ledger

import (
	"encoding/binary"
	"fmt"
	"time"
)

// A journal record holds changes in the order in which they happened:
//
//	packed: the time of the last complete pass in milliseconds, or 0; count;
//	        for each change its op, flags, key (front-coded against the key
//	        before), what it needs, and the mark of the entry before it

// record is what one checkpoint wrote.
type record struct {
	// pass is when the last complete pass ended; zero where the record does not
	// tell.
	pass    time.Time
	changes []change
}

// The flags of a change's mark, above those of an entry.
const (
	flagBeforeTracked = 1 << (8 + iota)
	flagBeforeParked
	flagBeforeIrregular
	flagLate
)

func encodeRecord(c *codec, rec record) []byte {
	b := make([]byte, 0, 64+96*len(rec.changes))
	b = appendTime(b, rec.pass)
	b = binary.AppendUvarint(b, uint64(len(rec.changes)))
	before := ""
	for i := range rec.changes {
		ch := &rec.changes[i]
		b = appendFront(b, before, ch.key)
		b = ch.append(b)
		before = ch.key
	}
	return c.pack(b)
}

func decodeRecord(c *codec, body []byte) (record, error) {
	b, err := c.unpack(body)
	if err != nil {
		return record{}, fmt.Errorf("unpacking: %w", err)
	}
	r := reader{b: b}
	rec := record{pass: readTime(&r)}
	rec.changes = make([]change, r.count(4))
	before := ""
	for i := range rec.changes {
		ch := &rec.changes[i]
		ch.key = r.front(before)
		ch.read(&r)
		before = ch.key
	}
	return rec, r.end()
}

func (c *change) append(b []byte) []byte {
	e := entry{id: c.id, alias: c.alias, park: c.park, tracked: c.op == opDelivered}
	flags := e.flags()
	if c.before.tracked {
		flags |= flagBeforeTracked
	}
	if c.before.parked {
		flags |= flagBeforeParked
	}
	if c.before.irregular {
		flags |= flagBeforeIrregular
	}
	if c.late {
		flags |= flagLate
	}
	b = append(b, byte(c.op))
	b = binary.AppendUvarint(b, flags)
	b = e.appendExtra(b)
	if c.op == opDelivered {
		b = binary.LittleEndian.AppendUint64(b, c.id.fingerprint)
	}
	if c.before.tracked {
		b = binary.LittleEndian.AppendUint64(b, c.before.sum)
	}
	return b
}

func (c *change) read(r *reader) {
	c.op = op(r.byte())
	if c.op > opForgotten {
		r.fail()
	}
	var e entry
	flags := r.uvarint()
	e.readExtra(r, flags)
	c.id, c.alias, c.park = e.id, e.alias, e.park
	if c.op == opDelivered {
		c.id.fingerprint = r.uint64()
	}
	if (c.op == opParked) != (c.park != nil) || (c.op == opDelivered) != e.tracked {
		r.fail()
	}
	c.late = flags&flagLate != 0
	c.before = mark{
		tracked:   flags&flagBeforeTracked != 0,
		parked:    flags&flagBeforeParked != 0,
		irregular: flags&flagBeforeIrregular != 0,
	}
	if c.before.tracked {
		c.before.sum = r.uint64()
	}
}

// appendTime writes a time in milliseconds; the zero time is 0.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return binary.AppendVarint(b, 0)
	}
	return binary.AppendVarint(b, t.UnixMilli())
}

func readTime(r *reader) time.Time {
	ms := r.varint()
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
