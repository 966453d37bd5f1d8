package emulator

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// managementPrefix is the path of projects in the Management API, which in
// production has a host of its own, api.supabase.com.
const managementPrefix = "/v1/projects/"

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
)

// accessTokens are the personal access tokens and how much they were used.
type accessTokens struct {
	// limit is the number of requests a minute, negative for no limit.
	limit  int
	mu     sync.Mutex
	tokens map[string]*accessToken
}

type accessToken struct {
	permissions []Permission
	// window is when the current minute began; count is the requests since then.
	window time.Time
	count  int
}

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

// use counts a request with token. It returns the token's permissions, the
// requests left in the current minute (negative: too many), and the time left in
// it.
func (a *accessTokens) use(token string, now time.Time) (permissions []Permission, left int, reset time.Duration, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.tokens[token]
	if t == nil {
		return nil, 0, 0, false
	}
	if now.Sub(t.window) >= time.Minute {
		t.window, t.count = now, 0
	}
	t.count++
	return t.permissions, a.limit - t.count, t.window.Add(time.Minute).Sub(now), true
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
}

// routeManagement reads a path of the Management API.
func (x *exchange) routeManagement(path string) {
	x.surface = surfaceManagement
	ref, rest, _ := strings.Cut(path, "/")
	op, ok := managementOps[rest]
	if ok && ref != "" && x.r.Method == http.MethodGet {
		x.req.Op, x.resource = op, ref
	}
}

// serveManagement answers GET /v1/projects/{ref} and what is below it.
func (x *exchange) serveManagement() error {
	permissions, err := x.useAccessToken()
	if err != nil {
		return err
	}
	if err := x.s.checkRef(x.resource); err != nil {
		return err
	}
	need := PermProject
	if x.req.Op == OpGetAPIKeys || x.req.Op == OpGetLegacyKeys {
		need = PermKeys
	}
	reveal := x.req.Op == OpGetAPIKeys && x.req.Query.Get("reveal") == "true"
	wanted := []Permission{need}
	if reveal {
		wanted = append(wanted, PermKeySecrets)
	}
	wanted = slices.DeleteFunc(wanted, func(p Permission) bool { return slices.Contains(permissions, p) })
	if len(wanted) > 0 {
		x.forbid(wanted)
		return nil
	}
	p := x.s.project.load()
	if p.state.Status == StatusRemoved {
		return failRemoved
	}
	switch x.req.Op {
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
	permissions, left, reset, known := x.s.access.use(token, x.s.clock())
	switch {
	case !known && patForm.MatchString(token):
		return nil, failUnauthorized
	case !known:
		return nil, failNoJWT
	case x.s.access.limit < 0:
		return permissions, nil
	}
	h := x.w.Header()
	h.Set("X-RateLimit-Limit", strconv.Itoa(x.s.access.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(left, 0)))
	h.Set("X-RateLimit-Reset", strconv.Itoa(int((reset+time.Second-1)/time.Second)))
	if left < 0 {
		return nil, failThrottled
	}
	return permissions, nil
}

// refForm is the form of a project's reference.
var refForm = regexp.MustCompile(`^[a-z]+$`)

func (s *Server) checkRef(ref string) error {
	var message string
	switch {
	case ref == s.Settings().ProjectRef:
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
