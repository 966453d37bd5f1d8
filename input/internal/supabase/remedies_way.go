package supabase

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/wire"
)

const (
	fieldTLS        = "tls"
	proxyVariables  = "HTTPS_PROXY (HTTP_PROXY for http://)"
	handshakeFailed = "TLS with "
)

// wayRemedies are for what happens on the way to a server: the forward proxy,
// the name, the connection, TLS.
var wayRemedies = []remedy{
	{
		name: "password of the proxy",
		is: func(s seen, _ asked) bool {
			return s.Status == http.StatusProxyAuthRequired || proxyStatus(s) == http.StatusProxyAuthRequired
		},
		problem: func(_ seen, a asked) string {
			return "the forward proxy on the way to " + a.host() + " asks for a user name and a password (HTTP 407)"
		},
		todo: func(_ seen, _ asked) string {
			return "write them into " + proxyVariables + " as http://user:password@proxy:port, or name the host in NO_PROXY"
		},
	},
	{
		name:    "proxy refuses",
		is:      func(s seen, _ asked) bool { return s.by(foreign.ForwardProxy) || proxyStatus(s) != 0 },
		problem: func(_ seen, a asked) string { return "a forward proxy answers in place of " + a.host() },
		todo: func(_ seen, _ asked) string {
			return "have the proxy in " + proxyVariables + " allow this host, or name the host in NO_PROXY"
		},
	},
	{
		name: "proxy unreachable",
		is:   func(s seen, _ asked) bool { return opOf(s) == "proxyconnect" },
		problem: func(_ seen, a asked) string {
			return "the forward proxy on the way to " + a.host() + " can't be reached"
		},
		todo: always("correct " + proxyVariables + ", or name the host in NO_PROXY"),
	},
	{
		name: "certificate of another host",
		is:   is[x509.HostnameError],
		problem: func(s seen, a asked) string {
			return fmt.Sprintf("the certificate of %s is for another host%s", a.host(), namesOf(s))
		},
		todo: always("write the host that the certificate names, or have one made for this host"),
	},
	{
		name:  "unknown authority",
		field: fieldTLS,
		is:    is[x509.UnknownAuthorityError],
		problem: func(_ seen, a asked) string {
			return "the certificate of " + a.host() + " is not trusted: this machine does not know the authority that signed it"
		},
		todo: always("for an authority of your own write tls.root_cas_file; behind an inspecting proxy add that proxy's authority"),
	},
	{
		name: "certificate not valid yet",
		is:   func(s seen, _ asked) bool { c := invalid(s); return c != nil && time.Now().Before(c.NotBefore) },
		problem: func(s seen, a asked) string {
			return fmt.Sprintf("the certificate of %s is valid from %s on, which is still to come by the clock of this machine", a.host(), day(invalid(s).NotBefore))
		},
		todo: always("check the clock of this machine"),
	},
	{
		name: "certificate expired",
		is:   func(s seen, _ asked) bool { c := invalid(s); return c != nil && time.Now().After(c.NotAfter) },
		problem: func(s seen, a asked) string {
			return fmt.Sprintf("the certificate of %s has expired on %s", a.host(), day(invalid(s).NotAfter))
		},
		todo: always("have it renewed on the server; if it is good elsewhere, check the clock of this machine"),
	},
	{
		name:    "certificate",
		field:   fieldTLS,
		is:      func(s seen, _ asked) bool { return wire.IsCertificate(s) },
		problem: func(_ seen, a asked) string { return "the certificate of " + a.host() + " is not accepted" },
		todo:    always("see the reason in brackets; for an authority of your own write tls.root_cas_file"),
	},
	{
		name:  "client certificate",
		field: fieldTLS,
		is: func(s seen, _ asked) bool {
			return s.says("tls: certificate required", "tls: bad certificate", "tls: unknown certificate authority", "no required ssl certificate was sent")
		},
		problem: func(_ seen, a asked) string {
			return a.host() + " wants a certificate of the client, and got none that it accepts"
		},
		todo: always("write one, with its key, into tls.client_certs"),
	},
	{
		name: "TLS version",
		is: func(s seen, _ asked) bool {
			return s.says("unsupported protocol version", "protocol version not supported", "no cipher suite supported", "tls: insufficient security level")
		},
		problem: func(_ seen, a asked) string {
			return handshakeFailed + a.host() + " fails: it does not offer TLS 1.2 or newer"
		},
		todo: always("update the server, or the proxy in front of it"),
	},
	{
		name: "no TLS",
		is: func(s seen, _ asked) bool {
			return s.says("does not look like a tls handshake", "does not speak tls on this port")
		},
		problem: func(_ seen, a asked) string {
			return handshakeFailed + a.host() + " fails: it does not speak https:// on this port"
		},
		todo: func(_ seen, a asked) string {
			return "write " + a.written("http") + " if that is what it speaks, or the port of https://"
		},
	},
	{
		name: "TLS",
		is: func(s seen, _ asked) bool {
			return opOf(s) == "remote error" || s.says("beginning tls", "tls: ") && s.Status == 0
		},
		problem: func(_ seen, a asked) string { return handshakeFailed + a.host() + " fails" },
		todo:    always("see in brackets what the server says; one that wants a certificate of the client (tls.client_certs), and a proxy that inspects TLS, may end it like this"),
	},
	{
		name: "no such host",
		is:   func(s seen, _ asked) bool { dns, ok := errors.AsType[*net.DNSError](s); return ok && dns.IsNotFound },
		problem: func(_ seen, a asked) string {
			return "the host " + a.host() + " can't be found: no name server knows it"
		},
		todo: func(_ seen, a asked) string {
			if a.field == "project_ref" {
				return "check the reference: a project that was paused or deleted has no host either"
			}
			return "check its spelling"
		},
	},
	{
		name: "name server",
		is:   is[*net.DNSError],
		problem: func(_ seen, a asked) string {
			return "the host " + a.host() + " can't be looked up: the name server does not answer, or fails"
		},
		todo: always("check the DNS and the network of this machine"),
	},
	{
		name:    "connection refused",
		is:      func(s seen, _ asked) bool { return errors.Is(s, syscall.ECONNREFUSED) },
		problem: func(_ seen, a asked) string { return "nothing listens at " + a.host() },
		todo:    always("see that the server is running, and that the port is right"),
	},
	{
		name: "connection times out",
		is: func(s seen, _ asked) bool {
			return opOf(s) == "dial" && (errors.Is(s, os.ErrDeadlineExceeded) || s.says("i/o timeout", "connection timed out"))
		},
		problem: func(_ seen, a asked) string { return a.host() + " does not take the connection in time" },
		todo:    always("see whether a firewall drops connections to it, or a proxy is needed; timeouts.connect is how long is waited"),
	},
	{
		name:    "no way",
		is:      func(s seen, _ asked) bool { return opOf(s) == "dial" },
		problem: func(_ seen, a asked) string { return a.host() + " can't be reached" },
		todo:    always("check the network of this machine, and firewalls or proxies in between"),
	},
}

// is reports whether an error of a type is beneath what was seen.
func is[E error](s seen, _ asked) bool {
	_, ok := errors.AsType[E](s)
	return ok
}

// proxyStatus is what a forward proxy answered instead of opening a tunnel, 0
// where none did.
func proxyStatus(s seen) int {
	if p, ok := errors.AsType[*foreign.ProxyRefusal](s); ok {
		return p.Status
	}
	return 0
}

// opOf is what the network was doing.
func opOf(s seen) string {
	if op, ok := errors.AsType[*net.OpError](s); ok {
		return op.Op
	}
	return ""
}

// invalid is a certificate whose time is over or still to come.
func invalid(s seen) *x509.Certificate {
	if e, ok := errors.AsType[x509.CertificateInvalidError](s); ok && e.Reason == x509.Expired {
		return e.Cert
	}
	return nil
}

// namesOf are the hosts that a certificate is for.
func namesOf(s seen) string {
	e, ok := errors.AsType[x509.HostnameError](s)
	if !ok || e.Certificate == nil || len(e.Certificate.DNSNames) == 0 {
		return ""
	}
	const most = 100
	return ": " + foreign.Text(strings.Join(e.Certificate.DNSNames, ", "), most)
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
