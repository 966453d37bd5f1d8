package listing_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// answers is a server whose answers a function makes up.
type answers func(prefix, after string) ([]string, bool)

func (a answers) Page(_ context.Context, prefix, after string) ([]object.Object, bool, error) {
	keys, more := a(prefix, after)
	var objs []object.Object
	for _, key := range keys {
		objs = append(objs, object.Object{Key: key})
	}
	return objs, more, nil
}

func TestServerThatMisleadsIsAnErrorThatSaysHow(t *testing.T) {
	for name, c := range map[string]struct {
		answer answers
		says   string
	}{
		"ignores start-after": {
			func(string, string) ([]string, bool) { return []string{"p/a", "p/b"}, true },
			`the server listed "p/a" when asked for keys after "p/b": it does not honour start-after`,
		},
		"not in order": {
			func(string, string) ([]string, bool) { return []string{"p/a", "p/c", "p/b"}, false },
			`the server listed "p/b" after "p/c": its listing is not in the byte order of its keys`,
		},
		"twice the same key": {
			func(string, string) ([]string, bool) { return []string{"p/a", "p/a"}, false },
			`the server listed "p/a" after "p/a"`,
		},
		"another prefix": {
			func(string, string) ([]string, bool) { return []string{"p/a", "q/a"}, false },
			`the server listed "q/a", which does not have the prefix "p/"`,
		},
		"more of nothing": {
			func(string, string) ([]string, bool) { return nil, true },
			`the server says that there are keys after "", and lists none`,
		},
		"no key to go on from": {
			func(string, string) ([]string, bool) { return []string{"p/\uFFFD1", "p/\uFFFD2"}, true },
			`each of the 2 keys after "" has a character that the server lists as U+FFFD`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var last error
			for rg, err := range listing.List(t.Context(), listing.Options{Pager: c.answer, Prefix: "p/"}) {
				require.NoError(t, last)
				require.True(t, err == nil || rg.Objects == nil)
				last = err
			}
			require.ErrorIs(t, last, object.ErrInvalid)
			require.ErrorContains(t, last, c.says)
		})
	}
}

// The rows are in the order of their real names; the server shows a control
// character as U+FFFD, which sorts differently.
func TestKeysThatCannotBeShownAreKeptApartAndLoseNothing(t *testing.T) {
	var rows []string
	for i := range 3000 {
		rows = append(rows, fmt.Sprintf("f/%04d.txt", i))
		if i%7 == 0 {
			rows = append(rows, fmt.Sprintf("f/%04d\x02.txt", i))
		}
	}
	slices.Sort(rows)
	shown := func(key string) string {
		out := []rune(key)
		for i, r := range out {
			if r == 2 {
				out[i] = '\uFFFD'
			}
		}
		return string(out)
	}
	for _, listers := range []int{1, 4, 16} {
		for _, page := range []int{7, 50, 1000} {
			srv := answers(func(prefix, after string) ([]string, bool) {
				objs, more := pageOf(rows, prefix, after, page)
				var keys []string
				for _, o := range objs {
					keys = append(keys, shown(o.Key))
				}
				return keys, more
			})
			ranges := collect(t, listing.Options{Pager: srv, Listers: listers, RangeSize: 100})
			require.Len(t, joined(t, "", ranges), 3000)
			unplaced := make(map[string]int)
			for _, rg := range ranges {
				for _, o := range rg.Unplaced {
					unplaced[o.Key]++
				}
			}
			require.Len(t, unplaced, 429)
			for key, n := range unplaced {
				require.Equal(t, 1, n, "%q", key)
			}
		}
	}
}
