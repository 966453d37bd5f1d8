package emulator

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCDNServesTheVersionBeforeForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		s.SetFaults(func(Request) Fault { return Fault{CDN: time.Minute} })
		before := s.Put("b", "k", []byte("before"))
		c := newClient(t, s)
		get := func(query string, more ...string) answered {
			got := c.viaREST("/object/authenticated/b/k"+query, append(more, "apikey", s.Settings().SecretKey)...)
			require.NoError(t, got.err)
			return got
		}
		got := get("")
		require.Equal(t, "before", got.body)
		require.Equal(t, "MISS", got.header.Get("Cf-Cache-Status"))
		time.Sleep(10 * time.Second)
		now := s.Put("b", "k", []byte("now"))
		time.Sleep(59 * time.Second)
		stale := get("")
		require.Equal(t, "before", stale.body)
		require.Equal(t, `"`+before.ETag+`"`, stale.header.Get("ETag"))
		require.Equal(t, "HIT", stale.header.Get("Cf-Cache-Status"))
		require.Equal(t, "69", stale.header.Get("Age"))
		require.Equal(t, "fore", get("", "Range", "bytes=2-").body)
		require.Equal(t, "now", c.get("b", "k").body, "S3 is not cached")
		require.Contains(t, c.rest(http.MethodPost, "list-v2/b", "Bearer "+s.Settings().ServiceRoleKey, "{}").body, now.ETag)
		time.Sleep(time.Second)
		require.Equal(t, "now", get("").body)
		require.Equal(t, "MISS", get("").header.Get("Cf-Cache-Status"))
	})
}

func TestCDNShowsNothingThatPoliciesHide(t *testing.T) {
	s := New(Options{})
	s.SetFaults(func(Request) Fault { return Fault{CDN: time.Hour} })
	s.Put("b", "k", []byte("before"))
	s.Put("b", "k", []byte("now"))
	got := newClient(t, s).viaREST("/object/b/k", "Authorization", "Bearer "+s.UserToken("u", time.Hour))
	require.JSONEq(t, restNoKey, got.body)
}
