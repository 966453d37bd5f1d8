package s3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func readAll(t *testing.T, c *object.Content) string {
	t.Helper()
	got, err := io.ReadAll(c.Body)
	require.NoError(t, err)
	require.NoError(t, c.Body.Close())
	return string(got)
}

func TestOpenTellsAllAboutTheObject(t *testing.T) {
	s := emulator.New(emulator.Options{})
	s.Put(testBucket, "k", []byte("0123456789"), emulator.WithContentType("text/x"), emulator.WithCacheControl("max-age=60"),
		emulator.WithUserMetadata(map[string]string{"owner": "ann", "two-words": "a b"}))
	var firstBytes int
	c := inMemory(t, s, func(o *plane.Options) { o.OnFirstByte = func(time.Duration) { firstBytes++ } })
	stored, _, _ := s.Get(testBucket, "k")
	for _, offset := range []int64{0, 4} {
		content, err := c.Open(t.Context(), "k", offset)
		require.NoError(t, err)
		require.Equal(t, "0123456789"[offset:], readAll(t, content))
		require.Equal(t, object.Content{
			Object: object.Object{
				Key: "k", ETag: stored.ETag, Size: 10, LastModified: stored.LastModified.UTC().Truncate(time.Second),
			},
			ContentType: "text/x", CacheControl: "max-age=60", Offset: offset, Partial: offset > 0,
			UserMetadata: map[string]string{"owner": "ann", "two-words": "a b"},
			Body:         content.Body,
		}, *content)
	}
	require.Equal(t, 2, firstBytes)
	require.Empty(t, s.Log()[0].Header.Get("Range"))
	require.Equal(t, "bytes=4-", s.Log()[1].Header.Get("Range"))
}

func TestOpenRangeEndsWhereAsked(t *testing.T) {
	s := emulator.New(emulator.Options{})
	s.Put(testBucket, "k", []byte("0123456789"))
	c := inMemory(t, s, nil)
	for _, tc := range []struct {
		offset, length int64
		want           string
	}{{0, 4, "0123"}, {0, 10, "0123456789"}, {3, 4, "3456"}, {9, 1, "9"}, {8, 100, "89"}} {
		content, err := c.OpenRange(t.Context(), "k", tc.offset, tc.length)
		require.NoError(t, err)
		require.Equal(t, tc.want, readAll(t, content))
		require.Equal(t, int64(10), content.Size)
		require.Equal(t, tc.offset, content.Offset)
	}
	_, err := c.OpenRange(t.Context(), "k", 10, 1)
	require.ErrorIs(t, err, object.ErrRange)
	_, err = c.OpenRange(t.Context(), "k", 0, 0)
	require.ErrorIs(t, err, object.ErrInvalid)
}

func TestEmptyObjectIsReadWithoutARange(t *testing.T) {
	s := emulator.New(emulator.Options{})
	s.Put(testBucket, "k", nil)
	content, err := inMemory(t, s, nil).Open(t.Context(), "k", 0)
	require.NoError(t, err)
	require.Empty(t, readAll(t, content))
	require.Nil(t, content.UserMetadata)
}

func TestBodyFitsTheReadersContract(t *testing.T) {
	s := emulator.New(emulator.Options{})
	want := bytes.Repeat([]byte("0123456789"), 100)
	s.Put(testBucket, "k", want)
	for _, c := range []*Client{inMemory(t, s, nil), overLoopback(t, s, nil)} {
		content, err := c.Open(t.Context(), "k", 0)
		require.NoError(t, err)
		require.NoError(t, iotest.TestReader(content.Body, want))
		require.NoError(t, content.Body.Close())
		require.NoError(t, content.Body.Close())
	}
}

func TestBodyThatEndsEarlyIsNeverWhole(t *testing.T) {
	for name, fault := range map[string]emulator.Fault{
		"cut":                {CutAfter: 500_000},
		"cut at once":        {CutAfter: emulator.AtOnce},
		"stall":              {StallAfter: 500_000},
		"stall after header": {StallAfter: emulator.AtOnce},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := emulator.New(emulator.Options{})
				s.PutGenerated(testBucket, "k", 1_000_000, 1)
				s.SetFaults(func(emulator.Request) emulator.Fault { return fault })
				c := inMemory(t, s, func(o *plane.Options) { o.IdleTimeout = 30 * time.Second })
				start := time.Now()
				content, err := c.Open(t.Context(), "k", 0)
				require.NoError(t, err)
				n, err := io.Copy(io.Discard, content.Body)
				require.NoError(t, content.Body.Close())
				e, ok := errors.AsType[*object.Error](err)
				require.True(t, ok, "%v", err)
				require.Equal(t, object.ErrUnavailable, e.Kind)
				require.Equal(t, "k", e.Key)
				require.ErrorContains(t, err, "before its end")
				require.NotErrorIs(t, err, context.Canceled)
				require.Less(t, n, int64(1_000_000))
				if strings.HasPrefix(name, "stall") {
					require.Equal(t, 30*time.Second, time.Since(start))
					require.ErrorContains(t, err, "arrived within 30s (timeouts.idle)")
				}
				require.Equal(t, 1, s.Count(emulator.OpGet))
			})
		})
	}
}

// A transport that does not watch over Content-Length ends the body cleanly.
func TestCleanEndBeforeContentLengthIsACut(t *testing.T) {
	c := answering(t, func(*http.Request) *http.Response {
		r := plain(http.StatusOK, "01234")
		r.ContentLength = 10
		return r
	})
	content, err := c.Open(t.Context(), "k", 0)
	require.NoError(t, err)
	got, err := io.ReadAll(content.Body)
	require.Equal(t, "01234", string(got))
	require.ErrorIs(t, err, object.ErrUnavailable)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, again := content.Body.Read(make([]byte, 1))
	require.Equal(t, err, again)
}

func TestBodyOverSocketsThatIsCutSaysSo(t *testing.T) {
	s := emulator.New(emulator.Options{})
	s.PutGenerated(testBucket, "k", 1_000_000, 1)
	s.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{CutAfter: 300_000} })
	content, err := overLoopback(t, s, nil).Open(t.Context(), "k", 0)
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, content.Body)
	require.ErrorIs(t, err, object.ErrUnavailable)
	require.LessOrEqual(t, n, int64(300_000))
	require.NoError(t, content.Body.Close())
}

func TestSlowReaderIsNotAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		s.PutGenerated(testBucket, "k", 200_000, 1)
		c := inMemory(t, s, func(o *plane.Options) { o.IdleTimeout = time.Second })
		content, err := c.Open(t.Context(), "k", 0)
		require.NoError(t, err)
		var total int
		for buf := make([]byte, 50_000); ; {
			n, err := content.Body.Read(buf)
			total += n
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			time.Sleep(time.Hour)
		}
		require.Equal(t, 200_000, total)
		require.NoError(t, content.Body.Close())
	})
}

func TestSlowServerIsNotAStallWhileBytesCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		s.PutGenerated(testBucket, "k", 200_000, 1)
		s.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{BytesPerSecond: 1000} })
		c := inMemory(t, s, func(o *plane.Options) { o.IdleTimeout = time.Minute })
		content, err := c.Open(t.Context(), "k", 0)
		require.NoError(t, err)
		n, err := io.Copy(io.Discard, content.Body)
		require.NoError(t, err)
		require.Equal(t, int64(200_000), n)
		require.NoError(t, content.Body.Close())
	})
}

func TestServerThatDoesNotAnswerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		s.Put(testBucket, "k", []byte("x"))
		s.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{Delay: time.Hour} })
		c := inMemory(t, s, func(o *plane.Options) { o.ResponseTimeout = 20 * time.Second })
		start := time.Now()
		_, err := c.Open(t.Context(), "k", 0)
		require.ErrorIs(t, err, object.ErrUnavailable)
		require.ErrorContains(t, err, "no answer came within 20s")
		require.NotErrorIs(t, err, context.Canceled)
		require.Equal(t, 20*time.Second, time.Since(start))
		require.Equal(t, 1, s.Count(emulator.OpGet))
	})
}

func TestOwnTransportTimesOutTheResponse(t *testing.T) {
	s := emulator.New(emulator.Options{})
	s.Put(testBucket, "k", []byte("x"))
	s.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{Delay: time.Hour} })
	c := overLoopback(t, s, func(o *plane.Options) { o.ResponseTimeout = 50 * time.Millisecond })
	_, err := c.Open(t.Context(), "k", 0)
	require.ErrorIs(t, err, object.ErrUnavailable)
	require.NotErrorIs(t, err, context.DeadlineExceeded)
}

func TestCancelledReaderGetsTheContextsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		s.PutGenerated(testBucket, "k", 1_000_000, 1)
		s.SetFaults(func(r emulator.Request) emulator.Fault {
			if r.N == 1 {
				return emulator.Fault{Delay: time.Minute}
			}
			return emulator.Fault{StallAfter: 10}
		})
		c := inMemory(t, s, nil)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := c.Open(ctx, "k", 0)
		require.Equal(t, context.Canceled, err)

		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		content, err := c.Open(ctx, "k", 0)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, content.Body)
		require.Equal(t, context.DeadlineExceeded, err)
		require.NoError(t, content.Body.Close())
	})
}

func TestRangeThatIsNotTheOneAskedForIsRefused(t *testing.T) {
	for _, contentRange := range []string{
		"", "bytes 0-4/10", "bytes 5-8/10", "bytes 5-9/*", "bytes 5-20/10", "bytes 9-5/10", "bytes */10", "5-9/10", "bytes 5-9", "bytes -5-9/10",
	} {
		c := answering(t, func(*http.Request) *http.Response {
			r := plain(http.StatusPartialContent, "56789")
			r.Header.Set("Content-Range", contentRange)
			return r
		})
		_, err := c.Open(t.Context(), "k", 5)
		require.ErrorIs(t, err, object.ErrUnavailable, contentRange)
	}
	c := answering(t, func(*http.Request) *http.Response {
		r := plain(http.StatusPartialContent, "567")
		r.Header.Set("Content-Range", "bytes 5-9/10")
		return r
	})
	_, err := c.Open(t.Context(), "k", 5)
	require.ErrorContains(t, err, "does not fit")
}

func TestAServerWithoutRangesSendsTheObjectFromItsFirstByte(t *testing.T) {
	c := answering(t, func(*http.Request) *http.Response { return plain(http.StatusOK, "0123456789") })
	for _, open := range []func() (*object.Content, error){
		func() (*object.Content, error) { return c.Open(t.Context(), "k", 4) },
		func() (*object.Content, error) { return c.OpenRange(t.Context(), "k", 2, 3) },
	} {
		content, err := open()
		require.NoError(t, err)
		require.False(t, content.Partial)
		require.Zero(t, content.Offset)
		require.Equal(t, int64(10), content.Size)
		require.Equal(t, "0123456789", readAll(t, content))
	}
}

func TestABodyOfUnknownLengthSaysWhetherItMarksItsEnd(t *testing.T) {
	for _, chunked := range []bool{true, false} {
		c := answering(t, func(*http.Request) *http.Response {
			r := plain(http.StatusOK, "0123456789")
			r.ContentLength = -1
			if chunked {
				r.TransferEncoding = []string{"chunked"}
			}
			return r
		})
		content, err := c.Open(t.Context(), "k", 0)
		require.NoError(t, err)
		require.EqualValues(t, object.UnknownSize, content.Size)
		require.Equal(t, chunked, content.EndsItself)
		require.Equal(t, "0123456789", readAll(t, content))
	}
}

func TestAWeakETagOfAnAnswerCountsAsNone(t *testing.T) {
	for in, want := range map[string]string{`W/"abc"`: "", `"abc"`: "abc", "abc": "abc"} {
		c := answering(t, func(*http.Request) *http.Response {
			r := plain(http.StatusOK, "x")
			r.Header.Set("Etag", in)
			return r
		})
		content, err := c.Open(t.Context(), "k", 0)
		require.NoError(t, err)
		require.Equal(t, want, content.ETag)
	}
}

// trickle sends one byte at a time.
type trickle struct {
	every time.Duration
	left  int
}

func (b *trickle) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	time.Sleep(b.every)
	b.left--
	p[0] = 'x'
	return 1, nil
}

func (*trickle) Close() error { return nil }

func TestABodyThatTricklesIsCutOffAfterTheIdleTimeout(t *testing.T) {
	for every, slow := range map[time.Duration]bool{5 * time.Second: true, time.Millisecond: false} {
		synctest.Test(t, func(t *testing.T) {
			c := inMemory(t, emulator.New(emulator.Options{}), func(o *plane.Options) {
				o.IdleTimeout = time.Minute
				o.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
					resp := plain(http.StatusOK, "")
					resp.ContentLength = 100_000
					resp.Body = &untilDone{&trickle{every, 100_000}, r.Context()}
					return resp, nil
				})
			})
			content, err := c.Open(t.Context(), "k", 0)
			require.NoError(t, err)
			began := time.Now()
			_, err = io.Copy(io.Discard, content.Body)
			require.NoError(t, content.Body.Close())
			if slow {
				require.ErrorIs(t, err, object.ErrUnavailable)
				require.ErrorContains(t, err, "at least 16384 are expected")
				require.LessOrEqual(t, time.Since(began), 65*time.Second)
			} else {
				require.NoError(t, err, "a kilobyte a second is slow, and enough")
			}
		})
	}
}

// untilDone ends a body with its request.
type untilDone struct {
	io.ReadCloser
	ctx context.Context //nolint:containedctx // it stands for a connection
}

func (b *untilDone) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	return b.ReadCloser.Read(p)
}

func TestRetryAfterHoldsBackEveryRequest(t *testing.T) {
	for name, header := range map[string]http.Header{
		"seconds": {"Retry-After": {"8"}},
		"a date":  {"Retry-After": {"Sat, 01 Jan 2000 00:00:08 GMT"}, "Date": {"Sat, 01 Jan 2000 00:00:00 GMT"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				throttled := true
				c := answering(t, func(*http.Request) *http.Response {
					if !throttled {
						return plain(http.StatusOK, "<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>")
					}
					throttled = false
					r := plain(http.StatusTooManyRequests, "")
					r.Header = header
					return r
				})
				began := time.Now()
				_, err := c.Open(t.Context(), "k", 0)
				require.ErrorIs(t, err, object.ErrThrottled)
				require.Zero(t, time.Since(began))
				_, err = list(t.Context(), c, Range{})
				require.NoError(t, err)
				require.Equal(t, 8*time.Second, time.Since(began))
			})
		})
	}
}

// answering is a client whose every request gets the answer of f.
func answering(t *testing.T, f func(*http.Request) *http.Response, edit ...func(*plane.Options)) *Client {
	t.Helper()
	return inMemory(t, emulator.New(emulator.Options{}), func(o *plane.Options) {
		o.Transport = roundTrip(func(r *http.Request) (*http.Response, error) { return f(r), nil })
		for _, e := range edit {
			e(o)
		}
	})
}

func plain(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Etag": {`"abc"`}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

func TestARangeThatWasEncodedOnTheWayHasNoSize(t *testing.T) {
	s := emulator.New(emulator.Options{})
	s.Put(testBucket, "k", bytes.Repeat([]byte("content "), 100))
	s.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{Lie: emulator.LieGzipChunked} })
	c, err := inMemory(t, s, nil).OpenRange(t.Context(), "k", 8, 100)
	require.NoError(t, err)
	defer c.Body.Close()
	require.True(t, c.Partial)
	require.Equal(t, "gzip", c.Encoding)
	require.EqualValues(t, object.UnknownSize, c.Size, "its ETag is right, so nothing else shows that its bytes are not")
}
