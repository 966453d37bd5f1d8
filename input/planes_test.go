package input

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/rest"
	"github.com/seed75cbcda6/supabase-storage/input/internal/s3"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// withSecretKey reads over the REST API.
func withSecretKey(s emulator.Settings) string {
	return fmt.Sprintf("credentials: {type: secret_key, secret_key: %s}\n", s.SecretKey)
}

func TestBothPlanesShowTheSameObjects(t *testing.T) {
	for _, s3Backend := range []bool{false, true} {
		s := emulator.New(emulator.Options{S3Backend: s3Backend})
		s.CreateBucket("docs")
		for i := range 2500 {
			s.Put("docs", fmt.Sprintf("folder %d/%04d", i%3, i), fmt.Appendf(nil, "%d", i))
		}
		s.Put("docs", "zero", nil)
		s.Put("docs", "multipart", []byte("x"), emulator.WithETag("0123456789abcdef0123456789abcdef-3"))
		s.Put("docs", "no ETag", []byte("x"), emulator.WithoutETag())
		s.Put("docs", "inserted by SQL", []byte("x"), emulator.WithoutMetadata())
		s.Put("docs", "old", []byte("x"), emulator.WithLastModified(time.Date(2020, 1, 2, 3, 4, 5, 678_912_000, time.UTC)))
		for _, key := range []string{"//", "/lead", "a//b", "trailing ", "a/", "f.txt", "f.txt.bak", "f.txt-1", "a+b&c=d?e", "$@!*'()"} {
			s.Put("docs", key, []byte(key))
		}
		set := s.Settings()
		options := func(cred object.Credentials) plane.Options {
			return plane.Options{
				Endpoint: s.Endpoint(), Region: set.Region, Bucket: "docs", Transport: s.Transport(),
				Credentials: func(context.Context) (object.Credentials, error) { return cred, nil },
			}
		}
		signed, err := s3.New(options(object.Credentials{AccessKeyID: set.AccessKeyID, SecretAccessKey: set.SecretAccessKey}))
		require.NoError(t, err)
		plain, err := rest.New(options(object.Credentials{APIKey: set.SecretKey}))
		require.NoError(t, err)
		for _, prefix := range []string{"", "folder 1/", "f", "nothing"} {
			want := listedBy(t, signed, prefix)
			got := listedBy(t, plain, prefix)
			for key, o := range got {
				o.ContentType = "" // which the S3 protocol does not list
				got[key] = o
			}
			require.Equal(t, want, got)
			require.Equal(t, prefix == "nothing", len(want) == 0)
		}
	}
}

// listedBy is a listing in ranges by key.
func listedBy(t *testing.T, pager listing.Pager, prefix string) map[string]object.Object {
	t.Helper()
	all := map[string]object.Object{}
	for r, err := range listing.List(t.Context(), listing.Options{Pager: pager, Prefix: prefix, RangeSize: 200}) {
		require.NoError(t, err)
		for _, o := range append(r.Objects, r.Unplaced...) {
			require.NotContains(t, all, o.Key)
			all[o.Key] = o
		}
	}
	return all
}

func TestARunOverTheOtherPlaneRepeatsNothingAndTellsNoDeletion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fields := withState(t) + "emit_deletes: true\nretry: {max_attempts: 1}\n"
		r := newRig(t, fields)
		for i := range 1200 {
			r.server.Put("docs", fmt.Sprintf("%04d", i), fmt.Appendf(nil, "%d", i))
		}
		r.server.Put("docs", "multipart", []byte("x"), emulator.WithETag("0123456789abcdef0123456789abcdef-3"))
		r.server.Put("docs", "inserted by SQL", []byte("x"), emulator.WithoutMetadata())
		r.server.Put("docs", "a\x01b", []byte("x"), emulator.WithRawKey()) // which XML cannot carry, and no request can read
		require.Equal(t, int64(1202), r.run().Delivered)
		for i, credentials := range []string{withSecretKey(r.server.Settings()), "", withSecretKey(r.server.Settings())} {
			key := fmt.Sprintf("new %d", i)
			r.server.Put("docs", key, []byte(key))
			r.messages, r.fields = nil, fields+credentials
			require.Equal(t, int64(1), r.run().Delivered)
			require.Len(t, r.messages, 1)
			require.Equal(t, key, meta(r.messages[0], emit.MetaKey))
		}
	})
}

func TestAnOverwriteBehindALateCDNArrivesOnceItIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fields = withSecretKey(r.server.Settings()) + "sync_mode: continuous\npolling_interval: 10s\nretry: {max_attempts: 1}\n"
		r.server.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{CDN: time.Minute} })
		for _, key := range []string{"a", "b", "c"} {
			r.server.Put("docs", key, []byte("before "+key))
		}
		stop := r.live()
		time.Sleep(5 * time.Minute)
		r.server.Put("docs", "b", []byte("after, of another size"))
		r.server.Put("docs", "c", []byte("after  c")) // of the same size
		r.server.Put("docs", "d", []byte("new"))
		time.Sleep(3 * time.Minute)
		stop()
		require.Equal(t, map[string][]string{
			"a": {"before a"}, "b": {"before b", "after, of another size"}, "c": {"before c", "after  c"}, "d": {"new"},
		}, r.contents())
		require.NotRegexp(t, `[1-9][0-9]* parked`, r.logs.String())
	})
}

func TestKeysThatAGatewayMakesOthersOfAreParkedAndTheRestIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.server = emulator.New(emulator.Options{Gateway: emulator.GatewayEnvoy})
		r.server.CreateBucket("docs")
		r.fields = withSecretKey(r.server.Settings()) + "retry: {max_attempts: 2}\n"
		for _, key := range []string{"a/b", "a//b", "a//only", "plain"} {
			r.server.Put("docs", key, []byte("content of "+key))
		}
		report := r.run()
		require.Equal(t, map[string][]string{"a/b": {"content of a/b"}, "plain": {"content of plain"}}, r.contents())
		require.Equal(t, int64(2), report.Listed-report.Delivered)
		for _, key := range []string{"a//b", "a//only"} {
			require.Contains(t, r.logs.String(), key)
		}
	})
}
