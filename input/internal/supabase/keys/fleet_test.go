package keys

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/management"
)

// fleet makes a source that has its facts from elsewhere, and shares the client.
func fleet(t *testing.T, w *world, client *management.Client, facts func() (management.Project, error), patience time.Duration) (*Source, *told) {
	t.Helper()
	p, err := supabase.Resolve(settings(supabase.TypeAccessToken))
	require.NoError(t, err)
	l := &told{}
	return New(Options{
		Settings: settings(supabase.TypeAccessToken), Project: p, Transport: w, Timeout: time.Minute, Patience: patience, Watcher: l,
		Management: client, Facts: func(context.Context) (management.Project, error) { return facts() },
	}), l
}

func sharedClient(t *testing.T, rt http.RoundTripper) *management.Client {
	t.Helper()
	p, err := supabase.Resolve(settings(supabase.TypeAccessToken))
	require.NoError(t, err)
	return NewManagement(Options{Project: p, Transport: rt, Timeout: time.Minute})
}

func TestOneOfManyProjectsAsksForItsKeysAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.legacy = "true"
		s, _ := fleet(t, w, sharedClient(t, w), func() (management.Project, error) {
			return management.Project{Ref: ref, Region: "eu-north-1", Status: "ACTIVE_HEALTHY"}, nil
		}, 0)
		good(t, s)
		require.Equal(t, []string{"GET /v1/projects/" + ref + "/api-keys?reveal=true", "GET /v1/projects/" + ref + "/api-keys/legacy"}, w.calls)
		require.Equal(t, "eu-north-1", s.Project().Region)
		for range 1000 {
			time.Sleep(time.Hour)
			good(t, s)
		}
		require.Len(t, w.calls, 2, "keys are kept until a server refuses them")
	})
}

func TestAPausedProjectOfManyIsWaitedForAndARemovedOneEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		status, began := management.Status("COMING_UP"), time.Now()
		s, l := fleet(t, w, sharedClient(t, w), func() (management.Project, error) {
			if status == "COMING_UP" && time.Since(began) > 10*time.Minute {
				return management.Project{Ref: ref, Status: "ACTIVE_HEALTHY"}, nil
			}
			return management.Project{Ref: ref, Status: status}, nil
		}, 0)
		good(t, s)
		require.Greater(t, time.Since(began), 10*time.Minute)
		require.NotEmpty(t, l.delayed)
		require.Contains(t, l.delayed[0], "COMING_UP")
		require.Len(t, l.recovered, 1)

		for status, want := range map[management.Status]string{"INACTIVE": "paused", "REMOVED": "deleted", "INIT_FAILED": "INIT_FAILED"} {
			n := len(w.calls)
			s, _ := fleet(t, w, sharedClient(t, w), func() (management.Project, error) {
				return management.Project{Ref: ref, Status: status}, nil
			}, time.Minute)
			_, err := s.Credentials(t.Context())
			permanent(t, err, want)
			require.Len(t, w.calls, n, "no key is asked for of a project that does not run")
		}
	})
}

func TestSourcesShareTheQuotaOfOneClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.fail = func(*http.Request) reply {
			if len(w.calls) == 1 {
				return reply{status: 429, body: `{"message":"ThrottlerException"}`, header: map[string]string{"Retry-After": "50"}}
			}
			return reply{}
		}
		client, began := sharedClient(t, w), time.Now()
		up := func() (management.Project, error) {
			return management.Project{Ref: ref, Status: "ACTIVE_HEALTHY"}, nil
		}
		one, l := fleet(t, w, client, up, 0)
		go func() { _, _ = one.Credentials(t.Context()) }()
		synctest.Wait()
		other, _ := fleet(t, w, client, up, 0)
		good(t, other)
		require.GreaterOrEqual(t, time.Since(began), 50*time.Second)
		good(t, one)
		require.Len(t, l.delayed, 1)
	})
}

func TestFactsThatCannotBeHadAreAsAnAnswerOfTheAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		n := 0
		s, l := fleet(t, w, nil, func() (management.Project, error) {
			if n++; n < 3 {
				return management.Project{}, &object.Error{Op: "asking", Kind: object.ErrUnavailable, Status: 503}
			}
			return management.Project{Ref: ref, Status: "ACTIVE_HEALTHY"}, nil
		}, 0)
		good(t, s)
		require.Len(t, l.delayed, 2)
	})
}

func TestTheTokenIsReadAnewFromItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	s := settings(supabase.TypeAccessToken)
	s.Credentials.AccessToken, s.Credentials.Files = "", map[string]string{"credentials.access_token": path}
	token := AccessToken(s)
	_, err := token(t.Context())
	require.ErrorIs(t, err, object.ErrCredentials)
	for _, want := range []string{"sbp_one", "sbp_two"} {
		require.NoError(t, os.WriteFile(path, []byte(want+"\n"), 0o600))
		got, err := token(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	got, err := AccessToken(settings(supabase.TypeAccessToken))(t.Context())
	require.NoError(t, err)
	require.Equal(t, patValue, got)
}
