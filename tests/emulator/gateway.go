package emulator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Gateway is what stands in front of Storage and Auth. It decides what becomes of
// API keys of the new kind, which Storage itself does not know, and of odd paths.
type Gateway string

// The gateways of [Options].
const (
	// GatewayKong is the gateway of self-hosted projects until August 2026, and close
	// to the hosted one: an apikey that it knows becomes a token where the request has
	// no Authorization. Everything else passes as it is.
	GatewayKong Gateway = "kong"
	// GatewayEnvoy is the gateway of self-hosted projects since August 2026. It
	// translates like Kong, and passes an unknown apikey on as a token. It merges "//"
	// in paths, refuses "%2F" in paths and "_" in names of headers, and ends every
	// answer after [Options.GatewayTimeout], also one that is being sent.
	GatewayEnvoy Gateway = "envoy"
	// GatewayNone is Storage without a gateway: it takes JWTs alone.
	GatewayNone Gateway = "none"
)

// Gateways returns all gateways.
func Gateways() []Gateway { return []Gateway{GatewayKong, GatewayEnvoy, GatewayNone} }

// ParseGateway reads the name of a gateway.
func ParseGateway(name string) (Gateway, error) {
	for _, g := range Gateways() {
		if string(g) == name {
			return g, nil
		}
	}
	return "", fmt.Errorf("%q is no gateway; write one of kong, envoy, none", name)
}

// defaultGatewayTimeout is the timeout of the route to Storage in the Envoy
// configuration of self-hosted projects.
const defaultGatewayTimeout = 30 * time.Second

// authorization is the Authorization header as Storage gets it from the gateway, and
// whether there is one.
func (x *exchange) authorization() (header string, present bool) {
	values, present := x.r.Header["Authorization"]
	header = strings.Join(values, ",")
	if x.s.gateway == GatewayNone || header != "" {
		return header, present
	}
	set := x.s.project.load()
	key := x.r.Header.Get("Apikey")
	switch {
	case set.isSecret(key):
		return "Bearer " + set.internal[roleService], true
	case key == set.settings.PublishableKey:
		return "Bearer " + set.internal[roleAnon], true
	case x.s.gateway == GatewayEnvoy && key != "":
		return "Bearer " + key, true
	}
	return "", false // an empty header goes away
}

// gatewayRefuses answers a request that the gateway does not let through, and
// reports whether it did. The Management API has another host, and S3 requests
// carry no API key.
func (x *exchange) gatewayRefuses() bool {
	if x.surface == surfaceManagement || x.s.gateway == GatewayNone {
		return false
	}
	if x.s.gateway == GatewayEnvoy && x.envoyRefuses() {
		return true
	}
	return x.surface == surfaceREST && x.refusesLegacyKey()
}

// refusesLegacyKey refuses the project's legacy keys once they are switched off. The
// tokens of users stay valid: the secret that signed them is still in use.
func (x *exchange) refusesLegacyKey() bool {
	p := x.s.project.load()
	if p.state.LegacyKeys == LegacyEnabled {
		return false
	}
	token := bearer.ReplaceAllString(x.r.Header.Get("Authorization"), "")
	for _, key := range []string{token, x.r.Header.Get("Apikey")} {
		if key == p.settings.AnonKey || key == p.settings.ServiceRoleKey {
			x.refuseLegacyKey(p)
			return true
		}
	}
	return false
}

// envoyRefuses refuses what Envoy is configured to refuse.
func (x *exchange) envoyRefuses() bool {
	path := strings.ToLower(x.r.URL.EscapedPath())
	if strings.Contains(path, "%2f") || strings.Contains(path, "%5c") {
		x.w.Header().Set("Server", "envoy")
		x.send(http.StatusBadRequest, nil, 0, 0)
		return true
	}
	for name := range x.r.Header {
		if strings.Contains(name, "_") {
			x.sendEnvoy(http.StatusBadRequest, "Bad Request")
			return true
		}
	}
	return false
}

func (x *exchange) sendEnvoy(status int, text string) {
	x.w.Header().Set("Server", "envoy")
	x.w.Header().Set("Content-Type", "text/plain")
	x.send(status, blob(text), 0, int64(len(text)))
}

// normalized is the request with the path that Envoy passes on: without dot
// segments and empty segments.
func normalized(r *http.Request) *http.Request {
	raw := r.URL.EscapedPath()
	var kept []string
	parts := strings.Split(strings.TrimPrefix(raw, "/"), "/")
	for i, part := range parts {
		last := i == len(parts)-1
		switch strings.ReplaceAll(strings.ToLower(part), "%2e", ".") {
		case "":
			if last {
				kept = append(kept, "")
			}
			continue
		case ".":
		case "..":
			kept = kept[:max(len(kept)-1, 0)]
		default:
			kept = append(kept, part)
			continue
		}
		if last {
			kept = append(kept, "")
		}
	}
	path := "/" + strings.Join(kept, "/")
	if path == raw {
		return r
	}
	plain, err := url.PathUnescape(path)
	if err != nil {
		return r // the server says what is wrong with it
	}
	next, u := *r, *r.URL
	u.Path, u.RawPath = plain, path
	next.URL = &u
	return &next
}

// errGatewayTimeout ends the context of a request whose answer took too long.
var errGatewayTimeout = errors.New("the gateway's timeout has passed")

// serveWithin serves a request as Envoy does: what has not been sent when the timeout
// passes is not sent at all.
func (s *Server) serveWithin(base string, w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeoutCause(r.Context(), s.gatewayTimeout, errGatewayTimeout)
	defer cancel()
	timedOut := func() bool { return errors.Is(context.Cause(ctx), errGatewayTimeout) }
	timed := &timedWriter{ResponseWriter: w, over: func() error { return context.Cause(ctx) }}
	stop := context.AfterFunc(ctx, func() {
		if timedOut() && timed.began.Load() {
			// A client that reads slowly holds the handler in a write.
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now())
		}
	})
	defer stop()
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if !timedOut() || timed.began.Load() {
			panic(p)
		}
		x := &exchange{s: s, w: w, r: r}
		clear(w.Header())
		x.sendEnvoy(http.StatusGatewayTimeout, "upstream request timeout")
	}()
	s.serve(base, timed, r.WithContext(ctx))
}

// timedWriter refuses writes once the time is over.
type timedWriter struct {
	http.ResponseWriter

	// over is why nothing may be sent any more, nil until then.
	over func() error
	// began says that something may have been sent.
	began atomic.Bool
}

// Unwrap is for http.ResponseController.
func (t *timedWriter) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// WriteHeader sends the header.
func (t *timedWriter) WriteHeader(status int) {
	t.began.Store(true)
	t.ResponseWriter.WriteHeader(status)
}

// Write sends p, or fails when the time is over.
func (t *timedWriter) Write(p []byte) (int, error) {
	t.began.Store(true) // before the look at the context: see serveWithin
	if err := t.over(); err != nil {
		return 0, err
	}
	return t.ResponseWriter.Write(p)
}
