package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// fill stores n objects and returns their keys in order.
func fill(s *emulator.Server, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("dir/%06d", i)
		s.Put(testBucket, keys[i], []byte(keys[i]))
	}
	return keys
}

func keysOf(objects []object.Object) []string {
	var keys []string
	for _, o := range objects {
		keys = append(keys, o.Key)
	}
	return keys
}

func TestListingGoesOverItsPages(t *testing.T) {
	s := emulator.New(emulator.Options{})
	want := fill(s, 2500)
	var pages []int
	c := inMemory(t, s, func(o *plane.Options) { o.OnListPage = func(_ time.Duration, keys int) { pages = append(pages, keys) } })
	got, err := list(t.Context(), c, Range{})
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(want, keysOf(got)))
	require.Equal(t, []int{1000, 1000, 500}, pages)
	for _, o := range got {
		stored, _, _ := s.Get(testBucket, o.Key)
		require.Equal(t, object.Object{Key: o.Key, ETag: stored.ETag, Size: 10, LastModified: o.LastModified}, o)
		require.WithinDuration(t, stored.LastModified, o.LastModified, time.Millisecond)
	}
	for _, r := range s.Log() {
		require.Equal(t, "1000", r.Query.Get("max-keys"))
		require.NotContains(t, r.Query, "delimiter")
		require.NotContains(t, r.Query, "encoding-type")
	}
}

func TestListingTakesPrefixAndStart(t *testing.T) {
	s := emulator.New(emulator.Options{})
	for _, key := range []string{"a", "b/1", "b/2", "b/3", "b0", "c"} {
		s.Put(testBucket, key, nil)
	}
	c := inMemory(t, s, nil)
	for _, tc := range []struct {
		r    Range
		want []string
	}{
		{Range{Prefix: "b/"}, []string{"b/1", "b/2", "b/3"}},
		{Range{Prefix: "b/", After: "b/1"}, []string{"b/2", "b/3"}},
		{Range{After: "b/3"}, []string{"b0", "c"}},
		{Range{Prefix: "nothing"}, nil},
	} {
		got, err := list(t.Context(), c, tc.r)
		require.NoError(t, err)
		require.Equal(t, tc.want, keysOf(got))
	}
}

func TestRowsWithoutMetadataAreListed(t *testing.T) {
	s := emulator.New(emulator.Options{})
	s.Put(testBucket, "by sql", []byte("x"), emulator.WithoutMetadata())
	got, err := list(t.Context(), inMemory(t, s, nil), Range{})
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Empty(t, got[0].ETag)
}

// A control character is listed as U+FFFD, in the place of the character it
// stands for: out of the byte order of what is seen.
func TestOneKeyWithAControlCharacterDoesNotEndTheListing(t *testing.T) {
	s := emulator.New(emulator.Options{})
	s.Put(testBucket, "a\x01b", nil, emulator.WithRawKey())
	s.Put(testBucket, "a\nb", nil, emulator.WithRawKey())
	s.Put(testBucket, "a b", nil)
	s.Put(testBucket, "b", nil)
	got, err := list(t.Context(), inMemory(t, s, nil), Range{})
	require.NoError(t, err)
	require.Len(t, got, 4)
	require.Equal(t, []string{"a b", "b"}, keysOf(got)[2:])
}

func TestFailingPageIsTriedAgainWithoutLossOrRepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		want := fill(s, 2500)
		faults := map[int]emulator.Fault{
			2: {Status: 544}, 3: {CutFraction: 0.5}, 4: {Status: 429},
			6: {StallAfter: 100}, 7: {HangUp: true}, 8: {Status: 502}, 9: {Delay: 2 * time.Hour},
		}
		s.SetFaults(func(r emulator.Request) emulator.Fault { return faults[r.N] })
		var retried []string
		c := inMemory(t, s, func(o *plane.Options) {
			o.Retry = patient
			o.OnRetry = func(op string, err error) { retried = append(retried, op+" "+object.Cause(err)) }
		})
		got, err := list(t.Context(), c, Range{})
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want, keysOf(got)))
		require.Equal(t, []string{
			"listing unavailable", "listing unavailable", "listing throttled",
			"listing unavailable", "listing unavailable", "listing unavailable", "listing unavailable",
		}, retried)
	})
}

func TestListingEndsWithOneErrorAfterItsAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		fill(s, 1500)
		s.SetFaults(func(r emulator.Request) emulator.Fault {
			if r.N > 1 {
				return emulator.Fault{Status: 544}
			}
			return emulator.Fault{}
		})
		var objects, failures int
		for _, err := range inMemory(t, s, func(o *plane.Options) { o.Retry = patient }).List(t.Context(), Range{}) {
			if err != nil {
				require.ErrorIs(t, err, object.ErrUnavailable)
				failures++
				continue
			}
			require.Zero(t, failures)
			objects++
		}
		require.Equal(t, 1000, objects)
		require.Equal(t, 1, failures)
		require.Equal(t, 1+patient.MaxAttempts, s.Count(emulator.OpList))
	})
}

func TestListingStopsWhenItsReaderDoes(t *testing.T) {
	s := emulator.New(emulator.Options{})
	fill(s, 1500)
	for _, err := range inMemory(t, s, nil).List(t.Context(), Range{}) {
		require.NoError(t, err)
		break
	}
	require.Equal(t, 1, s.Count(emulator.OpList))
}

func TestProbe(t *testing.T) {
	s := emulator.New(emulator.Options{})
	c := inMemory(t, s, nil)
	_, found, err := c.Probe(t.Context(), "", retry.Policy{})
	require.NoError(t, err)
	require.False(t, found)
	fill(s, 3)
	o, found, err := c.Probe(t.Context(), "dir/", retry.Policy{})
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "dir/000000", o.Key)
	require.Equal(t, "1", s.Log()[1].Query.Get("max-keys"))
}

func TestProbeHasItsOwnPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		s.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{Status: 544} })
		c := inMemory(t, s, func(o *plane.Options) { o.Retry = patient })
		_, _, err := c.Probe(t.Context(), "", retry.Policy{MaxAttempts: 2, InitialInterval: time.Second, MaxInterval: time.Second})
		require.ErrorIs(t, err, object.ErrUnavailable)
		require.Equal(t, 2, s.Count(emulator.OpList))
	})
}

func TestAPageIsHeldBackBeforeEachAttemptAndAProbeIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		s.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{Status: 503} })
		holds, down := 0, &object.Error{Op: "listing", Kind: object.ErrUnreachable}
		c := inMemory(t, s, func(o *plane.Options) {
			o.Retry = patient
			o.Hold = func(context.Context) error {
				if holds++; holds == 3 {
					return down
				}
				return nil
			}
		})
		_, _, err := c.Page(t.Context(), "", "")
		require.Equal(t, down, err, "an outage that is given up ends the attempts")
		require.Equal(t, 2, s.Count(emulator.OpList))
		_, _, err = c.Probe(t.Context(), "", retry.Once)
		require.Error(t, err)
		require.Equal(t, 3, holds)
	})
}

func TestDamagedListingIsTransientAndSoIsAForeignPage(t *testing.T) {
	whole := xmlPage("", false, "a", "b")
	for doc, foreign := range map[string]string{
		whole[:len(whole)/2]:                        "",
		"<Error><Code>InternalError</Code></Error>": "",
		"": "but an empty one",
		"<!DOCTYPE html><html><body>Sign in</body></html>": "DOCTYPE",
		"<!DOCTYPE html><html><body":                       "DOCTYPE",
		`{"message":"hello"}`:                              `"hello", not an answer of the S3 protocol but`,
		"upstream\nerror\x1b[31m":                          "upstream error",
		"<>":                                               "<>",
	} {
		_, err := list(t.Context(), scripted(t, 1, func(int, string, string) string { return doc }), Range{})
		e, ok := errors.AsType[*object.Error](err)
		require.True(t, ok, doc)
		require.Equal(t, object.ErrUnavailable, e.Kind, doc)
		require.Equal(t, foreign != "", errors.Is(err, object.ErrNotS3), "%s: %v", doc, err)
		require.ErrorContains(t, err, foreign)
	}
}

func TestAForeignPageInTheMiddleOfAListingIsWaitedFor(t *testing.T) {
	for name, page := range map[string]*http.Response{
		"page": plain(200, "<html>maintenance</html>"), "json": plain(200, `{"message":"starting"}`), "empty": plain(200, ""),
		"401": plain(401, `{"message":"No API key found in request"}`), "403": plain(403, "<html>Forbidden</html>"), "bare 403": plain(403, ""),
		"400": plain(400, "<html>Bad Request</html>"), "404": plain(404, "404 page not found"), "bare 404": plain(404, ""),
		"407": plain(407, ""), "302": plain(302, ""), "402": plain(402, `{"message":"quota"}`),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				c := answering(t, func(*http.Request) *http.Response {
					if n++; n == 2 || n == 3 {
						again := *page
						doc := `{"message":"again"}`
						if n == 2 {
							return page
						}
						again.Body, again.ContentLength = io.NopCloser(strings.NewReader(doc)), int64(len(doc))
						return &again
					}
					if n == 1 {
						return plain(200, xmlPage("t", true, "a"))
					}
					return plain(200, xmlPage("", false, "b"))
				}, func(o *plane.Options) { o.Retry = patient })
				got, err := list(t.Context(), c, Range{})
				require.NoError(t, err)
				require.Equal(t, []string{"a", "b"}, keysOf(got))
			})
		})
	}
}

func TestWhetherThereIsMoreIsReadAsServersWriteIt(t *testing.T) {
	for said, more := range map[string]bool{
		"true": true, "1": true, "True": true, "TRUE": true, " true ": true, "\n\ttrue\n": true,
		"false": false, "0": false, "False": false, " false ": false, "": false, "perhaps": false,
	} {
		doc := strings.Replace(xmlPage("", true, "a", "b"), ">true<", ">"+said+"<", 1)
		var p page
		require.NoError(t, p.decode([]byte(doc), plane.PageKeys))
		require.Equal(t, more, p.truncated, "%q", said)
		doc = strings.Replace(xmlPage("token", true, "a", "b"), ">true<", ">"+said+"<", 1)
		require.NoError(t, p.decode([]byte(doc), plane.PageKeys))
		require.True(t, p.truncated, "a token goes on after %q", said)
	}
	doc := strings.Replace(xmlPage("", true, "a", "b"), "<IsTruncated>true</IsTruncated>", "", 1)
	var p page
	require.NoError(t, p.decode([]byte(doc), 2))
	require.True(t, p.truncated, "a full page without a word")
	require.NoError(t, p.decode([]byte(doc), 3))
	require.False(t, p.truncated)
}

func TestAServerThatGivesATokenWithItsLastPageComesToAnEnd(t *testing.T) {
	for name, end := range map[string]string{"said": "<IsTruncated>false</IsTruncated>", "0": "<IsTruncated>0</IsTruncated>"} {
		t.Run(name, func(t *testing.T) {
			got, err := list(t.Context(), scripted(t, 20, func(_ int, token, after string) string {
				keys := []string{"a", "b"}
				if token != "" || after != "" {
					keys = nil
				}
				return strings.Replace(xmlPage("always", true, keys...), "<IsTruncated>true</IsTruncated>", end, 1)
			}), Range{})
			require.NoError(t, err)
			require.Equal(t, []string{"a", "b"}, keysOf(got))
		})
	}
}

func TestAnOddEntryCostsNoOther(t *testing.T) {
	entry := func(key, size, modified string) string {
		return "<Contents><Key>" + key + "</Key><LastModified>" + modified + "</LastModified><ETag>e</ETag><Size>" + size + "</Size></Contents>"
	}
	const good = "2026-11-20T19:01:35.954Z"
	for name, tc := range map[string]struct{ entry, odd string }{
		"below zero":     {entry("m", "-1", good), `a size of "-1"`},
		"no number":      {entry("m", "12 KB", good), `a size of "12 KB"`},
		"too large":      {entry("m", "99999999999999999999", good), `a size of "99999999999999999999"`},
		"fraction":       {entry("m", "1.5", good), `a size of "1.5"`},
		"no size":        {"<Contents><Key>m</Key></Contents>", "an entry without a size"},
		"empty size":     {"<Contents><Key>m</Key><Size/></Contents>", "an entry without a size"},
		"blank size":     {entry("m", "", good), `a size of ""`},
		"terminal":       {entry("m", "\x1b[31m\n"+strings.Repeat("9", 100), good), `a size of "` + strings.Repeat("9", mostShown) + `..."`},
		"token":          {entry("m", "eyJhbGciOiJIUzI1NiJ9.e.c", good), `a size of "[redacted]"`},
		"spaces":         {entry("m", " 7\n", good), ""},
		"character data": {entry("m", "<![CDATA[7]]>", good), ""},
		"reference":      {entry("m", "&#55;", good), ""},
		"odd time":       {entry("m", "7", "yesterday"), ""},
		"no time":        {entry("m", "7", ""), ""},
	} {
		t.Run(name, func(t *testing.T) {
			doc := "<ListBucketResult>" + entry("a", "1", good) + tc.entry + entry("z", "2", good) + "<IsTruncated>false</IsTruncated></ListBucketResult>"
			got, err := list(t.Context(), scripted(t, 1, func(int, string, string) string { return doc }), Range{})
			require.NoError(t, err)
			require.Equal(t, []string{"a", "m", "z"}, keysOf(got))
			require.Equal(t, tc.odd, got[1].Odd)
			if tc.odd == "" {
				require.Equal(t, int64(7), got[1].Size)
			}
			require.Empty(t, got[0].Odd+got[2].Odd)
		})
	}
	for _, keyless := range []string{"<Contents/>", "<Contents></Contents>", "<Contents><Key/><Size>1</Size></Contents>", entry("", "1", good)} {
		doc := "<ListBucketResult>" + entry("a", "1", good) + keyless + entry("z", "2", good) + "</ListBucketResult>"
		got, err := list(t.Context(), scripted(t, 1, func(int, string, string) string { return doc }), Range{})
		require.NoError(t, err)
		require.Equal(t, []string{"a", "", "z"}, keysOf(got))
		require.Equal(t, `an entry without a key, after "a"`, got[1].Odd)
	}
}

func TestTimesAreReadInTheFormsOfStores(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-20T19:01:35.954Z": "2026-11-20T19:01:35.954Z", " 2026-11-20T19:01:35Z\n": "2026-11-20T19:01:35Z",
		"2026-11-20T20:01:35.5+0100": "2026-11-20T19:01:35.5Z", "2026-11-20T19:01:35": "2026-11-20T19:01:35Z",
		"2026-11-20 19:01:35+00:00": "2026-11-20T19:01:35Z", "Fri, 20 Nov 2026 19:01:35 GMT": "2026-11-20T19:01:35Z",
	} {
		require.Equal(t, want, oddTime(text).Format(time.RFC3339Nano), text)
	}
	for _, text := range []string{"", "yesterday", "1763665295", "2026-13-40T00:00:00Z"} {
		require.True(t, oddTime(text).IsZero(), text)
	}
}

func TestCancelledListingReturnsTheContextsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		fill(s, 10)
		s.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{Delay: time.Minute} })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := list(ctx, inMemory(t, s, func(o *plane.Options) { o.Retry = patient }), Range{})
		require.Equal(t, context.DeadlineExceeded, err)
		require.Equal(t, 1, s.Count(emulator.OpList))
	})
}

func TestAPageOfAnotherPrefixIsAskedForAgain(t *testing.T) {
	for name, wrong := range map[string]string{
		"says so":          `<ListBucketResult><Prefix>other/</Prefix><IsTruncated>false</IsTruncated></ListBucketResult>`,
		"of no prefix":     `<ListBucketResult><Prefix/><IsTruncated>false</IsTruncated></ListBucketResult>`,
		"shows other keys": xmlPage("", false, "other/a"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				c := inMemory(t, emulator.New(emulator.Options{}), func(o *plane.Options) {
					o.Retry = patient
					o.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
						if n++; n == 1 {
							return plain(200, wrong), nil
						}
						return plain(200, xmlPage("", false, "a/1")), nil
					})
				})
				got, err := list(t.Context(), c, Range{Prefix: "a/"})
				require.NoError(t, err)
				require.Equal(t, []string{"a/1"}, keysOf(got))
				require.Equal(t, 2, n)
			})
		})
	}
}

func TestAnAnswerThatIsNoListingIsNoEmptyBucket(t *testing.T) {
	for name, doc := range map[string]string{
		"empty element":   `<ListBucketResult/>`,
		"empty":           `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></ListBucketResult>`,
		"of no known use": `<ListBucketResult><MaxKeys>1000</MaxKeys><Wrong/></ListBucketResult>`,
		"another bucket":  `<ListBucketResult><Name>other</Name><IsTruncated>false</IsTruncated></ListBucketResult>`,
		"another prefix":  `<ListBucketResult><Name>photos</Name><Prefix>b/</Prefix><IsTruncated>false</IsTruncated></ListBucketResult>`,
		"no prefix":       `<ListBucketResult><Name>photos</Name><Prefix/><IsTruncated>false</IsTruncated></ListBucketResult>`,
		"nothing":         ``,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bad := 2
				n := 0
				c := answering(t, func(*http.Request) *http.Response {
					if n++; n <= bad {
						return plain(200, doc)
					}
					return plain(200, xmlPage("", false, "a/1"))
				}, func(o *plane.Options) {
					o.Retry = retry.Policy{MaxAttempts: 5, InitialInterval: time.Second, MaxInterval: time.Second}
				})
				got, _, err := c.Page(t.Context(), "a/", "")
				require.NoError(t, err)
				require.Equal(t, []string{"a/1"}, keysOf(got))
				require.Equal(t, 3, n)

				bad = 1000
				_, _, err = c.Page(t.Context(), "a/", "")
				require.ErrorIs(t, err, object.ErrUnavailable)
				_, _, err = c.Listed(t.Context(), "a/1")
				require.ErrorIs(t, err, object.ErrUnavailable, "an object has not vanished because of it")
				_, _, err = c.Probe(t.Context(), "a/", retry.Once)
				require.ErrorIs(t, err, object.ErrUnavailable)
			})
		})
	}
}

func TestACompletePageMayBeInAnyOrder(t *testing.T) {
	for name, keys := range map[string][]string{
		"reversed": {"c", "b", "a"}, "shuffled": {"b", "c", "a"}, "repeated": {"a", "a", "b", "b", "c", "c"},
		"shuffled and repeated": {"b", "a", "c", "b", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			c := scripted(t, 2, func(int, string, string) string { return xmlPage("", false, keys...) })
			got, more, err := c.Page(t.Context(), "", "")
			require.NoError(t, err)
			require.False(t, more)
			require.Equal(t, []string{"a", "b", "c"}, keysOf(got))
		})
	}
}

func TestPagesThatCannotBeRightAreAnErrorOfTheirOwnAfterFewAttempts(t *testing.T) {
	for name, answer := range map[string]func(n int, after string) string{
		"reversed":      func(int, string) string { return xmlPage("t", true, "c", "b", "a") },
		"the same page": func(int, string) string { return xmlPage("b", true, "a", "b") },
		"two versions of a key": func(int, string) string {
			return strings.Replace(xmlPage("", false, "a", "a"), "abc", "abd", 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				c := answering(t, func(r *http.Request) *http.Response {
					n++
					return plain(200, answer(n, r.URL.Query().Get("start-after")))
				}, func(o *plane.Options) {
					o.Retry = retry.Policy{MaxAttempts: 50, InitialInterval: time.Second, MaxInterval: time.Minute}
				})
				start := time.Now()
				_, err := list(t.Context(), c, Range{})
				require.ErrorIs(t, err, object.ErrMisled)
				require.NotErrorIs(t, err, object.ErrUnavailable)
				require.False(t, object.EndpointFault(err))
				require.Less(t, time.Since(start), time.Minute)
				require.Less(t, n, 10)
			})
		})
	}
}

func TestPagesThatAreWrongForAMomentAreAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		c := answering(t, func(*http.Request) *http.Response {
			if n++; n <= 2 {
				return plain(200, xmlPage("t", true, "b", "a"))
			}
			return plain(200, xmlPage("", false, "a", "b"))
		}, func(o *plane.Options) {
			o.Retry = retry.Policy{MaxAttempts: 5, InitialInterval: time.Second, MaxInterval: time.Minute}
		})
		got, err := list(t.Context(), c, Range{})
		require.NoError(t, err)
		require.Equal(t, []string{"a", "b"}, keysOf(got))
	})
}

func TestAnObjectHasNotVanishedFromAPageOutOfOrder(t *testing.T) {
	c := scripted(t, 1, func(int, string, string) string { return xmlPage("t", true, "a/c", "a/b", "a/") })
	_, _, err := c.Listed(t.Context(), "a/")
	require.ErrorIs(t, err, object.ErrMisled)
}
