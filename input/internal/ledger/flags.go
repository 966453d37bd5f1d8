package ledger

import (
	"encoding/binary"
	"time"
)

// The flags of an entry, in extras and in journal records.
const (
	flagTracked = 1 << iota
	flagAbsent
	flagParked
	flagAlias
	// The kinds of identity of what was delivered, and of what is parked.
	flagTouch
	flagWeak
	flagParkedTouch
	flagParkedWeak
)

func (e *entry) flags() uint64 {
	flags := uint64(0)
	if e.tracked {
		flags |= flagTracked | e.id.kind.flag()
	}
	if e.absent {
		flags |= flagAbsent
	}
	if e.alias != 0 {
		flags |= flagAlias
	}
	if e.park != nil {
		flags |= flagParked | e.park.id.kind.flag()*(flagParkedTouch/flagTouch)
	}
	return flags
}

func (k identityKind) flag() uint64 {
	switch k {
	case byTouch:
		return flagTouch
	case byWeak:
		return flagWeak
	default:
		return 0
	}
}

func kindOf(flags uint64) identityKind {
	switch {
	case flags&flagTouch != 0:
		return byTouch
	case flags&flagWeak != 0:
		return byWeak
	default:
		return byContent
	}
}

// appendExtra writes what the flags announce.
func (e *entry) appendExtra(b []byte) []byte {
	if e.id.kind == byTouch {
		b = binary.AppendVarint(b, e.id.modified)
	}
	if e.alias != 0 {
		b = binary.LittleEndian.AppendUint64(b, e.alias)
	}
	if e.park != nil {
		b = e.park.append(b)
	}
	return b
}

// readExtra reads what appendExtra wrote. What no entry can be is refused: it
// could not be written again.
func (e *entry) readExtra(r *reader, flags uint64) {
	if flags&flagTracked == 0 && flags&(flagTouch|flagWeak|flagAlias) != 0 {
		r.fail() // nothing was delivered of which there could be a version
	}
	e.tracked = flags&flagTracked != 0
	e.absent = flags&flagAbsent != 0
	if e.tracked {
		e.id.kind = kindOf(flags)
	}
	if e.id.kind == byTouch {
		e.id.modified = r.varint()
	}
	if flags&flagAlias != 0 {
		e.alias = r.uint64()
	}
	if flags&flagParked != 0 {
		e.park = readParking(r, kindOf(flags/(flagParkedTouch/flagTouch)))
	}
}

func (p *parking) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, p.id.fingerprint)
	if p.id.kind == byTouch {
		b = binary.AppendVarint(b, p.id.modified)
	}
	b = binary.AppendUvarint(b, uint64(p.attempts))
	b = binary.AppendVarint(b, p.next.UnixMilli())
	b = binary.AppendVarint(b, p.first.UnixMilli())
	return appendString(b, p.reason)
}

func readParking(r *reader, kind identityKind) *parking {
	p := &parking{id: identity{fingerprint: r.uint64(), kind: kind}}
	if kind == byTouch {
		p.id.modified = r.varint()
	}
	p.attempts = int(r.uvarint())
	p.next = time.UnixMilli(r.varint())
	p.first = time.UnixMilli(r.varint())
	p.reason = r.string()
	return p
}
