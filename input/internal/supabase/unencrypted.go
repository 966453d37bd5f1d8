package supabase

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Unencrypted says which addresses are http:// ones of hosts out in the open, and
// what travels there for everybody to read.
func (p Project) Unencrypted() []*FieldError {
	var out Problems
	const remedy = "write an https:// address, or reach the server by a private name or address"
	add := func(field, address, what string) {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "http" || isPrivate(u.Hostname()) {
			return
		}
		out.add(field, "is not encrypted: everybody on the way to "+u.Hostname()+" can read "+what, remedy)
	}
	what := "the objects"
	if p.sendsSecrets() {
		what = "the objects, and the token that opens them"
	}
	if p.auth.Type == TypeSecretKey {
		what = "the objects, and the key that opens them"
	}
	add("endpoint", p.Endpoint, what)
	add(fieldAuthURL, p.auth.AuthURL, "the password")
	add(fieldAPIURL, p.auth.APIURL, "the access token and the keys of the project")
	return out
}

// sendsSecrets reports whether requests hold what others could sign in with. An S3
// access key only signs, and stays here.
func (p Project) sendsSecrets() bool { return p.auth.Type != TypeAccessKey }

// LeaksSecrets are those of Unencrypted by which a secret itself gets out.
func (p Project) LeaksSecrets() []*FieldError {
	if !p.sendsSecrets() {
		return nil
	}
	return p.Unencrypted()
}

// privateDomains are names that no public DNS has: of this machine, of local
// networks, of Docker and Kubernetes, and of tests.
var privateDomains = []string{
	"localhost", "local", "internal", "intranet", "private", "corp", "home", "lan", "home.arpa", "svc", "test", "invalid",
}

// carrierGrade are addresses that virtual private networks use, too.
var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")

// isPrivate reports whether a host is this machine, or on a network that is not
// open to everybody.
func isPrivate(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap()
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() || carrierGrade.Contains(ip)
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return !strings.Contains(host, ".") || slices.ContainsFunc(privateDomains, func(d string) bool { return isUnder(host, d) })
}
