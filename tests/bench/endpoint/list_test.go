package endpoint

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type listing struct {
	Contents []struct {
		Key  string
		ETag string
		Size int64
	}
	CommonPrefixes        []struct{ Prefix string }
	IsTruncated           bool
	NextContinuationToken string
	NextMarker            string
}

func list(t *testing.T, s *Server, query url.Values) (l listing) {
	t.Helper()
	a := ask(t, s, http.MethodGet, "/"+Bucket+"?"+query.Encode())
	require.Equal(t, http.StatusOK, a.StatusCode, a.body)
	require.NoError(t, xml.Unmarshal([]byte(a.body), &l))
	return l
}

func keysOf(l listing) (keys []string) {
	for _, o := range l.Contents {
		keys = append(keys, o.Key)
	}
	return keys
}

// allKeys are the keys of a bucket, made by its naming alone.
func allKeys(t *testing.T, shape Shape, n int) (keys []string) {
	t.Helper()
	naming, err := newNaming(shape, n)
	require.NoError(t, err)
	for i := range n {
		keys = append(keys, naming.key(i))
	}
	return keys
}

func TestKeysGoUpAndAreFoundAgain(t *testing.T) {
	for _, shape := range Shapes {
		for _, n := range []int{1, 7, 999, 1000, 20_011} {
			naming := naming{shape, n}
			keys := allKeys(t, shape, n)
			require.True(t, slices.IsSorted(keys), "%s %d", shape, n)
			for i, key := range keys {
				found, ok := naming.index(key)
				require.True(t, ok && found == i, "%s %d: %q", shape, n, key)
			}
			_, ok := naming.index("x" + keys[0])
			require.False(t, ok)
			_, ok = naming.index(strings.Replace(keys[0], "000000000", "999999999", 1))
			require.False(t, ok)
		}
	}
}

func TestPagesTogetherAreTheBucketHoweverTheyAreAskedFor(t *testing.T) {
	const n = 2500
	for _, shape := range Shapes {
		s := start(t, Options{Objects: n, Size: 5, Shape: shape})
		next := map[string]func(q url.Values, l listing){
			"token":       func(q url.Values, l listing) { q.Set("continuation-token", l.NextContinuationToken) },
			"start-after": func(q url.Values, l listing) { q.Set("start-after", l.Contents[len(l.Contents)-1].Key) },
			"marker": func(q url.Values, l listing) {
				q.Del("list-type")
				q.Set("marker", l.Contents[len(l.Contents)-1].Key)
			},
		}
		for name, follow := range next {
			var keys []string
			q := url.Values{"list-type": {"2"}, "max-keys": {"900"}}
			for {
				l := list(t, s, q)
				keys = append(keys, keysOf(l)...)
				if !l.IsTruncated {
					break
				}
				follow(q, l)
			}
			require.Equal(t, allKeys(t, shape, n), keys, "%s by %s", shape, name)
		}
		require.Equal(t, n, statsOf(t, s).Listed)
	}
}

func TestAPageIsAThousandKeysAtMost(t *testing.T) {
	s := start(t, Options{Objects: 1001, Size: 5})
	l := list(t, s, url.Values{"list-type": {"2"}, "max-keys": {"5000"}})
	require.Len(t, l.Contents, 1000)
	require.True(t, l.IsTruncated)
	require.Equal(t, int64(5), l.Contents[0].Size)
	require.Equal(t, `"`+ask(t, s, http.MethodHead, "/"+Bucket+"/"+l.Contents[0].Key).Header.Get("Etag")+`"`, `"`+l.Contents[0].ETag+`"`)
}

func TestAPrefixListsOnlyItsKeys(t *testing.T) {
	s := start(t, Options{Objects: 5000, Shape: Hot})
	prefix := "folder-0613/"
	var want []string
	for _, key := range allKeys(t, Hot, 5000) {
		if strings.HasPrefix(key, prefix) {
			want = append(want, key)
		}
	}
	var got []string
	for after := ""; ; {
		l := list(t, s, url.Values{"list-type": {"2"}, "prefix": {prefix}, "start-after": {after}})
		got = append(got, keysOf(l)...)
		if !l.IsTruncated {
			break
		}
		after = got[len(got)-1]
	}
	require.Greater(t, len(want), 4000)
	require.Equal(t, want, got)
	require.Empty(t, list(t, s, url.Values{"list-type": {"2"}, "prefix": {"zzz"}}).Contents)
}

func TestADelimiterFoldsFoldersAndPagesGoOnBehindThem(t *testing.T) {
	s := start(t, Options{Objects: 20_000, Shape: Hot})
	want := map[string]bool{}
	for _, key := range allKeys(t, Hot, 20_000) {
		folder, _, _ := strings.Cut(key, "/")
		want[folder+"/"] = true
	}
	for _, version := range []string{"1", "2"} {
		got := map[string]bool{}
		q := url.Values{"list-type": {version}, "delimiter": {"/"}, "max-keys": {"300"}}
		for {
			l := list(t, s, q)
			require.Empty(t, l.Contents)
			for _, p := range l.CommonPrefixes {
				require.False(t, got[p.Prefix], p.Prefix)
				got[p.Prefix] = true
			}
			if !l.IsTruncated {
				break
			}
			q.Set("continuation-token", l.NextContinuationToken)
			q.Set("marker", l.NextMarker)
		}
		require.Equal(t, want, got)
	}
}

func TestAnEmptyBucketIsListed(t *testing.T) {
	s := start(t, Options{Shape: Users})
	l := list(t, s, url.Values{"list-type": {"2"}})
	require.Empty(t, l.Contents)
	require.False(t, l.IsTruncated)
}
