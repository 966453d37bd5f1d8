package input

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// sessionToken is the credentials field of a user with the given token.
func sessionToken(s emulator.Settings, token string) string {
	return "credentials: {type: session_token, anon_key: " + s.AnonKey + ", user_token: " + token + "}\n"
}

func TestWhatCannotGetBetterEndsARunAtOnceAndNamesFieldAndRemedy(t *testing.T) {
	for name, c := range map[string]struct {
		fields func(s *emulator.Server) string
		faults func(q emulator.Request) emulator.Fault
		within time.Duration
		says   []string
	}{
		"wrong secret": {
			fields: func(s *emulator.Server) string {
				return "credentials: {type: access_key, access_key_id: " + s.Settings().AccessKeyID + ", secret_access_key: " + strings.Repeat("5ec7e7", 10) + "}\n"
			},
			says: []string{"secret_access_key", "region"},
		},
		"wrong key id": {
			fields: func(s *emulator.Server) string {
				return "credentials: {type: access_key, access_key_id: " + strings.Repeat("ab", 16) + ", secret_access_key: " + strings.Repeat("5ec7e7", 10) + "}\n"
			},
			says: []string{"credentials.access_key_id"},
		},
		"wrong region": {
			fields: func(*emulator.Server) string { return "region: ap-south-1\n" },
			says:   []string{"region", "ap-south-1"},
		},
		"missing bucket": {
			fields: func(*emulator.Server) string { return "source_path: nope\n" },
			says:   []string{"source_path", "nope"},
		},
		"token that ended after the start of the process": {
			fields: func(s *emulator.Server) string {
				return sessionToken(s.Settings(), s.UserToken("u1", time.Hour))
			},
			faults: func(emulator.Request) emulator.Fault {
				return emulator.Fault{Status: 403, Code: "AccessDenied", Message: `"exp" claim timestamp check failed`}
			},
			says: []string{"credentials.user_token", "expired"},
		},
		"storage that stays down": {
			faults: func(emulator.Request) emulator.Fault { return emulator.Fault{Status: 544} },
			within: 3 * time.Minute,
			says:   []string{"544"},
		},
		"connections that are closed": {
			faults: func(emulator.Request) emulator.Fault { return emulator.Fault{HangUp: true} },
			within: 3 * time.Minute,
			says:   []string{"endpoint"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "")
				if c.fields != nil {
					r.fields = c.fields(r.server)
				}
				r.server.SetFaults(c.faults)
				start := time.Now()
				report := r.run()
				require.Error(t, report.Err)
				for _, word := range c.says {
					require.Contains(t, report.Err.Error(), word)
				}
				require.LessOrEqual(t, time.Since(start), c.within)
				require.Empty(t, r.messages)
				require.ErrorContains(t, ExitError(), report.Err.Error())
				require.Contains(t, r.logs.String(), "level=ERROR")
			})
		})
	}
}

func TestARunSurvivesAnOutageAtItsStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.server.Put("docs", "a", []byte("x"))
		up := time.Now().Add(30 * time.Second)
		r.server.SetFaults(func(emulator.Request) emulator.Fault {
			if time.Now().Before(up) {
				return emulator.Fault{Status: http.StatusInternalServerError}
			}
			return emulator.Fault{}
		})
		require.Equal(t, "", errOf(r.run().Err))
		require.Len(t, r.messages, 1)
	})
}

func TestATokenThatEndsDuringTheRunEndsItAndLosesNothingSilently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fields = sessionToken(r.server.Settings(), r.server.UserToken("u1", time.Minute)) + "concurrency: {max_downloads: 1}\n"
		r.server.AllowRead("docs", func(map[string]any, string) bool { return true })
		for i := range 20 {
			r.server.Put("docs", string(rune('a'+i)), []byte("x"))
		}
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpGet {
				return emulator.Fault{Delay: 10 * time.Second}
			}
			return emulator.Fault{}
		})
		report := r.run()
		require.ErrorContains(t, report.Err, "credentials.user_token")
		require.Equal(t, int64(5), report.Delivered)
		require.Equal(t, int64(len(r.messages)), report.Delivered)
		require.Equal(t, report.Listed-report.Delivered, report.Unsettled)
		require.Positive(t, report.Unsettled)
	})
}

func TestALostListingEndsTheRunWithAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "retry: {max_attempts: 3}\n")
		fillWithLines(r.server, 1500)
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpList && q.N > 2 {
				return emulator.Fault{Status: 544}
			}
			return emulator.Fault{}
		})
		report := r.run()
		require.ErrorContains(t, report.Err, "after 1000 objects listed")
		require.Equal(t, int64(1000), report.Delivered, "what was listed is delivered all the same")
	})
}

func TestARunWithNothingToDeliverSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		fields string
		fill   func(s *emulator.Server)
		says   []string
	}{
		"empty bucket": {
			says: []string{`Nothing was listed in bucket \"docs\". The bucket is empty: row level security hides nothing from the role \"service_role\"`},
		},
		"prefix with nothing under it": {
			fields: "source_path: docs/Photos/\n",
			fill:   func(s *emulator.Server) { s.Put("docs", "photos/1.jpg", []byte("x")) },
			says:   []string{`prefix \"Photos/\"`, `first key is \"photos/1.jpg\"`, "case-sensitive"},
		},
		"patterns that exclude everything": {
			fields: "exclude_patterns: ['*.md', '*.jpg']\n",
			fill: func(s *emulator.Server) {
				s.Put("docs", "1.jpg", []byte("x"))
				s.Put("docs", "2.jpg", []byte("x"))
				s.Put("docs", "3.md", []byte("x"))
			},
			says: []string{"All 3 objects", "exclude: 3", `2 of them by exclude_patterns[1] \"*.jpg\"`},
		},
		"patterns that include nothing": {
			fields: "include_patterns: ['*.mp4']\n",
			fill:   func(s *emulator.Server) { s.Put("docs", "1.MP4", []byte("x")) },
			says:   []string{"All 1 objects", "include: 1", "case-sensitive"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, c.fields)
				if c.fill != nil {
					c.fill(r.server)
				}
				require.Equal(t, "", errOf(r.run().Err))
				for _, words := range c.says {
					require.Contains(t, r.logs.String(), words)
				}
				require.Contains(t, r.logs.String(), "level=WARN")
			})
		})
	}
}

func TestAnEmptyListingUnderATokenNamesTheRole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fields = sessionToken(r.server.Settings(), r.server.UserToken("u1", time.Hour))
		r.server.Put("docs", "hidden", []byte("x"))
		require.Equal(t, "", errOf(r.run().Err))
		require.Contains(t, r.logs.String(), `Nothing was listed in bucket \"docs\". The bucket is empty, `+
			`or row level security hides its objects from the role \"authenticated\" (user u1): a policy on storage.objects must allow SELECT`)
	})
}

func TestSecretsAreNowhereInTheLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "retry: {max_attempts: 2}\n")
		s := r.server.Settings()
		token := r.server.UserToken("u1", time.Hour)
		r.fields += sessionToken(s, token)
		r.server.Put("docs", "a", []byte("x"))
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			statuses := []int{403, 500, 404, 416, 302}
			return emulator.Fault{Status: statuses[q.N%len(statuses)]}
		})
		report := r.run()
		logs := r.logs.String() + errOf(report.Err)
		require.Contains(t, logs, "level=ERROR")
		for _, secret := range []string{s.AnonKey, s.SecretAccessKey, s.ServiceRoleKey, token, strings.Split(token, ".")[2]} {
			require.NotContains(t, logs, secret)
		}
	})
}

func TestTheConnectionTestSaysWhatIsWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for fields, want := range map[string]string{"": "", "source_path: nope\n": "source_path"} {
			r := newRig(t, fields)
			require.NoError(t, r.build())
			results := r.input.(service.ConnectionTestable).ConnectionTest(t.Context())
			require.Len(t, results, 1)
			if want == "" {
				require.NoError(t, results[0].Err)
			} else {
				require.ErrorContains(t, results[0].Err, want)
			}
			require.NoError(t, r.input.Close(context.Background()))
		}
	})
}
