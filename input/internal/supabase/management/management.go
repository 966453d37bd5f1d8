package management

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/api"
)

// Client asks one instance of the API. It is safe for concurrent use, and all who use
// the same account share one: it keeps within the account's quota.
type Client struct {
	api  *api.Client
	pace *pacer
}

// New returns a client of the API at o.Base, such as https://api.supabase.com;
// no request is made.
func New(o api.Options) *Client {
	c := &Client{pace: newPacer()}
	o.Seen = c.pace.seen
	o.MaxIdle = atOnce
	c.api = api.New(o)
	return c
}

// Held is how long requests wait, at the most, because the quota of the API is used up; 0
// where none does.
func (c *Client) Held() time.Duration { return c.pace.held() }

// Close drops the idle connections. The client can still be used.
func (c *Client) Close() { c.api.Close() }

// get makes one request, as soon as the quota allows it.
func (c *Client) get(ctx context.Context, op, token, path string, query url.Values, into any) error {
	if err := c.pace.start(ctx); err != nil {
		return err
	}
	defer c.pace.done()
	return c.api.Do(ctx, api.Request{Op: op, Method: http.MethodGet, Path: path, Query: query, Bearer: token}, into)
}

// Status is the state that a project is in, such as ACTIVE_HEALTHY.
type Status string

// Phase is what a status means for somebody who wants to read.
type Phase int

// The phases. A status that is not known counts as running: requests will
// tell.
const (
	Running  Phase = iota
	Starting       // wait: it is on its way up
	Stopped        // paused, or about to be: somebody has to restore it
	Failed         // broken in a way that only Supabase can repair
	Removed
)

// Phase tells what to do about a status.
func (s Status) Phase() Phase {
	switch s {
	case "COMING_UP", "RESTORING", "UPGRADING", "RESTARTING", "RESIZING":
		return Starting
	case "INACTIVE", "PAUSING", "PAUSED", "GOING_DOWN":
		return Stopped
	case "INIT_FAILED", "RESTORE_FAILED":
		return Failed
	case "REMOVED":
		return Removed
	}
	return Running
}

// Project is what the API says of a project.
type Project struct {
	Ref    string `json:"ref"`
	Name   string `json:"name"`
	Region string `json:"region"`
	Status Status `json:"status"`
	// Branch says that it is a preview branch. Only the list of an organization tells.
	Branch bool `json:"is_branch"`
	// Organization is the slug of its organization, which that list does not tell.
	Organization string `json:"organization_slug"`
}

// clean makes what is shown of a project fit for it. The reference stays as it is: see
// supabase.IsRef.
func (p *Project) clean(token string) {
	p.Organization = foreign.Code(p.Organization, token)
	p.Name, p.Region, p.Status = foreign.Text(p.Name, shown, token), foreign.Code(p.Region, token), Status(foreign.Text(string(p.Status), shown, token))
}

// Project asks for a project by its reference.
func (c *Client) Project(ctx context.Context, token, ref string) (Project, error) {
	var p Project
	err := c.get(ctx, "asking the Management API for the project", token, projectPath(ref), nil, &p)
	p.clean(token)
	return p, err
}

// shown is how much of a name or a state is shown, in characters.
const shown = 60

// Health is the state of one service of a project.
type Health struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Error  string `json:"error"`
}

// Healthy is the Status of a service that is up.
const Healthy = "ACTIVE_HEALTHY"

// StorageHealth asks whether the project's Storage is up. An answer that does
// not speak of Storage is the zero Health.
func (c *Client) StorageHealth(ctx context.Context, token, ref string) (Health, error) {
	var services []Health
	err := c.get(ctx, "asking the Management API for the health of Storage", token, projectPath(ref)+"/health", url.Values{"services": {"storage"}}, &services)
	for _, s := range services {
		if s.Name == "storage" {
			s.Status, s.Error = foreign.Text(s.Status, shown, token), foreign.Text(s.Error, foreign.Short, token)
			return s, err
		}
	}
	return Health{}, err
}

// Keys are those of a project that open its Storage, and what is known of the
// others. They never appear in an error.
type Keys struct {
	// Anon and ServiceRole are the legacy API keys, which are JWTs; empty where
	// the project has none, or the token may not see them.
	Anon, ServiceRole string
	// Secrets are the secret keys, the best first: those that act as service_role
	// before others, and among these the one called "default".
	Secrets []SecretKey
	// Masked says that there are legacy or secret keys whose values were not shown.
	Masked bool
	// New says that there are publishable or secret keys.
	New bool
}

// SecretKey is a secret key, and the role that requests with it have.
type SecretKey struct{ Value, Role string }

// serviceRole is the role of a secret key that was not given another one.
const serviceRole = "service_role"

// key is one element of the answer. Old instances of the API know no types.
type key struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value string `json:"api_key"`
	// Template has the claims of the token that the gateway makes of a secret key.
	Template struct {
		Role string `json:"role"`
	} `json:"secret_jwt_template"`
}

// role is the one that a secret key acts as.
func (k key) role() string {
	if k.Template.Role == "" {
		return serviceRole
	}
	return cmp.Or(foreign.Code(k.Template.Role, k.Value), "unknown")
}

// Keys asks for the project's keys. A token may be allowed to list the keys and
// not to reveal them; then they are asked for once more as they are shown
// without, since the legacy ones may be in clear nonetheless.
func (c *Client) Keys(ctx context.Context, token, ref string) (Keys, error) {
	list, err := c.listKeys(ctx, token, ref, url.Values{"reveal": {"true"}})
	if e, ok := errors.AsType[*object.Error](err); ok && e.Status == http.StatusForbidden {
		var plainErr error
		if list, plainErr = c.listKeys(ctx, token, ref, nil); plainErr != nil {
			if object.Transient(plainErr) || ctx.Err() != nil {
				return Keys{}, plainErr
			}
			return Keys{}, err
		}
		if keys := sortOut(list); keys.ServiceRole != "" || len(keys.Secrets) > 0 {
			return keys, nil
		}
		return Keys{}, err
	}
	return sortOut(list), err
}

func (c *Client) listKeys(ctx context.Context, token, ref string, query url.Values) ([]key, error) {
	var list rows[key]
	err := c.get(ctx, "asking the Management API for the project's keys", token, projectPath(ref)+"/api-keys", query, &list)
	return list, err
}

// sortOut finds the keys by their type and name.
func sortOut(list []key) Keys {
	var keys Keys
	full := 0 // how many of the secret keys act as service_role
	for _, k := range list {
		switch {
		case k.Type == "publishable":
			keys.New = true
		case k.Type == "secret":
			keys.New = true
			if !isSecretKey(k.Value) {
				keys.Masked = true
				continue
			}
			secret, place := SecretKey{k.Value, k.role()}, len(keys.Secrets)
			if secret.Role == serviceRole {
				place = full
				if k.Name == "default" {
					place = 0
				}
				full++
			}
			keys.Secrets = slices.Insert(keys.Secrets, place, secret)
		case k.Type != "legacy" && k.Type != "":
		case k.Name != "anon" && k.Name != "service_role":
		case !isToken(k.Value):
			keys.Masked = true
		case k.Name == "anon":
			keys.Anon = k.Value
		default:
			keys.ServiceRole = k.Value
		}
	}
	return keys
}

// isToken reports whether a value is a JWT as a whole, and not one whose end is
// masked.
func isToken(value string) bool { return strings.Count(value, ".") == 2 && isWhole(value) }

// isSecretKey reports the same of a secret key.
func isSecretKey(value string) bool {
	return value != "" && !strings.Contains(value, ".") && isWhole(value)
}

func isWhole(value string) bool {
	inAlphabet := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.'
	}
	return !strings.ContainsFunc(value, func(r rune) bool { return !inAlphabet(r) })
}

// LegacyKeysEnabled asks whether the project still accepts its legacy keys, which
// its list of keys does not tell. Where nobody can say, because the API is older
// than the question or the token may not ask it, the answer is yes: a request with
// such a key will tell.
func (c *Client) LegacyKeysEnabled(ctx context.Context, token, ref string) (bool, error) {
	var answer struct {
		Enabled *bool `json:"enabled"`
	}
	err := c.get(ctx, "asking the Management API whether the legacy keys are enabled", token, projectPath(ref)+"/api-keys/legacy", nil, &answer)
	if object.Transient(err) || ctx.Err() != nil {
		return false, err
	}
	return err != nil || answer.Enabled == nil || *answer.Enabled, nil //nolint:nilerr // A refusal says nothing about the keys.
}

func projectPath(ref string) string { return "/v1/projects/" + url.PathEscape(ref) }
