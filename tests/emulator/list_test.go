package emulator

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type listing struct {
	Contents []struct {
		Key, ETag, LastModified string
		Size                    int64
	}
	CommonPrefixes        []struct{ Prefix string }
	IsTruncated           bool
	KeyCount, MaxKeys     int
	NextContinuationToken string
}

func (l listing) entries() []string {
	var all []string
	for _, c := range l.Contents {
		all = append(all, c.Key)
	}
	for _, p := range l.CommonPrefixes {
		all = append(all, p.Prefix)
	}
	return all
}

func (c *client) list(bucket string, query url.Values) listing {
	c.t.Helper()
	query.Set("list-type", "2")
	got := c.do(http.MethodGet, bucket, "", strictQuery(query), nil, nil)
	require.Equal(c.t, http.StatusOK, got.status, got.body)
	var l listing
	require.NoError(c.t, xml.Unmarshal([]byte(got.body), &l))
	return l
}

// listAll pages through a bucket as the SDK's paginator does: it ends when there is
// no token, whatever IsTruncated says.
func (c *client) listAll(bucket string, query url.Values) (pages [][]string) {
	c.t.Helper()
	for {
		l := c.list(bucket, query)
		pages = append(pages, l.entries())
		if !l.IsTruncated || l.NextContinuationToken == "" {
			return pages
		}
		query.Set("continuation-token", l.NextContinuationToken)
	}
}

func TestFlatPagesHoldEveryKeyOnceInByteOrder(t *testing.T) {
	s := New(Options{})
	var want []string
	for i := range 2500 {
		key := fmt.Sprintf("d%d/k%d", i%7, i*7919%2500)
		want = append(want, key)
		s.PutGenerated("b", key, 10, uint64(i))
	}
	slices.Sort(want)
	c := newClient(t, s)
	for _, size := range []int{1, 37, 999, 1000} {
		if size == 1 {
			s.ResetLog()
		}
		got := slices.Concat(c.listAll("b", url.Values{"max-keys": {strconv.Itoa(size)}})...)
		require.Equal(t, want, got, "pages of %d", size)
	}
	require.Greater(t, s.Count(OpList), 2500)
}

func TestTokenIsTheLastKey(t *testing.T) {
	s := New(Options{})
	for i := range 10 {
		s.Put("del", fmt.Sprintf("k%d", i), nil)
	}
	c := newClient(t, s)
	q := url.Values{"max-keys": {"3"}}
	first := c.list("del", q)
	require.Equal(t, "bDprMg==", first.NextContinuationToken)

	// Behind the cursor, the cursor itself, and before it.
	for _, key := range []string{"k0", "k1", "k2", "k4"} {
		s.Delete("del", key)
	}
	s.Put("del", "k0b", nil)
	s.Put("del", "k2a", nil)
	q.Set("continuation-token", first.NextContinuationToken)
	second := c.list("del", q)
	require.Equal(t, []string{"k2a", "k3", "k5"}, second.entries())
	require.Equal(t, "bDprNQpvOmFzYw==", second.NextContinuationToken)
}

func TestSortColumnInAnS3TokenIsRefused(t *testing.T) {
	s := New(Options{})
	s.CreateBucket("lm")
	got := newClient(t, s).do(http.MethodGet, "lm", "", "list-type=2&continuation-token=bzpkZXNjCmM6dXBkYXRlZF9hdA%3D%3D", nil, nil)
	require.Equal(t, http.StatusBadRequest, got.status)
	require.Contains(t, got.body, "<Code>InvalidParameter</Code>")
}

// TestDelimiterLosesKeys compares pages of every size with those measured on the
// real server.
func TestDelimiterLosesKeys(t *testing.T) {
	s := New(Options{})
	for _, key := range []string{
		"f.txt", "f.txt (copy)", "f.txt-1", "f.txt.bak", "g", "g-b", "g.txt", "g/x", "hX1/z", "h_1", "h_1.a",
	} {
		s.Put("skip", key, nil)
	}
	c := newClient(t, s)
	require.Len(t, slices.Concat(c.listAll("skip", url.Values{"max-keys": {"1"}})...), 11)
	want := map[string][][]string{
		"1": {{"f.txt"}, {"g"}, {"hX1/"}, {"h_1"}, nil},
		"2": {{"f.txt", "f.txt (copy)"}, {"f.txt-1", "f.txt.bak"}, {"g", "g-b"}, {"g.txt", "g/"}, {"h_1", "hX1/"}, nil},
		"3": {{"f.txt", "f.txt (copy)", "f.txt-1"}, {"f.txt.bak", "g", "g-b"}, {"g.txt", "g/", "hX1/"}, {"h_1", "h_1.a"}},
	}
	for size, pages := range want {
		got := c.listAll("skip", url.Values{"max-keys": {size}, "delimiter": {"/"}})
		require.Equal(t, pages, got, "pages of %s", size)
	}
	after := c.list("skip", url.Values{"start-after": {"f.txt"}, "delimiter": {"/"}})
	require.Equal(t, []string{"g", "g-b", "g.txt", "h_1", "h_1.a", "g/", "hX1/"}, after.entries())
}

func TestDelimiterLosesAsManyKeysAsMeasured(t *testing.T) {
	s := New(Options{})
	for i := range 2500 {
		s.PutGenerated("batch", fmt.Sprintf("k%06d", i), 1, 0)
		s.PutGenerated("batch", fmt.Sprintf("k%06d.bak", i), 1, 0)
	}
	c := newClient(t, s)
	for _, want := range []struct{ size, pages, keys int }{
		{1000, 5, 5000}, {999, 6, 4995}, {500, 10, 5000}, {37, 132, 4869},
	} {
		pages := c.listAll("batch", url.Values{"max-keys": {strconv.Itoa(want.size)}, "delimiter": {"/"}})
		require.Len(t, pages, want.pages, "pages of %d", want.size)
		require.Len(t, slices.Concat(pages...), want.keys, "pages of %d", want.size)
	}
}

func TestDelimiterFoldsAsMeasured(t *testing.T) {
	s := New(Options{})
	odd(s)
	for _, key := range []string{"<b>&amp;.txt", "pct%20enc+plus.txt", "uml-ü.txt", "nl-\n-x.txt"} {
		s.Delete("odd", key)
	}
	c := newClient(t, s)
	l := c.list("odd", url.Values{"delimiter": {"/"}})
	require.Len(t, l.Contents, 17)
	require.Equal(t, []string{"/", "A/", "a/", "dbl/", "fold/", "folder-s3/", "trail/"}, l.entries()[17:])
	l = c.list("odd", url.Values{"delimiter": {"."}})
	require.Equal(t, "trail/", l.entries()[0])
	require.Equal(t, []string{"/leading/", "A/x/", "UPPER/", "Zed/", "_under/", "a-b/", "a/", "a/b/", "a0/"}, l.entries()[1:10])
	// The page that ends in the folder "/" has no token: the rest is lost.
	require.Len(t, c.listAll("odd", url.Values{"delimiter": {"/"}, "max-keys": {"1"}}), 1)
}

func TestPagesAreFullOfWhatAUserSees(t *testing.T) {
	s := New(Options{})
	for i := range 100 {
		s.Put("b", fmt.Sprintf("k%02d", i), nil)
	}
	s.AllowRead("b", func(claims map[string]any, key string) bool {
		return claims["sub"] == "u1" && strings.HasSuffix(key, "5")
	})
	c := newClient(t, s).as(s.UserToken("u1", time.Hour))
	pages := c.listAll("b", url.Values{"max-keys": {"4"}})
	require.Equal(t, [][]string{{"k05", "k15", "k25", "k35"}, {"k45", "k55", "k65", "k75"}, {"k85", "k95"}}, pages)
	require.Empty(t, c.as(s.UserToken("u2", time.Hour)).list("b", url.Values{}).Contents)
}

type listV2Result struct {
	HasNext    bool
	NextCursor string
	Objects    []struct {
		Name      string
		UpdatedAt string `json:"updated_at"`
	}
}

func (c *client) listV2(bucket string, body map[string]any) listV2Result {
	c.t.Helper()
	data, err := json.Marshal(body)
	require.NoError(c.t, err)
	u := "http://emulator.invalid" + c.s.prefix + "/object/list-v2/" + bucket
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, u, strings.NewReader(string(data)))
	require.NoError(c.t, err)
	r.Header.Set("Authorization", "Bearer "+c.s.Settings().ServiceRoleKey)
	got := c.send(r)
	require.Equal(c.t, http.StatusOK, got.status, got.body)
	var l listV2Result
	require.NoError(c.t, json.Unmarshal([]byte(got.body), &l))
	return l
}

// TestSortedCursorLosesRowsAsMeasured has 50 rows in each millisecond, with
// names in the opposite order: what the real server's own cursor returned.
func TestSortedCursorLosesRowsAsMeasured(t *testing.T) {
	s := New(Options{})
	start := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for i := range 3000 {
		key := fmt.Sprintf("r%05d", 3000-i)
		s.PutGenerated("us", key, 1, 0, WithLastModified(start.Add(time.Duration(i+1)*20*time.Microsecond)))
	}
	c := newClient(t, s)
	for _, want := range []struct {
		limit           int
		order           string
		pages, returned int
		distinct        int
	}{
		{1000, "asc", 3, 3000, 2951},
		{333, "asc", 10, 3281, 2920},
		{100, "asc", 30, 2951, 2265},
		{10, "asc", 61, 601, 331},
		{1000, "desc", 3, 3000, 2951},
		{333, "desc", 9, 2864, 2736},
		{100, "desc", 31, 3001, 2266},
		{10, "desc", 61, 601, 331},
	} {
		body := map[string]any{"limit": want.limit, "sortBy": map[string]string{"column": "updated_at", "order": want.order}}
		seen := map[string]bool{}
		pages, returned := 0, 0
		for more := true; more; {
			l := c.listV2("us", body)
			for _, o := range l.Objects {
				seen[o.Name] = true
			}
			pages, returned, more = pages+1, returned+len(l.Objects), l.HasNext
			body["cursor"] = l.NextCursor
		}
		require.Equal(t, []int{want.pages, want.returned, want.distinct}, []int{pages, returned, len(seen)}, "%d %s", want.limit, want.order)
	}
}

func TestListV2ByNameIsComplete(t *testing.T) {
	s := New(Options{})
	for i := range 300 {
		s.PutGenerated("b", fmt.Sprintf("k%03d", i), 1, 0)
	}
	c := newClient(t, s)
	for _, order := range []string{"asc", "desc"} {
		var names []string
		body := map[string]any{"limit": 7, "sortBy": map[string]string{"column": "name", "order": order}}
		for more := true; more; {
			l := c.listV2("b", body)
			for _, o := range l.Objects {
				names = append(names, o.Name)
			}
			more = l.HasNext
			body["cursor"] = l.NextCursor
		}
		require.Len(t, names, 300)
		if order == "desc" {
			slices.Reverse(names)
		}
		require.True(t, slices.IsSorted(names))
	}
}

func TestTouchMovesEveryLastModifiedAndNothingElse(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := New(Options{Clock: func() time.Time { return now }})
	for i := range 1500 {
		s.PutGenerated("b", fmt.Sprintf("k%04d", i), 1, 0)
	}
	before := newClient(t, s).list("b", url.Values{})
	now = now.Add(time.Hour)
	s.Touch("b")
	after := newClient(t, s).list("b", url.Values{})
	for i := range before.Contents {
		require.Equal(t, before.Contents[i].ETag, after.Contents[i].ETag)
		require.Equal(t, "2026-01-01T00:00:00.000Z", before.Contents[i].LastModified)
		require.Equal(t, "2026-01-01T01:00:00.000Z", after.Contents[i].LastModified)
	}
	// GET shows the time of the blob, HEAD the time of the row.
	c := newClient(t, s)
	require.Equal(t, "Thu, 01 Jan 2026 00:00:00 GMT", c.get("b", "k0000").header.Get("Last-Modified"))
	require.Equal(t, "Thu, 01 Jan 2026 01:00:00 GMT", c.do(http.MethodHead, "b", "k0000", "", nil, nil).header.Get("Last-Modified"))
}
