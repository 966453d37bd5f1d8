package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// asker asks an organization.
type asker struct {
	t     testing.TB
	o     *Organization
	rt    http.RoundTripper
	api   string
	token string
}

func newAsker(t testing.TB, o *Organization) *asker {
	return &asker{t: t, o: o, rt: o.Transport(), api: o.APIURL(), token: o.AccessToken()}
}

func (a *asker) fetch(url string, header ...string) answered {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(a.t, err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	c := &client{t: a.t, rt: a.rt}
	return c.send(r)
}

func (a *asker) manage(path string) answered {
	a.t.Helper()
	return a.fetch(a.api+"/v1/"+path, "Authorization", "Bearer "+a.token)
}

// listedProject is a project as the list of an organization has it.
type listedProject struct {
	Ref           string `json:"ref"`
	Name          string `json:"name"`
	Region        string `json:"region"`
	Status        string `json:"status"`
	IsBranch      bool   `json:"is_branch"`
	CloudProvider string `json:"cloud_provider"`
	InsertedAt    string `json:"inserted_at"`
	Databases     []struct {
		Identifier string `json:"identifier"`
		Type       string `json:"type"`
		Status     string `json:"status"`
	} `json:"databases"`
}

type projectList struct {
	Projects   []listedProject `json:"projects"`
	Pagination struct {
		Count, Limit, Offset int
	} `json:"pagination"`
}

func (a *asker) list(query string) (list projectList) {
	a.t.Helper()
	got := a.manage("organizations/" + a.o.Slug() + "/projects" + query)
	require.Equal(a.t, http.StatusOK, got.status, got.body)
	require.NoError(a.t, json.Unmarshal([]byte(got.body), &list))
	return list
}

func (l projectList) names() string {
	var names []string
	for _, p := range l.Projects {
		names = append(names, p.Name)
	}
	return strings.Join(names, " ")
}

// eachWay runs a test without sockets and over a listener.
func eachWay(t *testing.T, test func(t *testing.T, a *asker, endpoint func(ref string) string)) {
	t.Run("transport", func(t *testing.T) {
		o := NewOrganization(OrganizationOptions{})
		test(t, newAsker(t, o), func(ref string) string { return strings.ReplaceAll(o.EndpointTemplate(), "{project_ref}", ref) })
	})
	t.Run("listener", func(t *testing.T) {
		o := NewOrganization(OrganizationOptions{})
		l, err := o.Start("")
		require.NoError(t, err)
		defer func() { require.NoError(t, l.Close()) }()
		a := newAsker(t, o)
		a.rt, a.api = new(http.Transport), l.APIURL()
		require.Equal(t, l.APIURL()+"/{project_ref}/storage/v1/s3", l.EndpointTemplate())
		require.Equal(t, l.APIURL()+"/abc", l.URL("abc"))
		test(t, a, l.Endpoint)
	})
}

func TestAnOrganizationListsItsProjectsAsTheManagementAPIDoes(t *testing.T) {
	eachWay(t, func(t *testing.T, a *asker, _ func(string) string) {
		a.o.AddProject(Options{ProjectRef: "aaaaaaaaaaaaaaaaaaaa", Name: "Uploads", Region: "us-west-1"})
		got := a.manage("organizations/acme/projects")
		inserted := a.list("").Projects[0].InsertedAt
		_, err := time.Parse(time.RFC3339Nano, inserted)
		require.NoError(t, err)
		require.JSONEq(t, `{"projects":[{"ref":"aaaaaaaaaaaaaaaaaaaa","name":"Uploads","cloud_provider":"AWS","region":"us-west-1",
			"is_branch":false,"status":"ACTIVE_HEALTHY","inserted_at":"`+inserted+`","databases":[{"infra_compute_size":"micro",
			"region":"us-west-1","status":"ACTIVE_HEALTHY","cloud_provider":"AWS","identifier":"aaaaaaaaaaaaaaaaaaaa","type":"PRIMARY",
			"disk_volume_size_gb":8,"disk_type":"gp3","disk_throughput_mbps":125}]}],
			"pagination":{"count":1,"limit":100,"offset":0}}`, got.body)
		var all []map[string]any
		require.NoError(t, json.Unmarshal([]byte(a.manage("projects").body), &all))
		require.Len(t, all, 1)
		require.Equal(t, "acme", all[0]["organization_slug"])
		require.Equal(t, inserted, all[0]["created_at"])
		require.JSONEq(t, a.manage("projects/aaaaaaaaaaaaaaaaaaaa").body, strings.Trim(a.manage("projects").body, "[]"))
	})
}

func TestPagesOfProjectsFollowTheQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := NewOrganization(OrganizationOptions{APIRateLimit: -1})
		a := newAsker(t, o)
		require.Equal(t, projectList{Projects: []listedProject{}, Pagination: struct{ Count, Limit, Offset int }{0, 100, 0}}, a.list(""))
		for _, name := range []string{"delta", "Alpha", "charlie", "bravo"} {
			o.AddProject(Options{Name: name, Branch: name == "bravo"})
			time.Sleep(time.Second)
		}
		o.Projects()[2].SetStatus(StatusInactive)
		o.Projects()[3].SetStatus(StatusComingUp)
		for query, want := range map[string]string{
			"":                         "Alpha bravo charlie delta",
			"?sort=name_desc":          "delta charlie bravo Alpha",
			"?sort=created_asc":        "delta Alpha charlie bravo",
			"?sort=created_desc":       "bravo charlie Alpha delta",
			"?limit=2":                 "Alpha bravo",
			"?limit=2&offset=2":        "charlie delta",
			"?offset=3&limit=100":      "delta",
			"?offset=4":                "",
			"?search=ALPH":             "Alpha",
			"?search=zulu":             "",
			"?statuses=INACTIVE":       "charlie",
			"?statuses=ACTIVE_HEALTHY": "Alpha delta",
			"?statuses=ACTIVE_HEALTHY,INACTIVE&limit=1&offset=1": "charlie",
		} {
			require.Equal(t, want, a.list(query).names(), query)
		}
		got := a.list("?statuses=ACTIVE_HEALTHY,INACTIVE&limit=1&offset=1").Pagination
		require.Equal(t, struct{ Count, Limit, Offset int }{3, 1, 1}, got)
		list := a.list("?sort=created_asc").Projects
		require.False(t, list[0].IsBranch)
		require.True(t, list[3].IsBranch)
		require.Equal(t, "COMING_UP", list[3].Status)
		require.Equal(t, "UNKNOWN", list[2].Databases[0].Status, "databases have no status INACTIVE")
		for query, message := range map[string]string{
			"limit=0": "limit: Too small: expected number to be >=1", "limit=101": "limit: Too big: expected number to be <=100",
			"limit=ten": "limit: Invalid input: expected int, received NaN", "offset=-1": "offset: Too small: expected number to be >=0",
			"limit=1.5":       "limit: Invalid input: expected int, received NaN",
			"sort=ref":        `sort: Invalid option: expected one of "name_asc"|"name_desc"|"created_asc"|"created_desc"`,
			"statuses=PAUSED": `statuses: Invalid option: expected one of "ACTIVE_HEALTHY"|"INACTIVE"`,
		} {
			got := a.manage("organizations/acme/projects?" + query)
			require.Equal(t, http.StatusBadRequest, got.status, query)
			var said struct{ Message string }
			require.NoError(t, json.Unmarshal([]byte(got.body), &said))
			require.Equal(t, message, said.Message)
		}
	})
}

func TestAnOrganizationRefusesAsTheManagementAPIDoes(t *testing.T) {
	const weak = "sbp_00000000000000000000000000000000000000ff"
	o := NewOrganization(OrganizationOptions{Slug: "other-slug"})
	p := o.AddProject(Options{})
	a := newAsker(t, o)
	expect := func(path string, status int, part string) {
		t.Helper()
		got := a.manage(path)
		require.Equal(t, status, got.status, got.body)
		require.Contains(t, got.body, part)
	}
	expect("organizations/acme/projects", 404, "Organization not found")
	expect("organizations/a%20b/projects", 400, "slug: Invalid string")
	expect("organizations/other-slug", 404, "Cannot GET /v1/organizations/other-slug")
	expect("projects/abcdefghijklmnopqrst", 404, "Project not found")
	expect("projects/localemulatorproject", 404, "Project not found")
	expect("projects/short", 400, "ref: Too small")
	a.token = weak
	expect("organizations/other-slug/projects", 401, "Unauthorized")
	expect("projects/"+p.Settings().ProjectRef, 401, "Unauthorized")
	o.SetAccessToken(weak)
	expect("organizations/other-slug/projects", 403, `"missing_permissions":["organization_projects_read"]`)
	expect("projects", 403, `"missing_permissions":["projects_read"]`)
	expect("projects/"+p.Settings().ProjectRef+"/storage/buckets", 403, `"missing_permissions":["storage_read"]`)
	o.SetAccessToken(weak, PermOrganization, PermBuckets)
	expect("organizations/other-slug/projects", 200, p.Settings().ProjectRef)
	expect("projects/"+p.Settings().ProjectRef+"/storage/buckets", 200, "[]")
	o.RevokeAccessToken(weak)
	expect("projects", 401, "Unauthorized")
	require.Equal(t, "401", fmt.Sprint(a.fetch(a.api+"/v1/projects").status))
}

func TestEachProjectHasKeysOfItsOwn(t *testing.T) {
	eachWay(t, func(t *testing.T, a *asker, endpoint func(string) string) {
		first, second := a.o.AddProject(Options{}), a.o.AddProject(Options{})
		require.NotEqual(t, first.Settings().ProjectRef, second.Settings().ProjectRef)
		first.Put("b", "k", []byte("of the first"))
		second.Put("b", "k", []byte("of the second"))
		ask := func(of, keys *Server) answered {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, endpoint(of.Settings().ProjectRef)+"/b/k", http.NoBody)
			require.NoError(t, err)
			accessKeySigner(keys).sign(r)
			return (&client{t: t, rt: a.rt}).send(r)
		}
		require.Equal(t, "of the first", ask(first, first).body)
		require.Equal(t, "of the second", ask(second, second).body)
		require.Equal(t, http.StatusForbidden, ask(first, second).status)
		require.Equal(t, http.StatusForbidden, ask(second, first).status)
		rest := func(of *Server, header ...string) answered {
			return a.fetch(strings.TrimSuffix(endpoint(of.Settings().ProjectRef), "/s3")+"/object/authenticated/b/k", header...)
		}
		f, s := first.Settings(), second.Settings()
		require.Equal(t, "of the first", rest(first, "Apikey", f.SecretKey).body)
		require.Equal(t, "of the second", rest(second, "Authorization", "Bearer "+s.ServiceRoleKey).body)
		require.Equal(t, http.StatusBadRequest, rest(first, "Apikey", s.SecretKey).status)
		require.Equal(t, http.StatusBadRequest, rest(second, "Authorization", "Bearer "+f.ServiceRoleKey).status)
		for _, pair := range [][2]string{
			{f.AccessKeyID, s.AccessKeyID}, {f.SecretAccessKey, s.SecretAccessKey}, {f.AnonKey, s.AnonKey},
			{f.PublishableKey, s.PublishableKey},
		} {
			require.NotEqual(t, pair[0], pair[1])
		}
		again := NewOrganization(OrganizationOptions{}).AddProject(Options{})
		require.Equal(t, f, again.Settings(), "keys follow from the reference")
	})
}

func TestProjectsHaveTheHostsOfProduction(t *testing.T) {
	o := NewOrganization(OrganizationOptions{})
	p := o.AddProject(Options{})
	p.Put("b", "k", []byte("x"))
	ref := p.Settings().ProjectRef
	a := newAsker(t, o)
	a.api = "https://api.supabase.com"
	require.Equal(t, "project-1", a.list("").names())
	require.Equal(t, http.StatusOK, a.manage("projects/"+ref+"/api-keys").status)
	for _, host := range []string{ref + ".supabase.co", ref + ".storage.supabase.co"} {
		got := a.fetch("https://"+host+"/storage/v1/object/authenticated/b/k", "Apikey", p.Settings().SecretKey)
		require.Equal(t, "x", got.body)
	}
	got := a.fetch("https://abcdefghijklmnopqrst.supabase.co/storage/v1/s3")
	require.ErrorContains(t, got.err, "no such host")
	got = a.fetch(o.APIURL() + "/abcdefghijklmnopqrst/storage/v1/s3")
	require.Equal(t, http.StatusNotFound, got.status)
	require.JSONEq(t, `{"message":"no Route matched with those values"}`, got.body)
	require.Equal(t, "x", newClient(t, p).get("b", "k").body, "a project's own address works too")
}

func TestRemovedProjectsAreNotListed(t *testing.T) {
	o := NewOrganization(OrganizationOptions{})
	first, second := o.AddProject(Options{}), o.AddProject(Options{})
	a := newAsker(t, o)
	ref := first.Settings().ProjectRef
	o.RemoveProject(ref)
	o.RemoveProject("abcdefghijklmnopqrst")
	require.Equal(t, "project-2", a.list("").names())
	require.NotContains(t, a.manage("projects").body, ref)
	require.Equal(t, []*Server{second}, o.Projects())
	require.Same(t, first, o.Project(ref))
	got := a.manage("projects/" + ref)
	require.Equal(t, http.StatusBadRequest, got.status)
	require.JSONEq(t, `{"message":"Resource has been removed"}`, got.body)
	require.Equal(t, 522, a.fetch("https://"+ref+".supabase.co/storage/v1/s3").status)
	require.Panics(t, func() { o.AddProject(Options{ProjectRef: ref}) })
	require.Panics(t, func() { o.AddProject(Options{ProjectRef: "short"}) })
	require.Panics(t, func() { NewOrganization(OrganizationOptions{Slug: "a b"}) })
}

func TestTheManagementAPIListsBuckets(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)
	s := New(Options{Clock: func() time.Time { return now }})
	c := newClient(t, s)
	require.Equal(t, "[]", c.manage(defaultAccessToken, ref+"/storage/buckets").body)
	s.CreateBucket("avatars")
	got := c.manage(defaultAccessToken, ref+"/storage/buckets")
	require.Equal(t, http.StatusOK, got.status)
	require.JSONEq(t, `[{"id":"avatars","name":"avatars","owner":"","created_at":"2026-01-02T03:04:05.006Z","updated_at":"2026-01-02T03:04:05.006Z","public":false}]`, got.body)
	s.SetStatus(StatusInactive)
	got = c.manage(defaultAccessToken, ref+"/storage/buckets")
	require.Equal(t, http.StatusInternalServerError, got.status)
	require.Contains(t, got.body, "Failed to get list of buckets")
	require.Equal(t, 3, s.Count(OpGetBuckets))
}

func TestAProjectAloneIsAnOrganizationOfOne(t *testing.T) {
	s := New(Options{})
	get := func(path string) answered {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+path, http.NoBody)
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+defaultAccessToken)
		return newClient(t, s).send(r)
	}
	require.Contains(t, get("/v1/organizations/localemulatorcompany/projects").body, `"pagination":{"count":1,"limit":100,"offset":0}`)
	require.Contains(t, get("/v1/projects").body, `[{"id":"localemulatorproject"`)
	require.Equal(t, http.StatusNotFound, get("/v1/organizations/acme/projects").status)
}
