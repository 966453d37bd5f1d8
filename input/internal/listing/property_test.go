package listing_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
)

// alphabets are what keys are made of: the characters that the Storage API
// allows, nearly any byte, very few bytes, and characters of several bytes.
var alphabets = []string{
	"ABCXYZabcxyz0123456789_/!-.*'() &$@=;:+,?",
	func() string {
		var all []byte
		for b := range 0x7F {
			all = append(all, byte(b+1))
		}
		return string(append(all, 0x80, 0xC3, 0xF4, 0xFE, 0xFF))
	}(),
	"a/",
	"яü漢字😀é/1",
}

// anyKey makes a key, often with the same start as another key.
func anyKey(r *rand.Rand, alphabet string, others []string) string {
	units := strings.Split(alphabet, "") // also separates bytes that are not text
	var b strings.Builder
	if len(others) > 0 && r.IntN(3) > 0 {
		other := others[r.IntN(len(others))]
		b.WriteString(other[:r.IntN(len(other)+1)])
	}
	for range 1 + r.IntN(6) {
		b.WriteString(units[r.IntN(len(units))])
	}
	return b.String()
}

func anyKeys(r *rand.Rand, n int) []string {
	alphabet := alphabets[r.IntN(len(alphabets))]
	var keys []string
	for range n {
		keys = append(keys, anyKey(r, alphabet, keys))
	}
	return keys
}

// under returns the keys that have the prefix, in order.
func under(prefix string, keys []string) []string {
	var out []string
	for _, key := range keys {
		if strings.HasPrefix(key, prefix) {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// anyOptions makes up options to list a bucket with the keys.
func anyOptions(r *rand.Rand, keys []string) listing.Options {
	o := listing.Options{
		Listers:   1 + r.IntN(16),
		RangeSize: 1 + r.IntN(100),
	}
	if r.IntN(2) == 0 && len(keys) > 0 {
		key := keys[r.IntN(len(keys))]
		o.Prefix = key[:r.IntN(min(len(key), 3)+1)]
	}
	if r.IntN(2) == 0 && len(keys) > 0 {
		for range r.IntN(20) {
			b := keys[r.IntN(len(keys))]
			switch r.IntN(3) {
			case 0:
				b += "\x00"
			case 1:
				b = anyKey(r, alphabets[1], keys)
			}
			o.Bounds = append(o.Bounds, b)
		}
	}
	return o
}

func TestEveryKeyIsListedOnceWhateverItIsMadeOf(t *testing.T) {
	guesses := 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		keys := anyKeys(r, r.IntN(1500))
		srv := newServer(keys)
		srv.page = 1 + r.IntN(40)
		o := anyOptions(r, keys)
		o.Pager = srv
		got := joined(t, o.Prefix, collect(t, o))
		require.Empty(t, cmp.Diff(under(o.Prefix, keys), got), "seed %d", seed)
		if o.Bounds == nil {
			guesses += srv.requests() - (len(got)+srv.page-1)/srv.page
		}
	}
	require.Greater(t, guesses, 400, "listers took over from each other")
}

func TestKeysThatStayAreListedOnceWhileOthersComeAndGo(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 2))
		keys := anyKeys(r, 200+r.IntN(1500))
		slices.Sort(keys)
		keys = slices.Compact(keys)
		var stay, leave []string
		for i, key := range keys {
			if i%3 == 0 {
				leave = append(leave, key)
			} else {
				stay = append(stay, key)
			}
		}
		srv := newServer(keys)
		srv.page = 1 + r.IntN(40)
		o := anyOptions(r, keys)
		o.Pager = srv
		changes := rand.New(rand.NewPCG(seed, 3))
		srv.before = func(int, string) error {
			srv.mu.Lock()
			i, j := changes.IntN(len(leave)), changes.IntN(len(leave))
			srv.mu.Unlock()
			srv.remove(leave[i])
			srv.insert(leave[j])
			return nil
		}
		got := joined(t, o.Prefix, collect(t, o))
		seen := make(map[string]int)
		for _, key := range got {
			seen[key]++
			require.Equal(t, 1, seen[key], "%q, seed %d", key, seed)
		}
		for _, key := range under(o.Prefix, stay) {
			require.Equal(t, 1, seen[key], "%q, seed %d", key, seed)
		}
	}
}

func TestRequestsStartOnlyAfterWhatPostgresAccepts(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 4))
		alphabet := alphabets[[]int{0, 2, 3}[r.IntN(3)]]
		var keys []string
		for range 1500 {
			keys = append(keys, anyKey(r, alphabets[0], nil)+anyKey(r, alphabet, nil))
		}
		srv := newServer(keys)
		srv.page = 10
		o := listing.Options{Pager: srv, Listers: 16, RangeSize: 50}
		for i := 0; i < len(keys) && seed%2 == 0; i += 100 {
			o.Bounds = append(o.Bounds, keys[i])
		}
		collect(t, o)
		for _, after := range srv.afters {
			require.True(t, utf8.ValidString(after), "%q", after)
			require.False(t, strings.ContainsFunc(after, func(r rune) bool { return r < ' ' || r == 0x7F }), "%q", after)
		}
	}
}
