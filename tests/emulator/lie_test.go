package emulator

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	lieBody  = "The quick brown fox jumps over the lazy dog."
	liePrior = "What the key held before."
)

// question is a request that a lie answers.
type question struct {
	method, key, query, span string
}

var (
	wholeGet   = question{method: http.MethodGet, key: "a/k"}
	rangedGet  = question{method: http.MethodGet, key: "a/k", span: "bytes=10-19"}
	headOfKey  = question{method: http.MethodHead, key: "a/k"}
	deletion   = question{method: http.MethodDelete, key: "a/k"}
	firstPage  = question{method: http.MethodGet, query: "list-type=2&max-keys=2&prefix=a%2F"}
	secondPage = question{method: http.MethodGet, query: "list-type=2&max-keys=2&start-after=a%2Fk"}
)

// lieCase is a lie, a request, and the answer.
type lieCase struct {
	lie   Lie
	asks  question
	check func(t *testing.T, truth, got answered)
}

func isStatus(status int, holds string) func(*testing.T, answered, answered) {
	return func(t *testing.T, _, got answered) {
		require.NoError(t, got.err)
		require.Equal(t, status, got.status)
		require.Contains(t, got.body, holds)
	}
}

func isPage(t *testing.T, _, got answered) {
	require.NoError(t, got.err)
	require.Equal(t, http.StatusOK, got.status)
	require.Equal(t, htmlType, got.header.Get("Content-Type"))
	require.Empty(t, got.header.Get("ETag"))
	require.Contains(t, got.body, "<!DOCTYPE html>")
}

func isEmpty(etag bool) func(*testing.T, answered, answered) {
	return func(t *testing.T, _, got answered) {
		require.NoError(t, got.err)
		require.Equal(t, http.StatusOK, got.status)
		require.Equal(t, "0", got.header.Get("Content-Length"))
		require.Equal(t, etag, got.header.Get("ETag") != "")
		require.Empty(t, got.body)
	}
}

func isGzip(etag func(string) string, chunked bool) func(*testing.T, answered, answered) {
	return func(t *testing.T, truth, got answered) {
		require.NoError(t, got.err)
		require.Equal(t, http.StatusOK, got.status)
		require.Equal(t, "gzip", got.header.Get("Content-Encoding"))
		require.Equal(t, etag(truth.header.Get("ETag")), got.header.Get("ETag"))
		require.Equal(t, chunked, got.header.Get("Content-Length") == "")
		r, err := gzip.NewReader(strings.NewReader(got.body))
		require.NoError(t, err)
		plain, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, lieBody, string(plain))
	}
}

// hasBody checks a GET whose ETag is the object's and whose body is not.
func hasBody(body func(string) bool) func(*testing.T, answered, answered) {
	return func(t *testing.T, truth, got answered) {
		require.NoError(t, got.err)
		require.Equal(t, truth.header.Get("ETag"), got.header.Get("ETag"))
		require.True(t, body(got.body), "%q", got.body)
	}
}

func isCut(length string) func(*testing.T, answered, answered) {
	return func(t *testing.T, truth, got answered) {
		require.ErrorIs(t, got.err, io.ErrUnexpectedEOF)
		require.Equal(t, truth.header.Get("ETag"), got.header.Get("ETag"))
		require.Equal(t, length, got.header.Get("Content-Length"))
		require.Equal(t, lieBody[:len(lieBody)/2], got.body)
	}
}

func isRange(contentRange, body string) func(*testing.T, answered, answered) {
	return func(t *testing.T, truth, got answered) {
		require.NoError(t, got.err)
		require.Equal(t, http.StatusPartialContent, got.status)
		require.Equal(t, contentRange, got.header.Get("Content-Range"))
		require.Equal(t, truth.header.Get("ETag"), got.header.Get("ETag"))
		require.Equal(t, strconv.Itoa(len(got.body)), got.header.Get("Content-Length"))
		require.Equal(t, body, got.body)
	}
}

// isTruth checks that only the named header differs from the honest answer.
func isTruth(header, value string) func(*testing.T, answered, answered) {
	return func(t *testing.T, truth, got answered) {
		require.NoError(t, got.err)
		require.Equal(t, truth.status, got.status)
		require.Equal(t, truth.body, got.body)
		require.Equal(t, value, got.header.Get(header))
		truth.header.Del(header)
		got.header.Del(header)
		truth.header.Del("Date")
		got.header.Del("Date")
		require.Equal(t, truth.header, got.header)
	}
}

func listsSize(size string) func(*testing.T, answered, answered) {
	return func(t *testing.T, truth, got answered) {
		require.Equal(t, 1, strings.Count(got.body, "<Size>"+size+"</Size>"))
		require.Equal(t, strings.Count(truth.body, "<Size>"), strings.Count(got.body, "<Size>"))
	}
}

func same(s string) string { return s }

// lieCases has every lie once.
func lieCases() []lieCase {
	size := strconv.Itoa(len(lieBody))
	weak := func(s string) string { return "W/" + s }
	none := func(string) string { return "" }
	return []lieCase{
		{LieHTMLPage, wholeGet, isPage},
		{LieHTMLPageSized, wholeGet, func(t *testing.T, truth, got answered) {
			require.NoError(t, got.err)
			require.Len(t, got.body, len(lieBody))
			require.NotEqual(t, lieBody, got.body)
			require.Equal(t, size, got.header.Get("Content-Length"))
			require.Empty(t, got.header.Get("ETag"))
		}},
		{LieEmptyBody, wholeGet, isEmpty(false)},
		{LieEmptyBodyETag, wholeGet, isEmpty(true)},
		{LieBare404, wholeGet, func(t *testing.T, _, got answered) {
			isStatus(404, "")(t, answered{}, got)
			require.Empty(t, got.body)
		}},
		{LieNoSuchKey, wholeGet, isStatus(404, "<Code>NoSuchKey</Code>")},
		{LieGone, headOfKey, isStatus(404, "")},
		{LieSignature, wholeGet, isStatus(403, "<Code>SignatureDoesNotMatch</Code>")},
		{LieChallenge, wholeGet, func(t *testing.T, _, got answered) {
			isStatus(403, "Just a moment")(t, answered{}, got)
			require.Equal(t, "challenge", got.header.Get("Cf-Mitigated"))
		}},
		{LieGzip, wholeGet, isGzip(same, false)},
		{LieGzipChunked, wholeGet, isGzip(same, true)},
		{LieGzipWeakETag, wholeGet, isGzip(weak, false)},
		{LieGzipWeakETagChunked, wholeGet, isGzip(weak, true)},
		{LieGzipNoETag, wholeGet, isGzip(none, false)},
		{LieGzipNoETagChunked, wholeGet, isGzip(none, true)},
		{LieStale, wholeGet, func(t *testing.T, truth, got answered) {
			require.NoError(t, got.err)
			require.Equal(t, liePrior, got.body)
			require.NotEqual(t, truth.header.Get("ETag"), got.header.Get("ETag"))
			require.Equal(t, strconv.Itoa(len(liePrior)), got.header.Get("Content-Length"))
		}},
		{LieOtherBytes, wholeGet, hasBody(func(s string) bool { return len(s) == len(lieBody) && strings.HasPrefix(s, "other") })},
		{LieOtherObject, wholeGet, hasBody(func(s string) bool { return s == "other" })},
		{LieFlippedByte, wholeGet, hasBody(func(s string) bool { return differences(s, lieBody) == 1 })},
		{LieCutBody, wholeGet, isCut(size)},
		{LieCutChunks, wholeGet, isCut("")},
		{LieChunked, wholeGet, isTruth("Content-Length", "")},
		{LieLongBody, wholeGet, hasBody(func(s string) bool { return strings.HasPrefix(s, lieBody) && len(s) > len(lieBody) })},
		{LieShortBody, wholeGet, hasBody(func(s string) bool { return s == lieBody[:len(lieBody)/2] })},
		{LieExtraBytes, wholeGet, hasBody(func(s string) bool { return s == lieBody })},
		{LieTrickle, wholeGet, hasBody(func(s string) bool { return s == lieBody })},
		{LieHugeHeader, wholeGet, func(t *testing.T, truth, got answered) {
			require.NoError(t, got.err)
			require.Equal(t, truth.body, got.body)
			total := 0
			for name, values := range got.header {
				total += len(name) + len(values[0])
			}
			require.Greater(t, total, 1<<20)
		}},
		{LieRangeLonger, rangedGet, isRange("bytes 10-19/44", lieBody[10:])},
		{LieRangeToEnd, rangedGet, isRange("bytes 10-43/44", lieBody[10:])},
		{LieRangeElsewhere, rangedGet, isRange("bytes 0-9/44", lieBody[:10])},
		{LieRangeTotal, rangedGet, isRange("bytes 10-19/89", lieBody[10:20])},
		{LieRangeIgnored, rangedGet, func(t *testing.T, truth, got answered) {
			require.NoError(t, got.err)
			require.Equal(t, http.StatusOK, got.status)
			require.Empty(t, got.header.Get("Content-Range"))
			require.Equal(t, lieBody, got.body)
		}},
		{LieWeakETag, wholeGet, isTruth("ETag", `W/"e34ae0e6c0a2a1f53f9e3e1e1ff0c3a5"`)},
		{LieUnquotedETag, wholeGet, isTruth("ETag", "e34ae0e6c0a2a1f53f9e3e1e1ff0c3a5")},
		{LieHeadNoLength, headOfKey, isTruth("Content-Length", "")},
		{LieDeleteNothing, deletion, isStatus(200, "")},
		{LieDeleteGone, deletion, isStatus(404, "<Code>NoSuchKey</Code>")},
		{LieListHTML, firstPage, isPage},
		{LieListEmpty, firstPage, isEmpty(false)},
		{LieListCut, firstPage, func(t *testing.T, truth, got answered) {
			require.NoError(t, got.err)
			require.Less(t, len(got.body), len(truth.body))
			require.True(t, strings.HasPrefix(truth.body, got.body))
		}},
		{LieListTruncatedAs1, firstPage, func(t *testing.T, truth, got answered) {
			require.Equal(t, strings.Replace(truth.body, ">true<", ">1<", 1), got.body)
			require.NotEqual(t, truth.body, got.body)
		}},
		{LieListOtherPrefix, firstPage, func(t *testing.T, _, got answered) {
			require.Contains(t, got.body, "<Prefix>b/</Prefix>")
			require.Contains(t, got.body, "<Key>b/other</Key>")
			require.NotContains(t, got.body, "<Key>a/")
		}},
		{LieListSamePage, secondPage, func(t *testing.T, truth, got answered) {
			require.NotContains(t, truth.body, "<Key>a/k</Key>")
			require.Contains(t, got.body, "<Key>a/k</Key>")
		}},
		{LieListNegativeSize, firstPage, listsSize("-1")},
		{LieListHuge, firstPage, listsSize("10995116277760")},
		{LieTooMany, wholeGet, func(t *testing.T, _, got answered) {
			isStatus(429, "<Code>SlowDown</Code>")(t, answered{}, got)
			require.Equal(t, "1", got.header.Get("Retry-After"))
		}},
		{LieBusy, firstPage, func(t *testing.T, _, got answered) {
			isStatus(503, "<Error")(t, answered{}, got)
			_, err := http.ParseTime(got.header.Get("Retry-After"))
			require.NoError(t, err)
		}},
		{LieQuota, wholeGet, isStatus(402, "exceed_egress_quota")},
		{LieProxyAuth, wholeGet, isStatus(407, "Proxy Authentication Required")},
		{LieDatabaseTimeout, wholeGet, isStatus(544, "<Code>DatabaseTimeout</Code>")},
		{LieUnknownError, wholeGet, isStatus(520, "520")},
		{LieRedirect, wholeGet, func(t *testing.T, _, got answered) {
			isStatus(302, "")(t, answered{}, got)
			require.Equal(t, "http://elsewhere.invalid/login", got.header.Get("Location"))
		}},
	}
}

func differences(a, b string) (n int) {
	if len(a) != len(b) {
		return -1
	}
	for i := range len(a) {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

func (c *client) ask(q question) answered {
	c.t.Helper()
	header := http.Header{}
	if q.span != "" {
		header.Set("Range", q.span)
	}
	return c.do(q.method, "lies", q.key, q.query, header, nil)
}

// lieServer has the object of [wholeGet], a previous version of it, and two
// neighbours.
func lieServer(s *Server) {
	s.Put("lies", "a/k", []byte(liePrior))
	s.Put("lies", "a/k", []byte(lieBody), WithETag("e34ae0e6c0a2a1f53f9e3e1e1ff0c3a5"))
	s.Put("lies", "a/l", []byte("other"))
	s.Put("lies", "a/m", []byte("third"))
	s.Put("lies", "b/other", []byte("other"))
}

func TestEachLieIsWhatItSays(t *testing.T) {
	tried := map[Lie]bool{}
	for _, c := range lieCases() {
		tried[c.lie] = true
		t.Run(c.lie.String(), func(t *testing.T) {
			bothWays(t, func(t *testing.T, s *Server, asker *client) {
				lieServer(s)
				var truth answered
				if c.asks != deletion {
					truth = asker.ask(c.asks)
					require.NoError(t, truth.err)
				}
				liar := NewLiar(1, 1, c.lie)
				liar.Trickle = time.Millisecond
				s.SetFaults(liar.Fault)
				c.check(t, truth, asker.ask(c.asks))
				require.Equal(t, map[Lie]int{c.lie: 1}, liar.Told())
				_, body, there := s.Get("lies", "a/k")
				require.True(t, there, "no lie deletes")
				require.Equal(t, lieBody, string(body))
				s.SetFaults(nil)
				if c.asks != deletion {
					require.Equal(t, truth.body, asker.ask(c.asks).body, "the truth is as it was")
				}
			})
		})
	}
	for _, lie := range Lies() {
		require.True(t, tried[lie], "%v is not tested", lie)
	}
}

func TestALieThatDoesNotFitIsTheTruthAndIsNotCounted(t *testing.T) {
	bothWays(t, func(t *testing.T, s *Server, c *client) {
		lieServer(s)
		s.Put("lies", "empty", nil)
		s.Put("lies", "new", []byte("never overwritten"))
		for lie, asks := range map[Lie]question{
			LieCutBody:      {method: http.MethodGet, key: "empty"},
			LieEmptyBody:    {method: http.MethodGet, key: "empty"},
			LieFlippedByte:  {method: http.MethodGet, key: "empty"},
			LieStale:        {method: http.MethodGet, key: "new"},
			LieRangeToEnd:   {method: http.MethodGet, key: "new", span: "bytes=3-"},
			LieListSamePage: firstPage,
			LieGzip:         {method: http.MethodGet, key: "nothing"},
		} {
			s.SetFaults(nil)
			truth := c.ask(asks)
			liar := NewLiar(1, 1, lie)
			s.SetFaults(liar.Fault)
			got := c.ask(asks)
			require.Empty(t, liar.Told())
			require.NoError(t, got.err, "%v", lie)
			require.Equal(t, truth.status, got.status, "%v", lie)
			require.Equal(t, truth.body, got.body, "%v", lie)
		}
	})
}

func TestExtraBytesFollowTheBodyOnTheWire(t *testing.T) {
	s := New(Options{})
	lieServer(s)
	s.SetFaults(func(Request) Fault { return Fault{Lie: LieExtraBytes} })
	l, err := s.Start("")
	require.NoError(t, err)
	defer l.Close()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(l.URL(), "http://"))
	require.NoError(t, err)
	defer conn.Close()
	r := newClient(t, s).request(http.MethodGet, "lies", "a/k", "", nil, nil)
	accessKeySigner(s).sign(r)
	require.NoError(t, r.Write(conn))
	reader := bufio.NewReader(conn)
	resp, err := http.ReadResponse(reader, r)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, lieBody, string(body))
	rest, err := io.ReadAll(reader)
	require.NoError(t, err)
	require.Contains(t, string(rest), "upstream closed")
}

func TestTrickleTakesItsTimeForEachByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		lieServer(s)
		s.SetFaults(func(Request) Fault { return Fault{Lie: LieTrickle, Trickle: 5 * time.Second} })
		start := time.Now()
		got := newClient(t, s).get("lies", "a/k")
		require.NoError(t, got.err)
		require.Equal(t, lieBody, got.body)
		require.Equal(t, 5*time.Second*time.Duration(len(lieBody)-1), time.Since(start))
	})
}

func TestBusyNamesADateThatIsStillToCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		lieServer(s)
		s.SetFaults(func(Request) Fault { return Fault{Lie: LieBusy} })
		at, err := http.ParseTime(newClient(t, s).get("lies", "a/k").header.Get("Retry-After"))
		require.NoError(t, err)
		require.True(t, at.After(time.Now()))
	})
}

func TestAListingOfTheWholeBucketMayShowOneFolder(t *testing.T) {
	s := New(Options{})
	lieServer(s)
	s.SetFaults(func(Request) Fault { return Fault{Lie: LieListOtherPrefix} })
	got := newClient(t, s).do(http.MethodGet, "lies", "", "list-type=2", nil, nil)
	require.Contains(t, got.body, "<Prefix>b/</Prefix>")
	require.Equal(t, 1, bytes.Count([]byte(got.body), []byte("<Key>")))
}
