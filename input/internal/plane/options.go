package plane

import (
	"context"
	"crypto/tls"
	"net/http"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// Options say where the bucket is and how patient the client is.
type Options struct {
	// Endpoint is the base URL of the S3 protocol, such as
	// https://<ref>.supabase.co/storage/v1/s3. A trailing slash is harmless. The REST
	// API is next to it: its client takes the address with or without /s3.
	Endpoint string
	// Region is the region that requests are signed for, unless the credentials
	// name another one. The REST API knows no regions.
	Region string
	// Bucket is the bucket's name. With AllBuckets it may be "": the client is for
	// Buckets and Answers alone then.
	Bucket     string
	AllBuckets bool
	// Credentials is asked before every request, so it must be cheap.
	Credentials func(context.Context) (object.Credentials, error)
	// Renew is called when the server has refused the credentials. If it reports
	// true, the request is made again with what Credentials returns then. An error
	// replaces the refusal. Nil if the credentials never change.
	Renew func(ctx context.Context, rejected object.Credentials) (renewed bool, err error)
	// RenewalHelps reports whether Renew may help against a refusal; nil means
	// always.
	RenewalHelps func(error) bool

	// TLS is the configuration of the client's own transport, nil for the
	// system's defaults.
	TLS *tls.Config
	// Transport replaces the client's own transport, and with it TLS,
	// ConnectTimeout and MaxConns. Nil is the usual case.
	Transport http.RoundTripper

	// ConnectTimeout bounds dialling a connection, and separately its TLS
	// handshake. Zero is no limit.
	ConnectTimeout time.Duration
	// ResponseTimeout bounds the wait for the response's headers, once the
	// request is sent. Zero is no limit.
	ResponseTimeout time.Duration
	// IdleTimeout is how long Read waits for the next bytes of a body. The time
	// between reads does not count. Zero is no limit.
	IdleTimeout time.Duration
	// MaxConns is the number of idle connections that are kept, at least 16. It
	// should be the number of simultaneous downloads and listers.
	MaxConns int
	// Retry is for listing and DELETE. GET is never retried here, since only its
	// caller knows how much of the body it has.
	Retry retry.Policy
	// Gate holds all requests back for as long as the endpoint asks for
	// (Retry-After). Clients of one endpoint share one; nil makes a new one.
	Gate *retry.Gate

	// Hold is called before each attempt that is retried here, and may wait; its
	// error ends the attempts. Requests that are made once, such as a probe, are not
	// held. Like the other hooks it may be nil and must be safe for concurrent use.
	Hold func(context.Context) error
	// Turn returns when a page of a whole listing may be asked for, once, until leave is
	// called. Between two attempts there is no turn. Nil is always.
	Turn func(context.Context) (leave func(), err error)
	// OnRetry is called for every failure that is followed by another attempt.
	OnRetry func(op string, err error)
	// OnListPage is called with how long a page of a whole listing took and how many
	// keys it had; not for the look at a single key.
	OnListPage func(d time.Duration, keys int)
	// OnFirstByte is called with how long the headers of a GET took.
	OnFirstByte func(d time.Duration)
}
