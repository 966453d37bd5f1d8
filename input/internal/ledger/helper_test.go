package ledger_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

var (
	noon  = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	scope = ledger.Scope{Endpoint: "https://abc.supabase.co/storage/v1/s3", Bucket: "uploads", Namespace: "test"}
)

// listing makes the whole bucket of objects, all of which match.
func listing(objects ...object.Object) ledger.Range {
	s := ledger.Range{}
	for _, o := range objects {
		s.Objects = append(s.Objects, ledger.Listed{Object: o, Matches: true})
	}
	return sortedListing(s)
}

func sortedListing(s ledger.Range) ledger.Range {
	slices.SortFunc(s.Objects, func(a, b ledger.Listed) int { return strings.Compare(a.Key, b.Key) })
	return s
}

func obj(key, etag string) object.Object {
	return object.Object{Key: key, ETag: etag, Size: 10, LastModified: noon}
}

// many makes a listing of n objects.
func many(n int, etag string) ledger.Range {
	objects := make([]object.Object, n)
	for i := range objects {
		objects[i] = obj(fmt.Sprintf("key-%08d", i), etag)
	}
	return listing(objects...)
}

func openOn(t *testing.T, store ledger.Store, options ...func(*ledger.Options)) *ledger.Ledger {
	t.Helper()
	opts := ledger.Options{Store: store, Scope: scope}
	for _, o := range options {
		o(&opts)
	}
	l, err := ledger.Open(t.Context(), opts)
	require.NoError(t, err)
	return l
}

func byModified(o *ledger.Options) { o.ChangeDetection = ledger.ByModified }

func compare(t *testing.T, l *ledger.Ledger, s ledger.Range) *ledger.Work {
	t.Helper()
	w, err := l.Compare(t.Context(), s)
	require.NoError(t, err)
	return w
}

// due tells what is due as "key event".
func due(w *ledger.Work) []string {
	var keys []string
	for _, d := range w.Due {
		keys = append(keys, d.Key+" "+d.Event.String())
	}
	return keys
}

func vanished(w *ledger.Work) []string {
	var keys []string
	for _, v := range w.Vanished {
		keys = append(keys, v.Key)
	}
	return keys
}

// deliver makes a pass in which all that is due is delivered as it is listed.
func deliver(t *testing.T, l *ledger.Ledger, ranges ...ledger.Range) (count int) {
	t.Helper()
	for _, s := range ranges {
		w := compare(t, l, s)
		for _, d := range w.Due {
			w.Delivered(d.Object)
		}
		w.Close()
		count += len(w.Due)
		require.NoError(t, l.Checkpoint(t.Context()))
	}
	require.NoError(t, l.CompletePass(t.Context()))
	return count
}

func restart(t *testing.T, l *ledger.Ledger, store ledger.Store, options ...func(*ledger.Options)) *ledger.Ledger {
	t.Helper()
	require.NoError(t, l.Close(t.Context()))
	return openOn(t, store, options...)
}

// cut cuts a listing of a whole bucket into ranges of n objects.
func cut(s ledger.Range, n int) []ledger.Range {
	var out []ledger.Range
	lo := ""
	for len(s.Objects) > n {
		hi := s.Objects[n].Key
		out = append(out, ledger.Range{Lo: lo, Hi: hi, Objects: s.Objects[:n]})
		s.Objects, lo = s.Objects[n:], hi
	}
	return append(out, ledger.Range{Lo: lo, Objects: s.Objects})
}
