package conformance

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func TestListingShowsWhatWasStored(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		body := []byte("hello world")
		before := time.Now()
		tg.store(t, object{key: prefix + "hello.txt", body: body})

		l := tg.page(t, nil, "prefix", prefix, "fetch-owner", "true")
		require.Len(t, l.Contents, 1)
		o := l.Contents[0]
		sum := md5.Sum(body)
		require.Equal(t, prefix+"hello.txt", o.Key)
		require.Equal(t, `"`+hex.EncodeToString(sum[:])+`"`, o.ETag, "quoted, and the MD5 of a single upload")
		require.EqualValues(t, len(body), o.Size)
		require.Equal(t, "STANDARD", o.StorageClass)
		require.Nil(t, o.Owner, "no owner, even when one is asked for")
		require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`, o.LastModified, "ISO 8601 in UTC, with milliseconds")
		modified, err := time.Parse(time.RFC3339, o.LastModified)
		require.NoError(t, err)
		require.WithinDuration(t, before, modified, 10*time.Minute)

		require.Equal(t, prefix, l.Prefix)
		require.False(t, l.IsTruncated)
		require.Equal(t, 1000, l.MaxKeys)
		require.Nil(t, l.EncodingType)
		require.Empty(t, l.CommonPrefixes)
	})
}

func TestListingIsInByteOrderWhateverTheKeys(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		keys := tg.hostileKeys(prefix)
		tg.storeKeys(t, keys...)
		require.Empty(t, cmp.Diff(keys, tg.allKeys(t, nil, prefix, 1000)))
	})
}

func TestPagesOfEverySizeTogetherAreTheListing(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		keys := tg.hostileKeys(prefix)
		tg.storeKeys(t, keys...)
		for _, size := range []int{1, 2, 7, len(keys) - 1, len(keys), len(keys) + 1} {
			require.Empty(t, cmp.Diff(keys, tg.allKeys(t, nil, prefix, size)), "pages of %d", size)
		}
	})
}

func TestPageHoldsAtMostAThousandKeys(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		keys := make([]string, 1003)
		for i := range keys {
			keys[i] = fmt.Sprintf("%s%04d", prefix, i)
		}
		tg.storeKeys(t, keys...)

		sizes := []string{"5000", "1001", "1000"}
		if tg.plane == overS3 {
			sizes = append(sizes, "0") // REST refuses it
		}
		for _, maxKeys := range sizes {
			l := tg.page(t, nil, "prefix", prefix, "max-keys", maxKeys)
			require.Equal(t, keys[:1000], l.keys(), "max-keys=%s", maxKeys)
			require.Equal(t, 1000, l.MaxKeys, "max-keys=%s", maxKeys)
			require.True(t, l.IsTruncated)
		}
		require.Equal(t, keys, tg.allKeys(t, nil, prefix, 5000))
	})
}

func TestInvalidMaxKeysIsRefused(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		sizes := []string{"-1", "abc"}
		if tg.plane == overREST {
			sizes = append(sizes, "0") // over S3 it is a thousand
		}
		for _, maxKeys := range sizes {
			tg.requireFailure(t, tg.ask(t, nil, "max-keys", maxKeys), http.StatusBadRequest, "InvalidRequest")
		}
	})
}

func TestStartAfterIsExclusiveAndNeedsNoSuchKey(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		keys := tg.hostileKeys(prefix)
		tg.storeKeys(t, keys...)
		after := func(position string) []string {
			return slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return k <= position })
		}
		positions := []string{
			prefix, prefix + "name/f.tx", prefix + "name/f.txt/zzz", prefix + "name/~", prefix + "name/\U0010FFFF", "~",
			strings.TrimSuffix(prefix, "/"), prefix + "name/a%c", prefix + "name/" + strings.Repeat("f", 2000),
		}
		for _, position := range append(positions, keys...) {
			l := tg.page(t, nil, "prefix", prefix, "start-after", position)
			require.Empty(t, cmp.Diff(after(position), l.keys()), "start-after %q", position)
			require.Nil(t, l.StartAfter, "start-after is not echoed")
		}
	})
}

// A client that lists a bucket in parts has to make up start positions, and not
// every string of bytes is valid.
func TestPositionMustBeText(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		tg.storeKeys(t, prefix+"x")
		for _, parameter := range []string{"start-after", "prefix"} {
			for _, bytes := range []string{"\xff", "\xed\xa0\x80", "a\xc3"} {
				if tg.plane == overREST {
					continue // JSON cannot say it
				}
				tg.requireFailure(t, tg.ask(t, nil, parameter, prefix+bytes), http.StatusForbidden, "SignatureDoesNotMatch")
			}
			f := tg.requireFailure(t, tg.ask(t, nil, parameter, prefix+"\x00"), http.StatusInternalServerError, "DatabaseError")
			require.Contains(t, f.Message, "22021")
		}
		for _, position := range []string{"\x01", "\n", "\x7f", "\u00fc", "\ufffd", "\U0010ffff"} {
			if position == "\n" && tg.plane == overREST {
				continue // a cursor consists of lines
			}
			require.Equal(t, position < "x", len(tg.page(t, nil, "prefix", prefix, "start-after", prefix+position).Contents) == 1, "%q", position)
		}
	})
}

func TestListingIsJSONWhereTheClientAsksForIt(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		tg.only(t, overS3, "REST answers with JSON always")
		for _, bucket := range []string{tg.bucket, runName()} {
			res := tg.send(t, request{
				method: http.MethodGet, bucket: bucket,
				query:  url.Values{"list-type": {"2"}, "prefix": {tg.prefix()}},
				header: http.Header{"Accept": {"application/json"}},
			})
			require.Contains(t, res.header.Get("Content-Type"), "application/json")
			require.True(t, json.Valid(res.body), "%s", res.body)
		}
	})
}

func TestStartAfterGoesOnOverPages(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		keys := []string{prefix + "a", prefix + "b", prefix + "c", prefix + "d", prefix + "e"}
		tg.storeKeys(t, keys...)
		first := tg.page(t, nil, "prefix", prefix, "start-after", keys[0], "max-keys", "2")
		require.Equal(t, keys[1:3], first.keys())
		// clients send the start again along with the token: the token wins
		second := tg.page(t, nil, "prefix", prefix, "start-after", keys[0], "max-keys", "2", "continuation-token", first.NextContinuationToken)
		require.Equal(t, keys[3:5], second.keys())
		if tg.plane == overS3 {
			require.Equal(t, first.NextContinuationToken, second.ContinuationToken)
		}
		require.False(t, second.IsTruncated)
	})
}

func TestTokenIsAPositionAndCanBeUsedAgain(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		keys := []string{prefix + "a", prefix + "b", prefix + "c", prefix + "d", prefix + "e"}
		tg.storeKeys(t, keys...)
		first := tg.page(t, nil, "prefix", prefix, "max-keys", "2")
		for range 2 {
			l := tg.page(t, nil, "prefix", prefix, "continuation-token", first.NextContinuationToken)
			require.Equal(t, keys[2:], l.keys())
		}

		// if the key at the position vanishes, new keys before it are missed and new
		// keys after it are seen
		require.NoError(t, tg.remove(t.Context(), keys[1]))
		tg.storeKeys(t, prefix+"aa", prefix+"cc")
		l := tg.page(t, nil, "prefix", prefix, "continuation-token", first.NextContinuationToken)
		require.Equal(t, []string{prefix + "c", prefix + "cc", prefix + "d", prefix + "e"}, l.keys())
	})
}

func TestInvalidTokenIsRefused(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		for _, token := range []string{"garbage", "!"} {
			tg.requireFailure(t, tg.ask(t, nil, "continuation-token", token), http.StatusBadRequest, "InvalidParameter")
		}
	})
}

func TestPrefixIsLiteralAndCaseSensitive(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		names := []string{"A_c", "a*c", "a.c", "a_c", "a_c/d", "a_cd", "abc", "f.txt", "f.txt.bak", "f.txt/in", "q?x=1&y", "sp ace", "pl+us"}
		keys := make([]string, len(names))
		for i, name := range names {
			keys[i] = prefix + name
		}
		tg.storeKeys(t, keys...)
		for asked, want := range map[string][]string{
			"":        names,
			"a_":      {"a_c", "a_c/d", "a_cd"},
			"a_c/":    {"a_c/d"},
			"a*":      {"a*c"},
			"a.":      {"a.c"},
			"a%":      {},
			"%":       {},
			`a\`:      {},
			"A":       {"A_c"},
			"f.txt":   {"f.txt", "f.txt.bak", "f.txt/in"},
			"f.txt/":  {"f.txt/in"},
			"q?x=1&":  {"q?x=1&y"},
			"sp a":    {"sp ace"},
			"pl+":     {"pl+us"},
			"pl u":    {},
			"nothing": {},
		} {
			full := []string{}
			for _, name := range want {
				full = append(full, prefix+name)
			}
			slices.Sort(full)
			l := tg.page(t, nil, "prefix", prefix+asked)
			require.Equal(t, full, l.keys(), "prefix %q", asked)
			require.Equal(t, prefix+asked, l.Prefix)
		}
	})
}

func TestListingsAgreeWithAModelWhateverIsAsked(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		keys := tg.hostileKeys(prefix)
		tg.storeKeys(t, keys...)
		random := rand.New(rand.NewPCG(1, 2))
		// a key, or the beginning of one
		some := func() string {
			key := keys[random.IntN(len(keys))]
			return key[:len(prefix)+random.IntN(len(key)-len(prefix)+1)]
		}
		for range 150 {
			asked, after, maxKeys := some(), some(), 1+random.IntN(20)
			matching := slices.DeleteFunc(slices.Clone(keys), func(k string) bool {
				return !strings.HasPrefix(k, asked) || k <= after
			})
			l := tg.page(t, nil, "prefix", asked, "start-after", after, "max-keys", strconv.Itoa(maxKeys))
			require.Empty(t, cmp.Diff(matching[:min(maxKeys, len(matching))], l.keys()), "prefix %q, start-after %q", asked, after)
			require.Equal(t, len(matching) > maxKeys, l.IsTruncated)
			if l.IsTruncated {
				rest := tg.page(t, nil, "prefix", asked, "continuation-token", l.NextContinuationToken)
				require.Empty(t, cmp.Diff(matching[maxKeys:], rest.keys()), "prefix %q, start-after %q", asked, after)
			}
		}
	})
}

func TestListingOfAMissingBucketIsNoSuchBucketOrEmpty(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		for name, as := range map[string]credentials{"access key": tg.key, "service role": tg.serviceRole, "user": tg.user} {
			res := tg.send(t, request{method: http.MethodGet, bucket: runName(), query: map[string][]string{"list-type": {"2"}}, as: &as})
			if tg.plane == overREST {
				require.Equal(t, http.StatusOK, res.status, "%s: %s", name, res.body)
				require.Empty(t, restListing(t, tg, res, "").Contents, "it looks empty to everybody")
				continue
			}
			f := tg.requireFailure(t, res, http.StatusNotFound, "NoSuchBucket")
			require.Equal(t, "Bucket not found", f.Message, name)
		}
	})
}

func TestHeadOfABucketTellsItsRegion(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		tg.only(t, overS3, "REST has no region")
		res := tg.send(t, request{method: http.MethodHead})
		require.Equal(t, http.StatusOK, res.status)
		require.Equal(t, tg.region, res.header.Get("X-Amz-Bucket-Region"))
		require.Equal(t, http.StatusNotFound, tg.send(t, request{method: http.MethodHead, bucket: runName()}).status)
	})
}
