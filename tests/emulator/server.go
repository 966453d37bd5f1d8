package emulator

import (
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Server is a project: Storage, Auth, and its part of the Management API. Its
// methods may be called at any time, also from the hooks of a [Fault].
type Server struct {
	project     holder
	clock       func() time.Time
	readOnly    bool
	s3Backend   bool
	multiTenant bool
	oldAuth     bool
	gateway     Gateway
	// gatewayTimeout is how long an answer may take; not positive is no limit.
	gatewayTimeout time.Duration
	// prefix is what the gateway strips.
	prefix string
	// ref is the project's reference, which never changes.
	ref string
	// org is the organization of the project, nil for a project alone. base is the
	// path below which the organization serves the project, such as "/{ref}".
	org  *Organization
	base string

	store   store
	users   accounts
	access  *accessTokens
	rules   rules
	faults  atomic.Pointer[func(Request) Fault]
	journal journal
	keys    signingKeys
	uploads uploads
}

// gatewayPrefix is the path under which the gateway serves the Storage API.
const gatewayPrefix = "/storage/v1"

// New returns a server whose buckets are in memory. There are none at first.
func New(o Options) *Server {
	s := newServer(o)
	s.store = newMemory(s.now)
	return s
}

func newServer(o Options) *Server {
	o = o.withDefaults()
	s := &Server{
		clock:       o.Clock,
		readOnly:    o.ReadOnly,
		s3Backend:   o.S3Backend,
		multiTenant: o.MultiTenant,
		oldAuth:     o.OldAuthErrors,
		gateway:     o.Gateway, gatewayTimeout: o.GatewayTimeout,
		prefix: gatewayPrefix, ref: o.ProjectRef,
		access: &accessTokens{limit: o.APIRateLimit},
	}
	s.journal.limit = max(o.LogLimit, 0)
	p := &snapshot{
		state:     Project{Name: o.Name, Region: o.Region, Status: StatusActiveHealthy, Branch: o.Branch},
		created:   projectCreated,
		jwtSecret: []byte(o.JWTSecret),
		tokens:    new(tokenCache),
		settings: Settings{
			ProjectRef: o.ProjectRef, Region: o.Region,
			AccessKeyID: o.AccessKeyID, SecretAccessKey: o.SecretAccessKey,
			PublishableKey: defaultPublishableKey, SecretKey: defaultSecretAPIKey,
			AccessToken: o.AccessToken,
		},
	}
	p.sign()
	s.project.now.Store(p)
	s.users.lifetime, s.users.sessionLimit = o.TokenLifetime, o.SessionLifetime
	s.SetAccessToken(o.AccessToken, Permissions()...)
	return s
}

// now is the time as the database keeps it: microseconds since the epoch.
func (s *Server) now() int64 { return s.clock().UnixMicro() }

// Endpoint is the S3 endpoint for a client that uses [Server.Transport]. No
// host of that name exists.
func (s *Server) Endpoint() string { return s.URL() + s.prefix + "/s3" }

// URL is the project's address for a client that uses [Server.Transport],
// without a path: Auth is below /auth/v1, and the Management API, which has another
// address in production, below /v1.
func (s *Server) URL() string { return emulatorURL + s.base }

// emulatorURL is an address that does not exist.
const emulatorURL = "http://emulator.invalid"

// ServeHTTP answers one request. It does not clean the path: keys contain "//" and
// "..", and the signature covers them as they were sent.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	base := ""
	if s.base != "" && strings.HasPrefix(r.URL.EscapedPath(), s.base+"/") {
		base = s.base
	}
	s.serveBelow(base, w, r)
}

// serveBelow serves a request whose path begins with base, which the project does
// not see. The request keeps its path, because signatures cover it.
func (s *Server) serveBelow(base string, w http.ResponseWriter, r *http.Request) {
	if s.gateway == GatewayEnvoy {
		r = normalized(r)
	}
	if s.gatewayTimeout > 0 {
		s.serveWithin(base, w, r)
		return
	}
	s.serve(base, w, r)
}

func (s *Server) serve(base string, w http.ResponseWriter, r *http.Request) {
	x := &exchange{s: s, w: w, r: r, base: base}
	x.route()
	defer s.journal.enter(&x.req)()
	if s.org != nil {
		defer s.org.enter(x)()
	}
	if x.gatewayRefuses() {
		return
	}
	x.fault = s.faultFor(x)
	if !x.applyFault() {
		return
	}
	if x.fromCDN(); x.lie() {
		return
	}
	if err := x.serve(); err != nil {
		x.fail(err)
	}
}
