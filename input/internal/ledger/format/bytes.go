package format

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"
)

// maxBody bounds what a body may unpack to: a damaged one must not exhaust the
// memory. The largest real body, a full manifest of 1 KiB keys, has about 8 MiB.
const maxBody = 512 << 20

// encoder and decoder are those of the process, which may have thousands of ledgers:
// each encoder needs more memory than most of these. They start no goroutines; a
// value waits while codecs others are being written or read.
//
// They are made before any ledger is, so that their channels belong to no
// testing/synctest bubble.
var encoder, decoder = newCodec()

// codecs is how many values are written at once, and as many read. To pack a full
// manifest takes about a millisecond.
const codecs = 2

func newCodec() (*zstd.Encoder, *zstd.Decoder) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(codecs),
		zstd.WithWindowSize(256<<10), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
	if err != nil {
		panic(fmt.Sprintf("preparing compression: %v", err)) // an option that zstd does not know
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(codecs), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxBody))
	if err != nil {
		panic(fmt.Sprintf("preparing compression: %v", err))
	}
	enc.EncodeAll(nil, nil) // an encoder makes its channels when it is first used
	return enc, dec
}

func pack(body []byte) []byte {
	return encoder.EncodeAll(body, make([]byte, 0, len(body)/2+64))
}

func unpack(packed []byte) ([]byte, error) {
	if len(packed) == 0 {
		return nil, nil
	}
	return decoder.DecodeAll(packed, nil)
}

// appendBytes writes a length and the bytes.
func appendBytes[T string | []byte](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// appendFront writes key without what it shares with the one before it.
func appendFront(b []byte, before, key string) []byte {
	n := shared(before, key)
	b = binary.AppendUvarint(b, uint64(n))
	return appendBytes(b, key[n:])
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

// reader reads a body. After anything that does not fit, bad is set and every
// further read yields zero.
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
// so that an impossible number allocates nothing.
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

// end is an error unless everything fitted and nothing is left over.
func (r *reader) end() error {
	if r.bad || len(r.b) > 0 {
		return errors.New("the body cannot be read")
	}
	return nil
}

// appendTime writes a time in milliseconds; the zero time is 0.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return binary.AppendVarint(b, 0)
	}
	return binary.AppendVarint(b, t.UnixMilli())
}

// Storable is the time as it is read again once it was written.
func Storable(t time.Time) time.Time {
	r := reader{b: appendTime(nil, t)}
	return readTime(&r)
}

func readTime(r *reader) time.Time {
	ms := r.varint()
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
