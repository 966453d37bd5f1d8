package wire

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// NoAnswer makes an error of a request to which no answer came, or not the whole
// answer. Key is that of the object, empty where the request is about none. A
// caller whose context has ended returns the error of its context instead.
func NoAnswer(op, key string, err error, secrets ...string) *object.Error {
	e := &object.Error{Op: op, Key: key, Kind: object.ErrUnavailable, Err: foreign.Cause(err, secrets...)}
	switch why := unreachable(err); {
	case why != "":
		e.Kind, e.Err = object.ErrUnreachable, fmt.Errorf("%s: %w", why, e.Err)
	case !headTooLarge(err):
	case key != "":
		e.Kind, e.Err = object.ErrInvalid, fmt.Errorf("%w: the metadata of the object exceeds %d bytes", object.ErrOversized, MaxHead)
	default:
		e.Err = fmt.Errorf("%w: the headers of the answer exceed %d bytes", object.ErrOversized, MaxHead)
	}
	return e
}

// unreachable says why no connection was made, and is empty where there was one:
// a reset, a timeout or an early end may be over at the next attempt.
func unreachable(err error) string {
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

// headTooLarge reports whether the headers of an answer were larger than
// [MaxHead].
func headTooLarge(err error) bool {
	return strings.Contains(err.Error(), "server response headers exceeded") // net/http has no type for it
}
