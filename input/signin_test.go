package input

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestAProjectThatComesUpIsWaitedForAndOneThatDoesNotEndsTheRun(t *testing.T) {
	for name, tc := range map[string]struct {
		status emulator.Status
		up     time.Duration // after which it is, 0 for never
		took   time.Duration
		says   string
	}{
		"restoring":       {emulator.StatusRestoring, 5 * time.Minute, 5 * time.Minute, ""},
		"upgrading":       {emulator.StatusUpgrading, 9 * time.Minute, 9 * time.Minute, ""},
		"never coming up": {emulator.StatusComingUp, 0, 10 * time.Minute, "project_ref: the project localemulatorproject is COMING_UP; "},
		"paused":          {emulator.StatusInactive, 0, 0, "project_ref: the project localemulatorproject is INACTIVE: it is paused, or about to be; restore it in the Dashboard"},
		"deleted":         {emulator.StatusRemoved, 0, 0, "project_ref: the project localemulatorproject was deleted; write the reference of another project"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "")
				r.fields = byAccessToken(r.server)
				r.server.Put("docs", "a", []byte("x"))
				r.server.SetProject(func(p *emulator.Project) { p.Status = tc.status })
				if tc.up > 0 {
					time.AfterFunc(tc.up, func() {
						r.server.SetProject(func(p *emulator.Project) { p.Status = emulator.StatusActiveHealthy })
					})
				}
				began := time.Now()
				report := r.run()
				require.InDelta(t, tc.took.Seconds(), time.Since(began).Seconds(), 60)
				require.Contains(t, errOf(report.Err), tc.says)
				if tc.up > 0 {
					require.Equal(t, "", errOf(report.Err))
					require.Equal(t, int64(1), report.Delivered)
				}
				if tc.took > 0 {
					require.Contains(t, r.logs.String(), "Waiting for the credentials: project_ref: the project ")
				}
				r.noSecrets(r.server.Settings(), errOf(report.Err))
			})
		})
	}
}

func TestEachWayASignInFailsIsToldWithItsRemedy(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(s *emulator.Server)
		fields func(s *emulator.Server) string
		says   string
	}{
		"wrong password": {nil, func(s *emulator.Server) string {
			return strings.ReplaceAll(asUser(s), adaPassword, "another one")
		}, "credentials.password: Auth knows no user"},
		"unconfirmed": {func(s *emulator.Server) {
			s.SetUser(emulator.User{Email: adaEmail, Password: adaPassword, Unconfirmed: true})
		}, asUser, "credentials.email: the address of this user is not confirmed"},
		"banned": {func(s *emulator.Server) {
			s.SetUser(emulator.User{Email: adaEmail, Password: adaPassword, Banned: true})
		}, asUser, "credentials.email: this user is banned"},
		"legacy keys off": {func(s *emulator.Server) {
			s.SetProject(func(p *emulator.Project) { p.LegacyKeys = emulator.LegacyDisabled })
		}, asUserOverS3, "credentials.anon_key: the legacy API keys of this project are switched off"},
		"no permission for keys": {func(s *emulator.Server) {
			s.SetAccessToken(s.Settings().AccessToken, emulator.PermProject)
		}, byAccessToken, "credentials.access_token: the token lacks permissions in the project localemulatorproject: "},
		"no permission at all": {func(s *emulator.Server) {
			s.SetAccessToken(s.Settings().AccessToken)
		}, byAccessToken, "credentials.access_token: the token lacks permissions in the project localemulatorproject: "},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "")
				r.fields = tc.fields(r.server)
				if tc.change != nil {
					tc.change(r.server)
				}
				report := r.run()
				require.ErrorContains(t, report.Err, tc.says)
				r.noSecrets(r.server.Settings(), report.Err.Error())
			})
		})
	}
}

func TestATokenThatMayListAndNotRevealIsEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fields = byAccessToken(r.server)
		r.server.SetAccessToken(r.server.Settings().AccessToken, emulator.PermProject, emulator.PermKeys)
		r.server.Put("docs", "a", []byte("x"))
		require.Equal(t, "", errOf(r.run().Err))
	})
}

func TestAnEmptyListingNamesTheUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fields = asUser(r.server)
		r.server.AllowRead("docs", nil)
		r.server.Put("docs", "hidden", []byte("x"))
		require.Equal(t, "", errOf(r.run().Err))
		require.Contains(t, r.logs.String(), `role \"authenticated\" (user `+adaEmail+")")
	})
}

func TestTheRegionComesFromTheManagementAPI(t *testing.T) {
	for region, want := range map[string]string{`""`: "eu-central-1", "us-east-1": "us-east-1"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, "region: "+region+"\n")
			r.fields += byAccessToken(r.server)
			r.server.Put("docs", "a", []byte("x"))
			require.Equal(t, "", errOf(r.run().Err))
			for _, q := range r.server.Log() {
				if q.Op == emulator.OpGet || q.Op == emulator.OpList {
					require.Contains(t, q.Header.Get("Authorization"), "/"+want+"/s3/")
				}
			}
			require.Contains(t, r.logs.String(), `the role \"service_role\"`)
		})
	}
}

func TestARegionThatIsNotTheProjectsEarnsAWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "region: ap-south-1\n")
		r.fields += byAccessToken(r.server)
		report := r.run()
		require.ErrorContains(t, report.Err, "region: requests are signed for ap-south-1, which the server does not accept; write region: eu-central-1")
		require.Contains(t, r.logs.String(), "region: is ap-south-1, but the project is in eu-central-1")
	})
}

func TestAnInputThatWaitsForItsKeysCanBeStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, up := range []time.Duration{0, time.Minute} {
			r := newRig(t, minutely)
			r.fields += byAccessToken(r.server)
			began := time.Now()
			r.server.SetFaults(func(q emulator.Request) emulator.Fault {
				if q.Op == emulator.OpGetProject && time.Since(began) >= up {
					return emulator.Fault{Status: 503}
				}
				return emulator.Fault{}
			})
			stop := r.live()
			time.Sleep(up + time.Second)
			r.server.RotateJWTSecret()
			time.Sleep(time.Hour)
			require.Contains(t, r.logs.String(), "Waiting for the credentials: ")
			before := time.Now()
			stop()
			require.Zero(t, time.Since(before))
		}
	})
}
