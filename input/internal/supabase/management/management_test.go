package management

import (
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
			{"anon", "legacy", anon},
			{"service_role", "legacy", service},
			{"default", "publishable", "sb_publishable_x"},
			{"default", "secret", "sb_secret_x··········"},
		}, Keys{Anon: anon, ServiceRole: service, Masked: true, New: true}},
		"without types":      {[]key{{"service_role", "", service}, {"anon", "", anon}}, Keys{Anon: anon, ServiceRole: service}},
		"one alone":          {[]key{{"service_role", "legacy", service}}, Keys{ServiceRole: service}},
		"new alone":          {[]key{{"anon", "publishable", "sb_publishable_x"}, {"service_role", "secret", "sb_secret_x"}}, Keys{Secret: "sb_secret_x", New: true}},
		"the default secret": {[]key{{"jobs", "secret", "sb_secret_a"}, {"default", "secret", "sb_secret_b"}, {"web", "secret", "sb_secret_c"}}, Keys{Secret: "sb_secret_b", New: true}},
		"the first secret":   {[]key{{"jobs", "secret", "sb_secret_a"}, {"web", "secret", "sb_secret_c"}}, Keys{Secret: "sb_secret_a", New: true}},
		"a masked default":   {[]key{{"default", "secret", "sb_secret_b**"}, {"web", "secret", "sb_secret_c"}}, Keys{Secret: "sb_secret_c", Masked: true, New: true}},
		"masked":             {[]key{{"anon", "legacy", anon}, {"service_role", "legacy", "eyJhb··········"}}, Keys{Anon: anon, Masked: true}},
		"empty":              {[]key{{"service_role", "legacy", ""}}, Keys{Masked: true}},
		"stars":              {[]key{{"service_role", "legacy", "eyJ.eyJ.***"}}, Keys{Masked: true}},
		"other types":        {[]key{{"service_role", "other", service}, {"mine", "legacy", service}}, Keys{}},
		"none":               {nil, Keys{}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, sortOut(tc.list)) })
	}
}

func TestAStatusThatIsNotKnownCountsAsRunning(t *testing.T) {
	for status, want := range map[Status]Phase{
		"ACTIVE_HEALTHY": Running, "ACTIVE_UNHEALTHY": Running, "PAUSE_FAILED": Running, "UNKNOWN": Running, "": Running, "SOMETHING_NEW": Running,
		"COMING_UP": Starting, "UPGRADING": Starting, "INACTIVE": Stopped, "INIT_FAILED": Failed, "REMOVED": Removed,
	} {
		require.Equal(t, want, status.Phase(), status)
	}
}
