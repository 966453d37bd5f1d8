package emulator

import (
	"encoding/binary"
	"encoding/hex"
	"io"
)

// generated is content that is made while it is read: word i is a hash of the seed
// and i, so that a range can begin anywhere.
type generated struct {
	seed uint64
	size int64
}

// Generated yields the size bytes that [Server.PutGenerated] stores for seed.
// The bytes do not compress, and no two seeds share them.
func Generated(seed uint64, size int64) io.Reader {
	return &generator{base: mix(seed), left: size}
}

func (g generated) length() int64 { return g.size }

func (g generated) open(off, n int64) (io.ReadCloser, error) {
	return io.NopCloser(&generator{base: mix(g.seed), pos: off, left: n}), nil
}

// etag replaces the MD5, which would cost more than everything else: 32 hex digits
// that are equal for equal content.
func (g generated) etag() string {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], mix(g.seed^0x5eed))
	binary.LittleEndian.PutUint64(b[8:], mix(mix(g.seed)+uint64(g.size)))
	return hex.EncodeToString(b[:])
}

// generator reads left bytes from pos on.
type generator struct {
	base      uint64
	pos, left int64
}

// Read never fails.
func (g *generator) Read(p []byte) (int, error) {
	if g.left <= 0 {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), g.left)]
	n := len(p)
	if odd := g.pos % 8; odd != 0 && n > 0 {
		var w [8]byte
		binary.LittleEndian.PutUint64(w[:], g.word(g.pos/8))
		k := copy(p, w[odd:])
		p, g.pos = p[k:], g.pos+int64(k)
	}
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, g.word(g.pos/8))
		p, g.pos = p[8:], g.pos+8
	}
	if len(p) > 0 {
		var w [8]byte
		binary.LittleEndian.PutUint64(w[:], g.word(g.pos/8))
		g.pos += int64(copy(p, w[:]))
	}
	g.left -= int64(n)
	return n, nil
}

func (g *generator) word(i int64) uint64 {
	return mix(g.base + uint64(i)*0x9e3779b97f4a7c15)
}

// mix is the finalizer of splitmix64: every bit of x reaches every bit of the
// result.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
