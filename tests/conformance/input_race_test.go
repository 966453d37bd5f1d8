package conformance

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInputNeverMixesVersionsOfAnOverwrittenObject(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		var keys []string
		for i := range 12 {
			keys = append(keys, fmt.Sprintf("%s%02d.bin", prefix, i))
		}
		// every byte of a version is the same, and its length tells the version
		version := func(key string, n int) object {
			return object{key: key, body: bytes.Repeat([]byte{byte(n)}, 300_000+n*1000)}
		}
		var first []object
		for _, key := range keys {
			first = append(first, version(key, 0))
		}
		tg.store(t, first...)

		var (
			writer   sync.WaitGroup
			finished atomic.Bool
			writeErr error
		)
		// the writer stops by itself: a cut upload could be completed after the test
		// has removed its keys
		stop := func() {
			finished.Store(true)
			writer.Wait()
		}
		defer stop()
		writer.Go(func() {
			for n := 1; !finished.Load(); n = n%100 + 1 {
				for _, key := range keys {
					if writeErr = tg.upload(t.Context(), version(key, n)); writeErr != nil {
						return
					}
				}
			}
		})
		out := runInput(t, tg, tg.withKey(prefix))
		stop()
		require.NoError(t, writeErr)

		seen := map[string]bool{}
		for _, m := range out.messages {
			require.NotContains(t, seen, m.key())
			seen[m.key()] = true
			require.NotEmpty(t, m.body)
			n := int(m.body[0])
			require.True(t, bytes.Equal(version(m.key(), n).body, m.body), "%q holds one version, whole", m.key())
			sum := md5.Sum(m.body)
			require.Equal(t, hex.EncodeToString(sum[:]), m.meta["supabase_storage_etag"], "the metadata is of the version that was read")
			require.EqualValues(t, len(m.body), m.meta["supabase_storage_size"])
		}
		require.NoError(t, out.report.Err)
		require.Len(t, seen, len(keys))
	})
}

func TestInputCountsObjectsThatVanishBeforeTheyAreRead(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		var objects []object
		for i := range 400 {
			objects = append(objects, object{key: fmt.Sprintf("%s%03d", prefix, i), body: pattern(i, 100)})
		}
		tg.store(t, objects...)
		f := tg.withKey(prefix)
		f["concurrency"] = fields{"max_downloads": 1}
		removed := map[string]bool{}
		out := runInputWatched(t, tg, f, func(message) error {
			if len(removed) > 0 {
				return nil
			}
			for _, o := range objects[350:] {
				removed[o.key] = true
				if err := tg.remove(t.Context(), o.key); err != nil {
					return err
				}
			}
			return nil
		})
		require.NoError(t, out.report.Err)
		require.EqualValues(t, len(objects), out.report.Listed)
		require.Positive(t, out.report.Vanished)
		for _, m := range out.messages {
			delete(removed, m.key())
		}
		require.EqualValues(t, len(removed), out.report.Vanished, "a vanished object is counted, and only that")
		require.Len(t, out.messages, len(objects)-len(removed))
	})
}

func TestInputDeliversANackedObjectAgain(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		keys := []string{prefix + "a", prefix + "b", prefix + "c"}
		tg.storeKeys(t, keys...)
		refused := map[string]int{}
		out := runInputWatched(t, tg, tg.withKey(prefix), func(m message) error {
			if refused[m.key()]++; refused[m.key()] < 3 {
				return errors.New("not now")
			}
			return nil
		})
		requireDelivered(t, out, sameAsKeys(keys)...)

		f := tg.withKey(prefix)
		f["auto_replay_nacks"] = false
		out = runInputWatched(t, tg, f, func(m message) error {
			if m.key() == keys[1] {
				return errors.New("never")
			}
			return nil
		})
		require.Error(t, out.report.Err)
		require.EqualValues(t, 2, out.report.Delivered)
		require.Len(t, out.report.Parked, 1)
	})
}
