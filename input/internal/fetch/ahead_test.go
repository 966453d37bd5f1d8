package fetch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// randomBytes differ at every offset, so that a part in a wrong place shows. They
// are the same each time, and must not be written to.
func randomBytes(n int) []byte { return random()[:n:n] }

var random = sync.OnceValue(func() []byte {
	data := make([]byte, 64<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data)
	return data
})

// readOne downloads a single object and returns how long it took.
func readOne(t *testing.T, opts Options, obj object.Object, want []byte) time.Duration {
	t.Helper()
	k := &sink{}
	start := time.Now()
	failures, err := runAll(t, opts, objectsOf([]object.Object{obj}), k)
	require.NoError(t, err)
	require.Empty(t, failures)
	require.Len(t, k.got[obj.Key], 1)
	require.True(t, bytes.Equal(want, k.got[obj.Key][0]), "byte for byte")
	return time.Since(start)
}

func TestALargeObjectIsReadInPartsSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := newStore(), &gauges{}
		s.latency, s.rate = 20*time.Millisecond, 10<<20
		data := randomBytes(50 << 20)
		opts := options(s, g)
		opts.MaxDownloads = 0
		took := readOne(t, opts, s.put("k", data), data)
		require.LessOrEqual(t, took, time.Second, "a single answer takes 5 s")
		require.LessOrEqual(t, s.opens["k"], len(data)/partBytes+1, "no byte is asked for twice")
		require.LessOrEqual(t, g.buffered, opts.BufferBytes)
	})
}

func TestASmallObjectIsOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		data := randomBytes(wholeBytes)
		readOne(t, options(s, &gauges{}), s.put("k", data), data)
		require.Equal(t, 1, s.opens["k"])
	})
}

func TestAWindowOfOneReadsALargeObjectWithOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		data := randomBytes(20 << 20)
		opts := options(s, &gauges{})
		opts.MaxDownloads = 1
		readOne(t, opts, s.put("k", data), data)
		require.Equal(t, 1, s.opens["k"])
	})
}

func TestATakerOfWholeObjectsGetsThemInOnePieceOfMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := newStore(), &gauges{}
		s.latency, s.rate = 20*time.Millisecond, 10<<20
		opts := options(s, g)
		opts.MaxDownloads, opts.TakesWhole = 0, true
		var objs []object.Object
		for i, size := range []int{0, 1, 5 << 20, 8<<20 + 1, 60 << 20} {
			objs = append(objs, s.put(fmt.Sprint(i), randomBytes(size)))
		}
		start := time.Now()
		err := run(t.Context(), opts, objectsOf(objs), func(_ context.Context, d *Download) error {
			require.NotNil(t, d.Whole)
			require.Len(t, d.Whole, cap(d.Whole))
			require.True(t, bytes.Equal(s.objects[d.Key], d.Whole))
			rest, err := io.ReadAll(d.Body)
			require.Empty(t, rest)
			return err
		}, func(f Failure) { t.Error(f.Err) })
		require.NoError(t, err)
		require.LessOrEqual(t, time.Since(start), 3*time.Second, "a single answer takes 6 s")
		require.Equal(t, int64(60<<20), g.buffered, "parts in their places take no bytes of their own")
	})
}

func TestPartsKeepToTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.latency, s.rate = 20*time.Millisecond, 10<<20
		data := randomBytes(36 << 20)
		opts := options(s, &gauges{})
		opts.MaxDownloads = 3
		readOne(t, opts, s.put("k", data), data)
		require.LessOrEqual(t, s.most, 3)
		require.Greater(t, s.opens["k"], 10)
	})
}

func TestPartsLeaveTheirRoomToObjectsThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.latency, s.rate = 10*time.Millisecond, 10<<20
		objs := []object.Object{s.put("large", randomBytes(40<<20))}
		for i := range 200 {
			objs = append(objs, s.put(fmt.Sprintf("small%03d", i), []byte("x")))
		}
		start := time.Now()
		var smallTook time.Duration
		var mu sync.Mutex
		k := &sink{hold: func(d *Download) {
			mu.Lock()
			defer mu.Unlock()
			if d.Key != "large" {
				smallTook = time.Since(start)
			}
		}}
		_, err := runAll(t, options(s, &gauges{}), objectsOf(objs), k)
		require.NoError(t, err)
		require.Len(t, k.got, 201)
		require.LessOrEqual(t, smallTook, time.Second, "7 at a time once the first parts of the large one are there")
	})
}

func TestAPartThatIsCutIsReadOnFromThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := newStore(), &gauges{}
		s.latency, s.rate = 10*time.Millisecond, 10<<20
		data := randomBytes(37 << 20)
		s.onOpen = func(_ string, n int, _ int64) (int64, error) {
			switch {
			case n%3 == 0:
				return int64(n) << 16, nil
			case n%7 == 0:
				return 0, unavailable("k")
			}
			return -1, nil
		}
		readOne(t, options(s, g), s.put("k", data), data)
		require.Contains(t, g.retries, "unavailable")
	})
}

func TestPartsOfTwoVersionsAreNeverJoined(t *testing.T) {
	for _, then := range []string{"same length", "shorter", "longer", "empty"} {
		for _, overwriteAt := range []int{1, 2, 4} {
			t.Run(fmt.Sprint(then, overwriteAt), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s, g := newStore(), &gauges{}
					s.latency, s.rate = 10*time.Millisecond, 10<<20
					old := randomBytes(13 << 20)
					obj := s.put("k", old)
					after := map[string][]byte{
						"same length": bytes.Repeat([]byte("n"), len(old)),
						"shorter":     bytes.Repeat([]byte("n"), 3<<20),
						"longer":      bytes.Repeat([]byte("n"), 17<<20),
						"empty":       {},
					}[then]
					s.onOpen = func(_ string, n int, _ int64) (int64, error) {
						if n == overwriteAt {
							s.put("k", after)
						}
						return -1, nil
					}
					k := &sink{}
					failures, err := runAll(t, options(s, g), objectsOf([]object.Object{obj}), k)
					require.NoError(t, err)
					require.Empty(t, failures)
					require.Len(t, k.got["k"], 1)
					require.True(t, bytes.Equal(after, k.got["k"][0]) || bytes.Equal(old, k.got["k"][0]), "one version, whole")
				})
			})
		}
	}
}

func TestAnEndpointWithoutRangesIsReadInOnePiece(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.noRanges = true
		data := randomBytes(20 << 20)
		readOne(t, options(s, &gauges{}), s.put("k", data), data)
		require.LessOrEqual(t, s.opens["k"], 4, "not one for each part")
	})
}

// hashing is a server that reads the whole object before the first byte of each
// answer, as the file backend of Supabase Storage does: two answers at a time.
func hashing(size int64, hash, rate int64) *store {
	s := newStore()
	s.rate = rate
	s.serve = queueing(2, func() time.Duration { return time.Duration(size * int64(time.Second) / hash) })
	return s
}

func TestPartsAreNotReadWhereEachCostsTheWholeObject(t *testing.T) {
	for _, size := range []int64{9 << 20, 20 << 20, 60 << 20} {
		t.Run(fmt.Sprint(size>>20), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				read := func(window int) (time.Duration, int) {
					s := hashing(size, 600<<20, 150<<20)
					opts := options(s, &gauges{})
					opts.MaxDownloads = window
					var objs []object.Object
					for i := range 3 {
						objs = append(objs, s.put(fmt.Sprint(i), make([]byte, size)))
					}
					turn := make(chan struct{}, 1) // one after the other, as in a pipeline
					start := time.Now()
					err := run(t.Context(), opts, objectsOf(objs), func(_ context.Context, d *Download) error {
						turn <- struct{}{}
						defer func() { <-turn }()
						_, err := io.Copy(io.Discard, d.Body)
						return err
					}, func(f Failure) { t.Error(f.Err) })
					require.NoError(t, err)
					requests := 0
					for _, n := range s.opens {
						requests += n
					}
					return time.Since(start), requests
				}
				alone, _ := read(1)
				took, requests := read(0)
				t.Logf("one request each %v, adaptive %v with %d requests", alone, took, requests)
				require.LessOrEqual(t, requests, 3)
				require.LessOrEqual(t, took, alone*11/10)
			})
		})
	}
}

// TestRangesThatAreCheapOnceAreReadFromTheStart is a line that is slow for each connection: the first
// object is read in parts after its first stretch, the ones after it from their start.
func TestRangesThatAreCheapOnceAreReadFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := newStore(), &gauges{}
		s.latency, s.rate = 20*time.Millisecond, 25<<20
		opts := options(s, g)
		opts.MaxDownloads, opts.BufferBytes = 0, 96<<20
		var took []time.Duration
		read := make(chan struct{})
		objs := func(yield func(object.Object, error) bool) {
			for i := range 3 {
				if i > 0 {
					<-read
				}
				if !yield(s.put(fmt.Sprint(i), make([]byte, 50<<20)), nil) {
					return
				}
			}
		}
		err := run(t.Context(), opts, objs, func(_ context.Context, d *Download) error {
			start := time.Now()
			_, err := io.Copy(io.Discard, d.Body)
			if took = append(took, time.Since(start)); len(took) < 3 {
				read <- struct{}{}
			}
			return err
		}, func(f Failure) { t.Error(f.Err) })
		require.NoError(t, err)
		require.LessOrEqual(t, took[0], time.Second, "a single answer takes 2 s")
		require.LessOrEqual(t, took[2], 500*time.Millisecond)
	})
}

func TestASlowAnswerIsNoReasonNeverToReadParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.rate = 25 << 20
		var first sync.Once
		s.serve = func(ctx context.Context, _ string, _ int) error {
			first.Do(func() { time.Sleep(time.Second) })
			return retry.Sleep(ctx, 20*time.Millisecond)
		}
		opts := options(s, &gauges{})
		var objs []object.Object
		for i := range 2 {
			objs = append(objs, s.put(fmt.Sprint(i), make([]byte, 30<<20)))
		}
		turn := make(chan struct{})
		err := run(t.Context(), opts, func(yield func(object.Object, error) bool) {
			if yield(objs[0], nil) {
				<-turn
				yield(objs[1], nil)
			}
		}, func(_ context.Context, d *Download) error {
			_, err := io.Copy(io.Discard, d.Body)
			if d.Key == "0" {
				close(turn)
			}
			return err
		}, func(f Failure) { t.Error(f.Err) })
		require.NoError(t, err)
		require.Equal(t, 1, s.opens["0"])
		require.Greater(t, s.opens["1"], 5)
	})
}

func TestRangesThatAreKnownToBeCheapAreAskedForAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.latency, s.rate = time.Second, 25<<20 // as long as a store would hash
		data := randomBytes(30 << 20)
		opts := options(s, &gauges{})
		opts.CheapRanges = true
		readOne(t, opts, s.put("k", data), data)
		require.Equal(t, len(data)/partBytes, s.opens["k"])
	})
}

func TestClosingALargeDownloadGivesEverythingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := newStore(), &gauges{}
		s.latency, s.rate = 50*time.Millisecond, 10<<20
		objs := []object.Object{s.put("a", make([]byte, 40<<20)), s.put("b", make([]byte, 40<<20))}
		attempts := 0
		var mu sync.Mutex
		last := int64(-1)
		opts := options(s, g)
		opts.Meter = &lastBuffered{gauges: g, last: &last}
		err := run(t.Context(), opts, objectsOf(objs), func(_ context.Context, d *Download) error {
			mu.Lock()
			attempts++
			n := attempts
			mu.Unlock()
			_, _ = io.CopyN(io.Discard, d.Body, int64(n)*3<<20)
			return unavailable(d.Key) // as a scanner that breaks off
		}, func(Failure) {})
		require.NoError(t, err)
		require.Equal(t, 10, attempts)
		synctest.Wait()
		require.Zero(t, last, "bytes of the budget still in use")
	})
}

// lastBuffered remembers the last number of bytes in use.
type lastBuffered struct {
	*gauges
	last *int64
}

func (l *lastBuffered) Buffered(n int64) {
	l.gauges.Buffered(n)
	l.mu.Lock()
	defer l.mu.Unlock()
	*l.last = n
}

func TestAStalledPipelineHoldsNoMoreThanTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := newStore(), &gauges{}
		s.latency, s.rate = 10*time.Millisecond, 50<<20
		data := randomBytes(60 << 20)
		opts := options(s, g)
		opts.MaxDownloads, opts.BufferBytes = 0, 32<<20
		var got bytes.Buffer
		err := run(t.Context(), opts, objectsOf([]object.Object{s.put("k", data)}), func(ctx context.Context, d *Download) error {
			_, err := io.CopyN(&got, d.Body, 10<<20)
			require.NoError(t, err)
			require.NoError(t, retry.Sleep(ctx, time.Minute))
			require.LessOrEqual(t, s.opens["k"], 3+32<<20/partBytes)
			_, err = io.Copy(&got, d.Body)
			return err
		}, func(f Failure) { t.Error(f.Err) })
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, got.Bytes()))
		require.LessOrEqual(t, g.buffered, int64(32<<20))
		require.LessOrEqual(t, s.opens["k"], len(data)/partBytes+1, "no request is repeated")
	})
}
