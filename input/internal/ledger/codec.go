package ledger

import (
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// maxBody bounds what a compressed body may unpack to, far above what any of
// them needs.
const maxBody = 512 << 20

// codec compresses. Each ledger has its own, and it starts no goroutines.
type codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newCodec() (*codec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(256<<10), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, fmt.Errorf("preparing compression: %w", err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxBody))
	if err != nil {
		return nil, fmt.Errorf("preparing compression: %w", err)
	}
	return &codec{enc: enc, dec: dec}, nil
}

func (c *codec) pack(body []byte) []byte {
	return c.enc.EncodeAll(body, make([]byte, 0, len(body)/2+64))
}

func (c *codec) unpack(packed []byte) ([]byte, error) {
	if len(packed) == 0 {
		return nil, nil
	}
	return c.dec.DecodeAll(packed, nil)
}

func (c *codec) close() {
	_ = c.enc.Close()
	c.dec.Close()
}
