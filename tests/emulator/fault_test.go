package emulator

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// overSockets is the client over a real listener.
func overSockets(t *testing.T, s *Server) *client {
	t.Helper()
	l, err := s.Start("")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	c := newClient(t, s)
	tr := &http.Transport{DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	c.rt = redirect{strings.TrimPrefix(l.URL(), "http://"), tr}
	return c
}

// redirect sends a request that was signed for one host to another.
type redirect struct {
	addr string
	next http.RoundTripper
}

func (d redirect) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host, r.URL.Host = r.URL.Host, d.addr
	return d.next.RoundTrip(r)
}

// bothWays runs a test in memory and over sockets: they must not differ.
func bothWays(t *testing.T, f func(t *testing.T, s *Server, c *client)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		s := New(Options{})
		f(t, s, newClient(t, s))
	})
	t.Run("sockets", func(t *testing.T) {
		s := New(Options{})
		f(t, s, overSockets(t, s))
	})
}

func TestCutBodyIsAnUnexpectedEOF(t *testing.T) {
	bothWays(t, func(t *testing.T, s *Server, c *client) {
		s.Put("b", "k", []byte("0123456789"))
		for _, cut := range []struct {
			fault Fault
			want  string
		}{
			{Fault{CutAfter: 4}, "0123"},
			{Fault{CutAfter: AtOnce}, ""},
			{Fault{CutFraction: 0.5}, "01234"},
			{Fault{CutAfter: 7, BytesPerSecond: 1000}, "0123456"},
		} {
			s.SetFaults(func(Request) Fault { return cut.fault })
			got := c.get("b", "k")
			require.ErrorIs(t, got.err, io.ErrUnexpectedEOF)
			require.Equal(t, cut.want, got.body)
		}
		s.SetFaults(func(Request) Fault { return Fault{CutAfter: 10} })
		require.NoError(t, c.get("b", "k").err)
		s.SetFaults(nil)
		require.Equal(t, "0123456789", c.get("b", "k").body)
	})
}

func TestCleanCutLooksComplete(t *testing.T) {
	bothWays(t, func(t *testing.T, s *Server, c *client) {
		s.Put("b", "k", []byte("0123456789"))
		s.SetFaults(func(Request) Fault { return Fault{CleanCutAfter: 4} })
		got := c.get("b", "k")
		require.NoError(t, got.err)
		require.Equal(t, "0123", got.body)
		require.Empty(t, got.header.Get("Content-Length"))
	})
}

func TestHangUpIsAnErrorWithoutAnswer(t *testing.T) {
	bothWays(t, func(t *testing.T, s *Server, c *client) {
		s.SetFaults(func(Request) Fault { return Fault{HangUp: true} })
		require.ErrorIs(t, c.get("b", "k").err, io.EOF)
	})
}

func TestListingsCanBeCutToo(t *testing.T) {
	bothWays(t, func(t *testing.T, s *Server, c *client) {
		s.Put("b", "k", nil)
		s.SetFaults(func(r Request) Fault {
			if r.Op != OpList {
				return Fault{}
			}
			return Fault{CutFraction: 0.5}
		})
		require.ErrorIs(t, c.do(http.MethodGet, "b", "", "list-type=2", nil, nil).err, io.ErrUnexpectedEOF)
	})
}

func TestOverwriteInMidBodyDoesNotMixVersions(t *testing.T) {
	bothWays(t, func(t *testing.T, s *Server, c *client) {
		old, young := strings.Repeat("o", 1000), strings.Repeat("y", 1000)
		s.Put("b", "k", []byte(old))
		var once sync.Once
		s.SetFaults(func(Request) Fault {
			return Fault{OverwriteMid: func() { once.Do(func() { s.Put("b", "k", []byte(young)) }) }}
		})
		require.Equal(t, old, c.get("b", "k").body)
		require.Equal(t, young, c.get("b", "k").body)
	})
}

func TestBeforeRunsBeforeTheAnswerIsMade(t *testing.T) {
	s := New(Options{})
	s.Put("b", "k", []byte("old"))
	s.SetFaults(func(r Request) Fault {
		if r.KeyN == 1 {
			return Fault{Before: func() { s.Delete("b", "k") }}
		}
		return Fault{Before: func() { s.Put("b", "k", []byte("new")) }}
	})
	c := newClient(t, s)
	require.Equal(t, http.StatusNotFound, c.get("b", "k").status)
	require.Equal(t, "new", c.get("b", "k").body)
}

func TestStatusHasTheServersCode(t *testing.T) {
	s := New(Options{})
	c := newClient(t, s)
	for status, code := range map[int]string{
		429: "SlowDown", 500: "InternalError", 503: "LockTimeout", 544: "DatabaseTimeout", 403: "AccessDenied", 404: "NoSuchKey",
	} {
		s.SetFaults(func(Request) Fault {
			return Fault{Status: status, Header: http.Header{"retry-after": {"7"}}}
		})
		got := c.get("b", "k")
		require.Equal(t, status, got.status)
		require.Equal(t, code, got.code())
		require.Equal(t, "7", got.header.Get("Retry-After"))
	}
	for _, status := range []int{502, 504, 520, 522} {
		s.SetFaults(func(Request) Fault { return Fault{Status: status} })
		got := c.get("b", "k")
		require.Equal(t, status, got.status)
		require.Equal(t, "text/html", got.header.Get("Content-Type"))
	}
	s.SetFaults(func(Request) Fault { return Fault{Status: 403, Code: "FeatureNotEnabled", Message: "<off>"} })
	require.Contains(t, c.get("b", "k").body, "<Code>FeatureNotEnabled</Code><Message>&lt;off&gt;</Message>")
}

func TestRandomFaultsDoNotDependOnTheOrder(t *testing.T) {
	f, g := RandomFaults(7), RandomFaults(7)
	var forward, backward [1000]string
	describe := func(f Fault) string { return fmt.Sprintf("%d %f", f.Status, f.CutFraction) }
	request := func(i int) Request { return Request{Op: OpGet, Bucket: "b", Key: fmt.Sprint(i), KeyN: 1, N: i} }
	hits, cuts := 0, 0
	for i := range 1000 {
		fault := f(request(i))
		forward[i] = describe(fault)
		if fault.Status != 0 {
			hits++
			require.Contains(t, []int{429, 500, 503, 544}, fault.Status)
		}
		if fault.CutFraction > 0 {
			cuts++
			require.Less(t, fault.CutFraction, 1.0)
		}
	}
	for i := 999; i >= 0; i-- {
		backward[i] = describe(g(request(i)))
	}
	require.Equal(t, forward, backward)
	require.InDelta(t, 100, hits, 40)
	require.InDelta(t, 100, cuts, 40)
	require.NotEqual(t, forward[:], func() (other []string) {
		h := RandomFaults(8)
		for i := range 1000 {
			other = append(other, describe(h(request(i))))
		}
		return other
	}())
	require.Zero(t, f(Request{Op: OpList, Bucket: "b", KeyN: 1}).Status)
}

func TestEverythingArrivesThroughRandomFaults(t *testing.T) {
	s := New(Options{})
	for i := range 200 {
		s.PutGenerated("b", fmt.Sprint(i), 1000, uint64(i))
	}
	s.SetFaults(RandomFaults(1, Errors(OpGet, 0.3), Cuts(OpGet, 0.3), Delays(OpGet, 0.1, time.Microsecond)))
	c := newClient(t, s)
	for i := range 200 {
		want, err := io.ReadAll(Generated(uint64(i), 1000))
		require.NoError(t, err)
		attempts := 0
		for {
			attempts++
			require.Less(t, attempts, 50)
			if got := c.get("b", fmt.Sprint(i)); got.err == nil && got.status == http.StatusOK {
				require.Equal(t, string(want), got.body)
				break
			}
		}
	}
	require.Greater(t, s.Count(OpGet), 300)
}

func TestConcurrentUseIsSafe(t *testing.T) {
	s := New(Options{LogLimit: 10})
	s.AllowRead("b", func(map[string]any, string) bool { return true })
	c := newClient(t, s)
	user := c.as(s.UserToken("u", time.Hour))
	var failures atomic.Int64
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 50 {
				key := fmt.Sprint(n % 10)
				s.Put("b", key, []byte(key))
				if got := user.get("b", key); got.err != nil || got.status != http.StatusOK && got.status != http.StatusNotFound {
					failures.Add(1)
				}
				c.do(http.MethodGet, "b", "", "list-type=2", nil, nil)
				s.SetFaults(func(Request) Fault { return Fault{} })
				if n%10 == i {
					s.Delete("b", key)
					s.Touch("b")
				}
				s.Log()
			}
		})
	}
	wg.Wait()
	require.Zero(t, failures.Load())
}

func TestListenerStopsWhenClosed(t *testing.T) {
	s := New(Options{})
	s.Put("b", "k", []byte("content"))
	l, err := s.Start("")
	require.NoError(t, err)
	require.Equal(t, l.URL()+"/storage/v1/s3", l.Endpoint())
	s.SetFaults(func(Request) Fault { return Fault{StallAfter: 3} })
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.Endpoint()+"/b/k", nil)
	require.NoError(t, err)
	accessKeySigner(s).sign(r)
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	resp, err := tr.RoundTrip(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.NoError(t, l.Close())
	_, err = io.ReadAll(resp.Body)
	require.Error(t, err)
	_, err = tr.RoundTrip(r)
	require.Error(t, err)
	_, err = s.Start("256.0.0.1:x")
	require.ErrorContains(t, err, "starting the emulator")
}
