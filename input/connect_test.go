package input

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// connecting connects as Benthos does until that succeeds, the input ends or
// within is over, and returns the errors that Benthos would log.
func (r *rig) connecting(within time.Duration) (told []error, end error) {
	r.t.Helper()
	require.NoError(r.t, r.build())
	ctx, cancel := context.WithTimeout(r.t.Context(), within)
	defer cancel()
	for {
		err := r.input.Connect(ctx)
		if err == nil || errors.Is(err, service.ErrEndOfInput) || ctx.Err() != nil {
			require.NoError(r.t, r.input.Close(context.Background()))
			return told, err
		}
		told = append(told, err)
		backOff, ok := errors.AsType[*service.ErrBackOff](err)
		require.True(r.t, ok, err)
		require.LessOrEqual(r.t, backOff.Wait, 30*time.Second)
		_ = retry.Sleep(ctx, backOff.Wait)
	}
}

// TestWhatCannotGetBetterEndsARunThatRepeats is for mistakes that stand in the
// configuration.
func TestWhatCannotGetBetterEndsARunThatRepeats(t *testing.T) {
	wrong := strings.Repeat("5ec7e7", 10)
	for name, tc := range map[string]struct {
		fields func(s *emulator.Server, dir string) string
		says   string
	}{
		"wrong secret": {func(s *emulator.Server, _ string) string {
			return "credentials: {access_key_id: " + s.Settings().AccessKeyID + ", secret_access_key: " + wrong + "}\n"
		}, "credentials.secret_access_key: the signature does not match"},
		"unknown key": {func(s *emulator.Server, _ string) string {
			return "credentials: {access_key_id: " + strings.Repeat("0a", 16) + ", secret_access_key: " + s.Settings().SecretAccessKey + "}\n"
		}, "credentials.access_key_id: the server knows no such access key"},
		"ended token": {func(s *emulator.Server, _ string) string {
			return sessionToken(s.Settings(), s.UserToken("u1", -time.Hour))
		}, "credentials.user_token: the token has expired"},
		"wrong password": {func(s *emulator.Server, _ string) string {
			return strings.ReplaceAll(asUser(s), adaPassword, "another")
		}, "credentials.password: "},
		"wrong access token": {func(s *emulator.Server, _ string) string {
			return strings.ReplaceAll(byAccessToken(s), s.Settings().AccessToken, "sbp_"+strings.Repeat("0", 40))
		}, "credentials.access_token: "},
		"wrong region": {func(*emulator.Server, string) string { return "region: ap-south-1\n" }, "region: requests are signed for ap-south-1"},
		"wrong region with keys from files": {func(s *emulator.Server, dir string) string {
			fields, _ := byFiles(s, dir)
			return fields + "region: ap-south-1\n"
		}, "region: requests are signed for ap-south-1"},
		"damaged state": {func(_ *emulator.Server, dir string) string {
			path := filepath.Join(dir, "state.db")
			if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 4096)), 0o600); err != nil {
				panic(err)
			}
			return "state: {path: " + path + "}\n"
		}, "state.path: "},
		"folder for a state": {func(_ *emulator.Server, dir string) string { return "state: {path: " + dir + "}\n" }, "it is a folder; name a file"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "")
				r.fields = tc.fields(r.server, t.TempDir()) + minutely
				began := time.Now()
				told, end := r.connecting(24 * time.Hour)
				require.ErrorIs(t, end, service.ErrEndOfInput)
				require.LessOrEqual(t, len(told), 1)
				require.Less(t, time.Since(began), 10*time.Minute)
				require.Equal(t, 1, strings.Count(r.logs.String(), "level=ERROR"), r.logs.String())
				require.Contains(t, r.logs.String(), "The run is not complete: ")
				reports := Reports()
				require.ErrorContains(t, reports[len(reports)-1].Err, tc.says, "the process exits with a failure")
				r.noSecrets(r.server.Settings(), reports[len(reports)-1].Err.Error())
			})
		})
	}
}

// TestWhatMayGetBetterIsWaitedForQuietly: a line when it begins, one every five
// minutes, and one when it is over.
func TestWhatMayGetBetterIsWaitedForQuietly(t *testing.T) {
	const outage = 62 * time.Minute
	during := func(s *emulator.Server, op emulator.Op, fault emulator.Fault) {
		began := time.Now()
		s.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == op && time.Since(began) < outage {
				return fault
			}
			return emulator.Fault{}
		})
	}
	for name, prepare := range map[string]func(r *rig, dir string){
		"missing bucket": func(r *rig, _ string) {
			r.fields += "source_path: later\n"
			time.AfterFunc(outage, func() { r.server.CreateBucket("later") })
		},
		"503":    func(r *rig, _ string) { during(r.server, emulator.OpList, emulator.Fault{Status: 503}) },
		"500":    func(r *rig, _ string) { during(r.server, emulator.OpList, emulator.Fault{Status: 500}) },
		"544":    func(r *rig, _ string) { during(r.server, emulator.OpList, emulator.Fault{Status: 544}) },
		"denied": func(r *rig, _ string) { during(r.server, emulator.OpList, emulator.Fault{Status: 403}) },
		"keys in files that follow late": func(r *rig, dir string) {
			fields, write := byFiles(r.server, dir)
			r.fields += fields
			r.server.RotateAccessKey()
			time.AfterFunc(outage, write)
		},
		"a file that is not there yet": func(r *rig, dir string) {
			fields, write := byFiles(r.server, dir)
			r.fields += fields
			if err := os.Remove(filepath.Join(dir, "id")); err != nil {
				panic(err)
			}
			time.AfterFunc(outage, write)
		},
		"a project that is paused": func(r *rig, _ string) {
			r.fields += byAccessToken(r.server)
			r.server.SetProject(func(p *emulator.Project) { p.Status = emulator.StatusInactive })
			time.AfterFunc(outage, func() {
				r.server.SetProject(func(p *emulator.Project) { p.Status = emulator.StatusActiveHealthy })
			})
		},
		"Auth that is down": func(r *rig, _ string) {
			r.fields += asUser(r.server)
			during(r.server, emulator.OpSignIn, emulator.Fault{Status: 503})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, minutely)
				prepare(r, t.TempDir())
				began := time.Now()
				told, end := r.connecting(24 * time.Hour)
				require.NoError(t, end)
				require.GreaterOrEqual(t, time.Since(began), outage)
				require.Less(t, time.Since(began), outage+6*time.Minute)
				lines := r.logs.String()
				warnings := strings.Count(lines, "level=WARN msg=\"Waiting") + strings.Count(lines, "level=WARN msg=\"Still waiting")
				require.InDelta(t, 15, len(told)+warnings, 2, lines)
				require.Equal(t, 1, strings.Count(lines, "level=INFO msg=\"Connected to ")+strings.Count(lines, "level=INFO msg=\"The credentials were obtained after "), lines)
				require.NotContains(t, lines, "level=ERROR")
				if len(told) > 1 {
					require.NotContains(t, told[0].Error(), "still waiting")
					require.Regexp(t, `^still waiting, for [0-9ms]+ so far: [a-z_.]+: `, told[1].Error())
				}
			})
		})
	}
}

func TestAnInputThatCannotConnectCanBeClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, minutely+"source_path: later\n")
		require.NoError(t, r.build())
		require.Error(t, r.input.Connect(t.Context()))
		ended := make(chan error)
		go func() { ended <- r.input.Connect(context.WithoutCancel(t.Context())) }()
		time.Sleep(10 * time.Second)
		before := time.Now()
		require.NoError(t, r.input.Close(t.Context()))
		require.ErrorIs(t, <-ended, context.Canceled)
		require.Zero(t, time.Since(before))
	})
}

func TestAOneTimeRunTellsOfAnOutageOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "retry: {max_attempts: 50}\n")
		r.server.Put("docs", "a", []byte("x"))
		began := time.Now()
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpList && time.Since(began) < 12*time.Minute {
				return emulator.Fault{Status: 503}
			}
			return emulator.Fault{}
		})
		require.Equal(t, "", errOf(r.run().Err))
		logs := r.logs.String()
		require.Equal(t, 1, strings.Count(logs, `"Waiting for http://`))
		require.Equal(t, 4, strings.Count(logs, `"Still waiting for http://`))
		require.Equal(t, 1, strings.Count(logs, `"No longer waiting for http://emulator.invalid/storage/v1/s3: it answers again after 12m`))
	})
}
