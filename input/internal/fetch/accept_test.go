package fetch

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// gateway is a store behind something that changes its answers.
type gateway struct {
	*store
	// lie changes the n-th answer for a key (from 1).
	lie func(key string, n int, c *object.Content) *object.Content
	// err, where it is not nil, comes in place of the answer.
	err    func(key string, n int) error
	n      map[string]int
	asked  int // listings of one key
	probes int
}

func newGateway(s *store) *gateway { return &gateway{store: s, n: map[string]int{}} }

func (g *gateway) pass(key string, c *object.Content, err error) (*object.Content, error) {
	g.mu.Lock()
	g.n[key]++
	n := g.n[key]
	g.mu.Unlock()
	if g.err != nil {
		if refused := g.err(key, n); refused != nil {
			return nil, refused
		}
	}
	if err == nil && g.lie != nil {
		c = g.lie(key, n, c)
	}
	return c, err
}

func (g *gateway) Open(ctx context.Context, key string, offset int64) (*object.Content, error) {
	c, err := g.store.Open(ctx, key, offset)
	return g.pass(key, c, err)
}

func (g *gateway) OpenRange(ctx context.Context, key string, offset, length int64) (*object.Content, error) {
	c, err := g.store.OpenRange(ctx, key, offset, length)
	return g.pass(key, c, err)
}

func (g *gateway) Listed(ctx context.Context, key string) (object.Object, bool, error) {
	g.mu.Lock()
	g.asked++
	g.mu.Unlock()
	return g.store.Listed(ctx, key)
}

func (g *gateway) Probe(ctx context.Context) error {
	g.mu.Lock()
	g.probes++
	g.mu.Unlock()
	return g.store.Probe(ctx)
}

// putMD5 is put with the ETag that Supabase makes.
func (s *store) putMD5(key string, data []byte) object.Object {
	o := s.put(key, data)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.etag[key] = fmt.Sprintf("%x", md5.Sum(data))
	o.ETag = s.etag[key]
	return o
}

// page is an answer that is no object.
func page(text string) *object.Content {
	return &object.Content{
		Object: object.Object{Size: int64(len(text))}, ContentType: "text/html", Body: io.NopCloser(bytes.NewReader([]byte(text))),
	}
}

// with is c with other bytes and another size.
func with(c *object.Content, data []byte, size int64) *object.Content {
	out := *c
	out.Size, out.Body = size, io.NopCloser(bytes.NewReader(data))
	return &out
}

// sizes are those of an object that is held, and of one that streams.
var sizes = map[string]int{"small": 1000, "large": 9 << 20}

func TestAnAnswerThatIsNotTheListedVersionIsNeverDelivered(t *testing.T) {
	for name, lie := range map[string]func(c *object.Content, data []byte) *object.Content{
		"page of the gateway": func(*object.Content, []byte) *object.Content { return page("<html>starting</html>") },
		"page of the right size": func(_ *object.Content, data []byte) *object.Content {
			return page(string(bytes.Repeat([]byte("<"), len(data))))
		},
		"empty":                 func(c *object.Content, _ []byte) *object.Content { return with(c, nil, 0) },
		"empty without an ETag": func(*object.Content, []byte) *object.Content { return page("") },
		"longer":                func(c *object.Content, data []byte) *object.Content { return with(c, append(data, 'x'), c.Size+1) },
		"shorter":               func(c *object.Content, data []byte) *object.Content { return with(c, data[1:], c.Size-1) },
		"version before": func(c *object.Content, data []byte) *object.Content {
			c.ETag = "before"
			c.Body = io.NopCloser(bytes.NewReader(bytes.ToUpper(data)))
			return c
		},
		"chunked and longer": func(c *object.Content, data []byte) *object.Content {
			c = with(c, append(bytes.Clone(data), 'x'), object.UnknownSize)
			c.EndsItself = true
			return c
		},
		"chunked and shorter": func(c *object.Content, data []byte) *object.Content {
			c = with(c, data[:10], object.UnknownSize)
			c.EndsItself = true
			return c
		},
		"compressed": func(c *object.Content, data []byte) *object.Content {
			c = with(c, data[:len(data)/2], int64(len(data)/2))
			c.Encoding = "gzip"
			return c
		},
		"compressed and chunked": func(c *object.Content, data []byte) *object.Content {
			c = with(c, data[:len(data)/2], object.UnknownSize)
			c.Encoding = "gzip"
			return c
		},
	} {
		for size, bytesOf := range sizes {
			t.Run(name+" "+size, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					data := bytes.Repeat([]byte("abcdefgh"), bytesOf/8)
					g := newGateway(newStore())
					g.lie = func(_ string, n int, c *object.Content) *object.Content {
						if n > 2 {
							return c
						}
						return lie(c, data)
					}
					k, m := &sink{}, &gauges{}
					opts := options(g.store, m)
					opts.Source = g
					failures, err := runAll(t, opts, objectsOf([]object.Object{g.putMD5("k", data)}), k)
					require.NoError(t, err)
					require.Empty(t, failures)
					require.Len(t, k.got["k"], 1)
					require.True(t, bytes.Equal(data, k.got["k"][0]))
					require.Contains(t, m.retries, "mismatch")

					g.lie = func(_ string, _ int, c *object.Content) *object.Content { return lie(c, data) }
					clear(k.got)
					failures, err = runAll(t, opts, objectsOf([]object.Object{{Key: "k", ETag: g.etag["k"], Size: int64(len(data))}}), k)
					require.NoError(t, err)
					require.Empty(t, k.got)
					require.ErrorIs(t, failures["k"].Err, object.ErrMismatch)
					require.ErrorContains(t, failures["k"].Err, "listed")
				})
			})
		}
	}
}

func TestAnAnswerThatIsTheListedVersionCostsNoFurtherRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, k := newGateway(newStore()), &sink{}
		opts := options(g.store, &gauges{})
		opts.Source, opts.CheckUpTo = g, 1<<20
		_, err := runAll(t, opts, objectsOf([]object.Object{g.putMD5("a", []byte("1")), g.putMD5("b", make([]byte, 9<<20))}), k)
		require.NoError(t, err)
		require.Len(t, k.got, 2)
		require.Zero(t, g.asked)
	})
}

func TestASoundAnswerWithoutALengthIsAccepted(t *testing.T) {
	for size, bytesOf := range sizes {
		for _, chunked := range []bool{true, false} {
			t.Run(fmt.Sprint(size, " ", chunked), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g, k := newGateway(newStore()), &sink{}
					g.lie = func(_ string, _ int, c *object.Content) *object.Content {
						c.Size, c.EndsItself = object.UnknownSize, chunked
						return c
					}
					data := randomBytes(bytesOf)
					opts := options(g.store, &gauges{})
					opts.Source = g
					failures, err := runAll(t, opts, objectsOf([]object.Object{g.putMD5("k", data)}), k)
					require.NoError(t, err)
					require.Empty(t, failures)
					require.True(t, bytes.Equal(data, k.got["k"][0]))
					require.Zero(t, g.asked)
				})
			})
		}
	}
}

func TestAnEndpointThatNamesVersionsDifferentlyIsToldFromALiarByTheContent(t *testing.T) {
	for name, etag := range map[string]string{"no ETag": "", "another ETag": "of the edge"} {
		for _, md5Listed := range []bool{true, false} {
			for size, bytesOf := range sizes {
				t.Run(fmt.Sprint(name, " ", md5Listed, " ", size), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						g, k, m := newGateway(newStore()), &sink{}, &gauges{}
						g.lie = func(_ string, _ int, c *object.Content) *object.Content {
							c.ETag = etag
							return c
						}
						put := g.put
						if md5Listed {
							put = g.putMD5
						}
						data := randomBytes(bytesOf)
						obj := put("k", data)
						opts := options(g.store, m)
						opts.Source = g
						failures, err := runAll(t, opts, objectsOf([]object.Object{obj}), k)
						require.NoError(t, err)
						require.Empty(t, failures)
						require.True(t, bytes.Equal(data, k.got["k"][0]))
						require.Equal(t, []Peculiarity{OtherETags}, m.noticed)
					})
				})
			}
		}
	}
}

func TestADownloadIsTheListedVersionWhateverItsAnswerIsCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(newStore())
		g.lie = func(_ string, _ int, c *object.Content) *object.Content {
			c.ETag, c.LastModified = "of the edge", time.Now()
			return c
		}
		obj := g.putMD5("k", []byte("x"))
		obj.LastModified = time.Now().Add(-time.Hour)
		opts := options(g.store, &gauges{})
		opts.Source = g
		var got object.Object
		require.NoError(t, run(t.Context(), opts, objectsOf([]object.Object{obj}), func(_ context.Context, d *Download) error {
			got = d.Object
			return nil
		}, nil))
		require.Equal(t, obj, got)
	})
}

func TestAnObjectThatWasOverwrittenIsDeliveredAsTheVersionThatIsListedNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, k := newGateway(newStore()), &sink{}
		listed := g.putMD5("k", []byte("before"))
		now := g.putMD5("k", []byte("after"))
		opts := options(g.store, &gauges{})
		opts.Source = g
		var got object.Object
		k.hold = func(d *Download) { got = d.Object }
		failures, err := runAll(t, opts, objectsOf([]object.Object{listed}), k)
		require.NoError(t, err)
		require.Empty(t, failures)
		require.Equal(t, [][]byte{[]byte("after")}, k.got["k"])
		require.Equal(t, now, got)
		require.Equal(t, 1, g.opens["k"], "what came is what is listed now")
	})
}

func TestAVersionThatIsNotDueIsNotDownloaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(newStore())
		listed := g.putMD5("k", []byte("small"))
		g.putMD5("k", make([]byte, 50<<20))
		opts := options(g.store, &gauges{})
		opts.Source = g
		asked := 0
		c := &takers{
			deliver: func(context.Context, *Download) error { return errors.New("delivered") },
			failed:  func(f Failure) { t.Error(f.Err) },
			changed: func(now object.Object) bool { asked++; return now.Size < 1<<20 },
		}
		require.NoError(t, runTo(t.Context(), opts, objectsOf([]object.Object{listed}), c))
		require.Equal(t, 1, asked)
	})
}

func TestARowWithoutMetadataIsHeldToTheLimitsByWhatArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(newStore())
		g.put("k", make([]byte, 5000))
		opts := options(g.store, &gauges{})
		opts.Source = g
		g.listed = func(key string) (object.Object, bool, error) { return object.Object{Key: key}, true, nil }
		delivered := 0
		for _, due := range []bool{true, false} {
			c := &takers{
				deliver: func(_ context.Context, d *Download) error {
					data, err := io.ReadAll(d.Body)
					require.Len(t, data, 5000)
					require.EqualValues(t, 5000, d.Size)
					delivered++
					return err
				},
				failed:  func(f Failure) { t.Error(f.Err) },
				changed: func(object.Object) bool { return due },
			}
			require.NoError(t, runTo(t.Context(), opts, objectsOf([]object.Object{{Key: "k"}}), c))
		}
		require.Equal(t, 1, delivered)
	})
}

func TestAnAnswerToTheRestOfABodyThatIsNotTheObjectIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, k, m := newGateway(newStore()), &sink{}, &gauges{}
		data := randomBytes(9 << 20)
		obj := g.putMD5("k", data)
		g.onOpen = func(_ string, n int, _ int64) (int64, error) {
			if n == 1 {
				return 5 << 20, nil // it is cut, once
			}
			return -1, nil
		}
		g.lie = func(_ string, n int, c *object.Content) *object.Content {
			if n == 2 || n == 3 {
				return page("<html>")
			}
			return c
		}
		opts := options(g.store, m)
		opts.Source, opts.MaxDownloads = g, 1
		failures, err := runAll(t, opts, objectsOf([]object.Object{obj}), k)
		require.NoError(t, err)
		require.Empty(t, failures)
		require.True(t, bytes.Equal(data, k.got["k"][0]))
		require.Equal(t, 4, g.opens["k"], "it goes on where it was cut")
	})
}

func TestARefusedObjectIsItsOwnUntilTheProbeFails(t *testing.T) {
	for _, kind := range []error{object.ErrDenied, object.ErrCredentials} {
		synctest.Test(t, func(t *testing.T) {
			g, k := newGateway(newStore()), &sink{}
			g.err = func(key string, _ int) error {
				if key == "a//b" {
					return &object.Error{Op: "reading", Key: key, Kind: kind, Status: 403, Code: "SignatureDoesNotMatch"}
				}
				return nil
			}
			objs := []object.Object{g.putMD5("a//b", []byte("x"))}
			for i := range 40 {
				objs = append(objs, g.putMD5(fmt.Sprint(i), []byte("x")))
			}
			opts := options(g.store, &gauges{})
			opts.Source = g
			failures, err := runAll(t, opts, objectsOf(objs), k)
			require.NoError(t, err)
			require.Len(t, k.got, 40)
			require.ErrorIs(t, failures["a//b"].Err, object.ErrDenied)
			require.NotErrorIs(t, failures["a//b"].Err, object.ErrCredentials)
			require.ErrorContains(t, failures["a//b"].Err, "SignatureDoesNotMatch")

			g.down = &object.Error{Op: "listing", Kind: kind, Status: 403}
			_, err = runAll(t, opts, objectsOf(objs), k)
			require.ErrorIs(t, err, kind)
		})
	}
}

func TestObjectsThatAreRefusedTogetherShareAProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, k := newGateway(newStore()), &sink{}
		g.latency = time.Second
		g.err = func(key string, _ int) error {
			return &object.Error{Op: "reading", Key: key, Kind: object.ErrDenied, Status: 403}
		}
		var objs []object.Object
		for i := range 400 {
			objs = append(objs, g.putMD5(fmt.Sprint(i), []byte("x")))
		}
		opts := options(g.store, &gauges{})
		opts.Source, opts.MaxDownloads = g, 100
		failures, err := runAll(t, opts, objectsOf(objs), k)
		require.NoError(t, err)
		require.Len(t, failures, 400)
		require.Less(t, g.probes, 100, "of 1600 refusals in half a minute")
	})
}

func TestAnObjectThatNoMachineHoldsIsNotReadWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, k := newGateway(newStore()), &sink{}
		obj := g.putMD5("k", []byte("x"))
		obj.Size = 10 << 40
		g.listed = func(string) (object.Object, bool, error) { return obj, true, nil }
		opts := options(g.store, &gauges{})
		opts.Source, opts.TakesWhole = g, true
		failures, err := runAll(t, opts, objectsOf([]object.Object{obj}), k)
		require.NoError(t, err)
		require.ErrorContains(t, failures["k"].Err, "choose one that reads in pieces")
		require.Zero(t, g.opens["k"])
	})
}

func TestAListingWithoutETagsStillShowsTheSize(t *testing.T) {
	data := bytes.Repeat([]byte("object"), 750)
	for name, lie := range map[string]string{
		"short page":             "<html>please sign in</html>",
		"long page":              string(bytes.Repeat([]byte("<p>"), 2000)),
		"page of the right size": string(bytes.Repeat([]byte("<"), len(data))),
		"nothing":                "",
	} {
		for _, names := range []bool{true, false} {
			for _, staleFor := range []time.Duration{0, time.Minute} {
				t.Run(fmt.Sprint(name, " ", names, " ", staleFor), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						g, k := newGateway(newStore()), &sink{}
						obj := g.putMD5("k", data)
						obj.ETag = ""
						g.listed = func(string) (object.Object, bool, error) { return obj, true, nil }
						g.lie = func(_ string, n int, c *object.Content) *object.Content {
							if n == 1 {
								return page(lie)
							}
							if !names {
								c.ETag = ""
							}
							c.StaleFor = staleFor
							return c
						}
						opts := options(g.store, &gauges{})
						opts.Source = g
						failures, err := runAll(t, opts, objectsOf([]object.Object{obj}), k)
						require.NoError(t, err)
						require.Empty(t, failures)
						require.Equal(t, [][]byte{data}, k.got["k"])
						if names {
							require.Equal(t, 2, g.opens["k"], "an ETag that is the MD5 of the bytes speaks for them")
						}

						g.lie = func(string, int, *object.Content) *object.Content { return page("<html>") }
						failures, err = runAll(t, opts, objectsOf([]object.Object{obj}), k)
						require.NoError(t, err)
						require.ErrorIs(t, failures["k"].Err, object.ErrMismatch)
						require.ErrorContains(t, failures["k"].Err, "4500 bytes")
					})
				})
			}
		}
	}
}

func TestALargeObjectThatIsListedWithoutAnETagIsReadTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, k := newGateway(newStore()), &sink{}
		data := randomBytes(9 << 20)
		obj := g.put("k", data)
		obj.ETag = ""
		g.listed = func(string) (object.Object, bool, error) { return obj, true, nil }
		g.lie = func(_ string, n int, c *object.Content) *object.Content {
			if n == 1 {
				return page(string(make([]byte, len(data))))
			}
			return c
		}
		opts := options(g.store, &gauges{})
		opts.Source = g
		failures, err := runAll(t, opts, objectsOf([]object.Object{obj}), k)
		require.NoError(t, err)
		require.Empty(t, failures)
		require.Len(t, k.got["k"], 1)
		require.True(t, bytes.Equal(data, k.got["k"][0]))
	})
}

func TestAnAnswerThatMakesNoSenseForAListedObjectIsTriedAgain(t *testing.T) {
	for _, refusal := range []*object.Error{
		{Kind: object.ErrRange, Status: 416},
		{Kind: object.ErrInvalid, Status: 304},
		{Kind: object.ErrInvalid, Status: 302},
		{Kind: object.ErrInvalid, Status: 400},
		{Kind: object.ErrInvalid, Status: 405},
		{Kind: object.ErrInvalid, Status: 412},
		{Kind: object.ErrInvalid, Status: 501},
	} {
		for size, bytesOf := range sizes {
			t.Run(fmt.Sprint(refusal.Status, size), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g, k := newGateway(newStore()), &sink{}
					obj := g.putMD5("k", randomBytes(bytesOf))
					until := 2
					g.err = func(_ string, n int) error {
						if n > until {
							return nil
						}
						return &object.Error{Op: "reading", Key: "k", Kind: refusal.Kind, Status: refusal.Status}
					}
					opts := options(g.store, &gauges{})
					opts.Source = g
					failures, err := runAll(t, opts, objectsOf([]object.Object{obj}), k)
					require.NoError(t, err)
					require.Empty(t, failures)
					require.Len(t, k.got["k"], 1)

					until = 1000
					failures, err = runAll(t, opts, objectsOf([]object.Object{obj}), k)
					require.NoError(t, err)
					require.ErrorContains(t, failures["k"].Err, fmt.Sprint("HTTP ", refusal.Status))
					require.Equal(t, opts.Retry.MaxAttempts, failures["k"].Attempts)
				})
			})
		}
	}
}

func TestAKeyThatStorageNeverAcceptsIsTriedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, k := newGateway(newStore()), &sink{}
		g.err = func(string, int) error {
			return &object.Error{Op: "reading", Key: "k", Kind: object.ErrInvalid, Status: 400, Code: "InvalidKey"}
		}
		opts := options(g.store, &gauges{})
		opts.Source = g
		failures, err := runAll(t, opts, objectsOf([]object.Object{g.putMD5("k", []byte("x"))}), k)
		require.NoError(t, err)
		require.Equal(t, 1, failures["k"].Attempts)
	})
}

func TestAMissingObjectWithTwoSlashesSaysWhatAGatewayMayDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, k := newGateway(newStore()), &sink{}
		g.err = func(key string, _ int) error {
			return &object.Error{Op: "reading", Key: key, Kind: object.ErrNotFound, Status: 404}
		}
		opts := options(g.store, &gauges{})
		opts.Source = g
		objs := []object.Object{g.putMD5("a//b", []byte("x")), g.putMD5("/c", []byte("x")), g.putMD5("d/e", []byte("x"))}
		failures, err := runAll(t, opts, objectsOf(objs), k)
		require.NoError(t, err)
		require.ErrorContains(t, failures["a//b"].Err, "merges slashes")
		require.ErrorContains(t, failures["/c"].Err, "merges slashes")
		require.NotContains(t, failures["d/e"].Err.Error(), "slashes")
	})
}

func TestASizeThatOnlyOnePageOfTheListingShowedIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, k := newGateway(newStore()), &sink{}
		good := g.put("k", []byte("content"))
		huge, gone := good, object.Object{Key: "gone", ETag: "x", Size: maxHeld + 1}
		huge.Size = maxHeld + 1
		opts := options(g.store, &gauges{})
		opts.Source, opts.HoldsWhole = g, true
		failures, err := runAll(t, opts, objectsOf([]object.Object{huge, gone}), k)
		require.NoError(t, err)
		require.Equal(t, [][]byte{[]byte("content")}, k.got["k"])
		require.Len(t, failures, 1)
		require.ErrorIs(t, failures["gone"].Err, object.ErrNotFound)
	})
}
