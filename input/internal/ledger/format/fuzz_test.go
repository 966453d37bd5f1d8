package format

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func recordBody(c *Codec, rec Record) []byte { return c.pack(rec.append(nil)) }

func indexBody(c *Codec, x Index) []byte { return c.pack(x.append(nil)) }

// FuzzValues feeds anything to what reads values: it is an error or a value
// that reads the same after it is written again, and never a panic.
func FuzzValues(f *testing.F) {
	c, err := NewCodec()
	require.NoError(f, err)
	f.Add([]byte{})
	f.Add(c.manifest(contractEntries()))
	f.Add(recordBody(c, contractRecord()))
	f.Add(indexBody(c, contractIndex()))
	f.Add(seal(kindIndex, "k", []byte("body")))
	for _, body := range unwritable(c) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = unseal(kindIndex, "k", b)
		// Bodies are packed: fuzz what is in them too.
		for _, body := range [][]byte{b, c.pack(b)} {
			if x, err := c.readIndex(body); err == nil {
				again, err := c.readIndex(indexBody(c, x))
				require.NoError(t, err)
				require.Empty(t, cmp.Diff(x, again))
			}
			if x, err := c.readRecord(body); err == nil {
				_, err := c.readRecord(recordBody(c, x))
				require.NoError(t, err)
			}
			if x, err := c.readManifest(body); err == nil {
				_, err := c.readManifest(c.manifest(x))
				require.NoError(t, err)
			}
		}
		entries := make([]Entry, min(len(b), 3))
		_ = decodeKeys(entries, b, b[len(b)/2:])
		_ = decodeExtras(entries, b)
	})
}

// unwritable are bodies that no ledger writes: a journal record whose object was
// parked in one version and "delivered" in no version but with a time, and a
// manifest that says two things about one entry. Both were read, and written as something
// that could not be read again.
func unwritable(c *Codec) map[string][]byte {
	p := Parked{Version: Version{Fingerprint: 1}, Next: contractNoon, First: contractNoon}
	rec := appendTime(nil, contractNoon)
	rec = binary.AppendUvarint(rec, 1)
	rec = appendFront(rec, "", "key")
	rec = append(rec, byte(OpParked))
	rec = binary.AppendUvarint(rec, flagTracked|flagTimed|flagParked)
	rec = binary.AppendVarint(rec, contractNoon.UnixMilli())
	rec = p.append(rec)

	w := keyWriter{shapes: map[string]uint64{}}
	w.add("key")
	var extras []byte
	for _, flags := range []uint64{flagTracked | flagTimed, 0} {
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
	c, err := NewCodec()
	require.NoError(t, err)
	bodies := unwritable(c)
	_, err = c.readRecord(c.pack(bodies["journal record"]))
	require.Error(t, err)
	_, err = c.readManifest(bodies["manifest"])
	require.Error(t, err)
}

func TestValueThatAsksForTooMuchMemoryIsRefused(t *testing.T) {
	c, err := NewCodec()
	require.NoError(t, err)
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 1}
	_, err = c.readManifest(huge)
	require.Error(t, err)
	_, err = c.readRecord(c.pack(append([]byte{0}, huge...)))
	require.Error(t, err)
	_, err = c.readIndex(c.pack(append([]byte{0, 1, 0, 0}, huge...)))
	require.Error(t, err)
	require.Error(t, decodeKeys(make([]Entry, 1), []byte{1, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0}, nil))
}
