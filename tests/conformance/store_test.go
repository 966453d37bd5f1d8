package conformance

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// uploads is how many of the suite's own requests may be under way at a time.
const uploads = 8

// object is an object that the suite stores.
type object struct {
	key         string
	body        []byte
	contentType string
	// meta are x-amz-meta- headers, names without the prefix.
	meta map[string]string
}

// store uploads objects over S3, whatever the plane, and removes them when the test ends.
func (tg *target) store(t *testing.T, objects ...object) {
	t.Helper()
	keys := make([]string, len(objects))
	for i, o := range objects {
		keys[i] = o.key
	}
	tg.removeAtEnd(t, keys...)
	require.NoError(t, parallel(objects, func(o object) error { return tg.upload(t.Context(), o) }))
}

// storeKeys stores an object for each key. Its content is the key, so that all
// objects differ.
func (tg *target) storeKeys(t *testing.T, keys ...string) {
	t.Helper()
	objects := make([]object, len(keys))
	for i, k := range keys {
		objects[i] = object{key: k, body: []byte(k)}
	}
	tg.store(t, objects...)
}

// removeAtEnd deletes keys when the test ends. An emulator goes away with the
// test, and its keys with it.
func (tg *target) removeAtEnd(t *testing.T, keys ...string) {
	t.Helper()
	if tg.local {
		return
	}
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() {
		require.NoError(t, parallel(keys, func(key string) error { return tg.remove(ctx, key) }))
	})
}

func (tg *target) upload(ctx context.Context, o object) error {
	h := http.Header{}
	if o.contentType != "" {
		h.Set("Content-Type", o.contentType)
	}
	for name, value := range o.meta {
		h.Set("X-Amz-Meta-"+name, value)
	}
	res, err := tg.do(ctx, request{method: http.MethodPut, key: o.key, header: h, body: o.body, overS3: true})
	if err != nil {
		return fmt.Errorf("uploading %q: %w", o.key, err)
	}
	if res.status != http.StatusOK {
		return fmt.Errorf("uploading %q: HTTP %d %s", o.key, res.status, res.body)
	}
	return nil
}

func (tg *target) remove(ctx context.Context, key string) error {
	res, err := tg.do(ctx, request{method: http.MethodDelete, key: key, overS3: true})
	if err != nil {
		return fmt.Errorf("removing %q: %w", key, err)
	}
	if res.status != http.StatusNoContent && res.status != http.StatusNotFound {
		return fmt.Errorf("removing %q: HTTP %d %s", key, res.status, res.body)
	}
	return nil
}

// parallel runs work on every item, a few at a time, and returns the first
// error.
func parallel[T any](items []T, work func(T) error) error {
	var (
		wg    sync.WaitGroup
		once  sync.Once
		first error
	)
	queue := make(chan T)
	for range min(uploads, len(items)) {
		wg.Go(func() {
			for item := range queue {
				if err := work(item); err != nil {
					once.Do(func() { first = err })
				}
			}
		})
	}
	for _, item := range items {
		queue <- item
	}
	close(queue)
	wg.Wait()
	return first
}
