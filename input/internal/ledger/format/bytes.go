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

// Codec writes and reads the compressed values. Each ledger has its own; it
// starts no goroutines.
type Codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

// NewCodec returns a codec. Close it after use.
func NewCodec() (*Codec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(256<<10), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, fmt.Errorf("preparing compression: %w", err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxBody))
	if err != nil {
		return nil, fmt.Errorf("preparing compression: %w", err)
	}
	return &Codec{enc: enc, dec: dec}, nil
}

func (c *Codec) pack(body []byte) []byte {
	return c.enc.EncodeAll(body, make([]byte, 0, len(body)/2+64))
}

func (c *Codec) unpack(packed []byte) ([]byte, error) {
	if len(packed) == 0 {
		return nil, nil
	}
	return c.dec.DecodeAll(packed, nil)
}

// Close gives back the memory. Nothing can be encoded or decoded after it.
func (c *Codec) Close() {
	_ = c.enc.Close()
	c.dec.Close()
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

func readTime(r *reader) time.Time {
	ms := r.varint()
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
