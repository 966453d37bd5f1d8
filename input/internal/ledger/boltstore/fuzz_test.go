package boltstore_test

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/boltstore"
)

// FuzzVerify changes some bytes of a good file, with checksums that agree, and
// looks through it: no panic, whatever the pages say.
func FuzzVerify(f *testing.F) {
	path := filepath.Join(f.TempDir(), "state.db")
	s, err := boltstore.Open(path)
	require.NoError(f, err)
	history(f, s, rand.New(rand.NewPCG(7, 7)), 12, func() {})
	require.NoError(f, s.Close())
	good, err := os.ReadFile(path)
	require.NoError(f, err)
	f.Add(uint32(0), []byte{}, uint32(len(good)))
	f.Add(uint32(os.Getpagesize()+16+40), []byte{0xff, 0xff, 0xff, 0xff, 0xff}, uint32(len(good)))
	f.Add(uint32(2*os.Getpagesize()+8), []byte{2, 0, 0xff, 0xff, 0xff, 0xff}, uint32(len(good)))
	f.Fuzz(func(t *testing.T, at uint32, change []byte, size uint32) {
		b := append([]byte(nil), good[:min(int(size), len(good))]...)
		if int(at) < len(b) {
			copy(b[at:], change)
		}
		for _, header := range []int{0, os.Getpagesize()} {
			if meta := header + 16; len(b) >= meta+64 {
				sum := fnv.New64a()
				_, _ = sum.Write(b[meta : meta+56])
				binary.NativeEndian.PutUint64(b[meta+56:], sum.Sum64())
			}
		}
		_ = boltstore.VerifyBytes(b)
	})
}
