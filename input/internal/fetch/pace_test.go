package fetch

import (
	"context"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// pacedRun downloads with a rate, and returns how long that took.
func pacedRun(t *testing.T, opts Options, bytesPerSecond int64, objs []object.Object) time.Duration {
	t.Helper()
	opts.Room = NewRoom(RoomOptions{
		Bytes: opts.BufferBytes, BytesPerSecond: bytesPerSecond, Whole: opts.HoldsWhole || opts.TakesWhole, None: opts.References != nil,
	})
	k := &sink{}
	began := time.Now()
	failures, err := runAll(t, opts, objectsOf(objs), k)
	require.NoError(t, err)
	require.Empty(t, failures)
	if opts.References == nil {
		require.Len(t, k.got, len(objs))
	}
	return time.Since(began)
}

func TestBytesComeAtTheRateWhateverTheirObjects(t *testing.T) {
	for name, c := range map[string]struct {
		rate, size int64
		n          int
		whole      bool
	}{
		"small ones":             {rate: 1 << 20, size: 20 << 10, n: 600},
		"large ones":             {rate: 8 << 20, size: 30 << 20, n: 4},
		"large ones held whole":  {rate: 8 << 20, size: 20 << 20, n: 6, whole: true},
		"middling ones":          {rate: 8 << 20, size: 5 << 20, n: 20, whole: true},
		"at less than a page":    {rate: 1000, size: 500, n: 20},
		"a single one":           {rate: 2 << 20, size: 30 << 20, n: 1},
		"more than is delivered": {rate: 400 << 20, size: 25 << 20, n: 32},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore()
				s.latency, s.rate = 20*time.Millisecond, 200<<20
				opts := options(s, &gauges{})
				opts.MaxDownloads, opts.TakesWhole, opts.CheapRanges = 0, c.whole, true
				var objs []object.Object
				for i := range c.n {
					objs = append(objs, s.put(fmt.Sprint(i), make([]byte, c.size)))
				}
				want := float64(c.size*int64(c.n)) / float64(c.rate)
				require.InEpsilon(t, want, pacedRun(t, opts, c.rate, objs).Seconds(), 0.1)
			})
		})
	}
}

func TestNoSecondBringsMoreThanTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rate = 4 << 20
		s := newStore()
		opts := options(s, &gauges{})
		opts.Room = NewRoom(RoomOptions{Bytes: opts.BufferBytes, BytesPerSecond: rate})
		var objs []object.Object
		for i := range 40 {
			objs = append(objs, s.put(fmt.Sprint(i), make([]byte, 1<<20)))
		}
		var seconds [20]int64
		began := time.Now()
		opts.Source = metered{s, func(n int) { seconds[int(time.Since(began).Seconds())] += int64(n) }}
		_, err := runAll(t, opts, objectsOf(objs), &sink{})
		require.NoError(t, err)
		for at, n := range seconds {
			require.LessOrEqual(t, float64(n), 1.1*rate, "second %d", at)
		}
	})
}

// metered tells how many bytes its bodies bring.
type metered struct {
	*store
	came func(int)
}

func (c metered) Open(ctx context.Context, key string, offset int64) (*object.Content, error) {
	content, err := c.store.Open(ctx, key, offset)
	content.Body = meteredBody{content.Body, c}
	return content, err
}

type meteredBody struct {
	io.ReadCloser
	to metered
}

func (b meteredBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.to.mu.Lock()
	defer b.to.mu.Unlock()
	b.to.came(n)
	return n, err
}

func TestWhileBodiesWaitForTheRateFewRequestsAreUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.latency = 10 * time.Millisecond
		opts := options(s, &gauges{})
		opts.MaxDownloads = 0
		var objs []object.Object
		for i := range 200 {
			objs = append(objs, s.put(fmt.Sprint(i), make([]byte, 100<<10)))
		}
		var most time.Duration
		opts.Source = gaps{s, &most}
		pacedRun(t, opts, 200<<10, objs)
		require.LessOrEqual(t, most, 20*time.Second, "a server cuts a connection on which nothing moves")
	})
}

// gaps tells how long its bodies were not read.
type gaps struct {
	*store
	most *time.Duration
}

func (g gaps) Open(ctx context.Context, key string, offset int64) (*object.Content, error) {
	content, err := g.store.Open(ctx, key, offset)
	content.Body = &gapBody{content.Body, g, time.Now()}
	return content, err
}

type gapBody struct {
	io.ReadCloser
	of   gaps
	last time.Time
}

func (b *gapBody) Read(p []byte) (int, error) {
	b.of.mu.Lock()
	*b.of.most = max(*b.of.most, time.Since(b.last))
	b.of.mu.Unlock()
	b.last = time.Now()
	return b.ReadCloser.Read(p)
}

func TestReferencesDoNotWaitForTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		opts := options(s, &gauges{})
		opts.References = &References{Asks: func(object.Object) bool { return true }}
		var objs []object.Object
		for i := range 100 {
			objs = append(objs, s.put(fmt.Sprint(i), make([]byte, 10<<10)))
		}
		opts.Room = NewRoom(RoomOptions{BytesPerSecond: 1, None: true})
		err := run(t.Context(), opts, objectsOf(objs), func(context.Context, *Download) error { return nil }, func(f Failure) { t.Error(f.Err) })
		require.NoError(t, err)
		require.Zero(t, opts.Room.pace.due)
	})
}

func TestARunThatEndsDoesNotWaitForTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{t, NewRoom(RoomOptions{Bytes: 64 << 20, BytesPerSecond: 1000}), t.Context()}
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
		defer stop()
		slow := c.begin(ctx, c.endpoint(8), 40, 100_000, 0)
		began := time.Now()
		<-slow.Done()
		require.Equal(t, 10*time.Second, time.Since(began))
		c.requireEmpty()
		require.InEpsilon(t, 5, c.took(c.begin(t.Context(), c.endpoint(8), 10, 500, 0)).Seconds(), 0.2, "what was not read is not waited for")
		c.requireEmpty()
	})
}

func TestRunsWithoutABodyBeginOneWhileOthersWaitForTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{t, NewRoom(RoomOptions{Bytes: 64 << 20, BytesPerSecond: 1 << 20}), t.Context()}
		ctx, stop := context.WithCancel(t.Context())
		large := c.begin(ctx, c.endpoint(32), 400, 1<<20, 0)
		time.Sleep(5 * time.Second)
		require.LessOrEqual(t, c.took(c.begin(ctx, c.endpoint(8), 1, 1000, 0)), 5*time.Second)
		stop()
		<-large.Done()
		c.requireEmpty()
	})
}
