package endpoint

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

const object0 = "/" + Bucket + "/objects/000000000.bin"

func TestAnObjectIsItsETagsContent(t *testing.T) {
	for _, size := range []int64{0, 1, 1024, together, together + 1, 3*blockBytes + 7} {
		s := start(t, Options{Objects: 1, Size: size})
		a := ask(t, s, http.MethodGet, object0)
		sum := md5.Sum([]byte(a.body))
		require.Equal(t, http.StatusOK, a.StatusCode)
		require.Equal(t, size, a.ContentLength)
		require.Equal(t, `"`+hex.EncodeToString(sum[:])+`"`, a.Header.Get("Etag"))
		stats := statsOf(t, s)
		require.Equal(t, 1, stats.Served)
		require.Equal(t, size, stats.Bytes)

		head := ask(t, s, http.MethodHead, object0)
		require.Equal(t, size, head.ContentLength)
		require.Equal(t, a.Header.Get("Etag"), head.Header.Get("Etag"))
	}
}

func TestARangeIsThatPartOfTheObject(t *testing.T) {
	const size = 2*blockBytes + 100
	s := start(t, Options{Objects: 1, Size: size})
	whole := ask(t, s, http.MethodGet, object0).body
	for header, want := range map[string][2]int64{
		"bytes=0-0":             {0, 1},
		"bytes=5-99":            {5, 100},
		"bytes=1048570-1048590": {1048570, 1048591},
		"bytes=2097152-":        {2097152, size},
		"bytes=0-99999999":      {0, size},
		"bytes=-50":             {size - 50, size},
	} {
		a := ask(t, s, http.MethodGet, object0, "Range", header)
		require.Equal(t, http.StatusPartialContent, a.StatusCode, header)
		require.Equal(t, fmt.Sprintf("bytes %d-%d/%d", want[0], want[1]-1, size), a.Header.Get("Content-Range"))
		sameBytes(t, whole[want[0]:want[1]], a.body)
	}
	for _, header := range []string{"bytes=2097252-", "bytes=9-5", "bytes=-0", "bytes=x-1"} {
		require.Equal(t, http.StatusRequestedRangeNotSatisfiable, ask(t, s, http.MethodGet, object0, "Range", header).StatusCode, header)
	}
}

func TestRangesAddUpToAnObjectAndRepeatsAreCounted(t *testing.T) {
	s := start(t, Options{Objects: 2, Size: 100})
	for _, header := range []string{"bytes=0-49", "bytes=0-49", "bytes=50-99"} {
		ask(t, s, http.MethodGet, object0, "Range", header)
	}
	stats := statsOf(t, s)
	require.Equal(t, 3, stats.Gets)
	require.Equal(t, 1, stats.Repeated)
	require.Equal(t, 1, stats.Served)
	require.Equal(t, int64(150), stats.Bytes)

	ask(t, s, http.MethodDelete, "/stats")
	ask(t, s, http.MethodGet, object0)
	stats = statsOf(t, s)
	require.Equal(t, 1, stats.Gets)
	require.Equal(t, 0, stats.Repeated)
}

func TestWhatDoesNotExistIsRefused(t *testing.T) {
	s := start(t, Options{Objects: 1, Size: 1})
	for path, code := range map[string]string{
		"/" + Bucket + "/objects/000000001.bin": "NoSuchKey",
		"/other/objects/000000000.bin":          "NoSuchBucket",
	} {
		a := ask(t, s, http.MethodGet, path)
		require.Equal(t, http.StatusNotFound, a.StatusCode)
		require.Contains(t, a.body, "<Code>"+code+"</Code>")
	}
	require.Equal(t, http.StatusNotImplemented, ask(t, s, http.MethodPut, object0).StatusCode)
	require.Equal(t, http.StatusOK, ask(t, s, http.MethodHead, "/"+Bucket).StatusCode)
	require.Contains(t, ask(t, s, http.MethodGet, "/"+Bucket+"?location").body, "LocationConstraint")
	require.Equal(t, 3, statsOf(t, s).Refused)
}
