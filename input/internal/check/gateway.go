package check

import (
	"net/http"
	"strings"
	"sync"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/wire"
)

// gateway is what the headers of the answers tell of the servers on the way. It is a
// transport that looks at what another one brings.
type gateway struct {
	http.RoundTripper
	mu     sync.Mutex
	names  []string // as they were seen first
	isSeen map[string]bool
	envoy  bool
	cdn    bool
}

// newGateway looks at the answers of transport, or of the network where it is nil.
func newGateway(conf config.Config, transport http.RoundTripper) *gateway {
	if transport == nil {
		idle := 2 // the check of one bucket makes one request at a time
		if conf.Several() {
			idle = scopesAtATime
		}
		transport = wire.New(conf.TLS, conf.ConnectTimeout, idle)
	}
	return &gateway{RoundTripper: transport, isSeen: map[string]bool{}}
}

// RoundTrip implements [http.RoundTripper].
func (g *gateway) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := g.RoundTripper.RoundTrip(r)
	if err == nil && r.URL.Host != "" {
		g.see(resp.Header)
	}
	return resp, err
}

// CloseIdleConnections passes on what the client asks for.
func (g *gateway) CloseIdleConnections() {
	if t, ok := g.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// see keeps what the headers of one answer tell.
func (g *gateway) see(h http.Header) {
	g.mu.Lock()
	defer g.mu.Unlock()
	const shown = 40 // a name and a version
	for _, header := range []string{"Server", "Via"} {
		if name := foreign.Text(h.Get(header), shown); name != "" && !g.isSeen[name] {
			g.isSeen[name] = true
			g.names = append(g.names, name)
		}
	}
	g.envoy = g.envoy || strings.EqualFold(h.Get("Server"), "envoy") || h.Get("X-Envoy-Upstream-Service-Time") != ""
	g.cdn = g.cdn || h.Get("Cf-Cache-Status") != "" || h.Get("X-Cache") != "" || h.Get("Age") != ""
}

// String names the servers on the way, and what is peculiar to them; "" where
// nothing shows.
func (g *gateway) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var parts []string
	if len(g.names) > 0 {
		parts = append(parts, "behind "+strings.Join(g.names, ", "))
	}
	if g.envoy {
		parts = append(parts, `Envoy ends an answer after 30 s in Supabase's templates (a download goes on where it was cut) and merges "//" in paths (such keys can't be read)`)
	}
	if g.cdn {
		parts = append(parts, "a cache on the way may hold an older version for a minute after an overwrite (it is waited for)")
	}
	return strings.Join(parts, "; ")
}
