package s3bucket

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
)

// noAnswer makes an error of a request that brought no answer. A caller who
// cancelled gets the context's own error.
func (r request) noAnswer(err error, w *watch) error {
	if ctxErr := w.caller.Err(); ctxErr != nil {
		return ctxErr
	}
	e := &bucket.Error{Op: r.op, Key: r.key, Kind: bucket.ErrUnavailable, Err: detached(err)}
	if w.stalled() {
		e.Err = fmt.Errorf("no answer came within %s", w.limit)
		return e
	}
	if why := unreachable(err); why != "" {
		e.Kind = bucket.ErrUnreachable
		e.Err = fmt.Errorf("%s: %w", why, detached(err))
	}
	return e
}

// detached is err without what would make it pass for the end of the caller's
// context: the network's own timeouts claim to be [context.DeadlineExceeded].
func detached(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return errors.New(err.Error())
	}
	return err
}

// unreachable says why there was nobody to talk to, and is empty where there
// was somebody: a reset, a timeout or an early end may be over by the next try.
func unreachable(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return "looking up the host " + dns.Name
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "checking the server's certificate"
	}
	if isCertificateError(err) {
		return "checking the server's certificate"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the server does not speak TLS on this port (http:// instead of https://?)"
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return "the server refused the TLS handshake"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		switch op.Op {
		case "dial":
			return "connecting"
		case "proxyconnect":
			return "connecting to the HTTP proxy"
		case "remote error":
			return "the server refused the TLS handshake"
		}
	}
	return ""
}

// isCertificateError knows the errors of package x509, which come bare where
// the verification is not the standard one.
func isCertificateError(err error) bool {
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	return authority || host || invalid
}
