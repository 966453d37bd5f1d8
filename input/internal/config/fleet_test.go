package config

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/management"
)

// fleetAPI is a Management API with two projects, and their Storage.
type fleetAPI struct {
	mu    sync.Mutex
	calls []string
}

const (
	firstRef  = "aaaaaaaaaaaaaaaaaaaa"
	secondRef = "bbbbbbbbbbbbbbbbbbbb"
)

func (a *fleetAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, r.URL.Host+r.URL.Path)
	status := 200
	var body string
	switch path := r.URL.Path; {
	case path == "/v1/organizations/acme/projects":
		body = fmt.Sprintf(`{"projects":[{"ref":%q,"name":"prod-a","region":"eu-west-1","status":"ACTIVE_HEALTHY"},{"ref":%q,"name":"test","status":"INACTIVE"}],"pagination":{"count":2}}`, firstRef, secondRef)
	case strings.HasSuffix(path, "/api-keys"):
		body = `[{"name":"default","type":"secret","api_key":"sb_secret_0123456789abcdefghij_01234567"}]`
	case path == "/v1/projects/"+firstRef+"/storage/buckets":
		body = `[{"id":"a","name":"a"},{"id":"b","name":"b"}]`
	default:
		status, body = 403, `{"message":"no","missing_permissions":["storage_read"]}`
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func TestAConfigurationOfManyProjectsMakesTheClientsOfEach(t *testing.T) {
	conf, err := parseFleet(t, fleetFields+"projects: {organization: acme, include: ['prod-*']}")
	require.NoError(t, err)
	api := &fleetAPI{}
	conf.Transport = api
	client := conf.Management()
	projects, err := conf.Directory(client).Projects(t.Context())
	require.NoError(t, err)
	require.Len(t, projects, 1)
	require.Equal(t, firstRef, projects[0].Ref)

	one, err := conf.ForProject(firstRef)
	require.NoError(t, err)
	source := one.KeysOf(client, func(context.Context) (management.Project, error) { return projects[0].Facts() }, 0, nil)
	cred, err := source.Credentials(t.Context())
	require.NoError(t, err)
	require.Equal(t, "sb_secret_0123456789abcdefghij_01234567", cred.APIKey)
	require.Equal(t, []string{"api.supabase.com/v1/organizations/acme/projects", "api.supabase.com/v1/projects/" + firstRef + "/api-keys"}, api.calls)
	require.Equal(t, "eu-west-1", source.Project().Region)

	o := one.PlaneOptions(source)
	require.True(t, o.AllBuckets)
	require.False(t, one.ForBucket("a").PlaneOptions(source).AllBuckets)
	p, err := one.Plane(source, o)
	require.NoError(t, err)
	p.Close()

	names, err := one.ManagedBuckets(client)(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, names)
	other, err := conf.ForProject(secondRef)
	require.NoError(t, err)
	_, err = other.ManagedBuckets(client)(t.Context())
	require.ErrorContains(t, err, "lacks permissions in the project "+secondRef+": storage_read")

	single, err := parseFields(t, "")
	require.NoError(t, err)
	require.Nil(t, single.Management(), "S3 access keys ask no Management API")
	require.Nil(t, single.ManagedBuckets(nil))
}
