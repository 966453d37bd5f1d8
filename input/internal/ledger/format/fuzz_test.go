package format

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func recordBody(rec Record) []byte { return pack(rec.append(nil)) }

func indexBody(x Index) []byte { return pack(x.append(nil)) }

// FuzzValues feeds anything to what reads values: it is an error or a value
// that reads the same after it is written again, and never a panic.
func FuzzValues(f *testing.F) {
	f.Add([]byte{})
	f.Add(manifest(contractEntries()))
	f.Add(recordBody(contractRecord()))
	f.Add(indexBody(contractIndex()))
	f.Add(pack([]byte("\x01\x00\x01e\x00\x01b\x00\x01r\x00\x01n\x02")))
	f.Add(seal(kindIndex, "k", []byte("body")))
	for _, body := range unwritable() {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = unseal(kindIndex, "k", b)
		// Bodies are packed: fuzz what is in them too.
		for _, body := range [][]byte{b, pack(b)} {
			if x, err := readIndex(body); err == nil {
				again, err := readIndex(indexBody(x))
				require.NoError(t, err)
				require.Empty(t, cmp.Diff(x, again))
			}
			if x, err := readRecord(body); err == nil {
				_, err := readRecord(recordBody(x))
				require.NoError(t, err)
			}
			if x, err := readBook(body); err == nil {
				again, err := DecodeBook("k", EncodeBook("k", x))
				require.NoError(t, err)
				require.Empty(t, cmp.Diff(x, again))
			}
			if x, err := readManifest(body); err == nil {
				_, err := readManifest(manifest(x))
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
func unwritable() map[string][]byte {
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
	manifest = appendBytes(manifest, pack(w.text()))
	manifest = appendBytes(manifest, pack(w.digits))
	manifest = binary.LittleEndian.AppendUint64(manifest, 7)
	manifest = appendBytes(manifest, pack(extras))
	return map[string][]byte{"journal record": rec, "manifest": manifest}
}

func TestValuesThatNoLedgerWritesAreRefused(t *testing.T) {
	bodies := unwritable()
	_, err := readRecord(pack(bodies["journal record"]))
	require.Error(t, err)
	_, err = readManifest(bodies["manifest"])
	require.Error(t, err)
}

func TestValueThatAsksForTooMuchMemoryIsRefused(t *testing.T) {
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 1}
	_, err := readManifest(huge)
	require.Error(t, err)
	_, err = readRecord(pack(append([]byte{0}, huge...)))
	require.Error(t, err)
	_, err = readIndex(pack(append([]byte{0, 1, 0, 0}, huge...)))
	require.Error(t, err)
	require.Error(t, decodeKeys(make([]Entry, 1), []byte{1, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0}, nil))
}
