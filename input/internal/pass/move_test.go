package pass

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// store is a bucket whose moves are copies and deletions.
type store struct {
	objects map[string]string
	// copied and deleted are called after a copy and after a deletion.
	copied, deleted func()
	// refuses is what every move fails with.
	refuses error
}

func (s *store) Listed(_ context.Context, key string) (object.Object, bool, error) {
	body, there := s.objects[key]
	return object.Object{Key: key, ETag: body, Size: int64(len(body))}, there, nil
}

func (s *store) Delete(_ context.Context, key string) error {
	delete(s.objects, key)
	s.deleted()
	return nil
}

func (s *store) Move(_ context.Context, from object.Object, to string) (object.Moved, error) {
	if s.refuses != nil {
		return object.Moved{}, s.refuses
	}
	s.objects[to] = s.objects[from.Key]
	s.copied()
	return object.Moved{ETag: s.objects[to]}, nil
}

func (s *store) Open(_ context.Context, key string, offset int64) (*object.Content, error) {
	return &object.Content{Body: io.NopCloser(strings.NewReader(s.objects[key][offset:]))}, nil
}

// move moves what is delivered as "in/a" with the given body.
func (s *store) move(body string) (kept string, err error) {
	to := func(string) (string, string) { return "done/a", "" }
	policy := retry.Policy{MaxAttempts: 3, InitialInterval: time.Second, MaxInterval: time.Second}
	return moveOne(context.Background(), s, to, policy, object.Object{Key: "in/a", ETag: body, Size: int64(len(body))})
}

// A store behind the server copies no object above some size, and calls that invalid.
func TestAMoveThatTheServerRefusesIsAFailureAndNotAChoice(t *testing.T) {
	for _, kind := range []error{object.ErrInvalid, object.ErrDenied, object.ErrNotFound} {
		synctest.Test(t, func(t *testing.T) {
			s := &store{objects: map[string]string{"in/a": "body"}, refuses: &object.Error{Op: "copying", Key: "done/a", Kind: kind, Status: 400}}
			kept, err := s.move("body")
			require.ErrorIs(t, err, kind)
			require.Empty(t, kept)
			require.Equal(t, map[string]string{"in/a": "body"}, s.objects)
		})
	}
}

// Somebody who reads the new prefix may take an object away before the last look.
func TestAMoveIsOverWhenTheObjectHasGoneOnFromItsNewKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{objects: map[string]string{"in/a": "body"}, copied: func() {}}
		s.deleted = func() { delete(s.objects, "done/a") }
		kept, err := s.move("body")
		require.NoError(t, err)
		require.Empty(t, kept)
		require.Empty(t, s.objects)
	})
}

func TestAMoveOfWhichNothingIsSeenIsNotOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{objects: map[string]string{"in/a": "body"}, deleted: func() {}}
		s.copied = func() { clear(s.objects) }
		_, err := s.move("body")
		require.ErrorContains(t, err, "is listed")
		require.True(t, object.Transient(err))
	})
}
