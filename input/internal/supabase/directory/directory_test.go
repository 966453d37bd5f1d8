package directory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/api"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/management"
)

const token = "sbp_0123456789abcdef0123456789abcdef01234567"

// row is a project as the Management API lists it.
type row struct {
	Ref      string `json:"ref"`
	Name     string `json:"name"`
	Region   string `json:"region"`
	Status   string `json:"status"`
	IsBranch bool   `json:"is_branch"`
}

// world is a Management API.
type world struct {
	rows []row
	// most is the size of a page, where it is less than what is asked for.
	most int
	// odd answers in place of the world, where its status is not 0.
	odd func(path string, offset int) (status int, body string)

	mu    sync.Mutex
	calls []string
}

func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, r.URL.Path)
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	status, body := 0, ""
	if w.odd != nil {
		status, body = w.odd(r.URL.Path, offset)
	}
	if status == 0 {
		status, body = w.answer(r, offset)
	}
	kind := "application/json"
	if strings.HasPrefix(body, "<") {
		kind = "text/html"
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func (w *world) answer(r *http.Request, offset int) (int, string) {
	text := func(v any) string {
		doc, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return string(doc)
	}
	switch path := r.URL.Path; {
	case r.Header.Get("Authorization") != "Bearer "+token:
		return 401, `{"message":"Unauthorized"}`
	case path == "/v1/organizations/acme/projects":
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		if w.most > 0 {
			limit = min(limit, w.most)
		}
		from := min(offset, len(w.rows))
		page := w.rows[from:min(from+limit, len(w.rows))]
		return 200, text(map[string]any{"projects": page, "pagination": map[string]int{"count": len(w.rows), "limit": limit, "offset": offset}})
	case path == "/v1/projects":
		return 200, text(w.rows)
	case strings.HasPrefix(path, "/v1/projects/"):
		for _, p := range w.rows {
			if "/v1/projects/"+p.Ref == path {
				return 200, text(p)
			}
		}
		return 404, `{"message":"Project not found"}`
	}
	return 404, `{"message":"Organization not found"}`
}

func ref(i int) string {
	return fmt.Sprintf("aaaaaaaaaaaaaaaa%c%c%c%c", 'a'+i/17576%26, 'a'+i/676%26, 'a'+i/26%26, 'a'+i%26)
}

func rows(n int) (all []row) {
	for i := range n {
		all = append(all, row{Ref: ref(i), Name: "p" + strconv.Itoa(i), Region: "eu-west-1", Status: "ACTIVE_HEALTHY"})
	}
	return all
}

func settings() supabase.Settings {
	s := supabase.Settings{}
	s.Credentials.Type, s.Credentials.AccessToken = supabase.TypeAccessToken, token
	return s
}

func open(t *testing.T, w *world, change func(*Options)) *Directory {
	t.Helper()
	account, err := supabase.ResolveFleet(settings())
	require.NoError(t, err)
	o := Options{
		Client:  management.New(api.Options{Base: account.APIURL, Transport: w}),
		Token:   func(context.Context) (string, error) { return token, nil },
		Account: account, Organization: "acme",
	}
	if change != nil {
		change(&o)
	}
	return New(o)
}

func named(refs ...string) func(*Options) {
	return func(o *Options) { o.Organization, o.Refs = "", refs }
}

func refs(projects []Project) (all []string) {
	for _, p := range projects {
		all = append(all, p.Ref)
	}
	return all
}

func TestAllPagesOfAnOrganizationAreListed(t *testing.T) {
	for _, n := range []int{0, 1, 99, 100, 101, 200, 250, 1000} {
		for _, most := range []int{0, 30} {
			w := &world{rows: rows(n), most: most}
			projects, err := open(t, w, nil).Projects(t.Context())
			require.NoError(t, err)
			require.Len(t, projects, n)
			for i, p := range projects {
				require.Equal(t, Project{Ref: ref(i), Name: "p" + strconv.Itoa(i), Region: "eu-west-1", Status: "ACTIVE_HEALTHY"}, p)
			}
			if most == 0 {
				require.Len(t, w.calls, n/100+1)
			}
		}
	}
}

func TestProjectsThatArePausedAreListedAndUnwantedOnesAreNot(t *testing.T) {
	w := &world{rows: rows(6)}
	w.rows[1].Status = "INACTIVE"
	w.rows[2].IsBranch = true
	w.rows[3].Name = "other"
	projects, err := open(t, w, func(o *Options) {
		o.Wanted = func(name string, branch bool) bool { return !branch && strings.HasPrefix(name, "p") }
	}).Projects(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{ref(0), ref(1), ref(4), ref(5)}, refs(projects))
	require.Equal(t, management.Stopped, projects[1].Status.Phase())
	facts, err := projects[1].Facts()
	require.NoError(t, err)
	require.Equal(t, management.Project{Ref: ref(1), Name: "p1", Region: "eu-west-1", Status: "INACTIVE"}, facts)
}

func TestAProjectThatIsListedTwiceCountsOnce(t *testing.T) {
	w := &world{rows: rows(150)}
	w.rows = append(w.rows[:100:100], append([]row{w.rows[99], w.rows[7]}, w.rows[100:]...)...)
	projects, err := open(t, w, nil).Projects(t.Context())
	require.NoError(t, err)
	require.Len(t, projects, 150)
}

// A list without overlap would miss the project that moves to the page before.
func TestAListThatChangesWhileItIsReadMissesNoProject(t *testing.T) {
	for name, goes := range map[string][]int{
		"the first one": {0}, "the last of the page": {99}, "several": {1, 50, 99}, "the first of the next page": {100},
	} {
		for _, n := range []int{100, 101, 102, 250} {
			w := &world{rows: rows(n)}
			first := true
			w.odd = func(_ string, offset int) (int, string) {
				if offset > 0 && first {
					first = false
					for _, i := range slices.Backward(goes) {
						if i < len(w.rows) {
							w.rows = slices.Delete(w.rows, i, i+1)
						}
					}
				}
				return 0, ""
			}
			projects, err := open(t, w, nil).Projects(t.Context())
			require.NoError(t, err, "%s of %d", name, n)
			require.False(t, first)
			all := refs(projects)
			for _, p := range w.rows {
				require.Contains(t, all, p.Ref, "%s of %d", name, n)
			}
		}
	}
}

func TestAListThatChangesAllTheTimeIsAnError(t *testing.T) {
	w := &world{rows: rows(1000)}
	w.odd = func(string, int) (int, string) {
		w.rows = w.rows[1:]
		return 0, ""
	}
	projects, err := open(t, w, nil).Projects(t.Context())
	require.Nil(t, projects)
	require.ErrorContains(t, err, "changed each time while it was read")
	require.True(t, object.Transient(err))
}

func TestAListThatMakesNoSenseIsAnErrorAndNoShorterList(t *testing.T) {
	page := func(rows []row, count string) string {
		doc, err := json.Marshal(rows)
		require.NoError(t, err)
		return `{"projects":` + string(doc) + `,"pagination":{` + count + `}}`
	}
	for name, tc := range map[string]struct {
		odd  func(path string, offset int) (int, string)
		want string
	}{
		"the same page again":    {func(string, int) (int, string) { return 200, page(rows(100), `"count":5000`) }, "does not end"},
		"the same without count": {func(string, int) (int, string) { return 200, page(rows(100), ``) }, "does not end"},
		"an empty page": {func(_ string, offset int) (int, string) {
			if offset == 0 {
				return 200, page(rows(100), `"count":150`)
			}
			return 200, page([]row{}, `"count":150`)
		}, "is empty, after 100 of 150"},
		"no list":             {func(string, int) (int, string) { return 200, `{"projects":7}` }, "Management API"},
		"a page of a gateway": {func(string, int) (int, string) { return 200, `<html>login</html>` }, "not the Management API"},
		"a later page is lost": {func(_ string, offset int) (int, string) {
			if offset > 0 {
				return 502, `<html>bad gateway</html>`
			}
			return 0, ""
		}, "is not the Management API at the moment"},
		"unknown": {func(string, int) (int, string) { return 404, `{"message":"Organization not found"}` }, "projects.organization: the Management API knows no organization acme"},
		"forbidden": {func(string, int) (int, string) {
			return 403, `{"message":"no","missing_permissions":["organization_projects_read"]}`
		}, "credentials.access_token: the token may not list the projects of the organization acme: it lacks organization_projects_read; make a token"},
		"refused":   {func(string, int) (int, string) { return 401, `{"message":"Unauthorized"}` }, "credentials.access_token: the Management API does not know this token"},
		"throttled": {func(string, int) (int, string) { return 429, `{"message":"ThrottlerException"}` }, "asks for fewer requests"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{rows: rows(150), odd: tc.odd}
				projects, err := open(t, w, nil).Projects(t.Context())
				require.Nil(t, projects)
				require.ErrorContains(t, err, tc.want)
				require.NotContains(t, err.Error(), token)
				_, explained := errors.AsType[*supabase.FieldError](err)
				require.True(t, explained, err)
				require.LessOrEqual(t, len(w.calls), 6)
			})
		})
	}
}

func TestAnEndlessListEnds(t *testing.T) {
	w := &world{odd: func(_ string, offset int) (int, string) {
		var b strings.Builder
		for i := range 100 {
			fmt.Fprintf(&b, `,{"ref":"r%d"}`, offset+i)
		}
		return 200, `{"projects":[` + b.String()[1:] + `],"pagination":{}}`
	}}
	_, err := open(t, w, nil).Projects(t.Context())
	require.ErrorContains(t, err, "does not end")
	require.True(t, object.Transient(err))
}

func TestWhatIsNoReferenceIsReportedForItselfAlone(t *testing.T) {
	w := &world{rows: rows(3)}
	for _, odd := range []string{"", "../../v1/secrets", "a/b", "a b", "ä", ".", "..", "a%2Fb", "x?y", "x\ny", strings.Repeat("a", 101)} {
		w.rows = append(w.rows, row{Ref: odd, Name: "odd \x1b[31m" + token + "\r\n" + strings.Repeat("n", 500)})
	}
	projects, err := open(t, w, nil).Projects(t.Context())
	require.NoError(t, err)
	require.Len(t, projects, 3+11)
	for i, p := range projects {
		if i < 3 {
			require.NoError(t, p.Err)
			continue
		}
		require.Empty(t, p.Ref)
		require.Error(t, p.Err)
		require.NotContains(t, p.Err.Error()+p.Name, token)
		require.NotContains(t, p.Name, "\x1b")
		require.NotContains(t, p.Name, "\n")
		require.Less(t, len(p.Name), 100)
	}
}

func TestProjectsThatAreNamedKeepTheirOrderAndTheirErrors(t *testing.T) {
	w := &world{rows: rows(4)}
	hidden, missing, broken := ref(3), ref(100), ref(101)
	w.odd = func(path string, _ int) (int, string) {
		switch {
		case path == "/v1/projects":
			doc, err := json.Marshal(w.rows[:2])
			require.NoError(t, err)
			return 200, string(doc)
		case strings.HasSuffix(path, hidden):
			return 403, `{"message":"no","missing_permissions":["project_admin_read"]}`
		case strings.HasSuffix(path, broken):
			return 500, `{"message":"oops"}`
		}
		return 0, ""
	}
	synctest.Test(t, func(t *testing.T) {
		projects, err := open(t, w, named(ref(2), hidden, ref(1), missing, broken, ref(0))).Projects(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{ref(2), hidden, ref(1), missing, broken, ref(0)}, refs(projects))
		require.ErrorContains(t, projects[1].Err, "lacks permissions in the project "+hidden+": project_admin_read")
		require.ErrorContains(t, projects[3].Err, "projects: the Management API knows no project "+missing)
		require.True(t, object.Transient(projects[4].Err))
		for _, i := range []int{0, 2, 5} {
			require.NoError(t, projects[i].Err)
			require.Equal(t, "eu-west-1", projects[i].Region)
		}
	})
}

func TestATokenThatMayNotListAsksForEachProject(t *testing.T) {
	w := &world{rows: rows(3)}
	w.odd = func(path string, _ int) (int, string) {
		if path == "/v1/projects" {
			return 403, `{"message":"no","missing_permissions":["projects_read"]}`
		}
		return 0, ""
	}
	projects, err := open(t, w, named(ref(0), ref(2))).Projects(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{ref(0), ref(2)}, refs(projects))
	require.Len(t, w.calls, 3)

	w.odd = func(path string, _ int) (int, string) {
		if path == "/v1/projects" {
			return 403, `{"message":"no"}`
		}
		return 401, `{"message":"Unauthorized"}`
	}
	_, err = open(t, w, named(ref(0), ref(2))).Projects(t.Context())
	require.ErrorContains(t, err, "does not know this token")
}

func TestGoneIsWhatTheAPISaysIsGone(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		want   Standing
		fails  string
	}{
		"there":                {status: 0},
		"removed":              {status: 200, body: `{"ref":"` + ref(0) + `","status":"REMOVED"}`, want: Deleted},
		"another organization": {status: 200, body: `{"ref":"` + ref(0) + `","organization_slug":"other"}`, want: Unwanted},
		"this organization":    {status: 200, body: `{"ref":"` + ref(0) + `","organization_slug":"acme"}`},
		"paused":               {status: 200, body: `{"ref":"` + ref(0) + `","status":"INACTIVE"}`},
		"another project":      {status: 200, body: `{"ref":"` + ref(1) + `","status":"REMOVED"}`, fails: "another project"},
		"nothing":              {status: 200, body: `{}`, fails: "another project"},
		"not found":            {status: 404, body: `{"message":"Project not found"}`, want: Deleted},
		"gone":                 {status: 410, body: `{"message":"gone"}`, want: Deleted},
		"was removed":          {status: 400, body: `{"message":"Resource has been removed"}`, want: Deleted},
		"a bad request":        {status: 400, body: `{"message":"ref: Invalid string"}`, fails: "is no reference"},
		"a page":               {status: 404, body: `<html>404</html>`, fails: "not the Management API"},
		"unauthorized":         {status: 401, body: `{"message":"Unauthorized"}`, fails: "does not know this token"},
		"forbidden":            {status: 403, body: `{"message":"no"}`, fails: "may not do this in the project " + ref(0)},
		"an outage":            {status: 503, body: `{"message":"down"}`, fails: "fails"},
		"a page and status":    {status: 410, body: `<html>gone</html>`, fails: "not the Management API"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{rows: rows(1), odd: func(string, int) (int, string) { return tc.status, tc.body }}
				got, err := open(t, w, nil).Standing(t.Context(), ref(0))
				require.Equal(t, tc.want, got)
				if tc.fails == "" {
					require.NoError(t, err)
				} else {
					require.ErrorContains(t, err, tc.fails)
				}
			})
		})
	}
}

func TestAProjectThatIsListedAndNotWantedIsNotAskedFor(t *testing.T) {
	w := &world{rows: rows(3)}
	d := open(t, w, func(o *Options) { o.Wanted = func(name string, _ bool) bool { return name != "p1" } })
	projects, err := d.Projects(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{ref(0), ref(2)}, refs(projects))
	calls := len(w.calls)
	for range 10 {
		got, err := d.Standing(t.Context(), ref(1))
		require.NoError(t, err)
		require.Equal(t, Unwanted, got)
	}
	require.Len(t, w.calls, calls)
	w.rows[1].Name = "again"
	projects, err = d.Projects(t.Context())
	require.NoError(t, err)
	require.Len(t, projects, 3)
	got, err := d.Standing(t.Context(), ref(1))
	require.NoError(t, err)
	require.Equal(t, Unclear, got)
}

// What is listed as removed is no part of the organization, and nothing is to be done
// about it; a reference that is written is a mistake that somebody has to correct.
func TestARemovedProjectIsNotListedUnlessItIsNamed(t *testing.T) {
	w := &world{rows: rows(3)}
	w.rows[1].Status = "REMOVED"
	projects, err := open(t, w, nil).Projects(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{ref(0), ref(2)}, refs(projects))
	projects, err = open(t, w, named(ref(1))).Projects(t.Context())
	require.NoError(t, err)
	require.Len(t, projects, 1)
	require.Equal(t, management.Removed, projects[0].Status.Phase())
}
