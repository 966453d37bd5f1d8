package input

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// traffic is what went to and from the server.
type traffic struct{ requests, bytes atomic.Int64 }

func (t *traffic) String() string {
	return fmt.Sprintf("%d requests, %.1f kB", t.requests.Load(), float64(t.bytes.Load())/1000)
}

// onWire tells the traffic of full listings from that of asking for changes.
type onWire struct {
	next        http.RoundTripper
	list, asked traffic
}

func (w *onWire) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	var t *traffic
	switch {
	case strings.HasSuffix(r.URL.Path, "/list-v2/docs"):
		t = &w.asked
	case strings.HasSuffix(r.URL.Path, "/s3/docs"):
		t = &w.list
	default:
		return resp, nil
	}
	t.requests.Add(1)
	t.bytes.Add(max(r.ContentLength, 0))
	resp.Body = counted{resp.Body, &t.bytes}
	return resp, nil
}

type counted struct {
	io.ReadCloser
	bytes *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

// measurePolls reads a bucket of n objects that were all delivered before,
// changes 100 of them before each of the rounds, and tells what a full listing
// and a poll cost. All 100 must arrive before the next poll but one begins.
// Where rest is set, it also tells what polls cost while nothing changes.
func measurePolls(tb testing.TB, n, rounds int, interval, rest time.Duration) {
	r := newChangesRig(tb, fmt.Sprintf("auto_replay_nacks: false\nstate: {path: %q}\n", filepath.Join(tb.TempDir(), "s.db")))
	r.fields = strings.Replace(r.fields, "polling_interval: 10s", "polling_interval: "+interval.String(), 1)
	w := &onWire{}
	r.wrap = func(next http.RoundTripper) http.RoundTripper {
		w.next = next
		return w
	}
	key := func(i int) string { return fmt.Sprintf("%02x/%08d.jpg", i*7%256, i) }
	put := func(i int, seed uint64, opts ...emulator.PutOption) {
		r.server.PutGenerated("docs", key(i), 64, seed, opts...)
	}
	for i := range n {
		put(i, uint64(i), emulator.WithLastModified(time.Now().Add(-time.Duration(n-i)*time.Second)))
	}
	require.NoError(tb, r.build())
	states, err := openStates(tb.Context(), r.input.(*single).Conf, r.resources())
	require.NoError(tb, err)
	state, err := states.Open(tb.Context(), states.Scopes()[0])
	require.NoError(tb, err)
	marked, err := state.MarkDelivered(tb.Context())
	require.NoError(tb, err)
	require.EqualValues(tb, n, marked)
	require.NoError(tb, state.Close(tb.Context()))
	require.NoError(tb, states.Close(tb.Context()))

	*w = onWire{}
	stop := r.live()
	defer stop()
	await := func(done func() bool, within time.Duration) time.Duration {
		began := time.Now()
		for !done() {
			require.Less(tb, time.Since(began), within)
			time.Sleep(interval / 100)
		}
		return time.Since(began)
	}
	// The sweep asks for the newest row; what is asked then is a poll.
	await(func() bool { return w.asked.requests.Load() > 1 }, time.Minute+10*interval)
	tb.Logf("a full listing of %d objects: %v", n, &w.list)

	lists, slowest, seed := w.list.requests.Load(), time.Duration(0), uint64(n)
	var before traffic
	before.requests.Store(w.asked.requests.Load())
	before.bytes.Store(w.asked.bytes.Load())
	for round := range rounds {
		for i := range 100 {
			seed++
			put((round*100+i)*7919%(n+50*rounds), seed) // some of them new
		}
		arrived := 0
		slowest = max(slowest, await(func() bool {
			arrived += len(r.arrived())
			return arrived >= 100
		}, 2*interval))
		require.Equal(tb, 100, arrived)
	}
	polls := float64(w.asked.requests.Load() - before.requests.Load())
	tb.Logf("%d times 100 changes, a poll each %v: %.1f requests and %.1f kB each time; the last of 100 arrived after %v at the latest",
		rounds, interval, polls/float64(rounds), float64(w.asked.bytes.Load()-before.bytes.Load())/float64(rounds)/1000, slowest.Round(time.Millisecond))
	require.Equal(tb, lists, w.list.requests.Load(), "nothing but what changed was listed")
	require.LessOrEqual(tb, polls, float64(2*rounds+1))
	if rest == 0 {
		return
	}
	time.Sleep(2*overlapAtMost + interval) // until the last changes are out of sight
	requests, bytes := w.asked.requests.Load(), w.asked.bytes.Load()
	time.Sleep(rest)
	requests, bytes = w.asked.requests.Load()-requests, w.asked.bytes.Load()-bytes
	tb.Logf("at rest: %d requests in %v, of %d bytes with their answers", requests, rest, bytes/requests)
	require.InDelta(tb, float64(rest)/float64(interval), float64(requests), 0.15*float64(rest)/float64(interval))
	require.Less(tb, bytes/requests, int64(300))
}

// overlapAtMost is how long a change is seen by one poll after the other.
const overlapAtMost = 3 * time.Minute

func TestAPollCostsWhatTheChangesDoWhateverTheBucketHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { measurePolls(t, 20_000, 20, 30*time.Second, 10*time.Minute) })
}

// BenchmarkPollsOfAMillionObjects prints what polls cost next to a full listing;
// its time is that of five polls, five seconds apart.
func BenchmarkPollsOfAMillionObjects(b *testing.B) {
	for b.Loop() {
		measurePolls(b, 1_000_000, 5, 5*time.Second, 0)
	}
}
