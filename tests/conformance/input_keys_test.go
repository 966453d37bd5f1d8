package conformance

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// oddKeys are keys of random characters in random folders. One in a hundred has an
// empty segment. No two become one when slashes are merged.
func oddKeys(prefix string, n int) []string {
	random := rand.New(rand.NewPCG(12, 26))
	characters := strings.ReplaceAll(allowed, "/", "")
	name := func() string {
		b := []byte("x")
		for range 1 + random.IntN(12) {
			b = append(b, characters[random.IntN(len(characters))])
		}
		return string(b)
	}
	keys := make([]string, n)
	for i := range keys {
		folder := name() + "/"
		if i%100 == 0 {
			folder += "/"
		}
		keys[i] = fmt.Sprintf("%s%s%s-%d", prefix, folder, name(), i)
	}
	return keys
}

func TestInputDeliversThousandsOfOddKeysByteForByte(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		objects := map[string]object{}
		n := 3000
		if tg.server == nil && tg.plane == overS3 {
			n = 300 // another test stores thousands, and each upload takes its time
		}
		for i, key := range oddKeys(prefix, n) {
			objects[key] = object{key: key, body: pattern(i, i%200)}
		}
		if tg.server != nil {
			// Directly: some cannot be uploaded through every gateway.
			for _, o := range objects {
				tg.server.Put(tg.bucket, o.key, o.body)
			}
		} else {
			tg.store(t, slices.Collect(maps.Values(objects))...)
		}
		f := tg.withKey(prefix)
		f["retry"] = fields{"initial_interval": "1ms", "max_interval": "5ms"}
		out := runInput(t, tg, f)
		if tg.gateway != emulator.GatewayEnvoy {
			requireDelivered(t, out, slices.Collect(maps.Values(objects))...)
			return
		}
		// This gateway merges slashes: the key arrives as another one.
		var parked int64
		for _, n := range out.report.Parked {
			parked += n
		}
		require.EqualValues(t, 30, parked)
		require.Error(t, out.report.Err)
		require.EqualValues(t, len(objects), out.report.Listed)
		for _, m := range out.messages {
			require.NotContains(t, m.key(), "//")
			require.Equal(t, objects[m.key()].body, m.body)
			delete(objects, m.key())
		}
		require.Len(t, objects, 30, "the rest is delivered")
		require.Contains(t, out.log, "//", "the log names some of them")
	})
}

func TestInputSaysThatASecretKeyNeedsAGateway(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		if tg.gateway != emulator.GatewayNone {
			t.Skip("there is a gateway")
		}
		prefix := tg.prefix()
		tg.storeKeys(t, prefix+"a")
		out := runInput(t, tg, tg.withKey(prefix))
		require.ErrorContains(t, out.report.Err, "credentials.secret_key")
		require.Empty(t, out.messages)
	})
}

func TestInputGoesOnWithTheNextSecretKey(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		tg.only(t, overREST, "S3 access keys are not rotated by any API")
		if tg.server == nil {
			t.Skip("only the project's owner can rotate its keys")
		}
		prefix := tg.prefix()
		keys := make([]string, 400)
		for i := range keys {
			keys[i] = fmt.Sprintf("%s%03d", prefix, i)
		}
		tg.storeKeys(t, keys...)
		tg.server.SetProject(func(p *emulator.Project) { p.LegacyKeys = emulator.LegacyNone })
		f := tg.with(prefix, fields{"type": "access_token", "access_token": tg.accessToken, "api_url": tg.apiURL})
		f["concurrency"] = fields{"max_downloads": 2}
		rotated := false
		out := runInputWatched(t, tg, f, func(message) error {
			if !rotated {
				rotated = true
				old := tg.server.Settings().SecretKey
				tg.server.AddSecretKey()
				tg.server.RemoveSecretKey(old)
			}
			return nil
		})
		require.True(t, rotated)
		requireDelivered(t, out, sameAsKeys(keys)...)
	})
}
