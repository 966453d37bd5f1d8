package input

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure/extended" // zstd
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// decompressors are the algorithms of the scanner decompress and what makes
// content for each. Those of pgzip and zstd read in a goroutine of their own, and
// Benthos closes what they read from before them.
var decompressors = map[string]func(w io.Writer) (io.WriteCloser, error){
	"gzip":  func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.BestSpeed) },
	"pgzip": func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.BestSpeed) },
	"zstd": func(w io.Writer) (io.WriteCloser, error) {
		return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest))
	},
}

// longLine is longer than the lines scanner of the tests takes.
var longLine = strings.Repeat("x", 8<<10)

// largeContent is more than is read in one piece.
const largeContent = 12 << 20

// noise is n bytes that do not compress. As lines they are short ones.
func noise(n int) []byte {
	out := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(out) // it never fails
	return out
}

// compressed is content in the form of a decompressor.
func compressed(t *testing.T, writer func(io.Writer) (io.WriteCloser, error), content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := writer(&out)
	require.NoError(t, err)
	_, err = w.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func decompressing(algorithm string) string {
	return fmt.Sprintf("scanner: {decompress: {algorithm: %s, into: {lines: {max_buffer_size: 4096}}}}\n", algorithm)
}

// Under the race detector these fail where a body that is closed while it is read
// is not safe for one reader and one closer.

func TestADecompressorThatStopsInMidObjectParksThatObjectAlone(t *testing.T) {
	for algorithm, writer := range decompressors {
		t.Run(algorithm, func(t *testing.T) {
			r := newRig(t, decompressing(algorithm))
			content := noise(largeContent)
			copy(content[1<<20:], longLine)
			broken := compressed(t, writer, content)
			for i := range 6 {
				r.server.Put("docs", fmt.Sprintf("broken%d", i), broken)
			}
			sound := "first\nsecond\nthird"
			r.server.Put("docs", "sound", compressed(t, writer, []byte(sound)))
			// Bodies that come slowly are still being read when they are closed.
			r.server.SetFaults(func(q emulator.Request) emulator.Fault {
				if q.Op == emulator.OpGet {
					return emulator.Fault{BytesPerSecond: 32 << 20}
				}
				return emulator.Fault{}
			})
			report := r.run()
			require.Equal(t, map[string]int64{"scanner": 6}, report.Parked)
			require.Equal(t, int64(1), report.Delivered)
			require.Equal(t, sound, strings.Join(r.contents()["sound"], "\n"))
		})
	}
}

func TestClosingTheInputWhileADecompressorReadsEndsIt(t *testing.T) {
	for algorithm, writer := range decompressors {
		t.Run(algorithm, func(t *testing.T) {
			r := newRig(t, decompressing(algorithm))
			sound := compressed(t, writer, noise(largeContent))
			for i := range 6 {
				r.server.Put("docs", fmt.Sprintf("sound%d", i), sound)
			}
			r.server.SetFaults(func(q emulator.Request) emulator.Fault {
				if q.Op == emulator.OpGet {
					return emulator.Fault{BytesPerSecond: 4 << 20}
				}
				return emulator.Fault{}
			})
			require.NoError(t, r.build())
			require.NoError(t, r.input.Connect(t.Context()))
			for range 500 {
				_, ack, err := r.input.ReadBatch(t.Context())
				require.NoError(t, err)
				require.NoError(t, ack(t.Context(), nil))
			}
			require.NoError(t, r.input.Close(context.Background()))
			_, _, err := r.input.ReadBatch(t.Context())
			require.Error(t, err)
		})
	}
}
