package endpoint

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// bubble is an endpoint in a synctest bubble, on connections that are pipes.
type bubble struct {
	*Server
	client *http.Client
}

func inBubble(t *testing.T, o Options, test func(t *testing.T, b bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := newServer(o)
		require.NoError(t, err)
		transport := &http.Transport{MaxIdleConnsPerHost: 64, DialContext: func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			s.take(far)
			return near, nil
		}}
		defer s.cut()
		test(t, bubble{s, &http.Client{Transport: transport}})
	})
}

// ask makes a request and returns its status and how long the answer took.
func (b bubble) ask(t *testing.T, method, path, key string, body io.Reader) (status int, took time.Duration) {
	t.Helper()
	began := time.Now()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://bubble"+path, body)
	require.NoError(t, err)
	req.Header.Set("Bench-Key", key)
	resp, err := b.client.Do(req)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode, time.Since(began)
}

func TestEachAnswerHasItsLatencyAndTheBandwidthForItself(t *testing.T) {
	o := Options{Objects: 1, Size: 10 << 20, Latency: 30 * time.Millisecond, BytesPerSecond: 20 << 20}
	inBubble(t, o, func(t *testing.T, b bubble) {
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				_, took := b.ask(t, http.MethodGet, object0, "", nil)
				if took.Round(time.Microsecond) != 530*time.Millisecond {
					t.Error(took)
				}
			})
		}
		group.Wait()
		synctest.Wait() // the endpoint counts what it has written afterwards
		require.Equal(t, 8, b.Stats().PeakInFlight)
		require.Equal(t, int64(80<<20), b.Stats().Bytes)

		_, took := b.ask(t, http.MethodGet, "/"+Bucket+"?list-type=2", "", nil)
		require.Equal(t, 30*time.Millisecond, took)
	})
}

func TestRequestsAboveTheBoundAreAnsweredSlowDownAtOnce(t *testing.T) {
	inBubble(t, Options{Objects: 1, Size: 1, Latency: time.Second, MaxInFlight: 3}, func(t *testing.T, b bubble) {
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() { b.ask(t, http.MethodGet, object0, "", nil) })
		}
		synctest.Wait()
		status, took := b.ask(t, http.MethodGet, object0, "", nil)
		require.Equal(t, http.StatusTooManyRequests, status)
		require.Equal(t, time.Duration(0), took)
		group.Wait()
		status, _ = b.ask(t, http.MethodGet, object0, "", nil)
		require.Equal(t, http.StatusOK, status)

		stats := b.Stats()
		require.Equal(t, 3, stats.PeakInFlight)
		require.Equal(t, 1, stats.Throttled)
		require.Equal(t, 5, stats.Gets)
		require.Equal(t, 0, stats.Refused)
	})
}

func TestTheSinkStallsFromItsFirstMessageOn(t *testing.T) {
	inBubble(t, Options{Stall: time.Minute}, func(t *testing.T, b bubble) {
		var group sync.WaitGroup
		for i := range 5 {
			group.Go(func() {
				time.Sleep(time.Duration(i) * time.Second)
				_, took := b.ask(t, http.MethodPost, "/sink", fmt.Sprint(i), strings.NewReader("12345"))
				if took != time.Minute-time.Duration(i)*time.Second {
					t.Error(i, took)
				}
			})
		}
		group.Wait()
		_, took := b.ask(t, http.MethodPost, "/sink", "0", strings.NewReader("12345"))
		require.Equal(t, time.Duration(0), took)

		stats := b.Stats()
		require.Equal(t, 6, stats.Messages)
		require.Equal(t, 5, stats.Distinct)
		require.Equal(t, int64(30), stats.Received)
		require.Equal(t, 0, stats.Requests())
	})
}

func TestAnOutageBeginsAfterSomeAnswersAndItsRequestsAreCounted(t *testing.T) {
	inBubble(t, Options{Objects: 9, Size: 1, DownAfter: 2, Down: time.Minute}, func(t *testing.T, b bubble) {
		get := func() error {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://bubble"+object0, nil)
			require.NoError(t, err)
			resp, err := b.client.Do(req)
			if err == nil {
				err = resp.Body.Close()
			}
			return err
		}
		require.NoError(t, get())
		require.NoError(t, get())
		began := time.Now()
		require.Error(t, get())
		time.Sleep(59 * time.Second)
		require.Error(t, get())
		down := b.Stats()
		require.Equal(t, began, down.Down)
		require.GreaterOrEqual(t, down.Knocks, 2, "net/http asks again by itself")
		require.True(t, down.Back.IsZero())
		time.Sleep(time.Second)
		require.NoError(t, get())
		require.Equal(t, began.Add(time.Minute), b.Stats().Back)
		require.Equal(t, down.Knocks, b.Stats().Knocks)
	})
}
