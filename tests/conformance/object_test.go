package conformance

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

const (
	emptyETag = `"d41d8cd98f00b204e9800998ecf8427e"`
	helloETag = `"5eb63bbbe01eeed093cb22bb8f5acdc3"`
)

// invalidRange are the codes for a range that cannot be served: the server's own
// code, and its code for every error of an S3 store behind it.
var invalidRange = []string{"InvalidRange", "S3Error"}

// userMetadata is what a GET or HEAD shows of the metadata of [hello]: REST shows none.
func (tg *target) userMetadata() string {
	if tg.plane == overREST {
		return ""
	}
	return "bar"
}

// requireNoRange requires the refusal of a range that cannot be served. Over REST a
// store behind the server decides: it fails, or ignores what is no single range.
func (tg *target) requireNoRange(t *testing.T, res *response, asked string) {
	t.Helper()
	if tg.plane == overREST && !tg.local {
		switch {
		case res.status == http.StatusInternalServerError:
			tg.requireFailure(t, res, http.StatusInternalServerError, "InternalError")
			return
		case res.status == http.StatusOK && strings.Contains(asked, ","):
			require.Equal(t, "hello world", string(res.body))
			return
		}
	}
	tg.requireFailure(t, res, http.StatusRequestedRangeNotSatisfiable, invalidRange...)
}

// hello stores "hello world" and returns its key.
func hello(t *testing.T, tg *target) string {
	t.Helper()
	key := tg.prefix() + "hello.txt"
	tg.store(t, object{key: key, body: []byte("hello world"), contentType: "text/plain", meta: map[string]string{"Foo": "bar"}})
	return key
}

func TestObjectIsReadWithItsHeaders(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		key := hello(t, tg)
		res := tg.get(t, key)
		require.Equal(t, http.StatusOK, res.status)
		require.Equal(t, "hello world", string(res.body))
		head := tg.send(t, request{method: http.MethodHead, key: key})
		require.Equal(t, http.StatusOK, head.status)
		require.Empty(t, head.body)
		for _, r := range []*response{res, head} {
			require.EqualValues(t, 11, r.length)
			require.Equal(t, "text/plain", r.header.Get("Content-Type"))
			require.Equal(t, "no-cache", r.header.Get("Cache-Control"), "the default of an upload that sets none")
			require.Equal(t, helloETag, r.header.Get("Etag"))
			require.Equal(t, tg.userMetadata(), r.header.Get("X-Amz-Meta-Foo"))
			require.Empty(t, r.header.Get("Content-Encoding"))
			modified, err := time.Parse(http.TimeFormat, r.header.Get("Last-Modified"))
			require.NoError(t, err)
			require.WithinDuration(t, time.Now(), modified, 10*time.Minute)
		}
		require.Empty(t, res.header.Get("Content-Range"))
	})
}

func TestCacheControlOfTheUploadIsKept(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		key := tg.prefix() + "cached.css"
		tg.removeAtEnd(t, key)
		res := tg.send(t, request{method: http.MethodPut, key: key, body: []byte("x"), header: http.Header{
			"Content-Type": {"text/css; charset=utf-8"}, "Cache-Control": {"max-age=3600"},
		}})
		require.Equal(t, http.StatusOK, res.status, "%s", res.body)
		res = tg.get(t, key)
		require.Equal(t, "max-age=3600", res.header.Get("Cache-Control"))
		require.Equal(t, "text/css; charset=utf-8", res.header.Get("Content-Type"))
	})
}

func TestRangeIsPartOfTheObjectAndNamesTheWhole(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		key := hello(t, tg)
		for asked, want := range map[string]struct{ body, contentRange string }{
			"bytes=0-4":   {"hello", "bytes 0-4/11"},
			"bytes=0-0":   {"h", "bytes 0-0/11"},
			"bytes=6-":    {"world", "bytes 6-10/11"},
			"bytes=10-":   {"d", "bytes 10-10/11"},
			"bytes=0-":    {"hello world", "bytes 0-10/11"},
			"bytes=-5":    {"world", "bytes 6-10/11"},
			"bytes=5-500": {" world", "bytes 5-10/11"},
		} {
			res := tg.get(t, key, "Range", asked)
			require.Equal(t, http.StatusPartialContent, res.status, asked)
			require.Equal(t, want.body, string(res.body), asked)
			require.Equal(t, want.contentRange, res.header.Get("Content-Range"), asked)
			require.EqualValues(t, len(want.body), res.length, asked)
			require.Equal(t, helloETag, res.header.Get("Etag"), "the ETag is that of the whole object")
			require.Equal(t, "text/plain", res.header.Get("Content-Type"))
			require.Equal(t, tg.userMetadata(), res.header.Get("X-Amz-Meta-Foo"))
		}
	})
}

func TestRangeThatCannotBeServedIsInvalidRange(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		key := hello(t, tg)
		for _, asked := range []string{"bytes=11-", "bytes=100-200", "bytes=0-1,4-5"} {
			tg.requireNoRange(t, tg.get(t, key, "Range", asked), asked)
		}
	})
}

func TestEmptyObjectIsReadWholeAndHasNoRange(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		key := tg.prefix() + "empty"
		tg.store(t, object{key: key})
		res := tg.get(t, key)
		require.Equal(t, http.StatusOK, res.status)
		require.Zero(t, res.length)
		require.Empty(t, res.body)
		require.Equal(t, emptyETag, res.header.Get("Etag"))
		for _, asked := range []string{"bytes=0-", "bytes=0-0", "bytes=0-1023", "bytes=-1"} {
			tg.requireNoRange(t, tg.get(t, key, "Range", asked), asked)
		}
		l := tg.page(t, nil, "prefix", key)
		require.Equal(t, []string{key}, l.keys())
		require.Zero(t, l.Contents[0].Size)
		require.Equal(t, emptyETag, l.Contents[0].ETag)
	})
}

func TestConditionsThatWouldGuardAReadAreIgnored(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		key := hello(t, tg)
		other := `"00000000000000000000000000000000"`
		for _, header := range [][]string{
			{"If-Match", helloETag},
			{"If-Match", other},
			{"If-Unmodified-Since", "Sat, 01 Jan 2000 00:00:00 GMT"},
		} {
			res := tg.get(t, key, header...)
			require.Equal(t, http.StatusOK, res.status, "%v", header)
			require.Equal(t, "hello world", string(res.body))
		}
		res := tg.get(t, key, "If-Match", other, "Range", "bytes=6-")
		require.Equal(t, http.StatusPartialContent, res.status, "a range is no protection either")
		require.Equal(t, helloETag, res.header.Get("Etag"))
	})
}

func TestUnchangedObjectIsNotSentAgain(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		key := hello(t, tg)
		for _, header := range [][]string{
			{"If-None-Match", helloETag},
			{"If-Modified-Since", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)},
		} {
			res := tg.get(t, key, header...)
			require.Equal(t, http.StatusNotModified, res.status, "%v", header)
			require.Empty(t, res.body)
		}
		require.Equal(t, http.StatusOK, tg.get(t, key, "If-None-Match", emptyETag).status)
	})
}

func TestHeadIgnoresConditions(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		key := hello(t, tg)
		for name, value := range map[string]string{
			"If-None-Match":     helloETag,
			"If-Modified-Since": time.Now().Add(time.Hour).UTC().Format(http.TimeFormat),
			"If-Match":          emptyETag,
		} {
			res := tg.send(t, request{method: http.MethodHead, key: key, header: http.Header{name: {value}}})
			require.Equal(t, http.StatusOK, res.status, name)
			require.EqualValues(t, 11, res.length)
		}
	})
}

func TestMissingObjectIsNoSuchKey(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		key := tg.prefix() + "nope.txt"
		f := tg.requireFailure(t, tg.get(t, key), http.StatusNotFound, "NoSuchKey")
		require.Equal(t, "Object not found", f.Message)
		if tg.plane == overS3 {
			require.Equal(t, tg.bucket+"/"+key, f.Resource)
		}
		tg.requireFailure(t, tg.get(t, key, "Range", "bytes=5-"), http.StatusNotFound, "NoSuchKey")

		head := tg.send(t, request{method: http.MethodHead, key: key})
		require.Equal(t, tg.status(http.StatusNotFound), head.status)
		require.Empty(t, head.body)

		// over S3 a bucket that is missing shows only in a listing, over REST only here
		code := "NoSuchKey"
		if tg.plane == overREST {
			code = "NoSuchBucket"
		}
		res := tg.send(t, request{method: http.MethodGet, bucket: runName(), key: key})
		tg.requireFailure(t, res, http.StatusNotFound, code)
	})
}

func TestOverwriteIsANewETagAndTheSameBytesTheSame(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		key := tg.prefix() + "over"
		version := func(body string) listed {
			tg.store(t, object{key: key, body: []byte(body)})
			l := tg.page(t, nil, "prefix", key)
			require.Len(t, l.Contents, 1)
			require.EqualValues(t, len(body), l.Contents[0].Size)
			res := tg.get(t, key)
			require.Equal(t, body, string(res.body))
			require.Equal(t, l.Contents[0].ETag, res.header.Get("Etag"))
			return l.Contents[0]
		}
		first, again := version("one"), version("one")
		// times have milliseconds, and two uploads may happen in the same one
		for i := 0; i < 100 && again.LastModified == first.LastModified; i++ {
			again = version("one")
		}
		require.Equal(t, first.ETag, again.ETag)
		require.Less(t, first.LastModified, again.LastModified, "an upload of the same bytes moves the time")
		require.NotEqual(t, first.ETag, version("two").ETag)
	})
}

func TestDeleteRemovesAnObjectAndAcceptsAMissingOne(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		key := hello(t, tg)
		for i := range 2 {
			res := tg.send(t, request{method: http.MethodDelete, key: key})
			if tg.plane == overREST {
				requireDeleted(t, res, []string{key}[i:]...)
				continue
			}
			require.Equal(t, http.StatusNoContent, res.status, "%s", res.body)
		}
		tg.requireFailure(t, tg.get(t, key), http.StatusNotFound, "NoSuchKey")
		require.Empty(t, tg.allKeys(t, nil, key, 10))
	})
}

func TestDeleteDoesNotLookAtTheKey(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		names := []string{"a#b", "%41", "\u00fc"}
		if tg.gateway != emulator.GatewayEnvoy {
			names = append(names, `a\b`) // which that gateway refuses itself
		}
		for _, name := range names {
			res := tg.send(t, request{method: http.MethodDelete, key: prefix + name})
			if tg.plane == overREST {
				requireDeleted(t, res)
				continue
			}
			require.Equal(t, http.StatusNoContent, res.status, "%q: %s", name, res.body)
		}
	})
}

func TestLargeObjectIsTheSumOfItsRanges(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		key := tg.prefix() + "large.bin"
		body := make([]byte, 3<<20+17)
		for i := range body {
			body[i] = byte(i * i >> 7)
		}
		tg.store(t, object{key: key, body: body})
		require.True(t, bytes.Equal(body, tg.get(t, key).body))
		const part = 1 << 20
		var got []byte
		for from := 0; from < len(body); from += part {
			res := tg.get(t, key, "Range", fmt.Sprintf("bytes=%d-%d", from, from+part-1))
			require.Equal(t, http.StatusPartialContent, res.status)
			require.Equal(t, fmt.Sprintf("bytes %d-%d/%d", from, min(from+part, len(body))-1, len(body)), res.header.Get("Content-Range"))
			got = append(got, res.body...)
		}
		require.True(t, bytes.Equal(body, got))
	})
}
