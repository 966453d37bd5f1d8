package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strconv"
)

// Scope says whose deliveries a ledger holds. The prefix, the filters and the
// credentials are no part of it: they may change, and what was delivered stays
// delivered.
type Scope struct {
	// Endpoint is the base URL of the S3 endpoint, without credentials.
	Endpoint string
	// Bucket is the bucket's name.
	Bucket string
	// Namespace keeps two inputs on one bucket apart that share a store.
	Namespace string
}

// keyspace names the ledger's values. Every key carries the hash of the scope,
// so that several ledgers can share one store.
type keyspace string

func (s Scope) keys() keyspace {
	h := sha256.New()
	for _, part := range []string{s.Endpoint, s.Bucket, s.Namespace} {
		_, _ = io.WriteString(h, strconv.Itoa(len(part)))
		_, _ = io.WriteString(h, ":")
		_, _ = io.WriteString(h, part)
	}
	return keyspace("supabase-storage-" + hex.EncodeToString(h.Sum(nil)[:8]))
}

func (k keyspace) index() string            { return string(k) + "-index" }
func (k keyspace) founded() string          { return string(k) + "-founded" }
func (k keyspace) viewer() string           { return string(k) + "-viewer" }
func (k keyspace) manifest(n uint64) string { return string(k) + "-m" + strconv.FormatUint(n, 10) }
func (k keyspace) journal(n uint64) string  { return string(k) + "-j" + strconv.FormatUint(n, 10) }
