package conformance

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func (tg *target) withToken(prefix, field, token string) fields {
	name, key := tg.projectKey()
	return tg.with(prefix, fields{"type": "session_token", name: key, field: token})
}

func TestInputReadsEverythingWithAServiceRoleToken(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		_, others, _, prefix := shared(t, tg)
		out := runInput(t, tg, tg.withToken(prefix, "service_role_key", tg.serviceToken))
		requireDelivered(t, out, sameAsKeys(others)...)
	})
}

func TestInputReadsWithAUserTokenOnlyWhatPoliciesShow(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		own, _, ownPrefix, othersPrefix := shared(t, tg)
		requireDelivered(t, runInput(t, tg, tg.withToken(ownPrefix, "user_token", tg.userToken)), sameAsKeys(own)...)

		out := runInput(t, tg, tg.withToken(othersPrefix, "user_token", tg.userToken))
		requireDelivered(t, out)
		require.Zero(t, out.report.Listed)
		require.Contains(t, out.log, "Nothing was listed", "what cannot be seen looks like nothing, so the log says so")
	})
}

func TestInputSignsInAsAUserAndReadsOnlyWhatPoliciesShow(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		if tg.email == "" || tg.password == "" {
			t.Skip("no e-mail address and password of the user")
		}
		own, _, ownPrefix, othersPrefix := shared(t, tg)
		signIn := func(prefix string) fields {
			name, key := tg.projectKey()
			return tg.with(prefix, fields{"type": "user", name: key, "email": tg.email, "password": tg.password})
		}
		out := runInput(t, tg, signIn(ownPrefix))
		requireDelivered(t, out, sameAsKeys(own)...)
		require.Regexp(t, `as the role .{0,2}authenticated.{0,2} \(user `+regexp.QuoteMeta(tg.email), out.log)
		requireDelivered(t, runInput(t, tg, signIn(othersPrefix)))

		wrong := signIn(ownPrefix)
		wrong["credentials"].(fields)["password"] = "not this one"
		out = runInput(t, tg, wrong)
		require.ErrorContains(t, out.report.Err, "credentials.password: ")
	})
}

func TestInputAsksTheManagementAPIForKeysAndRegion(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		if tg.accessToken == "" {
			t.Skip("no personal access token")
		}
		if tg.plane == overREST {
			if tg.server == nil {
				t.Skip("only the project's owner can switch its legacy keys off")
			}
			tg.server.SetProject(func(p *emulator.Project) { p.LegacyKeys = emulator.LegacyDisabled })
		}
		_, others, _, prefix := shared(t, tg)
		withToken := func(token string) fields {
			f := tg.with(prefix, fields{"type": "access_token", "access_token": token, "api_url": tg.apiURL})
			delete(f, "region")
			return f
		}
		requireDelivered(t, runInput(t, tg, withToken(tg.accessToken)), sameAsKeys(others)...)
		out := runInput(t, tg, withToken("sbp_"+strings.Repeat("0", 40)))
		require.ErrorContains(t, out.report.Err, "credentials.access_token: the Management API does not know this token")
	})
}

func sameAsKeys(keys []string) []object {
	objects := make([]object, len(keys))
	for i, key := range keys {
		objects[i] = object{key: key, body: []byte(key)}
	}
	return objects
}

func TestInputEndsWithAnErrorThatNamesTheField(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		tg.storeKeys(t, prefix+"present")
		change := func(f fields, name string, value any) fields {
			f[name] = value
			return f
		}
		type refused struct {
			fields fields
			says   []string
		}
		const unknown = "sb_secret_0123456789abcdefghijkl_01234567"
		cases := map[plane]map[string]refused{
			overS3: {
				"wrong secret": {
					tg.with(prefix, fields{"type": "access_key", "access_key_id": tg.key.accessKeyID, "secret_access_key": "wrong"}),
					[]string{"secret_access_key"},
				},
				"wrong key id": {
					tg.with(prefix, fields{"type": "access_key", "access_key_id": "nope", "secret_access_key": tg.key.secret}),
					[]string{"access_key_id"},
				},
				"wrong region": {
					change(tg.withKey(prefix), "region", "xx-nowhere-9"),
					[]string{"region", "xx-nowhere-9"},
				},
				"wrong region with a token": {
					change(tg.withToken(prefix, "user_token", tg.userToken), "region", "xx-nowhere-9"),
					[]string{"region", "xx-nowhere-9"},
				},
				"wrong anon key": {
					tg.with(prefix, fields{"type": "session_token", "anon_key": forgedToken(tg.projectRef, "anon"), "service_role_key": tg.serviceToken}),
					[]string{"credentials.anon_key"},
				},
			},
			overREST: {
				"unknown secret key": {
					tg.with(prefix, fields{"type": "secret_key", "secret_key": unknown}),
					[]string{"credentials.secret_key"},
				},
			},
		}[tg.plane]
		maps.Copy(cases, map[string]refused{
			"missing bucket": {
				change(tg.withKey(prefix), "source_path", runName()+"/"+prefix),
				[]string{"source_path", runName()},
			},
			"token that another project signed": {
				tg.withToken(prefix, "service_role_key", forgedToken(tg.projectRef, "service_role")),
				[]string{"service_role_key"},
			},
		})
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				begin := time.Now()
				out := runInput(t, tg, c.fields)
				require.Empty(t, out.messages)
				require.Error(t, out.report.Err)
				for _, word := range c.says {
					require.ErrorContains(t, out.report.Err, word)
				}
				require.Contains(t, out.log, "level=ERROR")
				require.Less(t, time.Since(begin), 30*time.Second, "what cannot get better is not tried for long")
			})
		}
	})
}

func TestInputRefusesTokensThatCannotWorkBeforeAnyRequest(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		for name, c := range map[string]struct {
			fields fields
			says   []string
		}{
			"of another project": {
				tg.withToken("", "service_role_key", forgedToken("zyxwvutsrqponmlkjihg", "service_role")), []string{"service_role_key", "zyxwvutsrqponmlkjihg"},
			},
			"a secret key": {
				tg.withToken("", "service_role_key", "sb_secret_0123456789abcdefghijkl"), []string{"service_role_key", "sb_secret_"},
			},
			"a user's in place of the service_role key": {
				tg.withToken("", "service_role_key", tg.userToken), []string{"service_role_key", "user_token"},
			},
		} {
			err := refusal(t, c.fields)
			require.Error(t, err, name)
			for _, word := range c.says {
				require.ErrorContains(t, err, word, name)
			}
		}
	})
}

func TestInputEndsWithATokenThatTheServerFindsExpired(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		if tg.expiredToken == "" {
			t.Skip("SUPABASE_TEST_EXPIRED_TOKEN is not set: only the project can issue one")
		}
		f := tg.withToken("", "user_token", tg.expiredToken)
		err := refusal(t, f) // a token that expired more than a day ago needs no request
		if err == nil {
			err = runInput(t, tg, f).report.Err
		}
		require.ErrorContains(t, err, "user_token")
		require.ErrorContains(t, err, "expired")
		require.NotContains(t, err.Error(), tg.expiredToken)
	})
}

// A hosted project is behind a proxy that rewrites Accept-Encoding. Other endpoints
// get such a proxy here.
func TestInputReadsThroughAProxyThatRewritesAcceptEncoding(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		if ip, err := netip.ParseAddr(tg.endpoint.Hostname()); err != nil || !ip.IsLoopback() {
			t.Skip("the endpoint is not on loopback, so its own gateway is on the way")
		}
		prefix := tg.prefix()
		keys := tg.hostileKeys(prefix)
		tg.storeKeys(t, keys...)
		proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: tg.endpoint.Scheme, Host: tg.endpoint.Host})
			r.Out.Host = r.In.Host
			r.Out.Header.Set("Accept-Encoding", "gzip, br")
		}})
		defer proxy.Close()

		f := tg.withKey(prefix)
		f["endpoint"] = proxy.URL + tg.endpoint.Path
		requireDelivered(t, runInput(t, tg, f), sameAsKeys(keys)...)
		if tg.plane == overREST {
			return
		}

		// the proxy does break a signed header
		through := *tg
		address, err := url.Parse(proxy.URL + tg.endpoint.Path)
		require.NoError(t, err)
		through.endpoint = address
		tg.requireFailure(t, through.get(t, keys[0], "Accept-Encoding", "identity"), http.StatusForbidden, "SignatureDoesNotMatch")
	})
}
