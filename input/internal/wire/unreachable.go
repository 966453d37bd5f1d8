package wire

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
)

// Unreachable says why there was nobody to talk to, and is empty where there
// was somebody: a reset, a timeout or an early end may be over by the next try.
func Unreachable(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return "looking up the host " + foreign.Text(dns.Name, foreign.Short)
	}
	if _, ok := errors.AsType[*foreign.ProxyRefusal](err); ok {
		return "connecting through the HTTP proxy"
	}
	op, isOp := errors.AsType[*net.OpError](err)
	if isOp && op.Op == "proxyconnect" {
		return "connecting to the HTTP proxy"
	}
	if IsCertificate(err) {
		return "checking the server's certificate"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the server does not speak TLS on this port (http:// instead of https://?)"
	}
	switch {
	case isOp && op.Op == "dial":
		return "connecting"
	case isOp && op.Op == "remote error":
		return "the server refused the TLS handshake"
	case errors.Is(err, errHandshakeTimeout), strings.HasPrefix(err.Error(), "tls: "):
		return "beginning TLS"
	}
	return ""
}

// IsCertificate knows the errors of a certificate. Those of package x509 come
// bare where the verification is not the standard one.
func IsCertificate(err error) bool {
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	return verification || authority || host || invalid
}

// HeadTooLarge reports whether the headers of an answer were larger than
// [MaxHead].
func HeadTooLarge(err error) bool {
	return strings.Contains(err.Error(), "server response headers exceeded") // net/http has no type for it
}
