package ledger

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// FuzzValues feeds anything to what reads values: it is an error or a value
// that reads the same after it is written again, and never a panic.
func FuzzValues(f *testing.F) {
	c, err := newCodec()
	require.NoError(f, err)
	f.Add([]byte{})
	f.Add(encodeManifest(c, contractEntries()))
	f.Add(encodeRecord(c, contractRecord()))
	f.Add(encodeIndex(c, contractIndex()))
	f.Add(seal(kindIndex, "k", []byte("body")))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = unseal(kindIndex, "k", b)
		// Bodies are packed: fuzz what is in them too.
		for _, body := range [][]byte{b, c.pack(b)} {
			if x, err := decodeIndex(c, body); err == nil {
				again, err := decodeIndex(c, encodeIndex(c, x))
				require.NoError(t, err)
				require.Empty(t, cmp.Diff(x, again, compareInternals))
			}
			if x, err := decodeRecord(c, body); err == nil {
				_, err := decodeRecord(c, encodeRecord(c, x))
				require.NoError(t, err)
			}
			if x, err := decodeManifest(c, body); err == nil {
				_, err := decodeManifest(c, encodeManifest(c, x))
				require.NoError(t, err)
			}
		}
		entries := make([]entry, min(len(b), 3))
		_ = decodeKeys(entries, b, b[len(b)/2:])
		_ = decodeExtras(entries, b)
	})
}

func TestValueThatAsksForTooMuchMemoryIsRefused(t *testing.T) {
	c, err := newCodec()
	require.NoError(t, err)
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 1}
	_, err = decodeManifest(c, huge)
	require.Error(t, err)
	_, err = decodeRecord(c, c.pack(append([]byte{0}, huge...)))
	require.Error(t, err)
	_, err = decodeIndex(c, c.pack(append([]byte{0, 1, 0, 0}, huge...)))
	require.Error(t, err)
	require.Error(t, decodeKeys(make([]entry, 1), []byte{1, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0}, nil))
}
