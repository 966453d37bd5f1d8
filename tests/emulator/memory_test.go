package emulator

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func keysOf(t testing.TB, b rows, prefix, after string) (keys []string) {
	t.Helper()
	for r, err := range b.scan(prefix, after) {
		require.NoError(t, err)
		keys = append(keys, r.key)
	}
	return keys
}

func TestBlocksBehaveAsASortedMap(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	m := &memoryRows{now: func() int64 { return 0 }}
	model := map[string]int64{}
	for i := range 20_000 {
		key := fmt.Sprintf("%c/%d", 'a'+rnd.IntN(3), rnd.IntN(4000))
		if rnd.IntN(3) == 0 {
			_, had := model[key]
			deleted, err := m.delete(key)
			require.NoError(t, err)
			require.Equal(t, had, deleted)
			delete(model, key)
			continue
		}
		_, err := m.put(&row{key: key, size: int64(i)})
		require.NoError(t, err)
		model[key] = int64(i)
	}
	all := slices.Sorted(maps.Keys(model))
	require.Equal(t, all, keysOf(t, m, "", ""))
	for key, size := range model {
		r, err := m.get(key)
		require.NoError(t, err)
		require.Equal(t, size, r.size)
	}
	for _, after := range []string{"a/5", "b/", "b/3999", "c/77", "zzz"} {
		for _, prefix := range []string{"", "b/", "b/1", "nope"} {
			want := slices.DeleteFunc(slices.Clone(all), func(k string) bool { return k <= after || !strings.HasPrefix(k, prefix) })
			require.ElementsMatch(t, want, keysOf(t, m, prefix, after))
		}
	}
	for _, b := range m.blocks {
		require.NotEmpty(t, b)
		require.LessOrEqual(t, len(b), blockSize)
	}
	for _, key := range all {
		_, err := m.delete(key)
		require.NoError(t, err)
	}
	require.Empty(t, m.blocks)
}
