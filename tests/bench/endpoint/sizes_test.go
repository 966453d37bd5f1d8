package endpoint

import (
	"crypto/md5"
	"encoding/hex"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMixedSizesSpreadEvenlyOnALogarithmicScale(t *testing.T) {
	const n, least, most = 1000, 1 << 10, 64 << 20
	z, again := newSizes(n, least, most), newSizes(n, least, most)
	require.Equal(t, z.of, again.of, "they are the same in every run")
	tenths, firstHalf := [10]int{}, 0
	for i := range n {
		require.GreaterOrEqual(t, z.size(i), int64(least))
		require.LessOrEqual(t, z.size(i), int64(most))
		along := math.Log(float64(z.size(i))/least) / math.Log(most/least)
		tenths[int(along*10)]++
		if along < 0.5 && i < n/2 {
			firstHalf++
		}
	}
	for i, count := range tenths {
		require.InDelta(t, n/10, count, 2, "tenth %d", i)
	}
	require.InDelta(t, n/4, firstHalf, n/20, "small ones are not together")
}

func TestAMixedObjectIsListedAndSentWithItsOwnSizeAndETag(t *testing.T) {
	o := Options{Objects: 20, Size: 1 << 10, MaxSize: 3 << 20}
	s := start(t, o)
	page, sum := ask(t, s, http.MethodGet, "/"+Bucket+"?list-type=2").body, int64(0)
	for i := range o.Objects {
		a := ask(t, s, http.MethodGet, "/"+Bucket+"/"+s.keys.key(i))
		sum += int64(len(a.body))
		digest := md5.Sum([]byte(a.body))
		require.Equal(t, `"`+hex.EncodeToString(digest[:])+`"`, a.Header.Get("ETag"))
		_, listed, _ := strings.Cut(page, s.keys.key(i))
		listed, _, _ = strings.Cut(listed, "</Contents>")
		require.Contains(t, listed, hex.EncodeToString(digest[:]))
		require.Contains(t, listed, "<Size>"+strconv.Itoa(len(a.body))+"</Size>")
	}
	require.Equal(t, o.Total(), sum)
	require.Equal(t, o.Objects, statsOf(t, s).Served)
}

func TestEachBucketHasItsShareOfTheObjects(t *testing.T) {
	s := start(t, Options{Objects: 6, Size: 5, Buckets: 3})
	require.Equal(t, 3, strings.Count(ask(t, s, http.MethodGet, "/").body, "<Bucket>"))
	for i := range 3 {
		page := ask(t, s, http.MethodGet, "/"+BucketName(i, 3)+"?list-type=2").body
		require.Contains(t, page, "<Name>"+BucketName(i, 3)+"</Name>")
		require.Equal(t, 2, strings.Count(page, "<Contents>"))
		for object := range 2 {
			require.Len(t, ask(t, s, http.MethodGet, "/"+BucketName(i, 3)+"/"+s.keys.key(object)).body, 5)
		}
	}
	require.Equal(t, 6, statsOf(t, s).Listed)
	require.Equal(t, 6, statsOf(t, s).Served)
	for _, name := range []string{Bucket, BucketName(3, 4), Bucket + "-1", Bucket + "-x"} {
		require.Equal(t, http.StatusNotFound, ask(t, s, http.MethodGet, "/"+name+"?list-type=2").StatusCode, name)
	}
}
