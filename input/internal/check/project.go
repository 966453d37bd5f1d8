package check

import (
	"context"
	"net/http"
	"sync"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/keys"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/management"
)

// project is what the checks of all buckets of one project share: the keys, the
// connections, and what was found out once.
type project struct {
	conf   config.Config
	source *keys.Source
	// gateway is what the answers tell of the servers on the way.
	gateway *gateway

	mu           sync.Mutex
	serverRegion string // "" while it is not known
}

// newProject makes no request.
func newProject(conf config.Config) *project {
	return withKeys(conf, conf.Keys(checkPatience, nil))
}

// newMember makes one of several projects, which share a client of the Management API.
func newMember(m member, client *management.Client) *project {
	return withKeys(m.conf, m.conf.KeysOf(client, m.facts, checkPatience, nil))
}

func withKeys(conf config.Config, source *keys.Source) *project {
	return &project{conf: conf, source: source, gateway: newGateway(conf, conf.PlaneOptions(source).Transport)}
}

// region asks for the region of the server, until it is known. Several buckets may ask
// at the same time: the request of one may hang, so the others don't wait for it.
func (p *project) region(ctx context.Context, client *config.Plane) (string, error) {
	p.mu.Lock()
	known := p.serverRegion
	p.mu.Unlock()
	if known != "" {
		return known, nil
	}
	region, err := client.Region(ctx)
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serverRegion = region
	return region, nil
}

func (p *project) close(ctx context.Context, res *service.Resources) {
	if err := p.source.SignOut(context.WithoutCancel(ctx)); err != nil {
		res.Logger().Debugf("The session could not be ended, and is left to expire: %v", err)
	}
	p.gateway.CloseIdleConnections()
}

// staysOpen hides that a transport can close its idle connections: those that one
// bucket leaves behind serve the others.
type staysOpen struct{ http.RoundTripper }
