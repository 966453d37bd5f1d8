package input

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/check"
	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// check checks the config of a rig.
func (r *rig) check(o CheckOptions) *CheckReport {
	r.t.Helper()
	parsed, err := r.parse()
	require.NoError(r.t, err)
	if o.transport == nil {
		o.transport = r.server.Transport()
	}
	return Check(r.t.Context(), parsed, r.resources(), o)
}

// stepOf is the step of a name.
func stepOf(t *testing.T, r *CheckReport, name string) CheckStep {
	t.Helper()
	for _, s := range r.Steps {
		if s.Name == name {
			return s
		}
	}
	require.Fail(t, "there is no step "+name)
	return CheckStep{}
}

// marks are the steps in one line, each by the first letter of its status.
func marks(r *CheckReport) string {
	var text strings.Builder
	for _, s := range r.Steps {
		text.WriteString(string(s.Status[0]))
	}
	return text.String()
}

func TestAGoodConfigPassesEveryStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "source_path: docs/photos/\nexclude_patterns: ['*.tmp']\ninclude_patterns: ['*.jpg', '*.tmp']\n")
		for _, key := range []string{"photos/a.jpg", "photos/b.jpg", "photos/c.tmp", "photos/d.txt", "photos/e.txt", "other.jpg"} {
			r.server.Put("docs", key, []byte("content"))
		}
		var told []CheckStep
		report := r.check(CheckOptions{First: 1, OnStep: func(s CheckStep) { told = append(told, s) }})
		require.True(t, report.OK)
		require.Equal(t, "ooooooooo", marks(report))
		require.Equal(t, report.Steps, told)
		require.Empty(t, report.Failed())
		for i, s := range report.Steps {
			require.Equal(t, check.StepNames[i], s.Name)
			require.NotEmpty(t, s.Found)
		}
		require.Contains(t, stepOf(t, report, CheckStepCredentials).Found, "service_role")
		require.Contains(t, stepOf(t, report, CheckStepPrefix).Found, `"photos/a.jpg"`)
		require.Equal(t, "2 of 5 objects listed match", stepOf(t, report, CheckStepPatterns).Found)
		require.Equal(t, &CheckSample{
			Listed: 5, Complete: true, Due: 2, DueBytes: 14,
			First: []CheckObject{{Key: "photos/a.jpg", Size: 7, LastModified: time.Now().UTC(), Event: "created"}},
			LeftOut: []CheckLeftOut{
				{Rule: "include", Count: 2, FirstKey: "photos/d.txt"},
				{Rule: "exclude", Pattern: `exclude_patterns[0] "*.tmp"`, Count: 1, FirstKey: "photos/c.tmp"},
			},
		}, report.Sample)
	})
}

func TestABadConfigFailsAtItsStepAndNamesFieldAndRemedy(t *testing.T) {
	for name, c := range map[string]struct {
		fields func(s *emulator.Server) string
		faults func(q emulator.Request) emulator.Fault
		marks  string
		field  string
		says   []string
	}{
		"a key of the wrong kind": {
			fields: func(s *emulator.Server) string {
				return "credentials: {type: access_key, access_key_id: " + s.Settings().AnonKey + ", secret_access_key: sb_secret_abc}\n"
			},
			marks: "fssssssss", field: "credentials.access_key_id", says: []string{"a JWT", "S3 access keys are made in"},
		},
		"an expired token": {
			fields: func(s *emulator.Server) string { return sessionToken(s.Settings(), s.UserToken("u1", -time.Minute)) },
			marks:  "wofssssos", field: "credentials.user_token", says: []string{"expired on", "sign the user in again", `\"exp\" claim`},
		},
		"a token that expired long ago": {
			fields: func(s *emulator.Server) string { return sessionToken(s.Settings(), s.UserToken("u1", -25*time.Hour)) },
			marks:  "fssssssss", field: "credentials.user_token", says: []string{"expired on", "sign the user in again"},
		},
		"a token that the server finds expired": {
			fields: func(s *emulator.Server) string { return sessionToken(s.Settings(), s.UserToken("u1", time.Hour)) },
			faults: onSigned(emulator.OpList, emulator.Fault{Status: 403, Code: "AccessDenied", Message: `"exp" claim timestamp check failed`}),
			marks:  "oofssssos", field: "credentials.user_token", says: []string{"expired", "sign the user in again", `\"exp\" claim`},
		},
		"a wrong secret": {
			fields: func(s *emulator.Server) string {
				return "credentials: {type: access_key, access_key_id: " + s.Settings().AccessKeyID + ", secret_access_key: " + strings.Repeat("5ec7e7", 10) + "}\n"
			},
			marks: "oofssssos", field: "credentials.secret_access_key", says: []string{"signature does not match"},
		},
		"an unknown key": {
			fields: func(*emulator.Server) string {
				return "credentials: {type: access_key, access_key_id: " + strings.Repeat("ab", 16) + ", secret_access_key: " + strings.Repeat("5ec7e7", 10) + "}\n"
			},
			marks: "oofssssos", field: "credentials.access_key_id", says: []string{"knows no such access key"},
		},
		"a wrong region": {
			fields: func(*emulator.Server) string { return "region: ap-south-1\n" },
			marks:  "ooofsssos", field: "region", says: []string{"ap-south-1", "write region: eu-central-1"},
		},
		"a missing bucket": {
			fields: func(*emulator.Server) string { return "source_path: nope\n" },
			marks:  "oooofssos", field: "source_path", says: []string{`"nope" does not exist`, "Dashboard"},
		},
		"a path that is not S3": {
			faults: func(emulator.Request) emulator.Fault { return emulator.Fault{Status: 502} },
			marks:  "ofsssssos", field: "endpoint", says: []string{"no S3 server at the moment"},
		},
		"connections that are closed": {
			faults: func(emulator.Request) emulator.Fault { return emulator.Fault{HangUp: true} },
			marks:  "ofsssssos", field: "endpoint", says: []string{"failed at every attempt"},
		},
		"S3 that is switched off": {
			faults: func(emulator.Request) emulator.Fault {
				return emulator.Fault{Status: 403, Code: "FeatureNotEnabled", Message: "feature not enabled"}
			},
			marks: "ofsssssos", field: "endpoint", says: []string{"switched off"},
		},
		"a database that times out": {
			faults: onSigned(emulator.OpList, emulator.Fault{Status: 544}),
			marks:  "oooofssos", field: "source_path", says: []string{"database of the project timed out"},
		},
		"a server that never answers": {
			faults: func(emulator.Request) emulator.Fault { return emulator.Fault{Delay: time.Hour} },
			marks:  "ofsssssos", field: "endpoint", says: []string{"no answer came within 1m0s"},
		},
		"an object without content": {
			faults: onSigned(emulator.OpGet, emulator.Fault{Status: 404, Code: "NoSuchKey"}),
			marks:  "oooooooof", says: []string{`"a.txt"`, "can't be read", "missing from the store", "exclude_patterns"},
		},
		"an object that fails": {
			faults: onSigned(emulator.OpGet, emulator.Fault{Status: 500}),
			marks:  "oooooooof", says: []string{`"a.txt"`, "can't be read", "HTTP 500"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "")
				if c.fields != nil {
					r.fields = c.fields(r.server)
				}
				r.server.Put("docs", "a.txt", []byte("x"))
				r.server.SetFaults(c.faults)
				start := time.Now()
				report := r.check(CheckOptions{})
				require.LessOrEqual(t, time.Since(start), check.Timeout)
				require.Equal(t, c.marks, marks(report), "%+v", report.Steps)
				require.False(t, report.OK)
				failed := stepOf(t, report, report.Failed()[0])
				require.Equal(t, c.field, failed.Problems[0].Field)
				for _, words := range c.says {
					require.Contains(t, failed.Problems[0].String(), words)
				}
				for _, s := range report.Steps {
					if s.Status == CheckSkipped {
						require.Equal(t, failed.Name+" failed", s.Found)
					}
				}
			})
		})
	}
}

// onSigned is a fault of one kind of request, where it is signed.
func onSigned(op emulator.Op, f emulator.Fault) func(emulator.Request) emulator.Fault {
	return func(q emulator.Request) emulator.Fault {
		if q.Op == op && q.Header.Get("Authorization") != "" {
			return f
		}
		return emulator.Fault{}
	}
}

// Real sockets: only they have names, ports and certificates.
func TestTheHostStepTellsHowFarItCame(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := listener.Addr().String()
	require.NoError(t, listener.Close())
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	pages := httptest.NewServer(http.FileServer(http.Dir(t.TempDir())))
	defer pages.Close()
	for name, c := range map[string]struct {
		endpoint, field string
		says            []string
	}{
		"nobody":                       {"http://" + closed + "/s3", "endpoint", []string{"nothing listens at " + closed}},
		"no such name":                 {"http://nowhere.invalid/s3", "endpoint", []string{"nowhere.invalid can't be found", "spelling"}},
		"an untrusted certificate":     {secure.URL + "/s3", "tls", []string{"is not trusted", "tls.root_cas_file"}},
		"https where there is none":    {strings.Replace(pages.URL, "http", "https", 1) + "/s3", "endpoint", []string{"does not speak https:// on this port"}},
		"a web server that is no S3":   {pages.URL + "/s3", "endpoint", []string{"is no S3 server", "there is nothing at this path"}},
		"an answer without TLS to TLS": {strings.Replace(secure.URL, "https", "http", 1) + "/s3", "endpoint", []string{"speaks https:// on this port", "write https://"}},
	} {
		t.Run(name, func(t *testing.T) {
			parsed, err := config.Spec().ParseYAML(fmt.Sprintf("endpoint: %s\nsource_path: docs\nretry: {max_attempts: 1}\ncredentials: {access_key_id: abc, secret_access_key: def}\n", c.endpoint), nil)
			require.NoError(t, err)
			report := Check(t.Context(), parsed, service.MockResources(), CheckOptions{})
			require.Equal(t, "ofsssssos", marks(report))
			host := stepOf(t, report, CheckStepHost)
			require.Equal(t, c.field, host.Problems[0].Field)
			for _, words := range c.says {
				require.Contains(t, host.Problems[0].String(), words)
			}
		})
	}

	s := emulator.New(emulator.Options{})
	s.CreateBucket("docs")
	l, err := s.Start("")
	require.NoError(t, err)
	defer l.Close()
	parsed, err := config.Spec().ParseYAML(fmt.Sprintf("endpoint: %s\nsource_path: docs\ncredentials: {access_key_id: %s, secret_access_key: %s}\n",
		l.Endpoint(), s.Settings().AccessKeyID, s.Settings().SecretAccessKey), nil)
	require.NoError(t, err)
	report := Check(t.Context(), parsed, service.MockResources(), CheckOptions{})
	require.Contains(t, stepOf(t, report, CheckStepHost).Found, "connected to 127.0.0.1:")
	require.Contains(t, stepOf(t, report, CheckStepHost).Found, "an S3 server answers in")
}

// A run works there too, and finds nothing to do: see
// TestARunWithNothingToDeliverSaysWhy.
func TestNothingToDeliverIsAWarningThatSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		fields func(s *emulator.Server) string
		keys   []string
		marks  string
		step   string
		field  string
		says   []string
	}{
		"an empty bucket": {
			marks: "oooowssos", step: CheckStepBucket, field: "source_path", says: []string{`"docs" is empty`},
		},
		"a bucket that row level security hides": {
			fields: func(s *emulator.Server) string { return sessionToken(s.Settings(), s.UserToken("u1", 48*time.Hour)) },
			keys:   []string{"hidden"},
			marks:  "oooowssos", step: CheckStepBucket, field: "source_path", says: []string{"row level security hides", "role authenticated", "storage.objects"},
		},
		"an empty prefix": {
			fields: func(*emulator.Server) string { return "source_path: docs/Photos/\n" },
			keys:   []string{"photos/a.jpg"},
			marks:  "ooooowsos", step: CheckStepPrefix, field: "source_path", says: []string{`"Photos/"`, `"photos/a.jpg"`, "case-sensitive"},
		},
		"patterns that lie elsewhere": {
			fields: func(*emulator.Server) string { return "include_patterns: ['2024/*.jpg']\n" },
			keys:   []string{"photos/a.jpg"},
			marks:  "ooooowsos", step: CheckStepPrefix, field: "include_patterns", says: []string{`"2024/"`, `"photos/a.jpg"`},
		},
		"patterns that include nothing": {
			fields: func(*emulator.Server) string { return "include_patterns: ['*.mp4']\n" },
			keys:   []string{"a.MP4"},
			marks:  "oooooowos", step: CheckStepPatterns, field: "include_patterns", says: []string{"none of 1 object listed", `"a.MP4"`, "case-sensitive"},
		},
		"patterns that exclude everything": {
			fields: func(*emulator.Server) string { return "exclude_patterns: ['*.md', '*.jpg']\n" },
			keys:   []string{"1.jpg", "2.jpg", "3.md"},
			marks:  "oooooowos", step: CheckStepPatterns, field: "exclude_patterns", says: []string{`exclude_patterns[1] "*.jpg"`, `"1.jpg"`},
		},
		"a time in the future": {
			fields: func(*emulator.Server) string { return "modified_since: 2200-01-01\n" },
			keys:   []string{"a"},
			marks:  "oooooowos", step: CheckStepPatterns, field: "modified_since", says: []string{`"a"`},
		},
		"nothing but placeholders": {
			keys:  []string{"folder/.emptyFolderPlaceholder"},
			marks: "oooooowos", step: CheckStepPatterns, says: []string{"placeholders"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "")
				if c.fields != nil {
					r.fields = c.fields(r.server)
				}
				for _, key := range c.keys {
					content := []byte("x")
					if strings.HasSuffix(key, "Placeholder") {
						content = nil
					}
					r.server.Put("docs", key, content)
				}
				report := r.check(CheckOptions{})
				require.True(t, report.OK)
				require.Equal(t, c.marks, marks(report), "%+v", report.Steps)
				p := stepOf(t, report, c.step).Problems[0]
				require.Equal(t, c.field, p.Field)
				for _, words := range c.says {
					require.Contains(t, p.String(), words)
				}
				require.Zero(t, report.Sample.Due)
				require.NoError(t, r.run().Err)
			})
		})
	}
}

func TestATokenThatEndsSoonIsAWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fields = sessionToken(r.server.Settings(), r.server.UserToken("u1", time.Hour))
		r.server.AllowRead("docs", func(map[string]any, string) bool { return true })
		r.server.Put("docs", "a", []byte("x"))
		report := r.check(CheckOptions{})
		require.Equal(t, "oowoooooo", marks(report))
		s := stepOf(t, report, CheckStepCredentials)
		require.Contains(t, s.Found, "role authenticated (sees what row level security shows it), until 2000-01-01T01:00:00Z")
		require.Contains(t, s.Problems[0].Problem, "ends in 1h0m0s")
	})
}

func TestTheListingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "exclude_patterns: ['*7']\n")
		for i := range 10_000 {
			r.server.Put("docs", fmt.Sprintf("%05d", i), []byte("x"))
		}
		for limit, want := range map[int]struct {
			listed, due int64
			complete    bool
		}{
			1: {1, 1, false}, 1000: {1000, 900, false}, 1005: {1005, 905, false},
			9999: {9999, 8999, false}, 10_000: {10_000, 9000, true}, 0: {10_000, 9000, true},
		} {
			r.server.ResetLog()
			report := r.check(CheckOptions{Limit: limit})
			require.True(t, report.OK)
			require.Equal(t, want.listed, report.Sample.Listed)
			require.Equal(t, want.due, report.Sample.Due)
			require.Equal(t, want.complete, report.Sample.Complete)
			if !want.complete {
				require.Contains(t, stepOf(t, report, CheckStepPatterns).Found, "the first")
				require.LessOrEqual(t, r.server.Count(emulator.OpList), limit/1000+6)
			}
		}
	})
}

func TestACheckEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.server.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{Delay: time.Hour} })
		parsed, err := r.parse()
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		report := Check(ctx, parsed, r.resources(), CheckOptions{transport: r.server.Transport()})
		require.Equal(t, time.Second, time.Since(start))
		require.Equal(t, "ofsssssos", marks(report))
		require.Contains(t, stepOf(t, report, CheckStepHost).Problems[0].Problem, "was ended before")
	})
}

func TestACheckHoldsNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		s := r.server.Settings()
		token := r.server.UserToken("u1", time.Hour)
		r.server.Put("docs", "a", []byte("x"))
		for _, fields := range []string{"", "region: ap-south-1\n", sessionToken(s, token), "credentials: {type: session_token, service_role_key: " + s.ServiceRoleKey + "}\n"} {
			for _, status := range []int{0, 302, 403, 404, 500} {
				r.fields = fields
				r.server.SetFaults(func(q emulator.Request) emulator.Fault {
					if q.Header.Get("Authorization") == "" {
						return emulator.Fault{}
					}
					return emulator.Fault{Status: status, Message: "you sent " + q.Header.Get("X-Amz-Security-Token") + " and signed with " + s.SecretAccessKey}
				})
				text, err := json.Marshal(r.check(CheckOptions{Explain: []string{"a"}}))
				require.NoError(t, err)
				require.Contains(t, string(text), "credentials")
				for _, secret := range []string{s.AccessKeyID, s.AnonKey, s.ServiceRoleKey, token} {
					require.NotContains(t, string(text), secret)
				}
				if fields == "" {
					require.NotContains(t, string(text), s.SecretAccessKey)
				}
			}
		}
	})
}
