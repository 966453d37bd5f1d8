package plane

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// roundTrip is an http.RoundTripper of one function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering is a caller whose every request gets the answer of f. Its refusals have
// the status alone.
func answering(t *testing.T, f func(*http.Request) *http.Response, edit ...func(*Options)) *Caller {
	t.Helper()
	o := Options{
		Bucket:      "photos",
		Credentials: func(context.Context) (object.Credentials, error) { return object.Credentials{}, nil },
		Transport:   roundTrip(func(r *http.Request) (*http.Response, error) { return f(r), nil }),
	}
	for _, e := range edit {
		e(&o)
	}
	c, err := NewCaller(o, func(r Request, resp *http.Response, _ []byte, _ object.Credentials) error {
		return &object.Error{Op: r.Op, Key: r.Key, Kind: object.ErrInvalid, Status: resp.StatusCode}
	})
	require.NoError(t, err)
	return c
}

// asking is a request for a path.
func asking(path string) Request {
	return Request{Op: OpListing, Build: func(ctx context.Context, _ object.Credentials) (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1/"+path, nil)
	}}
}

// length reads how long a page is.
func length(ctx context.Context, c *Caller, path string) (n int, err error) {
	err = c.List(ctx, asking(path), PageKeys, func(_ *Answer, doc []byte) (int, error) {
		n = len(doc)
		return 1, nil
	})
	return n, err
}

func TestPageOfAbsurdSizeIsRefusedAndMayPass(t *testing.T) {
	read := int64(0)
	for _, announced := range []int64{-1, maxPage + 1, 1 << 40} {
		c := answering(t, func(*http.Request) *http.Response {
			read = 0
			return &http.Response{StatusCode: http.StatusOK, ContentLength: announced, Header: http.Header{}, Body: io.NopCloser(zeroes{&read})}
		})
		_, err := length(t.Context(), c, "")
		require.ErrorIs(t, err, object.ErrUnavailable)
		require.ErrorIs(t, err, object.ErrOversized)
		require.ErrorContains(t, err, "exceeds")
		require.LessOrEqual(t, read, int64(maxPage+1))
		if announced > 0 {
			require.Zero(t, read, "nothing is read of what says that it is too large")
		}
	}
	require.Empty(t, large)
}

func TestFewLargePagesAreInMemoryAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		large = make(chan struct{}, maxLarge) // one of the bubble
		page := strings.Repeat(" ", 2*largePage)
		var beyond, most atomic.Int32
		c := answering(t, func(r *http.Request) *http.Response {
			doc := page
			if r.URL.Path == "/small" {
				doc = "small"
			}
			return &http.Response{
				StatusCode: http.StatusOK, ContentLength: int64(len(doc)), Header: http.Header{},
				Body: io.NopCloser(&slow{Reader: strings.NewReader(doc), beyond: &beyond, most: &most}),
			}
		})
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				got, err := length(t.Context(), c, "")
				require.NoError(t, err)
				require.Equal(t, len(page), got)
			})
		}
		synctest.Wait()
		_, err := length(t.Context(), c, "small")
		require.NoError(t, err, "a page of common size waits for nobody")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err = length(ctx, c, "")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		wg.Wait()
		require.Equal(t, int32(maxLarge), most.Load())
		require.Empty(t, large)
	})
}

// slow takes a while for what is beyond a large page.
type slow struct {
	*strings.Reader
	read         int
	in           bool
	beyond, most *atomic.Int32
}

func (s *slow) Read(p []byte) (int, error) {
	if s.read >= largePage && !s.in {
		s.in = true
		if n := s.beyond.Add(1); n > s.most.Load() {
			s.most.Store(n)
		}
		time.Sleep(time.Second)
		s.beyond.Add(-1)
	}
	n, err := s.Reader.Read(p[:min(len(p), 64<<10)])
	s.read += n
	return n, err
}

// zeroes never ends.
type zeroes struct{ read *int64 }

func (z zeroes) Read(p []byte) (int, error) { clear(p); *z.read += int64(len(p)); return len(p), nil }
