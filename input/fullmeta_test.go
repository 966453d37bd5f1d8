package input

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// archive is an emit.MetadataAsker that a test scripts.
type archive struct {
	mu    sync.Mutex
	asked map[string]int
	// answer is asked for the n-th answer for a key (from 1).
	answer func(key string, n int) (metadata map[string]string, etag string, err error)
}

func (a *archive) UserMetadata(_ context.Context, key string) (map[string]string, string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asked == nil {
		a.asked = map[string]int{}
	}
	a.asked[key]++
	return a.answer(key, a.asked[key])
}

// missing makes answers say that n values of the metadata are missing from the given
// objects.
func (r *rig) missing(n string, keys ...string) {
	r.wrap = func(inner http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			res, err := inner.RoundTrip(req)
			for _, key := range keys {
				if err == nil && req.Method == http.MethodGet && req.URL.Path == "/storage/v1/s3/docs/"+key {
					res.Header.Set("X-Amz-Missing-Meta", n)
				}
			}
			return res, err
		})
	}
}

// etagOf is the ETag of an object of the server.
func (r *rig) etagOf(key string) string {
	o, _, ok := r.server.Get("docs", key)
	require.True(r.t, ok)
	return o.ETag
}

func TestMetadataThatAnAnswerLeavesOutIsAskedForWhereThatIsWanted(t *testing.T) {
	for choice, asks := range map[string]int{"true": 0, "false": 0, "full": 1} {
		for _, scanner := range []string{"to_the_end: {}", "lines: {}"} {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "user_metadata: "+choice+"\nscanner: {"+scanner+"}\n")
				r.put("a", "x", emulator.WithUserMetadata(map[string]string{"note": "sent"}))
				r.put("b", "x", emulator.WithUserMetadata(map[string]string{"note": "all of it"}))
				r.missing("2", "a")
				a := &archive{answer: func(key string, _ int) (map[string]string, string, error) {
					return map[string]string{"note": "sent", "city": "Zürich", "size": `{"w":3}`}, r.etagOf(key), nil
				}}
				r.metadata = a
				require.Equal(t, "", errOf(r.run().Err))
				require.Len(t, r.messages, 2)
				require.Equal(t, asks, a.asked["a"])
				require.Zero(t, a.asked["b"], "its answer holds everything")
				for _, msg := range r.messages {
					if meta(msg, emit.MetaKey) != "a" {
						continue
					}
					want := map[string]map[string]string{
						"true":  {"note": "sent", "city": "<unset>", "size": "<unset>", "missing": "2"},
						"false": {"note": "<unset>", "city": "<unset>", "size": "<unset>", "missing": "<unset>"},
						"full":  {"note": "sent", "city": "Zürich", "size": `{"w":3}`, "missing": "<unset>"},
					}[choice]
					for name, value := range want {
						if name == "missing" {
							require.Equal(t, value, meta(msg, emit.MetaMissingMeta), choice)
						} else {
							require.Equal(t, value, meta(msg, emit.MetaUserPrefix+name), choice+" "+name)
						}
					}
				}
			})
		}
	}
}

func TestMetadataOfAnotherVersionIsNeverAddedToAContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "user_metadata: full\n")
		r.put("a", "first", emulator.WithUserMetadata(map[string]string{"of": "first"}))
		r.missing("1", "a")
		a := &archive{answer: func(key string, n int) (map[string]string, string, error) {
			if n == 1 { // it is overwritten after its content was read
				r.put("a", "second")
				return map[string]string{"of": "second"}, r.etagOf(key), nil
			}
			return map[string]string{"of": "second"}, r.etagOf(key), nil
		}}
		r.metadata = a
		require.Equal(t, "", errOf(r.run().Err))
		require.Equal(t, map[string][]string{"a": {"second"}}, r.contents())
		require.Equal(t, "second", meta(r.messages[0], emit.MetaUserPrefix+"of"))
		require.Equal(t, r.etagOf("a"), meta(r.messages[0], emit.MetaETag))
		require.Equal(t, 2, a.asked["a"])
	})
}

func TestMetadataThatNamesNoVersionIsNotAdded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "user_metadata: full\n")
		r.put("a", "x")
		r.missing("1", "a")
		r.metadata = &archive{answer: func(string, int) (map[string]string, string, error) {
			return map[string]string{"of": "nobody knows"}, "", nil
		}}
		require.Equal(t, "", errOf(r.run().Err))
		require.Equal(t, "<unset>", meta(r.messages[0], emit.MetaUserPrefix+"of"))
		require.Equal(t, "1", meta(r.messages[0], emit.MetaMissingMeta))
	})
}

func TestWhereMetadataCannotBeHadAnObjectIsTriedAgain(t *testing.T) {
	failure := func(kind error) error { return &object.Error{Op: "asking", Key: "a", Kind: kind} }
	for name, test := range map[string]struct {
		err     error
		lasts   bool
		parked  map[string]int64
		vanish  bool
		arrived []string
	}{
		"for a while":                    {err: failure(object.ErrUnavailable), arrived: []string{"created a"}},
		"because it seems to be missing": {err: failure(object.ErrNotFound), arrived: []string{"created a"}},
		"because the keys are refused":   {err: failure(object.ErrCredentials), arrived: []string{"created a"}},
		"because the object is gone":     {err: failure(object.ErrNotFound), lasts: true, vanish: true, arrived: []string{}},
		"for good":                       {err: failure(object.ErrDenied), lasts: true, parked: map[string]int64{"denied": 1}, arrived: []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "user_metadata: full\n")
				r.put("a", "x")
				r.missing("1", "a")
				r.metadata = &archive{answer: func(_ string, n int) (map[string]string, string, error) {
					if test.lasts || n == 1 {
						if test.vanish {
							r.server.Delete("docs", "a")
						}
						return nil, "", test.err
					}
					return map[string]string{"n": "1"}, r.etagOf("a"), nil
				}}
				report := r.run()
				require.Equal(t, test.arrived, r.arrived())
				if test.parked == nil {
					test.parked = map[string]int64{}
				}
				require.Equal(t, test.parked, report.Parked)
				require.Equal(t, test.vanish, report.Vanished == 1)
				require.Zero(t, report.Unsettled)
			})
		})
	}
}

func TestCredentialsThatCannotAskForMetadataAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "user_metadata: full\n")
		r.put("a", "x", emulator.WithUserMetadata(map[string]string{"note": "sent"}))
		r.missing("1", "a")
		require.Equal(t, "", errOf(r.run().Err))
		require.Equal(t, "sent", meta(r.messages[0], emit.MetaUserPrefix+"note"))
		require.Equal(t, "1", meta(r.messages[0], emit.MetaMissingMeta))
		require.Len(t, r.logs.linesWith("level=WARN", "user_metadata is full, but with these credentials"), 1)
	})
}
