package ledger_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

func TestTrackedBelowAPrefixCountsNoKeyNextToIt(t *testing.T) {
	store := newDisk(true).boot(-1)
	l := openOn(t, store)
	var all []object.Object
	for i := range 300 {
		all = append(all, obj(fmt.Sprintf("a/%03d", i), "1"))
	}
	for i := range 20 {
		all = append(all, obj(fmt.Sprintf("b/%02d", i), "1"))
	}
	all = append(all, obj("b", "1"), obj("b0", "1"), obj("c/\xff", "1"))
	deliver(t, l, listing(all...))
	counts := map[string]int64{
		"": 323, "a/": 300, "b/": 20, "b": 22, "c": 1, "c/\xff": 1, "\xff": 0, "d": 0, "a/0": 100, "a/29": 10, "b/00": 1, "b/000": 0,
	}
	for range 2 {
		for prefix, want := range counts {
			got, err := l.TrackedBelow(t.Context(), prefix)
			require.NoError(t, err)
			require.Equal(t, want, got, "%q", prefix)
		}
		l = restart(t, l, store)
	}
	for range 2 {
		gets, puts := store.disk.gets, store.disk.puts
		_, err := l.TrackedBelow(t.Context(), "b/")
		require.NoError(t, err)
		require.LessOrEqual(t, store.disk.gets-gets, 2, "one manifest for each end of the prefix")
		require.Equal(t, puts, store.disk.puts)
	}
	gets := store.disk.gets
	_, err := l.TrackedBelow(t.Context(), "b/")
	require.NoError(t, err)
	require.Equal(t, gets, store.disk.gets, "nothing is read once the ends are known")
}

// What was parked alone is not tracked, what was parked and delivered is; acks
// that come late and deletions count at once.
func TestTrackedBelowFollowsEveryChange(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	below := func() int64 {
		n, err := l.TrackedBelow(t.Context(), "b/")
		require.NoError(t, err)
		return n
	}
	s := listing(obj("a", "1"), obj("b/1", "1"), obj("b/2", "1"), obj("b/3", "1"))
	w := compare(t, l, s)
	w.Park(obj("b/1", "1"), "denied", noon)
	require.Zero(t, below())
	w.Delivered(obj("b/1", "1"))
	w.Delivered(obj("b/2", "1"))
	w.Delivered(obj("a", "1"))
	require.EqualValues(t, 2, below())
	w.Close()
	second := compare(t, l, s)
	second.Delivered(obj("b/3", "1"))
	w.Delivered(obj("b/3", "1")) // the late ack of the first
	require.EqualValues(t, 3, below())
	w = compare(t, l, listing(obj("a", "1")))
	w.Absent("b/1")
	w.Forget("b/2")
	require.EqualValues(t, 2, below())
}

func TestTrackedBelowAgreesWithTheKeys(t *testing.T) {
	for seed := range uint64(30) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		disk := newDisk(true)
		opts := ledger.Options{Store: disk.boot(-1), Scope: scope}
		l, err := ledger.OpenSmall(t.Context(), opts)
		require.NoError(t, err)
		tracked := map[string]bool{}
		for range 30 {
			var objects []object.Object
			for _, key := range rnd.Perm(200)[:100] {
				objects = append(objects, obj(fmt.Sprintf("%03d", key), "1"))
			}
			w := compare(t, l, listing(objects...))
			for i, d := range w.Due {
				if i%3 > 0 {
					w.Delivered(d.Object)
					tracked[d.Key] = true
				}
			}
			for i, v := range w.Vanished {
				if i%2 > 0 {
					w.Forget(v.Key)
					delete(tracked, v.Key)
				}
			}
			w.Close()
			require.NoError(t, l.Checkpoint(t.Context()))
			prefix := []string{"", "0", "1", "00", "01", "123", "19", "2"}[rnd.IntN(8)]
			got, err := l.TrackedBelow(t.Context(), prefix)
			require.NoError(t, err)
			want := 0
			for key := range tracked {
				if strings.HasPrefix(key, prefix) {
					want++
				}
			}
			require.EqualValues(t, want, got, "seed %d prefix %q of %v", seed, prefix, slices.Sorted(maps.Keys(tracked)))
		}
	}
}
