package conformance

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestEveryHostileKeyIsReadBackByteForByte(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		keys := tg.hostileKeys(prefix)
		tg.storeKeys(t, keys...)
		for _, key := range keys {
			res := tg.get(t, key)
			require.Equal(t, http.StatusOK, res.status, "%q: %s", key, res.body)
			require.Equal(t, key, string(res.body))
			head := tg.send(t, request{method: http.MethodHead, key: key})
			require.Equal(t, http.StatusOK, head.status, "%q", key)
			require.EqualValues(t, len(key), head.length, "%q", key)
		}
	})
}

func TestKeyMayStartWithASlash(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		tg.keepsSlashes(t)
		key := "/" + tg.prefix() + "leading.txt"
		double := "/" + key
		tg.storeKeys(t, key, double)
		require.Equal(t, []string{key}, tg.allKeys(t, nil, "/"+runName(), 10))
		require.Equal(t, []string{double}, tg.allKeys(t, nil, "//"+runName(), 10))
		for _, k := range []string{key, double} {
			res := tg.get(t, k)
			require.Equal(t, http.StatusOK, res.status, "%s", res.body)
			require.Equal(t, k, string(res.body))
		}
		tg.requireFailure(t, tg.get(t, strings.TrimLeft(key, "/")), http.StatusNotFound, "NoSuchKey")
	})
}

func TestKeyWithAForbiddenCharacterIsInvalid(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		for _, c := range []string{"#", "%", "~", "[", "]", "{", "}", "^", "\\", "|", "<", ">", `"`, "`", "\t", "\n", "\x7f", "\u00fc", "\u65e5", "\U0001F600", "e\u0301"} {
			if c == "\\" && tg.gateway == emulator.GatewayEnvoy {
				continue // this gateway refuses it itself
			}
			key := prefix + "x" + c + "y"
			tg.removeAtEnd(t, key)
			for _, method := range []string{http.MethodPut, http.MethodGet} {
				f := tg.requireFailure(t, tg.send(t, request{method: method, key: key}), http.StatusBadRequest, "InvalidKey")
				require.Equal(t, "Invalid key: "+key, f.Message)
			}
			require.Equal(t, http.StatusBadRequest, tg.send(t, request{method: http.MethodHead, key: key}).status)
		}
		require.Empty(t, tg.allKeys(t, nil, prefix, 1000))
	})
}

func TestFolderIsAZeroBytePlaceholder(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		tg.removeAtEnd(t, prefix+"made/.emptyFolderPlaceholder")
		require.NoError(t, tg.upload(t.Context(), object{key: prefix + "made/"}))
		tg.store(t, object{key: prefix + "studio/.emptyFolderPlaceholder"}, object{key: prefix + "studio/file", body: []byte("x")})

		l := tg.page(t, nil, "prefix", prefix)
		want := []string{prefix + "made/.emptyFolderPlaceholder", prefix + "studio/.emptyFolderPlaceholder", prefix + "studio/file"}
		require.Empty(t, cmp.Diff(want, l.keys()))
		require.Zero(t, l.Contents[0].Size)
		require.Zero(t, l.Contents[1].Size)
		res := tg.get(t, want[0])
		require.Equal(t, http.StatusOK, res.status)
		require.Empty(t, res.body)
		tg.requireFailure(t, tg.get(t, prefix+"made/"), http.StatusNotFound, "NoSuchKey")
	})
}

func TestOnlyTheEmptyObjectOfATrailingSlashIsAPlaceholder(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		tg.storeKeys(t, prefix+"full/")
		require.Equal(t, []string{prefix + "full/"}, tg.allKeys(t, nil, prefix, 10))
		require.Equal(t, prefix+"full/", string(tg.get(t, prefix+"full/").body))
	})
}
