package input

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestACheckSignsInAsARunDoes(t *testing.T) {
	for name, tc := range map[string]struct {
		fields func(s *emulator.Server) string
		change func(s *emulator.Server)
		marks  string
		says   []string
	}{
		"user": {asUser, nil, "ooooooooo", []string{"type user, role authenticated", "user " + adaEmail, "until 2000-01-01T01:00:00Z"}},
		"wrong password": {
			func(s *emulator.Server) string { return strings.ReplaceAll(asUser(s), adaPassword, "another") }, nil, "oofssssos",
			[]string{"type user", "credentials.password", "Auth knows no user", "another provider"},
		},
		"access token": {byAccessToken, nil, "ooooooooo", []string{"type access_token, role service_role (bypasses row level security)", "over the S3 protocol, since the legacy API keys are enabled", `"found":"eu-central-1"`}},
		"region that is another": {
			func(s *emulator.Server) string { return byAccessToken(s) + "region: ap-south-1\n" }, nil, "oowfsssos",
			[]string{"the project is in eu-central-1"},
		},
		"revoked": {
			byAccessToken, func(s *emulator.Server) { s.RevokeAccessToken(s.Settings().AccessToken) }, "oofssssos",
			[]string{"credentials.access_token", "does not know this token"},
		},
		"restoring": {byAccessToken, func(s *emulator.Server) {
			s.SetProject(func(p *emulator.Project) { p.Status = emulator.StatusRestoring })
		}, "oofssssos", []string{"project_ref", "is RESTORING"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "")
				r.fields = tc.fields(r.server)
				if !strings.Contains(r.fields, "region:") {
					r.fields += "region: \"\"\n"
				}
				r.server.Put("docs", "a", []byte("x"))
				if tc.change != nil {
					tc.change(r.server)
				}
				began := time.Now()
				report := r.check(CheckOptions{})
				text, err := json.Marshal(report)
				require.NoError(t, err)
				require.Equal(t, tc.marks, marks(report), string(text))
				require.Less(t, time.Since(began), time.Minute, "somebody waits for the answer")
				for _, words := range tc.says {
					require.Contains(t, string(text), words)
				}
				r.noSecrets(r.server.Settings(), string(text))
			})
		})
	}
}
