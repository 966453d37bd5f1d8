package management

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	anon    = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.c2ln"
	service = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2ln"
)

func TestKeysAreFoundByTypeAndName(t *testing.T) {
	for name, tc := range map[string]struct {
		list []key
		want Keys
	}{
		"both kinds": {[]key{
			named("anon", "legacy", anon),
			named("service_role", "legacy", service),
			named("default", "publishable", "sb_publishable_x"),
			named("default", "secret", "sb_secret_x··········"),
		}, Keys{Anon: anon, ServiceRole: service, Masked: true, New: true}},
		"without types":      {[]key{named("service_role", "", service), named("anon", "", anon)}, Keys{Anon: anon, ServiceRole: service}},
		"one alone":          {[]key{named("service_role", "legacy", service)}, Keys{ServiceRole: service}},
		"new alone":          {[]key{named("anon", "publishable", "sb_publishable_x"), named("service_role", "secret", "sb_secret_x")}, Keys{Secrets: []SecretKey{{"sb_secret_x", "service_role"}}, New: true}},
		"the default secret": {[]key{named("jobs", "secret", "sb_secret_a"), named("default", "secret", "sb_secret_b"), named("web", "secret", "sb_secret_c")}, Keys{Secrets: secrets("b", "a", "c"), New: true}},
		"the first secret":   {[]key{named("jobs", "secret", "sb_secret_a"), named("web", "secret", "sb_secret_c")}, Keys{Secrets: secrets("a", "c"), New: true}},
		"a masked default":   {[]key{named("default", "secret", "sb_secret_b**"), named("web", "secret", "sb_secret_c")}, Keys{Secrets: []SecretKey{{"sb_secret_c", "service_role"}}, Masked: true, New: true}},
		"masked":             {[]key{named("anon", "legacy", anon), named("service_role", "legacy", "eyJhb··········")}, Keys{Anon: anon, Masked: true}},
		"empty":              {[]key{named("service_role", "legacy", "")}, Keys{Masked: true}},
		"stars":              {[]key{named("service_role", "legacy", "eyJ.eyJ.***")}, Keys{Masked: true}},
		"other types":        {[]key{named("service_role", "other", service), named("mine", "legacy", service)}, Keys{}},
		"none":               {nil, Keys{}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, sortOut(tc.list)) })
	}
}

func named(name, kind, value string) key { return key{Name: name, Type: kind, Value: value} }

func secrets(names ...string) (all []SecretKey) {
	for _, name := range names {
		all = append(all, SecretKey{"sb_secret_" + name, "service_role"})
	}
	return all
}

func limited(k key, role string) key {
	k.Template.Role = role
	return k
}

// A secret key may act as any role: one that sees less reads an empty bucket without an
// error.
func TestSecretKeysOfServiceRoleComeBeforeThoseOfOtherRoles(t *testing.T) {
	a, b, c := named("default", "secret", "sb_secret_a"), named("jobs", "secret", "sb_secret_b"), named("web", "secret", "sb_secret_c")
	reader := SecretKey{"sb_secret_a", "reader"}
	for name, tc := range map[string]struct {
		list []key
		want []SecretKey
	}{
		"a default with another role": {[]key{limited(a, "reader"), b, c}, append(secrets("b", "c"), reader)},
		"written out":                 {[]key{limited(a, "service_role"), b}, secrets("a", "b")},
		"last":                        {[]key{b, limited(a, "reader"), c}, append(secrets("b", "c"), reader)},
		"alone":                       {[]key{limited(a, "reader")}, []SecretKey{reader}},
		"no word":                     {[]key{limited(a, "a b\n")}, []SecretKey{{"sb_secret_a", "unknown"}}},
	} {
		require.Equal(t, Keys{Secrets: tc.want, New: true}, sortOut(tc.list), name)
	}
}

func TestARowOfAnotherFormSpoilsNoOther(t *testing.T) {
	var keys rows[key]
	require.NoError(t, json.Unmarshal([]byte(`[{"name":7,"type":"secret","api_key":"sb_secret_a","secret_jwt_template":[]},5,null,
		{"name":"default","type":"secret","api_key":"sb_secret_b","secret_jwt_template":null,"more":{}}]`), &keys))
	require.Equal(t, Keys{Secrets: secrets("b", "a"), New: true}, sortOut(keys))
	var projects rows[Project]
	require.NoError(t, json.Unmarshal([]byte(`[{"ref":5,"name":"a","status":null},{"ref":"b","name":null}]`), &projects))
	require.Equal(t, rows[Project]{{Name: "a"}, {Ref: "b"}}, projects)
	require.Error(t, json.Unmarshal([]byte(`{}`), &projects))
	require.NoError(t, json.Unmarshal([]byte(`null`), &projects))
	require.Empty(t, projects)
}

func TestAStatusThatIsNotKnownCountsAsRunning(t *testing.T) {
	for status, want := range map[Status]Phase{
		"ACTIVE_HEALTHY": Running, "ACTIVE_UNHEALTHY": Running, "PAUSE_FAILED": Running, "UNKNOWN": Running, "": Running, "SOMETHING_NEW": Running,
		"COMING_UP": Starting, "UPGRADING": Starting, "INACTIVE": Stopped, "INIT_FAILED": Failed, "REMOVED": Removed,
	} {
		require.Equal(t, want, status.Phase(), status)
	}
}
