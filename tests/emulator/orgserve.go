package emulator

import (
	"net"
	"net/http"
	"strings"
)

// ServeHTTP answers one request. A request to api.supabase.com, or below /v1, is for
// the Management API; one to {ref}.supabase.co or {ref}.storage.supabase.co, or
// below /{ref}, is for a project. Every other is answered as by a gateway that has
// no such route.
func (o *Organization) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	if s, ok := o.hosted(r.Host); ok {
		if s == o.account {
			o.manage(path, w, r)
			return
		}
		s.serveBelow("", w, r)
		return
	}
	if isManagement(path) {
		o.manage(path, w, r)
		return
	}
	ref, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if s := o.Project(ref); s != nil {
		s.serveBelow(s.base, w, r)
		return
	}
	x := &exchange{s: o.account, w: w, r: r}
	x.sendJSON(http.StatusNotFound, []byte(`{"message":"no Route matched with those values"}`))
}

// manage lets a project answer what is asked about it, and the account all else.
func (o *Organization) manage(path string, w http.ResponseWriter, r *http.Request) {
	ref, _, _ := strings.Cut(strings.TrimPrefix(path, projectsPath+"/"), "/")
	if s := o.Project(ref); s != nil {
		s.serveBelow("", w, r)
		return
	}
	o.account.serveBelow("", w, r)
}

// hosted finds the server with that host: the account for the Management API. A
// host that is not Supabase's is not hosted; nil is a project that never was.
func (o *Organization) hosted(host string) (s *Server, ok bool) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if host == apiHost {
		return o.account, true
	}
	if m := hostForm.FindStringSubmatch(host); m != nil {
		s = o.Project(m[1])
		return s, s != nil
	}
	return nil, false
}

// Transport answers requests in memory, as [Server.Transport] does. It takes the
// addresses of production, https://{ref}.supabase.co and https://api.supabase.com,
// and those of [Organization.EndpointTemplate] and [Organization.APIURL]. The host of
// a project that never existed is not found.
func (o *Organization) Transport() http.RoundTripper { return orgTransport{o, transport{o}} }

type orgTransport struct {
	o  *Organization
	rt http.RoundTripper
}

// RoundTrip looks the host up and hands req to the organization.
func (t orgTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	host := req.URL.Hostname()
	if _, ok := t.o.hosted(host); !ok && strings.HasSuffix(host, ".supabase.co") {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return t.rt.RoundTrip(req)
}

// refPlace stands for a project's reference in an endpoint.
const refPlace = "{project_ref}"

// EndpointTemplate is the S3 endpoint of each project, with "{project_ref}" in place
// of its reference, for a client that uses [Organization.Transport].
func (o *Organization) EndpointTemplate() string { return endpointTemplate(emulatorURL) }

func endpointTemplate(base string) string { return base + "/" + refPlace + gatewayPrefix + "/s3" }

// APIURL is the Management API's address for such a client.
func (o *Organization) APIURL() string { return emulatorURL }

// OrganizationListener serves an [Organization] over HTTP.
type OrganizationListener struct{ listener *Listener }

// Start listens on addr and serves until Close. An empty addr means "127.0.0.1:0".
func (o *Organization) Start(addr string) (*OrganizationListener, error) {
	l, err := start(addr, o, gatewayPrefix)
	if err != nil {
		return nil, err
	}
	return &OrganizationListener{l}, nil
}

// APIURL is the address of the Management API, such as http://127.0.0.1:54321.
func (l *OrganizationListener) APIURL() string { return l.listener.URL() }

// EndpointTemplate is the S3 endpoint of each project, with "{project_ref}" in place
// of its reference.
func (l *OrganizationListener) EndpointTemplate() string { return endpointTemplate(l.listener.URL()) }

// URL is the address of one project. Auth is below /auth/v1.
func (l *OrganizationListener) URL(ref string) string { return l.listener.URL() + "/" + ref }

// Endpoint is the S3 endpoint of one project.
func (l *OrganizationListener) Endpoint(ref string) string {
	return strings.ReplaceAll(l.EndpointTemplate(), refPlace, ref)
}

// Close stops listening, cuts all connections, and returns once no new request can
// arrive.
func (l *OrganizationListener) Close() error { return l.listener.Close() }
