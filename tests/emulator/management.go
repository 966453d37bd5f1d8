package emulator

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The paths of the Management API, which in production has a host of its own,
// api.supabase.com.
const (
	projectsPath      = "/v1/projects"
	organizationsPath = "/v1/organizations/"
)

// isManagement reports whether a path is one of the Management API.
func isManagement(path string) bool {
	return path == projectsPath || strings.HasPrefix(path, projectsPath+"/") || strings.HasPrefix(path, organizationsPath)
}

// Permission is what a personal access token may do.
type Permission string

// The permissions that the emulator asks for.
const (
	// PermProject is needed for the project and the health of its services.
	PermProject Permission = "project_admin_read"
	// PermKeys is needed for the list of API keys.
	PermKeys Permission = "api_gateway_keys_read"
	// PermKeySecrets is needed too if the list should reveal secret keys.
	PermKeySecrets Permission = "api_gateway_keys_secret_read"
	// PermBuckets is needed for the list of buckets.
	PermBuckets Permission = "storage_read"
	// PermOrganization is needed for the projects of an organization, PermProjects
	// for all projects of an account.
	PermOrganization Permission = "organization_projects_read"
	PermProjects     Permission = "projects_read"
)

// Permissions returns all permissions.
func Permissions() []Permission {
	return []Permission{PermProject, PermKeys, PermKeySecrets, PermBuckets, PermOrganization, PermProjects}
}

// accessTokens are the personal access tokens and how much they were used.
type accessTokens struct {
	// limit is the number of requests a minute for one token and one project or
	// organization; negative is no limit.
	limit int
	// total is the same for one token whatever it asks about; not positive is no limit.
	total  int
	mu     sync.Mutex
	tokens map[string]*accessToken
}

type accessToken struct {
	permissions []Permission
	// all are the requests of the token, scopes those for each project and
	// organization.
	all    minute
	scopes map[string]*minute
}

// minute counts requests: window is when the current minute began, count is the
// requests since then.
type minute struct {
	window time.Time
	count  int
}

// add counts a request. It returns the requests left in the current minute
// (negative: too many), and the time left in it.
func (m *minute) add(limit int, now time.Time) (left int, reset time.Duration) {
	if now.Sub(m.window) >= time.Minute {
		m.window, m.count = now, 0
	}
	m.count++
	return limit - m.count, m.window.Add(time.Minute).Sub(now)
}

// maxScopes bounds how many projects and organizations are remembered for a token.
const maxScopes = 1 << 14

// SetAccessToken makes token ("sbp_" and 40 hex digits) a personal access token
// with only these permissions; other requests get 403. The token of [Options] has
// all permissions.
func (s *Server) SetAccessToken(token string, permissions ...Permission) {
	s.access.mu.Lock()
	defer s.access.mu.Unlock()
	if s.access.tokens == nil {
		s.access.tokens = map[string]*accessToken{}
	}
	s.access.tokens[token] = &accessToken{permissions: permissions}
}

// RevokeAccessToken makes token unknown: 401.
func (s *Server) RevokeAccessToken(token string) {
	s.access.mu.Lock()
	defer s.access.mu.Unlock()
	delete(s.access.tokens, token)
}

// use counts a request with token about scope, a project or an organization. It
// returns the token's permissions, the requests left in the current minute
// (negative: too many), and the time left in it.
func (a *accessTokens) use(token, scope string, now time.Time) (permissions []Permission, left int, reset time.Duration, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.tokens[token]
	if t == nil {
		return nil, 0, 0, false
	}
	m := t.scopes[scope]
	if m == nil {
		if t.scopes == nil || len(t.scopes) >= maxScopes {
			t.scopes = map[string]*minute{}
		}
		m = new(minute)
		t.scopes[scope] = m
	}
	left, reset = m.add(a.limit, now)
	if a.total > 0 {
		// The tighter limit is the one that the headers speak of.
		if allLeft, allReset := t.all.add(a.total, now); a.limit < 0 || allLeft < left {
			left, reset = allLeft, allReset
		}
	}
	return t.permissions, left, reset, true
}

// Refusals of the Management API.
var (
	failUnauthorized = &failure{status: http.StatusUnauthorized, message: "Unauthorized"}
	failNoJWT        = &failure{status: http.StatusUnauthorized, message: "JWT could not be decoded"}
	failForbidden    = &failure{
		status: http.StatusForbidden,
		message: "Your account does not have the necessary privileges to access this endpoint. " +
			"For more details, refer to our documentation https://supabase.com/docs/guides/platform/access-control",
	}
	failNoProject = &failure{status: http.StatusNotFound, message: "Project not found"}
	failNoSlug    = &failure{status: http.StatusNotFound, message: "Organization not found"}
	failBuckets   = &failure{status: http.StatusInternalServerError, message: "Failed to get list of buckets"}
	failRemoved   = &failure{status: http.StatusBadRequest, message: "Resource has been removed"}
	failThrottled = &failure{status: http.StatusTooManyRequests, message: "ThrottlerException: Too Many Requests"}
)

// managementByStatus are the answers of the Management API for each status.
var managementByStatus = map[int]*failure{
	http.StatusUnauthorized:        failUnauthorized,
	http.StatusForbidden:           failForbidden,
	http.StatusNotFound:            failNoProject,
	http.StatusTooManyRequests:     failThrottled,
	http.StatusInternalServerError: {status: http.StatusInternalServerError, message: "Internal server error"},
}

// managementOps are the paths below a project.
var managementOps = map[string]Op{
	"": OpGetProject, "api-keys": OpGetAPIKeys, "api-keys/legacy": OpGetLegacyKeys, "health": OpGetHealth,
	"storage/buckets": OpGetBuckets,
}

// needed is the permission for each operation; [PermKeySecrets] comes on top.
var needed = map[Op]Permission{
	OpGetProject: PermProject, OpGetHealth: PermProject, OpGetAPIKeys: PermKeys, OpGetLegacyKeys: PermKeys,
	OpGetBuckets: PermBuckets, OpListProjects: PermOrganization, OpListAllProjects: PermProjects,
}

// routeManagement reads a path of the Management API.
func (x *exchange) routeManagement(path string) {
	x.surface = surfaceManagement
	if x.r.Method == http.MethodGet && path == projectsPath {
		x.req.Op, x.req.Project = OpListAllProjects, ""
		return
	}
	if slug, ok := strings.CutPrefix(path, organizationsPath); ok {
		if slug, ok = strings.CutSuffix(slug, "/projects"); ok && slug != "" && x.r.Method == http.MethodGet {
			x.req.Op, x.req.Project, x.resource = OpListProjects, slug, slug
		}
		return
	}
	ref, rest, _ := strings.Cut(strings.TrimPrefix(path, projectsPath+"/"), "/")
	x.req.Project = ref
	op, ok := managementOps[rest]
	if ok && ref != "" && x.r.Method == http.MethodGet {
		x.req.Op, x.resource = op, ref
	}
}

// serveManagement answers GET of projects, organizations, and what is below them.
func (x *exchange) serveManagement() error {
	permissions, err := x.useAccessToken()
	if err != nil {
		return err
	}
	if err := x.checkScope(); err != nil {
		return err
	}
	reveal := x.req.Op == OpGetAPIKeys && x.req.Query.Get("reveal") == "true"
	wanted := []Permission{needed[x.req.Op]}
	if reveal {
		wanted = append(wanted, PermKeySecrets)
	}
	wanted = slices.DeleteFunc(wanted, func(p Permission) bool { return slices.Contains(permissions, p) })
	if len(wanted) > 0 {
		x.forbid(wanted)
		return nil
	}
	switch x.req.Op {
	case OpListProjects:
		return x.sendProjectPage()
	case OpListAllProjects:
		x.sendProjects()
		return nil
	}
	p := x.s.project.load()
	if p.state.Status == StatusRemoved {
		return failRemoved
	}
	switch x.req.Op {
	case OpGetBuckets:
		return x.sendBuckets(p)
	case OpGetAPIKeys:
		x.sendAPIKeys(p, reveal)
	case OpGetLegacyKeys:
		x.sendJSON(http.StatusOK, []byte(`{"enabled":`+strconv.FormatBool(p.state.LegacyKeys == LegacyEnabled)+`}`))
	case OpGetHealth:
		return x.sendHealth(p)
	default:
		x.sendProject(p)
	}
	return nil
}

// forbid says which permissions a token lacks.
func (x *exchange) forbid(lacks []Permission) {
	var j jsonWriter
	j.field("{", "message", failForbidden.message)
	j.raw(`,"missing_permissions":[`)
	for i, p := range lacks {
		j.comma(i)
		j.string(string(p))
	}
	j.raw("]}")
	x.sendJSON(failForbidden.status, j.buf)
}

// patForm is the form of a personal access token. Every other token is treated as
// the JWT of the dashboard.
var patForm = regexp.MustCompile(`^sbp_(oauth_)?[0-9a-f]{40}$`)

// useAccessToken finds the token in the header and counts the request.
func (x *exchange) useAccessToken() ([]Permission, error) {
	header := x.r.Header.Get("Authorization")
	if !bearer.MatchString(header) {
		return nil, failUnauthorized
	}
	token := bearer.ReplaceAllString(header, "")
	permissions, left, reset, known := x.s.access.use(token, x.resource, x.s.clock())
	switch {
	case !known && patForm.MatchString(token):
		return nil, failUnauthorized
	case !known:
		return nil, failNoJWT
	case x.s.access.limit < 0 && x.s.access.total <= 0:
		return permissions, nil
	}
	h := x.w.Header()
	h.Set("X-RateLimit-Limit", strconv.Itoa(cmp.Or(max(x.s.access.limit, 0), x.s.access.total)))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(left, 0)))
	h.Set("X-RateLimit-Reset", strconv.Itoa(int((reset+time.Second-1)/time.Second)))
	if left < 0 {
		return nil, failThrottled
	}
	return permissions, nil
}

// checkScope refuses what a request asks about: a project or an organization.
func (x *exchange) checkScope() error {
	switch {
	case x.req.Op == OpListAllProjects:
		return nil
	case x.req.Op != OpListProjects:
		return x.s.checkRef(x.resource)
	case !slugForm.MatchString(x.resource):
		return &failure{status: http.StatusBadRequest, message: `slug: Invalid string: must match pattern /^[\w-]+$/`}
	case x.resource != x.s.slug():
		return failNoSlug
	}
	return nil
}

// slugForm is the form of an organization's slug.
var slugForm = regexp.MustCompile(`^[\w-]+$`)

// refForm is the form of a project's reference.
var refForm = regexp.MustCompile(`^[a-z]+$`)

func (s *Server) checkRef(ref string) error {
	var message string
	switch {
	case ref == s.Settings().ProjectRef && !s.isAccount():
		return nil
	case len(ref) < 20:
		message = "ref: Too small: expected string to have >=20 characters"
	case len(ref) > 20:
		message = "ref: Too big: expected string to have <=20 characters"
	case !refForm.MatchString(ref):
		message = "ref: Invalid string: must match pattern /^[a-z]+$/"
	default:
		return failNoProject
	}
	return &failure{status: http.StatusBadRequest, message: message}
}

// failManagement writes an error of the Management API.
func (x *exchange) failManagement(f *failure) {
	var j jsonWriter
	j.field("{", "message", f.message)
	j.raw("}")
	x.sendJSON(f.status, j.buf)
}
