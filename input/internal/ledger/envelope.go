package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// The envelope of every value: magic, format version, kind, the key it was
// written under (which carries the scope), the body's length, the body, and a
// checksum of all that. A value that is torn, truncated, another program's, or
// found under another key is thus never taken for a good one.
const (
	magic         = "SBSL"
	formatVersion = 1
	checksumSize  = 8
)

// valueKind is what a value holds.
type valueKind byte

const (
	kindIndex    valueKind = 'i'
	kindManifest valueKind = 'm'
	kindJournal  valueKind = 'j'
	kindFounded  valueKind = 'f'
	kindViewer   valueKind = 'v'
)

// ErrDamaged means that the store holds something under a key of the ledger
// that the ledger did not write there, or that something it wrote is gone. It
// is never read as "nothing was delivered yet".
var ErrDamaged = errors.New("the ledger is damaged")

// remedy ends every error that is [ErrDamaged].
const remedy = "restore the state from a backup, or have everything delivered again by starting with " +
	"another state.namespace or an empty state"

func damaged(key, found string) error {
	return fmt.Errorf("%w: %q %s; %s", ErrDamaged, key, found, remedy)
}

func seal(kind valueKind, key string, body []byte) []byte {
	b := make([]byte, 0, len(magic)+2+2*binary.MaxVarintLen32+len(key)+len(body)+checksumSize)
	b = append(b, magic...)
	b = append(b, formatVersion, byte(kind))
	b = appendString(b, key)
	b = binary.AppendUvarint(b, uint64(len(body)))
	b = append(b, body...)
	return binary.LittleEndian.AppendUint64(b, xxhash.Sum64(b))
}

// unseal returns the body of a value that was read from under key.
func unseal(kind valueKind, key string, value []byte) ([]byte, error) {
	head := min(len(magic), len(value))
	switch {
	case len(value) == 0:
		return nil, damaged(key, "is empty")
	case string(value[:head]) != magic[:head]:
		return nil, damaged(key, fmt.Sprintf("holds something that is no value of this ledger (it begins with %q)", value[:min(16, len(value))]))
	case len(value) < len(magic)+2+checksumSize:
		return nil, damaged(key, fmt.Sprintf("is truncated (%d bytes)", len(value)))
	case value[len(magic)] > formatVersion:
		return nil, fmt.Errorf("%w: %q was written in format %d by a newer version, this one reads up to %d; use the newer version",
			ErrDamaged, key, value[len(magic)], formatVersion)
	}
	payload, sum := value[:len(value)-checksumSize], tag(value)
	if xxhash.Sum64(payload) != sum {
		return nil, damaged(key, fmt.Sprintf("is torn or truncated (its %d bytes do not match their checksum)", len(value)))
	}
	r := reader{b: payload[len(magic)+1:]}
	gotKind := valueKind(r.byte())
	gotKey := r.string()
	body := r.bytes(r.uvarint())
	switch {
	case r.bad || len(r.b) > 0:
		return nil, damaged(key, "has a header that cannot be read")
	case gotKey != key || gotKind != kind:
		return nil, damaged(key, fmt.Sprintf("holds the value of %q", gotKey))
	}
	return body, nil
}

// tag tells one value from another written under the same key; 0 for none.
func tag(value []byte) uint64 {
	if len(value) < checksumSize {
		return 0
	}
	return binary.LittleEndian.Uint64(value[len(value)-checksumSize:])
}

// appendString writes a length and the bytes.
func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// appendBytes is appendString for bytes.
func appendBytes(b, s []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// appendFront writes key without what it shares with the one before it.
func appendFront(b []byte, before, key string) []byte {
	n := shared(before, key)
	b = binary.AppendUvarint(b, uint64(n))
	return appendString(b, key[n:])
}

func shared(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// reader takes a body apart. After anything that does not fit, bad is set and
// every further read yields zero.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) fail() {
	r.bad, r.b = true, nil
}

func (r *reader) byte() byte {
	b := r.bytes(1)
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

func (r *reader) uint64() uint64 {
	b := r.bytes(8)
	if len(b) == 0 {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count reads the number of items that follow, each at least size bytes long,
// so that a number that cannot be true allocates nothing.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.b)/size) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) string() string { return string(r.bytes(r.uvarint())) }

// front reads what appendFront wrote.
func (r *reader) front(before string) string {
	n := r.uvarint()
	rest := r.bytes(r.uvarint())
	if n > uint64(len(before)) {
		r.fail()
		return ""
	}
	return before[:n] + string(rest)
}

// end is an error unless everything was read, and well.
func (r *reader) end() error {
	if r.bad || len(r.b) > 0 {
		return errors.New("the body cannot be read")
	}
	return nil
}
