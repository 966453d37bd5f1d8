package input

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestObjectsOfAllSizesArriveWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		sizes := map[string]int{"empty": 0, "tiny": 1, "small": 8 << 20, "large": 8<<20 + 1, "larger": 40 << 20}
		for key, size := range sizes {
			r.server.Put("docs", key, bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size])
		}
		r.run()
		got := r.contents()
		require.Len(t, got, len(sizes))
		for key, size := range sizes {
			require.Len(t, got[key], 1, key)
			want := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
			require.True(t, bytes.Equal(want, []byte(got[key][0])), "%s: %d bytes", key, len(got[key][0]))
		}
	})
}

func TestAScannerIsChosenByThePathOfTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, `
scanner:
  switch:
    - re_match_name: '^tables/.*\.csv$'
      scanner: {lines: {}}
    - re_match_name: '^/odd//$'
      scanner: {chunker: {size: 1}}
    - scanner: {to_the_end: {}}
`)
		r.server.Put("docs", "tables/a/users.csv", []byte("1\n2\n"))
		r.server.Put("docs", "users.csv", []byte("1\n2\n"))
		r.server.Put("docs", "/odd//", []byte("12"))
		require.Equal(t, "", errOf(r.run().Err))
		require.Equal(t, map[string][]string{
			"tables/a/users.csv": {"1", "2"}, "users.csv": {"1\n2\n"}, "/odd//": {"1", "2"},
		}, r.contents())
	})
}

func TestASingleDownloadAtATimeDeliversInTheOrderOfTheKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, listers := range []int{0, 16} {
			r := newRig(t, fmt.Sprintf("concurrency: {max_downloads: 1, max_listers: %d}\n", listers))
			r.wrap = line(20*time.Millisecond, 100<<20)
			for i := range 6000 {
				r.server.Put("docs", fmt.Sprintf("%05d", i*7919%100_000), []byte("x"))
			}
			r.run()
			var keys []string
			for _, msg := range r.messages {
				key, _ := msg.MetaGet(emit.MetaKey)
				keys = append(keys, key)
			}
			require.Len(t, keys, 6000)
			require.True(t, slices.IsSorted(keys))
		}
	})
}

func TestALargeObjectThatIsReadInPartsArrivesWhole(t *testing.T) {
	for _, scanner := range []string{"to_the_end: {}", "chunker: {size: 1000000}"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, "scanner: {"+scanner+"}\n")
			r.wrap = line(20*time.Millisecond, 10<<20)
			content := make([]byte, 60<<20)
			for i := range content {
				content[i] = byte(i ^ i>>8 ^ i>>16 ^ i>>24)
			}
			r.server.Put("docs", "large", content)
			start := time.Now()
			r.run()
			require.LessOrEqual(t, time.Since(start), 4*time.Second, "one answer takes 6 s")
			require.Greater(t, r.server.Count(emulator.OpGet), 10)
			var got []byte
			for _, msg := range r.messages {
				part, err := msg.AsBytes()
				require.NoError(t, err)
				got = append(got, part...)
			}
			require.True(t, bytes.Equal(content, got))
		})
	}
}

// line is the way to a server: what each request takes before it is answered,
// and the bytes per second of an answer.
func line(latency time.Duration, rate int64) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			time.Sleep(latency)
			resp, err := next.RoundTrip(req)
			if err == nil {
				resp.Body = slowBody{resp.Body, rate}
			}
			return resp, err
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

type slowBody struct {
	io.ReadCloser
	rate int64
}

func (b slowBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), 64<<10)])
	time.Sleep(time.Duration(int64(n) * int64(time.Second) / b.rate))
	return n, err
}
