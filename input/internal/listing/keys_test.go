package listing

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestRequestForABoundStartsRightBeforeIt(t *testing.T) {
	for bound, after := range map[string]string{
		"img_4.jpg\x00": "img_4.jpg",
		"img_4.jpg":     "img_4.jpf\U0010FFFF",
		"img_!":         "img_ \U0010FFFF",
		"img_ ":         "img_",
		"a\x01":         "a",
		"a":             "`\U0010FFFF",
		"фото/я":        "фото/ю\U0010FFFF",
		"x\u0080":       "x~\U0010FFFF",
		"x\uE000":       "x\uD7FF\U0010FFFF",
		"x\xFF":         "x",
	} {
		require.Equal(t, after, startAfter(bound), "%q", bound)
	}
}

func TestPrefixEndsWhereItsLastByteIsOneMore(t *testing.T) {
	require.Equal(t, "photos0", afterPrefix("photos/"))
	require.Equal(t, "b", afterPrefix("a\xFF\xFF"))
	require.Empty(t, afterPrefix(""))
	require.Empty(t, afterPrefix("\xFF"))
}

func TestSplitKeyIsTextWhateverTheByte(t *testing.T) {
	require.Equal(t, "a/b", compose("a/", 'b'))
	require.Equal(t, "\u0440", compose("", 0xD1), "completed by the least byte that can follow")
	require.Equal(t, "\u0451", compose("\xD1", 0x91))
	for b := range 0x100 {
		key := compose("a/", byte(b))
		require.True(t, utf8.ValidString(key), "%q", key)
		require.True(t, key == "" || strings.HasPrefix(key, "a/"+string([]byte{byte(b)})))
		require.Equal(t, b < ' ' || b == 0x7F || 0x80 <= b && b < 0xC2 || b > 0xF4, key == "", "%#x", b)
	}
}

func FuzzStartAfter(f *testing.F) {
	for _, bound := range []string{"a", "a\x00", "a\xFF", "\u0800", "\x01", "~", "\x7F", "a\uFFFD"} {
		f.Add(bound, bound+"b")
	}
	f.Fuzz(func(t *testing.T, bound, key string) {
		if bound == "" {
			return
		}
		after := startAfter(bound)
		require.Less(t, after, bound)
		require.True(t, key < bound || key > after, "no key right of the bound is left out")
		if sendable(bound) {
			require.True(t, utf8.ValidString(after))
		}
	})
}
