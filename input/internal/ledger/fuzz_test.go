package ledger

import (
	"encoding/binary"
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
	for _, body := range unwritable(c) {
		f.Add(body)
	}
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

// unwritable are bodies that no ledger writes: a journal record whose object was
// parked in one version and "delivered" in none but with a time, and a manifest
// that says two things of one entry. Both were read, and written as something
// that could not be read again.
func unwritable(c *codec) map[string][]byte {
	p := parking{id: identity{fingerprint: 1}, next: contractNoon, first: contractNoon}
	rec := appendTime(nil, contractNoon)
	rec = binary.AppendUvarint(rec, 1)
	rec = appendFront(rec, "", "key")
	rec = append(rec, byte(opParked))
	rec = binary.AppendUvarint(rec, flagTracked|flagTouch|flagParked)
	rec = binary.AppendVarint(rec, contractNoon.UnixMilli())
	rec = p.append(rec)

	w := keyWriter{shapes: map[string]uint64{}}
	w.add("key")
	var extras []byte
	for _, flags := range []uint64{flagTracked | flagTouch, 0} {
		extras = binary.AppendUvarint(extras, 0)
		extras = binary.AppendUvarint(extras, flags)
		if flags != 0 {
			extras = binary.AppendVarint(extras, contractNoon.UnixMilli())
		}
	}
	manifest := binary.AppendUvarint(nil, 1)
	manifest = appendBytes(manifest, c.pack(w.text()))
	manifest = appendBytes(manifest, c.pack(w.digits))
	manifest = binary.LittleEndian.AppendUint64(manifest, 7)
	manifest = appendBytes(manifest, c.pack(extras))
	return map[string][]byte{"journal record": rec, "manifest": manifest}
}

func TestValuesThatNoLedgerWritesAreRefused(t *testing.T) {
	c, err := newCodec()
	require.NoError(t, err)
	bodies := unwritable(c)
	_, err = decodeRecord(c, c.pack(bodies["journal record"]))
	require.Error(t, err)
	_, err = decodeManifest(c, bodies["manifest"])
	require.Error(t, err)
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
