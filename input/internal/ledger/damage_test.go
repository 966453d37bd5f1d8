package ledger_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

// used makes a ledger with an index, manifests and a journal on a disk.
func used(t *testing.T) *disk {
	t.Helper()
	d := newDisk(false)
	l := openOn(t, d.boot(-1))
	deliver(t, l, cut(many(6000, "v1"), 3000)...)
	w := compare(t, l, many(6002, "v1"))
	for _, item := range w.Due {
		w.Delivered(item.Object)
		require.NoError(t, l.Checkpoint(t.Context()))
	}
	require.NoError(t, l.Close(t.Context()))
	return d
}

// use does all that a process does with a ledger, and returns the first error.
func use(t *testing.T, d *disk) error {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{Store: d.boot(-1), Scope: scope})
	if err != nil {
		return err
	}
	w, err := l.Compare(t.Context(), many(6000, "v2"))
	if err != nil {
		return err
	}
	require.Equal(t, "updated", w.Due[0].Event.String(), "nothing is forgotten silently")
	return l.Close(t.Context())
}

// keyOf finds a key of the disk by what it ends with.
func keyOf(t *testing.T, d *disk, kind string) string {
	t.Helper()
	var keys []string
	for k := range d.values {
		if strings.Contains(k, kind) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	require.NotEmpty(t, keys)
	return keys[len(keys)-1]
}

func TestDamagedValueIsRefusedWithItsKeyAndTheRemedy(t *testing.T) {
	spoils := []struct {
		name, says string
		spoil      func(value []byte) []byte
	}{
		{"empty", "is empty", func([]byte) []byte { return []byte{} }},
		{"another program's", "no value of this ledger", func([]byte) []byte { return []byte(`{"last_modified_unix_nano":1}`) }},
		{"truncated early", "is truncated", func(v []byte) []byte { return v[:10] }},
		{"truncated late", "is torn or truncated", func(v []byte) []byte { return v[:len(v)-3] }},
		{"torn", "is torn or truncated", func(v []byte) []byte { return append(v[:len(v)/2], bytes.Repeat([]byte{0}, len(v)-len(v)/2)...) }},
		{"one bit", "is torn or truncated", func(v []byte) []byte { v[len(v)/2] ^= 1; return v }},
		{"a newer format", "by a newer version", func(v []byte) []byte { v[4] = 9; return v }},
	}
	for _, kind := range []string{"-index", "-m", "-j"} {
		for _, s := range spoils {
			t.Run(kind[1:]+" "+s.name, func(t *testing.T) {
				d := used(t)
				key := keyOf(t, d, kind)
				d.values[key] = s.spoil(d.values[key])
				for range 2 {
					err := use(t, d)
					require.ErrorIs(t, err, ledger.ErrDamaged)
					require.ErrorContains(t, err, key)
					require.ErrorContains(t, err, s.says)
					if s.name != "a newer format" {
						require.ErrorContains(t, err, "state.namespace")
					}
				}
			})
		}
	}
}

func TestMissingValueIsRefused(t *testing.T) {
	for kind, says := range map[string]string{
		"-index": "although the ledger was in use",
		"-m":     "although the index refers to it",
	} {
		t.Run(kind, func(t *testing.T) {
			d := used(t)
			delete(d.values, keyOf(t, d, kind))
			err := use(t, d)
			require.ErrorIs(t, err, ledger.ErrDamaged)
			require.ErrorContains(t, err, says)
		})
	}
	t.Run("the journal of a ledger without index", func(t *testing.T) {
		d := newDisk(false)
		l := openOn(t, d.boot(-1))
		deliver(t, l, many(10, "v1"))
		require.Len(t, d.values, 3, "two records and the value that says that they must be there")
		delete(d.values, l.JournalKey(1))
		err := use(t, d)
		require.ErrorIs(t, err, ledger.ErrDamaged)
		require.ErrorContains(t, err, l.JournalKey(1))
	})
	t.Run("in the middle of the journal", func(t *testing.T) {
		d := used(t)
		last := keyOf(t, d, "-j")
		next := last + "0" // a tenfold number is never the next one
		require.NotContains(t, d.values, next)
		l := openOn(t, d.boot(-1))
		for n := range uint64(100) {
			if k := l.JournalKey(n); k == last {
				delete(d.values, l.JournalKey(n-1))
			}
		}
		err := use(t, d)
		require.ErrorIs(t, err, ledger.ErrDamaged)
		require.ErrorContains(t, err, "the journal goes on after it")
	})
	t.Run("while it is in use", func(t *testing.T) {
		d := used(t)
		l := openOn(t, d.boot(-1))
		delete(d.values, keyOf(t, d, "-j"))
		w := compare(t, l, many(6003, "v1"))
		w.Delivered(w.Due[0].Object)
		err := l.Checkpoint(t.Context())
		require.ErrorIs(t, err, ledger.ErrDamaged)
		require.ErrorContains(t, err, "expire or evict")
	})
}

func TestValueUnderAnotherKeyIsRefused(t *testing.T) {
	d := used(t)
	index, manifest := keyOf(t, d, "-index"), keyOf(t, d, "-m")
	d.values[manifest] = d.values[index]
	err := use(t, d)
	require.ErrorIs(t, err, ledger.ErrDamaged)
	require.ErrorContains(t, err, index)
}

func TestOlderManifestUnderItsKeyIsRefused(t *testing.T) {
	d := newDisk(false)
	l := openOn(t, d.boot(-1))
	deliver(t, l, cut(many(6000, "v1"), 3000)...)
	stale := bytes.Clone(d.values[keyOf(t, d, "-m1")])
	require.NotEmpty(t, stale)
	other := newDisk(false)
	l = openOn(t, other.boot(-1))
	deliver(t, l, cut(many(6000, "v3"), 3000)...)
	other.values[keyOf(t, other, "-m1")] = stale
	err := use(t, other)
	require.ErrorIs(t, err, ledger.ErrDamaged)
	require.ErrorContains(t, err, "not the one that the index refers to")
}

func TestListingThatCannotBeTrueIsRefused(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	a, b := listing(obj("a", "1")).Objects[0], listing(obj("b", "1")).Objects[0]
	for says, s := range map[string]ledger.Range{
		"not in byte order": {Objects: []ledger.Listed{b, a}},
		`"a" comes after`:   {Objects: []ledger.Listed{a, a}},
		"outside its range": {Lo: "b", Objects: []ledger.Listed{a}},
		`"b" is outside`:    {Hi: "b", Objects: []ledger.Listed{a, b}},
		"is empty":          {Lo: "b", Hi: "b"},
	} {
		_, err := l.Compare(t.Context(), s)
		require.ErrorContains(t, err, says)
	}
	require.Equal(t, 1, l.Stats().Segments)
}
