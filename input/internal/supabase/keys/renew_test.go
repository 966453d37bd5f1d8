package keys

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

func TestAStormOfRefusalsIsOneRenewal(t *testing.T) {
	for _, kind := range []string{supabase.TypeUser, supabase.TypeAccessToken} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				s, l := start(t, w, settings(kind), 0)
				old := good(t, s)
				if kind == supabase.TypeAccessToken {
					w.change(func() { w.secret++ })
				}
				renewed, errs := storm(t.Context(), s, old, 500)
				require.Equal(t, 500, renewed)
				require.Empty(t, errs)
				require.Len(t, l.renewed, 2)
				require.Equal(t, 2, w.count("/token")+w.count("api-keys?"))
				require.False(t, old.SameKeys(good(t, s)))
				ok, err := s.Renew(t.Context(), old)
				require.NoError(t, err)
				require.True(t, ok, "late ones find the new keys there")
				require.Len(t, l.renewed, 2)
			})
		})
	}
}

func TestKeysThatComeBackTheSameAreNotAskedForAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s, l := start(t, w, settings(supabase.TypeAccessToken), 0)
		keys := good(t, s)
		began := time.Now()
		for time.Since(began) < time.Hour {
			renewed, errs := storm(t.Context(), s, keys, 20)
			require.Zero(t, renewed)
			require.Empty(t, errs, "the server's refusal stands")
			time.Sleep(time.Second)
		}
		// After 30 s, 60 s, 120 s, 240 s, then every 300 s.
		require.Equal(t, 1+5+10, w.count("api-keys?"))
		require.Len(t, l.renewed, 1)

		time.Sleep(quiet + time.Second)
		before := w.count("api-keys?")
		storm(t.Context(), s, keys, 1)
		time.Sleep(firstPause)
		storm(t.Context(), s, keys, 1)
		require.Equal(t, before+2, w.count("api-keys?"), "after a quiet time it begins anew")
	})
}

func TestTroubleDuringARenewalIsWaitedFor(t *testing.T) {
	for name, failure := range map[string]reply{
		"down":        {status: 503, body: "upstream connect error"},
		"throttled":   {status: 429, body: `{"message":"ThrottlerException: Too Many Requests"}`},
		"cut":         {err: errCut},
		"maintenance": {status: 200, body: "<html>", header: map[string]string{"Content-Type": "text/html"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				s, l := start(t, w, settings(supabase.TypeAccessToken), 0)
				old := good(t, s)
				w.change(func() { w.secret++; w.fail = func(*http.Request) reply { return failure } })
				time.AfterFunc(2*time.Hour, func() { w.change(func() { w.fail = func(*http.Request) reply { return reply{} } }) })
				renewed, errs := storm(t.Context(), s, old, 50)
				require.Equal(t, 50, renewed)
				require.Empty(t, errs)
				require.NotEmpty(t, l.delayed)
				require.Len(t, l.renewed, 2)
			})
		})
	}
}

func TestTroubleThatLastsStaysWhatItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s, _ := start(t, w, settings(supabase.TypeAccessToken), 10*time.Minute)
		old := good(t, s)
		w.change(func() { w.secret++; w.fail = func(*http.Request) reply { return reply{status: 503, body: "{}"} } })
		renewed, errs := storm(t.Context(), s, old, 50)
		require.Zero(t, renewed)
		require.Len(t, errs, 50)
		for _, err := range errs {
			require.True(t, object.Transient(err), err)
		}
		w.change(func() { w.fail = func(*http.Request) reply { return reply{} } })
		ok, err := s.Renew(t.Context(), old)
		require.NoError(t, err)
		require.True(t, ok, "what failed in this way does not count as a renewal")
	})
}

func TestARevokedTokenEndsItWithARemedy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s, _ := start(t, w, settings(supabase.TypeAccessToken), 0)
		old := good(t, s)
		w.change(func() {
			w.fail = func(*http.Request) reply { return reply{status: 401, body: `{"message":"Unauthorized"}`} }
		})
		renewed, errs := storm(t.Context(), s, old, 50)
		require.Zero(t, renewed)
		require.Len(t, errs, 50)
		for _, err := range errs {
			permanent(t, err, "credentials.access_token: ", "was deleted, has expired")
		}
		require.Equal(t, 5, w.count(""), "four calls at the start, and one more")
	})
}

func TestNewKeysMayTakeAWhileToBeAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s, l := start(t, w, settings(supabase.TypeUser), 0)
		old := good(t, s)
		time.Sleep(10 * time.Minute) // it was good for a while
		ok, err := s.Renew(t.Context(), old)
		require.NoError(t, err)
		require.True(t, ok)
		fresh := good(t, s)
		began, tries := time.Now(), 0
		for ok && time.Since(began) < firstPause {
			tries++
			renewed, errs := storm(t.Context(), s, fresh, 50)
			require.Empty(t, errs)
			ok = renewed == 50
		}
		require.True(t, ok, "the new ones are tried again")
		require.Less(t, tries, 9)
		require.Less(t, time.Since(began), firstPause+10*time.Second)
		require.Equal(t, 2, w.count("token"))
		require.Equal(t, 1, l.refused)

		ok, err = s.Renew(t.Context(), fresh)
		require.NoError(t, err)
		require.True(t, ok, "they are renewed once more")
		require.Equal(t, 3, w.count("token"))
		ok, err = s.Renew(t.Context(), good(t, s))
		require.NoError(t, err)
		require.False(t, ok, "now the refusal stands")
	})
}

func TestKeysThatWereNeverGoodAreNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s, _ := start(t, w, settings(supabase.TypeUser), 0)
		began := time.Now()
		ok, err := s.Renew(t.Context(), good(t, s))
		require.NoError(t, err)
		require.True(t, ok)
		ok, err = s.Renew(t.Context(), good(t, s))
		require.NoError(t, err)
		require.False(t, ok)
		require.Zero(t, time.Since(began))
	})
}

func TestATestDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.status = "RESTORING"
		s, l := start(t, w, settings(supabase.TypeAccessToken), 0)
		began := time.Now()
		err := s.Test(t.Context())
		require.ErrorIs(t, err, object.ErrUnavailable)
		require.ErrorContains(t, err, "RESTORING")
		require.Zero(t, time.Since(began))
		w.change(func() { w.status = "ACTIVE_HEALTHY" })
		require.NoError(t, s.Test(t.Context()))
		require.NoError(t, s.Test(t.Context()))
		require.Len(t, l.renewed, 1)
		require.Equal(t, 1, w.count("api-keys?"))
	})
}

func TestKeysInTheConfigurationAreNotRenewed(t *testing.T) {
	conf := settings(supabase.TypeSessionToken)
	conf.Credentials.ServiceRoleKey = apiKey(0, "service_role")
	s, _ := start(t, newWorld(t), conf, 0)
	ok, err := s.Renew(t.Context(), good(t, s))
	require.NoError(t, err)
	require.False(t, ok)
}
