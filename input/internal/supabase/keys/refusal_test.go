package keys

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

func TestEachRefusalOfAuthNamesItsFieldAndRemedy(t *testing.T) {
	for name, tc := range map[string]struct {
		reply reply
		words []string
	}{
		"password":      {reply{400, `{"code":400,"error_code":"invalid_credentials","msg":"Invalid login credentials"}`, nil, nil}, []string{"credentials.password: ", "Auth knows no user", "another provider"}},
		"old password":  {reply{400, `{"error":"invalid_grant","error_description":"Invalid login credentials"}`, nil, nil}, []string{"credentials.password: "}},
		"new password":  {reply{400, `{"code":"invalid_credentials","message":"Invalid login credentials"}`, nil, nil}, []string{"credentials.password: "}},
		"unconfirmed":   {reply{400, `{"code":400,"error_code":"email_not_confirmed","msg":"Email not confirmed"}`, nil, nil}, []string{"credentials.email: ", "not confirmed", "Authentication -> Users"}},
		"banned":        {reply{400, `{"code":400,"error_code":"user_banned","msg":"User is banned"}`, nil, nil}, []string{"credentials.email: ", "banned", "lift the ban"}},
		"disabled":      {reply{422, `{"code":422,"error_code":"email_provider_disabled","msg":"Email logins are disabled"}`, nil, nil}, []string{"credentials.email: ", "switched off", "switch it on"}},
		"captcha":       {reply{400, `{"code":400,"error_code":"captcha_failed","msg":"captcha protection: request disallowed"}`, nil, nil}, []string{"credentials.email: ", "captcha", "Attack Protection"}},
		"api key":       {reply{401, `{"message":"Invalid API key","hint":"Double check"}`, nil, nil}, []string{"credentials.anon_key: ", "rotate"}},
		"legacy off":    {reply{401, `{"message":"Legacy API keys are disabled","hint":"x"}`, nil, nil}, []string{"credentials.anon_key: ", "publishable key"}},
		"no such path":  {reply{404, `{"message":"no Route matched with those values"}`, nil, nil}, []string{"project_ref: ", "is not Auth", "/auth/v1"}},
		"not JSON":      {reply{404, `<html>`, map[string]string{"Content-Type": "text/html"}, nil}, []string{"project_ref: ", "is not Auth", "text/html"}},
		"a page":        {reply{200, `<html>`, map[string]string{"Content-Type": "text/html"}, nil}, []string{"project_ref: ", "is not Auth"}},
		"a redirect":    {reply{302, ``, nil, nil}, []string{"is not Auth", "redirect"}},
		"something new": {reply{403, `{"code":403,"error_code":"insufficient_aal","msg":"what"}`, nil, nil}, []string{"what"}},
		"odd":           {reply{422, `{"code":422,"error_code":"odd","msg":"odd thing"}`, nil, nil}, []string{"credentials.email: ", "odd thing", "Logs -> Auth"}},
		"no token":      {reply{200, `{}`, nil, nil}, []string{"holds no access token"}},
		"no JWT":        {reply{200, `{"access_token":"abc"}`, nil, nil}, []string{"is no JWT"}},
		"echo":          {reply{400, `{"error_code":"odd","msg":"you sent ` + password + ` with ` + "refresh-000000000001" + `"}`, nil, nil}, []string{"[redacted]"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.fail = func(*http.Request) reply { return tc.reply }
				s, _ := start(t, w, settings(supabase.TypeUser), 0)
				_, err := s.Credentials(t.Context())
				if name == "echo" {
					require.NotContains(t, err.Error(), password)
					require.ErrorContains(t, err, tc.words[0])
					return
				}
				permanent(t, err, tc.words...)
				require.Equal(t, err, s.Project().Explain(err, ""), "it explains itself")
				_, again := s.Credentials(t.Context())
				require.Equal(t, err, again)
				require.Equal(t, 1, w.count(""), "what was refused is not asked for at once again")
				time.Sleep(firstPause)
				w.fail = func(*http.Request) reply { return reply{} }
				good(t, s)
			})
		})
	}
}

func TestEachRefusalOfTheManagementAPINamesItsFieldAndRemedy(t *testing.T) {
	list := func(keys string) reply { return reply{status: 200, body: keys} }
	for name, tc := range map[string]struct {
		path  string
		reply reply
		words []string
	}{
		"401":          {"", reply{401, `{"message":"Unauthorized"}`, nil, nil}, []string{"credentials.access_token: ", "does not know this token", "Account -> Access Tokens"}},
		"403":          {"", reply{403, `{"message":"Forbidden resource"}`, nil, nil}, []string{"credentials.access_token: ", "may not do this", "permissions"}},
		"403 for keys": {"api-keys", reply{403, `{"message":"Your account does not have the necessary privileges to access this endpoint."}`, nil, nil}, []string{"credentials.access_token: ", "secrets of its API keys"}},
		"404":          {"", reply{404, `{"message":"Project not found"}`, nil, nil}, []string{"project_ref: ", "knows no project " + ref, "Project Settings -> General"}},
		"removed":      {"", reply{400, `{"message":"Resource has been removed"}`, nil, nil}, []string{"project_ref: ", "was deleted"}},
		"400":          {"", reply{400, `{"message":["ref must be longer"]}`, nil, nil}, []string{"project_ref: ", "ref must be longer"}},
		"page":         {"", reply{200, `<html>`, map[string]string{"Content-Type": "text/html"}, nil}, []string{"credentials.api_url: ", "is not the Management API", "https://api.supabase.com"}},
		"masked":       {"api-keys", list(`[{"name":"anon","type":"legacy","api_key":"eyJ··········"},{"name":"service_role","type":"legacy","api_key":null}]`), []string{"credentials.access_token: ", "does not show the values", "secrets of API keys"}},
		"403 that names what is missing": {
			"api-keys",
			reply{403, `{"message":"Forbidden","missing_permissions":["api_gateway_keys_read","project_admin_read",{"a":1}]}`, nil, nil},
			[]string{"credentials.access_token: ", "lacks permissions", "api_gateway_keys_read, project_admin_read", "Account -> Access Tokens"},
		},
		"publishable alone": {"api-keys", list(`[{"name":"default","type":"publishable","api_key":"sb_publishable_x"}]`), []string{"credentials.access_token: ", "a publishable key alone", "make a secret key", "API keys -> Secret keys", "type: access_key"}},
		"masked secret":     {"api-keys", list(`[{"name":"default","type":"secret","api_key":"sb_secret_x··········"}]`), []string{"credentials.access_token: ", "does not show the values", "secrets of API keys"}},
		"no keys":           {"api-keys", list(`[]`), []string{"credentials.access_token: ", "shows no keys"}},
		"other keys": {
			"api-keys", list(`[{"name":"service_role","type":"legacy","api_key":"` + jwt(0, map[string]any{"role": "service_role", "ref": "tsrqponmlkjihgfedcba"}) + `"}]`),
			[]string{"credentials.access_token: ", "tsrqponmlkjihgfedcba"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.fail = func(r *http.Request) reply {
					if strings.Contains(r.URL.Path, tc.path) {
						return tc.reply
					}
					return reply{}
				}
				s, _ := start(t, w, settings(supabase.TypeAccessToken), 0)
				_, err := s.Credentials(t.Context())
				permanent(t, err, tc.words...)
				require.Equal(t, err, s.Project().Explain(err, ""), "it explains itself")
			})
		})
	}
}

func TestAProjectThatCannotComeUpIsNotWaitedFor(t *testing.T) {
	for status, words := range map[string][]string{
		"INACTIVE":       {"project_ref: ", "INACTIVE", "paused", "restore it in the Dashboard"},
		"PAUSING":        {"PAUSING", "restore"},
		"GOING_DOWN":     {"GOING_DOWN", "restore"},
		"REMOVED":        {"REMOVED", "deleted"},
		"RESTORE_FAILED": {"RESTORE_FAILED", "support"},
	} {
		t.Run(status, func(t *testing.T) {
			w := newWorld(t)
			w.status = status
			s, _ := start(t, w, settings(supabase.TypeAccessToken), 0)
			_, err := s.Credentials(t.Context())
			permanent(t, err, words...)
		})
	}
}

func TestAnAddressThatNeverAnsweredIsGivenUpSoon(t *testing.T) {
	for kind, field := range map[string]string{supabase.TypeAccessToken: "credentials.api_url: ", supabase.TypeUser: "project_ref: "} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.fail = func(*http.Request) reply {
				return reply{err: &net.DNSError{Err: "no such host", Name: "api.supabse.com", IsNotFound: true}}
			}
			s, _ := start(t, w, settings(kind), 0)
			_, err := s.Credentials(t.Context())
			require.ErrorIs(t, err, object.ErrUnreachable)
			require.ErrorContains(t, err, field)
			require.ErrorContains(t, err, "looking up the host api.supabse.com")
			require.Equal(t, unreachableAttempts, w.count(""))
		})
	}
}

func TestTheNetworksOwnErrorsMayPass(t *testing.T) {
	for name, err := range map[string]error{
		"refused": &net.OpError{Op: "dial", Err: errors.New("connection refused")},
		"tls":     &tls.CertificateVerificationError{Err: errors.New("unknown authority")},
		"reset":   &net.OpError{Op: "read", Err: errors.New("reset")},
		"timeout": context.DeadlineExceeded,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.fail = func(*http.Request) reply { return reply{err: err} }
				s, _ := start(t, w, settings(supabase.TypeUser), time.Minute)
				_, got := s.Credentials(t.Context())
				require.True(t, object.Transient(got), got)
				require.NotErrorIs(t, got, context.DeadlineExceeded, "it is not the caller's")
			})
		})
	}
}
