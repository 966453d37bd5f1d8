package object

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNumbersAreWrittenForPeople(t *testing.T) {
	for n, want := range map[int64]string{0: "0 objects", 1: "1 object", 2: "2 objects", -1: "-1 objects"} {
		require.Equal(t, want, Count(n))
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 3 << 19: "1.5 MiB", 5 << 30: "5.0 GiB", 1 << 50: "1024.0 TiB"} {
		require.Equal(t, want, Bytes(n))
	}
}
