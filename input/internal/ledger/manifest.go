package ledger

import (
	"encoding/binary"
	"fmt"
)

// A manifest holds the entries of a segment in columns, each of bytes that are
// alike:
//
//	count
//	keys    packed: the text of all keys, see keys.go
//	digits  packed: the hex digits of all keys
//	prints  8 bytes each, which do not compress
//	extras  packed: for each entry that is more than "delivered, known by ETag
//	        and size": its distance from the last such entry, flags, and what
//	        the flags announce
//
// An entry without extras is one that was delivered and is known byContent.

func encodeManifest(c *codec, entries []entry) []byte {
	w := keyWriter{shapes: map[string]uint64{}}
	var extras []byte
	lastExtra := 0
	for i := range entries {
		e := &entries[i]
		w.add(e.key)
		if flags := e.flags(); flags != flagTracked {
			extras = binary.AppendUvarint(extras, uint64(i-lastExtra))
			extras = binary.AppendUvarint(extras, flags)
			extras = e.appendExtra(extras)
			lastExtra = i
		}
	}
	keys, digits := c.pack(w.text()), c.pack(w.digits)
	if len(extras) > 0 {
		extras = c.pack(extras)
	}
	body := make([]byte, 0, 4*binary.MaxVarintLen32+len(keys)+len(digits)+8*len(entries)+len(extras))
	body = binary.AppendUvarint(body, uint64(len(entries)))
	body = appendBytes(body, keys)
	body = appendBytes(body, digits)
	for i := range entries {
		body = binary.LittleEndian.AppendUint64(body, entries[i].id.fingerprint)
	}
	return appendBytes(body, extras)
}

func decodeManifest(c *codec, body []byte) ([]entry, error) {
	r := reader{b: body}
	n := r.count(8)
	columns := [][]byte{r.bytes(r.uvarint()), r.bytes(r.uvarint())}
	prints := r.bytes(uint64(8 * n))
	columns = append(columns, r.bytes(r.uvarint()))
	if err := r.end(); err != nil {
		return nil, err
	}
	for i, packed := range columns {
		var err error
		if columns[i], err = c.unpack(packed); err != nil {
			return nil, fmt.Errorf("unpacking column %d: %w", i, err)
		}
	}
	entries := make([]entry, n)
	if err := decodeKeys(entries, columns[0], columns[1]); err != nil {
		return nil, err
	}
	for i := range entries {
		entries[i].tracked = true
		entries[i].id.fingerprint = binary.LittleEndian.Uint64(prints[8*i:])
	}
	return entries, decodeExtras(entries, columns[2])
}

func decodeExtras(entries []entry, extras []byte) error {
	r := reader{b: extras}
	at, left := uint64(0), uint64(len(entries))
	for first := true; len(r.b) > 0; first = false {
		step := r.uvarint()
		if step >= left || step == 0 && !first {
			return fmt.Errorf("extras for entry %d after %d of %d", step, at, len(entries))
		}
		at, left = at+step, left-step
		entries[at].readExtra(&r, r.uvarint())
	}
	return r.end()
}
