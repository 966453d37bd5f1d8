package s3bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// fill stores n objects and returns their keys in order.
func fill(s *emulator.Server, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("dir/%06d", i)
		s.Put(testBucket, keys[i], []byte(keys[i]))
	}
	return keys
}

func keysOf(objects []bucket.Object) []string {
	var keys []string
	for _, o := range objects {
		keys = append(keys, o.Key)
	}
	return keys
}

func TestListingGoesOverItsPages(t *testing.T) {
	s := emulator.New(emulator.Options{})
	want := fill(s, 2500)
	var pages []int
	c := inMemory(t, s, func(o *Options) { o.OnListPage = func(_ time.Duration, keys int) { pages = append(pages, keys) } })
	got, err := list(t.Context(), c, Range{})
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(want, keysOf(got)))
	require.Equal(t, []int{1000, 1000, 500}, pages)
	for _, o := range got {
		stored, _, _ := s.Get(testBucket, o.Key)
		require.Equal(t, bucket.Object{Key: o.Key, ETag: stored.ETag, Size: 10, LastModified: o.LastModified}, o)
		require.WithinDuration(t, stored.LastModified, o.LastModified, time.Millisecond)
	}
	for _, r := range s.Log() {
		require.Equal(t, "1000", r.Query.Get("max-keys"))
		require.NotContains(t, r.Query, "delimiter")
		require.NotContains(t, r.Query, "encoding-type")
	}
}

func TestListingTakesPrefixAndStart(t *testing.T) {
	s := emulator.New(emulator.Options{})
	for _, key := range []string{"a", "b/1", "b/2", "b/3", "b0", "c"} {
		s.Put(testBucket, key, nil)
	}
	c := inMemory(t, s, nil)
	for _, tc := range []struct {
		r    Range
		want []string
	}{
		{Range{Prefix: "b/"}, []string{"b/1", "b/2", "b/3"}},
		{Range{Prefix: "b/", After: "b/1"}, []string{"b/2", "b/3"}},
		{Range{After: "b/3"}, []string{"b0", "c"}},
		{Range{Prefix: "nothing"}, nil},
	} {
		got, err := list(t.Context(), c, tc.r)
		require.NoError(t, err)
		require.Equal(t, tc.want, keysOf(got))
	}
}

func TestRowsWithoutMetadataAreListed(t *testing.T) {
	s := emulator.New(emulator.Options{})
	s.Put(testBucket, "by sql", []byte("x"), emulator.WithoutMetadata())
	got, err := list(t.Context(), inMemory(t, s, nil), Range{})
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Empty(t, got[0].ETag)
}

// A control character is listed as U+FFFD, in the place of the character it
// stands for: out of the byte order of what is seen.
func TestOneKeyWithAControlCharacterDoesNotEndTheListing(t *testing.T) {
	s := emulator.New(emulator.Options{})
	s.Put(testBucket, "a\x01b", nil, emulator.WithRawKey())
	s.Put(testBucket, "a\nb", nil, emulator.WithRawKey())
	s.Put(testBucket, "a b", nil)
	s.Put(testBucket, "b", nil)
	got, err := list(t.Context(), inMemory(t, s, nil), Range{})
	require.NoError(t, err)
	require.Len(t, got, 4)
	require.Equal(t, []string{"a b", "b"}, keysOf(got)[2:])
}

func TestFailingPageIsTriedAgainWithoutLossOrRepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		want := fill(s, 2500)
		faults := map[int]emulator.Fault{
			2: {Status: 544}, 3: {CutFraction: 0.5}, 4: {Status: 429},
			6: {StallAfter: 100}, 7: {HangUp: true}, 8: {Status: 502}, 9: {Delay: 2 * time.Hour},
		}
		s.SetFaults(func(r emulator.Request) emulator.Fault { return faults[r.N] })
		var retried []string
		c := inMemory(t, s, func(o *Options) {
			o.Retry = patient
			o.OnRetry = func(op string, err error) { retried = append(retried, op+" "+bucket.Cause(err)) }
		})
		got, err := list(t.Context(), c, Range{})
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want, keysOf(got)))
		require.Equal(t, []string{
			"listing unavailable", "listing unavailable", "listing throttled",
			"listing unavailable", "listing unavailable", "listing unavailable", "listing unavailable",
		}, retried)
	})
}

func TestListingEndsWithOneErrorAfterItsAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		fill(s, 1500)
		s.SetFaults(func(r emulator.Request) emulator.Fault {
			if r.N > 1 {
				return emulator.Fault{Status: 544}
			}
			return emulator.Fault{}
		})
		var objects, failures int
		for _, err := range inMemory(t, s, func(o *Options) { o.Retry = patient }).List(t.Context(), Range{}) {
			if err != nil {
				require.ErrorIs(t, err, bucket.ErrUnavailable)
				failures++
				continue
			}
			require.Zero(t, failures)
			objects++
		}
		require.Equal(t, 1000, objects)
		require.Equal(t, 1, failures)
		require.Equal(t, 1+patient.MaxAttempts, s.Count(emulator.OpList))
	})
}

func TestListingStopsWhenItsReaderDoes(t *testing.T) {
	s := emulator.New(emulator.Options{})
	fill(s, 1500)
	for _, err := range inMemory(t, s, nil).List(t.Context(), Range{}) {
		require.NoError(t, err)
		break
	}
	require.Equal(t, 1, s.Count(emulator.OpList))
}

func TestProbe(t *testing.T) {
	s := emulator.New(emulator.Options{})
	c := inMemory(t, s, nil)
	_, found, err := c.Probe(t.Context(), "", retry.Policy{})
	require.NoError(t, err)
	require.False(t, found)
	fill(s, 3)
	o, found, err := c.Probe(t.Context(), "dir/", retry.Policy{})
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "dir/000000", o.Key)
	require.Equal(t, "1", s.Log()[1].Query.Get("max-keys"))
}

func TestProbeHasItsOwnPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		s.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{Status: 544} })
		c := inMemory(t, s, func(o *Options) { o.Retry = patient })
		_, _, err := c.Probe(t.Context(), "", retry.Policy{MaxAttempts: 2, InitialInterval: time.Second, MaxInterval: time.Second})
		require.ErrorIs(t, err, bucket.ErrUnavailable)
		require.Equal(t, 2, s.Count(emulator.OpList))
	})
}

func TestDamagedListingIsTransientAndAForeignPageIsNot(t *testing.T) {
	whole := xmlPage("", false, "a", "b")
	for doc, kind := range map[string]error{
		whole[:len(whole)/2]: bucket.ErrUnavailable,
		"":                   bucket.ErrUnavailable,
		"<Error><Code>InternalError</Code></Error>":        bucket.ErrUnavailable,
		strings.Replace(whole, "<Size>1", "<Size>x", 1):    bucket.ErrUnavailable,
		strings.Replace(whole, "<Size>1", "<Size>-1", 1):   bucket.ErrUnavailable,
		strings.Replace(whole, "2026-11", "yesterday", 1):  bucket.ErrUnavailable,
		"<!DOCTYPE html><html><body>Sign in</body></html>": bucket.ErrInvalid,
		`{"message":"hello"}`:                              bucket.ErrInvalid,
	} {
		_, err := list(t.Context(), scripted(t, 1, func(int, string, string) string { return doc }), Range{})
		e, ok := errors.AsType[*bucket.Error](err)
		require.True(t, ok, doc)
		require.Equal(t, kind, e.Kind, doc)
		if errors.Is(kind, bucket.ErrInvalid) {
			require.ErrorIs(t, err, bucket.ErrNotS3)
			require.ErrorContains(t, err, doc[2:9])
		}
	}
}

func TestPageOfAbsurdSizeIsRefused(t *testing.T) {
	c := inMemory(t, emulator.New(emulator.Options{}), func(o *Options) {
		o.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, ContentLength: -1, Header: http.Header{}, Body: io.NopCloser(zeroes{})}, nil
		})
	})
	_, err := list(t.Context(), c, Range{})
	require.ErrorIs(t, err, bucket.ErrInvalid)
	require.ErrorContains(t, err, "larger than")
}

// zeroes never ends.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestCancelledListingReturnsTheContextsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		fill(s, 10)
		s.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{Delay: time.Minute} })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := list(ctx, inMemory(t, s, func(o *Options) { o.Retry = patient }), Range{})
		require.Equal(t, context.DeadlineExceeded, err)
		require.Equal(t, 1, s.Count(emulator.OpList))
	})
}
