package input

import (
	"bytes"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

func TestObjectsOfAllSizesArriveWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		sizes := map[string]int{"empty": 0, "tiny": 1, "one request": 8 << 20, "parts": 8<<20 + 1, "many parts": 40 << 20}
		for key, size := range sizes {
			r.server.Put("docs", key, bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size])
		}
		r.run()
		got := r.contents()
		require.Len(t, got, len(sizes))
		for key, size := range sizes {
			require.Len(t, got[key], 1, key)
			want := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
			require.True(t, bytes.Equal(want, []byte(got[key][0])), "%s: %d bytes", key, len(got[key][0]))
		}
	})
}
