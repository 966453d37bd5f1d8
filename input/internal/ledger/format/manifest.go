package format

import (
	"encoding/binary"
	"fmt"
	"time"
)

// The flags of an entry, in the extras of a manifest and in journal records.
const (
	flagTracked = 1 << iota
	flagAbsent
	flagParked
	flagAlias
	// The kinds of the delivered version, and of the parked version.
	flagTimed
	flagNoETag
	flagParkedTimed
	flagParkedNoETag
)

// EncodeManifest makes the value under a [Keys.Manifest]. The entries are in key
// order; each is tracked or parked, or both.
func EncodeManifest(key string, entries []Entry) []byte {
	return seal(kindManifest, key, manifest(entries))
}

// DecodeManifest reads the value under a [Keys.Manifest].
func DecodeManifest(key string, value []byte) ([]Entry, error) {
	return decode(kindManifest, key, value, readManifest)
}

func manifest(entries []Entry) []byte {
	w := keyWriter{shapes: map[string]uint64{}}
	var extras []byte
	lastExtra := 0
	for i := range entries {
		e := &entries[i]
		w.add(e.Key)
		if flags := e.flags(); flags != flagTracked {
			extras = binary.AppendUvarint(extras, uint64(i-lastExtra))
			extras = binary.AppendUvarint(extras, flags)
			extras = e.appendExtra(extras)
			lastExtra = i
		}
	}
	keys, digits := pack(w.text()), pack(w.digits)
	if len(extras) > 0 {
		extras = pack(extras)
	}
	body := make([]byte, 0, 4*binary.MaxVarintLen32+len(keys)+len(digits)+8*len(entries)+len(extras))
	body = binary.AppendUvarint(body, uint64(len(entries)))
	body = appendBytes(body, keys)
	body = appendBytes(body, digits)
	for i := range entries {
		body = binary.LittleEndian.AppendUint64(body, entries[i].Version.Fingerprint)
	}
	return appendBytes(body, extras)
}

func readManifest(body []byte) ([]Entry, error) {
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
		if columns[i], err = unpack(packed); err != nil {
			return nil, fmt.Errorf("unpacking column %d: %w", i, err)
		}
	}
	entries := make([]Entry, n)
	if err := decodeKeys(entries, columns[0], columns[1]); err != nil {
		return nil, err
	}
	for i := range entries {
		entries[i].Tracked = true
		entries[i].Version.Fingerprint = binary.LittleEndian.Uint64(prints[8*i:])
	}
	return entries, decodeExtras(entries, columns[2])
}

func decodeExtras(entries []Entry, extras []byte) error {
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

func (e *Entry) flags() uint64 {
	flags := uint64(0)
	if e.Tracked {
		flags |= flagTracked | e.Version.Kind.flag()
	}
	if e.Absent {
		flags |= flagAbsent
	}
	if e.Alias != 0 {
		flags |= flagAlias
	}
	if e.Parked != nil {
		flags |= flagParked | e.Parked.Version.Kind.flag()*(flagParkedTimed/flagTimed)
	}
	return flags
}

func (k VersionKind) flag() uint64 {
	switch k {
	case ContentAndTime:
		return flagTimed
	case SizeAndTime:
		return flagNoETag
	default:
		return 0
	}
}

func kindOf(flags uint64) VersionKind {
	switch {
	case flags&flagTimed != 0:
		return ContentAndTime
	case flags&flagNoETag != 0:
		return SizeAndTime
	default:
		return Content
	}
}

// appendExtra writes what the flags announce.
func (e *Entry) appendExtra(b []byte) []byte {
	if e.Version.Kind == ContentAndTime {
		b = binary.AppendVarint(b, e.Version.Modified)
	}
	if e.Alias != 0 {
		b = binary.LittleEndian.AppendUint64(b, e.Alias)
	}
	if e.Parked != nil {
		b = e.Parked.append(b)
	}
	return b
}

// readExtra reads what appendExtra wrote. It refuses what no entry can be, since
// it could not be written again.
func (e *Entry) readExtra(r *reader, flags uint64) {
	if flags&flagTracked == 0 && flags&(flagTimed|flagNoETag|flagAlias) != 0 {
		r.fail() // nothing was delivered that could have a version
	}
	e.Tracked = flags&flagTracked != 0
	e.Absent = flags&flagAbsent != 0
	if e.Tracked {
		e.Version.Kind = kindOf(flags)
	}
	if e.Version.Kind == ContentAndTime {
		e.Version.Modified = r.varint()
	}
	if flags&flagAlias != 0 {
		e.Alias = r.uint64()
	}
	if flags&flagParked != 0 {
		e.Parked = readParked(r, kindOf(flags/(flagParkedTimed/flagTimed)))
	}
}

func (p *Parked) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, p.Version.Fingerprint)
	if p.Version.Kind == ContentAndTime {
		b = binary.AppendVarint(b, p.Version.Modified)
	}
	b = binary.AppendUvarint(b, uint64(p.Attempts))
	b = binary.AppendVarint(b, p.Next.UnixMilli())
	b = binary.AppendVarint(b, p.First.UnixMilli())
	return appendBytes(b, p.Reason)
}

func readParked(r *reader, kind VersionKind) *Parked {
	p := &Parked{Version: Version{Fingerprint: r.uint64(), Kind: kind}}
	if kind == ContentAndTime {
		p.Version.Modified = r.varint()
	}
	p.Attempts = int(r.uvarint())
	p.Next = time.UnixMilli(r.varint())
	p.First = time.UnixMilli(r.varint())
	p.Reason = r.string()
	return p
}
