package emulator

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDelaysAreVirtualInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		s.Put("b", "k", []byte("content"))
		s.SetFaults(func(Request) Fault { return Fault{Delay: time.Hour} })
		start := time.Now()
		got := newClient(t, s).get("b", "k")
		require.NoError(t, got.err)
		require.Equal(t, "content", got.body)
		require.Equal(t, time.Hour, time.Since(start))
	})
}

func TestSlowBodyTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		s.PutGenerated("b", "k", 1<<20, 1)
		s.SetFaults(func(Request) Fault { return Fault{BytesPerSecond: 1 << 10} })
		start := time.Now()
		got := newClient(t, s).get("b", "k")
		require.NoError(t, got.err)
		require.Len(t, got.body, 1<<20)
		require.InDelta(t, 1024, time.Since(start).Seconds(), 1)
	})
}

func TestStalledBodyEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		s.Put("b", "k", []byte("content"))
		s.SetFaults(func(Request) Fault { return Fault{StallAfter: 3} })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		c := newClient(t, s)
		r := c.request(http.MethodGet, "b", "k", "", nil, nil).WithContext(ctx)
		c.sign.sign(r)
		resp, err := s.Transport().RoundTrip(r)
		require.NoError(t, err)
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, "con", string(data))
	})
}

func TestClosingTheBodyFreesAStalledHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		s.PutGenerated("b", "k", 10<<20, 1)
		c := newClient(t, s)
		r := c.request(http.MethodGet, "b", "k", "", nil, nil)
		c.sign.sign(r)
		resp, err := s.Transport().RoundTrip(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		_, err = resp.Body.Read(make([]byte, 1))
		require.ErrorIs(t, err, http.ErrBodyReadAfterClose)
		synctest.Wait()
		require.EqualValues(t, 0, s.journal.ops[OpGet].inFlight.Load())
	})
}

func TestWaitingForAnAnswerEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		s.SetFaults(func(Request) Fault { return Fault{Delay: time.Hour} })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c := newClient(t, s)
		r := c.request(http.MethodGet, "b", "k", "", nil, nil).WithContext(ctx)
		start := time.Now()
		_, err := s.Transport().RoundTrip(r)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
	})
}

func TestHangUpIsNoAnswer(t *testing.T) {
	s := New(Options{})
	s.SetFaults(func(Request) Fault { return Fault{HangUp: true} })
	require.ErrorIs(t, newClient(t, s).get("b", "k").err, io.EOF)
}
