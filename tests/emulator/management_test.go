package emulator

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// manage asks the Management API about the project.
func (c *client) manage(token, path string) answered {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.s.URL()+"/v1/projects/"+path, nil)
	require.NoError(c.t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return c.send(r)
}

const ref = defaultRef

func TestProjectAnswersAsTheManagementAPIDoes(t *testing.T) {
	bothWays(t, func(t *testing.T, s *Server, c *client) {
		got := c.manage(s.Settings().AccessToken, ref)
		require.Equal(t, http.StatusOK, got.status)
		require.Equal(t, "application/json; charset=utf-8", got.header.Get("Content-Type"))
		require.JSONEq(t, `{"id":"localemulatorproject","ref":"localemulatorproject",
			"organization_id":"localemulatorcompany","organization_slug":"localemulatorcompany",
			"name":"Local emulator","region":"eu-central-1","status":"ACTIVE_HEALTHY",
			"database":{"host":"db.localemulatorproject.supabase.co","version":"17.6.1.111","postgres_engine":"17","release_channel":"ga"},
			"created_at":"2000-01-01T00:00:00Z"}`, got.body)
		require.Equal(t, 1, s.Count(OpGetProject))
		s.SetProject(func(p *Project) { p.Status, p.Region, p.Name = StatusUpgrading, "us-east-2", "Uploads" })
		got = c.manage(defaultAccessToken, ref)
		require.Contains(t, got.body, `"name":"Uploads","region":"us-east-2","status":"UPGRADING"`)
		require.Equal(t, "us-east-2", s.Settings().Region)
	})
}

// apiKey is what a client reads of an API key.
type apiKey struct {
	Name   string `json:"name"`
	APIKey string `json:"api_key"`
	Type   string `json:"type"`
	Prefix string `json:"prefix"`
	Hash   string `json:"hash"`
}

func (c *client) apiKeys(query string) (keys []apiKey) {
	c.t.Helper()
	got := c.manage(defaultAccessToken, ref+"/api-keys"+query)
	require.Equal(c.t, http.StatusOK, got.status, got.body)
	require.NoError(c.t, json.Unmarshal([]byte(got.body), &keys))
	return keys
}

func TestAPIKeysAreMaskedUnlessRevealed(t *testing.T) {
	s := New(Options{})
	c := newClient(t, s)
	set := s.Settings()
	revealed := c.apiKeys("?reveal=true")
	require.Len(t, revealed, 4)
	want := []apiKey{
		{Name: "anon", APIKey: set.AnonKey, Type: "legacy"},
		{Name: "service_role", APIKey: set.ServiceRoleKey, Type: "legacy"},
		{Name: "default", APIKey: set.PublishableKey, Type: "publishable", Prefix: set.PublishableKey[:20]},
		{Name: "default", APIKey: set.SecretKey, Type: "secret", Prefix: set.SecretKey[:15]},
	}
	for i, k := range revealed {
		require.Len(t, k.Hash, 43)
		if k.Type == "legacy" {
			require.Len(t, k.Prefix, 5)
			k.Prefix = ""
		}
		k.Hash = ""
		require.Equal(t, want[i], k)
	}
	hidden := c.apiKeys("?reveal=false")
	require.Equal(t, revealed[:3], hidden[:3])
	require.Equal(t, set.SecretKey[:15]+strings.Repeat("·", 26), hidden[3].APIKey)
	require.Equal(t, hidden, c.apiKeys(""))
	require.Equal(t, 3, s.Count(OpGetAPIKeys))
}

func TestAPIKeysFollowTheProject(t *testing.T) {
	s := New(Options{})
	c := newClient(t, s)
	require.JSONEq(t, `{"enabled":true}`, c.manage(defaultAccessToken, ref+"/api-keys/legacy").body)
	s.SetProject(func(p *Project) { p.LegacyKeys = LegacyDisabled })
	require.JSONEq(t, `{"enabled":false}`, c.manage(defaultAccessToken, ref+"/api-keys/legacy").body)
	require.Len(t, c.apiKeys(""), 4)
	s.SetProject(func(p *Project) { p.LegacyKeys = LegacyNone })
	require.Equal(t, "publishable", c.apiKeys("")[0].Type)
	s.SetProject(func(p *Project) { p.Status = StatusInactive })
	require.Empty(t, c.apiKeys("?reveal=true"))
}

func TestHealthFollowsTheProject(t *testing.T) {
	s := New(Options{})
	c := newClient(t, s)
	health := func(query string) string { return c.manage(defaultAccessToken, ref+"/health"+query).body }
	require.JSONEq(t, `[{"name":"storage","healthy":true,"status":"ACTIVE_HEALTHY"}]`, health("?services=storage"))
	s.SetProject(func(p *Project) { p.Status = StatusComingUp })
	want := `[{"name":"auth","healthy":false,"status":"COMING_UP"},{"name":"storage","healthy":false,"status":"COMING_UP"}]`
	require.Equal(t, want, health("?services=auth,storage"))
	require.Equal(t, want, health("?services=auth&services=storage"))
	s.SetProject(func(p *Project) {
		p.Status, p.StorageHealth, p.StorageError = StatusActiveHealthy, HealthUnhealthy, "connect ECONNREFUSED"
	})
	require.JSONEq(t, `[{"name":"storage","healthy":false,"status":"UNHEALTHY","error":"connect ECONNREFUSED"},`+
		`{"name":"db","healthy":true,"status":"ACTIVE_HEALTHY"}]`, health("?services=storage,db"))
	s.SetProject(func(p *Project) { *p = Project{Status: StatusGoingDown} })
	require.Contains(t, health("?services=storage"), `"UNHEALTHY"`)
	require.Equal(t, http.StatusBadRequest, c.manage(defaultAccessToken, ref+"/health").status)
	require.Equal(t, http.StatusBadRequest, c.manage(defaultAccessToken, ref+"/health?services=functions").status)
	require.Equal(t, 7, s.Count(OpGetHealth))
}

func TestManagementAPIRefusals(t *testing.T) {
	const weak = "sbp_00000000000000000000000000000000000000ff"
	s := New(Options{})
	c := newClient(t, s)
	privileges := `{"message":"Your account does not have the necessary privileges to access this endpoint. ` +
		`For more details, refer to our documentation https://supabase.com/docs/guides/platform/access-control"}`
	lacks := func(permissions string) string {
		return strings.TrimSuffix(privileges, "}") + `,"missing_permissions":[` + permissions + `]}`
	}
	expect := func(token, path string, status int, body string) {
		t.Helper()
		got := c.manage(token, path)
		require.Equal(t, status, got.status, path)
		require.Equal(t, body, got.body)
	}
	expect("", ref, 401, `{"message":"Unauthorized"}`)
	expect(weak, ref, 401, `{"message":"Unauthorized"}`)
	expect(s.Settings().ServiceRoleKey, ref, 401, `{"message":"JWT could not be decoded"}`)
	expect(defaultAccessToken, "abcdefghijklmnopqrst", 404, `{"message":"Project not found"}`)
	expect(defaultAccessToken, "abc", 400, `{"message":"ref: Too small: expected string to have >=20 characters"}`)
	expect(defaultAccessToken, ref+"x", 400, `{"message":"ref: Too big: expected string to have <=20 characters"}`)
	expect(defaultAccessToken, "ABCDEFGHIJKLMNOPQRST", 400, `{"message":"ref: Invalid string: must match pattern /^[a-z]+$/"}`)
	expect(defaultAccessToken, ref+"/functions", 404, `{"message":"Cannot GET /v1/projects/localemulatorproject/functions"}`)

	s.SetAccessToken(weak, PermProject, PermKeys)
	require.Equal(t, http.StatusOK, c.manage(weak, ref).status)
	require.Equal(t, http.StatusOK, c.manage(weak, ref+"/api-keys").status)
	expect(weak, ref+"/api-keys?reveal=true", 403, lacks(`"api_gateway_keys_secret_read"`))
	s.SetAccessToken(weak, PermProject)
	expect(weak, ref+"/api-keys", 403, lacks(`"api_gateway_keys_read"`))
	expect(weak, ref+"/api-keys?reveal=true", 403, lacks(`"api_gateway_keys_read","api_gateway_keys_secret_read"`))
	expect(weak, ref+"/api-keys/legacy", 403, lacks(`"api_gateway_keys_read"`))
	s.SetAccessToken(weak)
	expect(weak, ref, 403, lacks(`"project_admin_read"`))
	expect(weak, ref+"/health?services=storage", 403, lacks(`"project_admin_read"`))
	s.RevokeAccessToken(defaultAccessToken)
	expect(defaultAccessToken, ref, 401, `{"message":"Unauthorized"}`)

	for status, body := range map[int]string{
		401: `{"message":"Unauthorized"}`, 403: privileges, 404: `{"message":"Project not found"}`,
		429: `{"message":"ThrottlerException: Too Many Requests"}`, 500: `{"message":"Internal server error"}`,
		503: `{"message":"Service Unavailable"}`,
	} {
		s.SetFaults(func(Request) Fault { return Fault{Status: status} })
		expect(weak, ref, status, body)
	}
	s.SetFaults(func(Request) Fault { return Fault{Status: 520} })
	require.Equal(t, "text/html", c.manage(weak, ref).header.Get("Content-Type"))
}

func TestManagementAPILimitsRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		c := newClient(t, s)
		got := c.manage(defaultAccessToken, ref)
		require.Equal(t, "120", got.header.Get("X-RateLimit-Limit"))
		require.Equal(t, "119", got.header.Get("X-RateLimit-Remaining"))
		require.Equal(t, "60", got.header.Get("X-RateLimit-Reset"))
		time.Sleep(30*time.Second + time.Millisecond)
		for range 119 {
			got = c.manage(defaultAccessToken, ref)
			require.Equal(t, http.StatusOK, got.status)
		}
		got = c.manage(defaultAccessToken, ref)
		require.Equal(t, http.StatusTooManyRequests, got.status)
		require.JSONEq(t, `{"message":"ThrottlerException: Too Many Requests"}`, got.body)
		require.Equal(t, "0", got.header.Get("X-RateLimit-Remaining"))
		require.Equal(t, "30", got.header.Get("X-RateLimit-Reset"))
		time.Sleep(30 * time.Second)
		require.Equal(t, http.StatusOK, c.manage(defaultAccessToken, ref).status)

		unlimited := New(Options{APIRateLimit: -1})
		require.Empty(t, newClient(t, unlimited).manage(defaultAccessToken, ref).header.Get("X-RateLimit-Limit"))
	})
}

func TestPausedAndRemovedProjectsAreNotReached(t *testing.T) {
	s := New(Options{})
	s.Put("b", "k", []byte("x"))
	c := newClient(t, s)
	s.SetProject(func(p *Project) { p.Status = StatusInactive })
	require.Equal(t, 540, c.get("b", "k").status)
	require.Equal(t, 540, c.post("password", "{}", nil).status)
	require.Contains(t, c.manage(defaultAccessToken, ref).body, `"status":"INACTIVE"`)
	s.SetProject(func(p *Project) { p.Status = StatusRemoved })
	got := c.get("b", "k")
	require.Equal(t, 522, got.status)
	require.Contains(t, got.body, "522 Connection timed out")
	got = c.manage(defaultAccessToken, ref)
	require.Equal(t, http.StatusBadRequest, got.status)
	require.JSONEq(t, `{"message":"Resource has been removed"}`, got.body)
	s.SetProject(func(p *Project) { p.Status = StatusRestoring })
	require.Equal(t, http.StatusOK, c.get("b", "k").status)
}
