package emulator

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// projectCreated is when the project and its keys were made.
const projectCreated = "2000-01-01T00:00:00Z"

// sendProject answers GET /v1/projects/{ref}.
func (x *exchange) sendProject(p *snapshot) {
	var j jsonWriter
	j.project(x.s.slug(), p)
	x.sendJSON(http.StatusOK, j.buf)
}

// project writes a project as /v1/projects has it.
func (j *jsonWriter) project(organization string, p *snapshot) {
	ref := p.settings.ProjectRef
	j.field("{", "id", ref)
	j.field(",", "ref", ref)
	j.field(",", "organization_id", organization)
	j.field(",", "organization_slug", organization)
	j.field(",", "name", p.state.Name)
	j.field(",", "region", p.state.Region)
	j.field(",", "status", string(p.state.Status))
	j.raw(`,"database":`)
	j.field("{", "host", "db."+ref+".supabase.co")
	j.field(",", "version", "17.6.1.111")
	j.field(",", "postgres_engine", "17")
	j.field(",", "release_channel", "ga")
	j.field("},", "created_at", p.created)
	j.raw("}")
}

// masked replaces each character of a key that is not revealed.
const masked = "\u00b7"

// sendAPIKeys answers GET /v1/projects/{ref}/api-keys. Only the secret key is
// masked: the equally powerful service_role key never is. A paused project has no
// keys.
func (x *exchange) sendAPIKeys(p *snapshot, reveal bool) {
	keys := []any{}
	if p.state.Status != StatusInactive {
		if p.state.LegacyKeys != LegacyNone {
			keys = append(keys, legacyKey(roleAnon, p.settings.AnonKey), legacyKey(roleService, p.settings.ServiceRoleKey))
		}
		keys = append(keys, newKey("publishable", "default", publishablePrefix, p.settings.PublishableKey, p.settings.PublishableKey, nil))
		for i, secret := range p.secrets() {
			shown, name := secret, "default"
			if !reveal {
				n := min(len(secret), len(secretPrefix)+5)
				shown = secret[:n] + strings.Repeat(masked, len(secret)-n)
			}
			if i > 0 {
				name = "secret_" + strconv.Itoa(i+1)
			}
			keys = append(keys, newKey("secret", name, secretPrefix, secret, shown, map[string]string{"role": roleService}))
		}
	}
	data, err := json.Marshal(keys)
	if err != nil {
		panic("emulator: " + err.Error()) // cannot happen: strings and maps of strings
	}
	x.sendJSON(http.StatusOK, data)
}

type legacyKeyJSON struct {
	Name        string `json:"name"`
	APIKey      string `json:"api_key"`
	ID          string `json:"id"`
	Type        string `json:"type"`
	Hash        string `json:"hash"`
	Prefix      string `json:"prefix"`
	Description string `json:"description"`
}

func legacyKey(role, key string) legacyKeyJSON {
	signature := key[strings.LastIndexByte(key, '.')+1:]
	return legacyKeyJSON{role, key, role, "legacy", keyHash(key), signature[:5], "Legacy " + role + " API key"}
}

type newKeyJSON struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Type        string            `json:"type"`
	APIKey      string            `json:"api_key"`
	Description *string           `json:"description"`
	Template    map[string]string `json:"secret_jwt_template"`
	Hash        string            `json:"hash"`
	Prefix      string            `json:"prefix"`
	InsertedAt  string            `json:"inserted_at"`
	UpdatedAt   string            `json:"updated_at"`
}

func newKey(kind, name, start, key, shown string, template map[string]string) newKeyJSON {
	return newKeyJSON{
		ID: uuid("api key", key), Name: name, Type: kind, APIKey: shown, Template: template,
		Hash: keyHash(key), Prefix: key[:len(start)+5], InsertedAt: projectCreated, UpdatedAt: projectCreated,
	}
}

func keyHash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// services are the services whose health can be requested.
var services = []string{"auth", "db", "db_postgres_user", "pooler", "realtime", "rest", "storage", "pg_bouncer"}

// sendHealth answers GET /v1/projects/{ref}/health?services=….
func (x *exchange) sendHealth(p *snapshot) error {
	asked := x.req.Query["services"]
	if len(asked) == 0 {
		return &failure{status: http.StatusBadRequest, message: "services: Invalid input: expected array, received undefined"}
	}
	var j jsonWriter
	j.raw("[")
	first := true
	for name := range strings.SplitSeq(strings.Join(asked, ","), ",") {
		if !slices.Contains(services, name) {
			return &failure{
				status:  http.StatusBadRequest,
				message: `services: Invalid option: expected one of "` + strings.Join(services, `"|"`) + `"`,
			}
		}
		health, reason := p.state.health(), ""
		if name == "storage" {
			health, reason = p.state.storageHealth(), p.state.StorageError
		}
		if !first {
			j.raw(",")
		}
		first = false
		j.field("{", "name", name)
		if health == HealthActive {
			j.raw(`,"healthy":true`)
		} else {
			j.raw(`,"healthy":false`)
		}
		j.field(",", "status", string(health))
		if reason != "" && health != HealthActive {
			j.field(",", "error", reason)
		}
		j.raw("}")
	}
	j.raw("]")
	x.sendJSON(http.StatusOK, j.buf)
	return nil
}
