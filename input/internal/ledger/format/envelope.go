package format

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// Scope says whose deliveries a ledger holds. The prefix, the filters and the
// credentials are not part of it: they may change, and what was delivered stays
// delivered.
type Scope struct {
	// Endpoint is the base URL of the S3 endpoint, without credentials.
	Endpoint string
	// Bucket is the bucket's name.
	Bucket string
	// Namespace keeps two inputs apart that read one bucket and share a store.
	Namespace string
}

// Keys names the values of one scope. Every name begins with the hash of the
// scope, so that several ledgers can share one store.
type Keys string

// Keys returns the names of the scope's values.
func (s Scope) Keys() Keys { return keysOf(s.Endpoint, s.Bucket, s.Namespace) }

func keysOf(parts ...string) Keys {
	h := sha256.New()
	for _, part := range parts {
		_, _ = io.WriteString(h, strconv.Itoa(len(part)))
		_, _ = io.WriteString(h, ":")
		_, _ = io.WriteString(h, part)
	}
	return Keys("supabase-storage-" + hex.EncodeToString(h.Sum(nil)[:8]))
}

// Index is the key of the [Index].
func (k Keys) Index() string { return string(k) + "-index" }

// Founded is the key of what says that the ledger is in use, see [Founded].
func (k Keys) Founded() string { return string(k) + "-founded" }

// Identity is the key of the identity that listed the bucket.
func (k Keys) Identity() string { return string(k) + "-viewer" }

// Manifest is the key of manifest n.
func (k Keys) Manifest(n uint64) string { return string(k) + "-m" + strconv.FormatUint(n, 10) }

// Record is the key of journal record n.
func (k Keys) Record(n uint64) string { return string(k) + "-j" + strconv.FormatUint(n, 10) }

const (
	magic         = "SBSL"
	formatVersion = 1
	checksumSize  = 8
)

// valueKind is what a value holds.
type valueKind byte

const (
	kindIndex    valueKind = 'i'
	kindManifest valueKind = 'm'
	kindRecord   valueKind = 'j'
	kindFounded  valueKind = 'f'
	kindIdentity valueKind = 'v'
	kindBook     valueKind = 'b'
)

// ErrDamaged means that the store holds something under a key of the ledger
// that the ledger did not write there, or that something it wrote is gone. It
// never counts as "nothing was delivered yet".
var ErrDamaged = errors.New("the ledger is damaged")

// Every error that is [ErrDamaged] ends with a remedy: for one bucket, and for the value
// that is about all of them.
const (
	remedy = "restore the state from a backup, or have all of this bucket delivered again by " +
		"`supabase-connect state CONFIG --forget-bucket` (with --project REF and --bucket NAME where the input reads several); " +
		"another state.namespace begins anew with all buckets"
	remedyOfAll = "restore the state from a backup, or have everything delivered again by starting with " +
		"another state.namespace or an empty state"
)

// Damaged is [ErrDamaged] for one key, with what was found there and the remedy.
func Damaged(key, found string) error { return damaged(kindIndex, key, found) }

func damaged(kind valueKind, key, found string) error {
	end := remedy
	if kind == kindBook {
		end = remedyOfAll
	}
	return fmt.Errorf("%w: %q %s; %s", ErrDamaged, key, found, end)
}

func seal(kind valueKind, key string, body []byte) []byte {
	b := make([]byte, 0, len(magic)+2+2*binary.MaxVarintLen32+len(key)+len(body)+checksumSize)
	b = append(b, magic...)
	b = append(b, formatVersion, byte(kind))
	b = appendBytes(b, key)
	b = binary.AppendUvarint(b, uint64(len(body)))
	b = append(b, body...)
	return binary.LittleEndian.AppendUint64(b, xxhash.Sum64(b))
}

// unseal returns the body of a value that was read under key.
func unseal(kind valueKind, key string, value []byte) ([]byte, error) {
	head := min(len(magic), len(value))
	switch {
	case len(value) == 0:
		return nil, damaged(kind, key, "is empty")
	case string(value[:head]) != magic[:head]:
		return nil, damaged(kind, key, fmt.Sprintf("holds something that is no value of this ledger (it begins with %q)", value[:min(16, len(value))]))
	case len(value) < len(magic)+2+checksumSize:
		return nil, damaged(kind, key, fmt.Sprintf("is truncated (%d bytes)", len(value)))
	case value[len(magic)] > formatVersion:
		return nil, fmt.Errorf("%w: %q was written in format %d by a newer version, this one reads up to %d; use the newer version",
			ErrDamaged, key, value[len(magic)], formatVersion)
	}
	payload, sum := value[:len(value)-checksumSize], Tag(value)
	if xxhash.Sum64(payload) != sum {
		return nil, damaged(kind, key, fmt.Sprintf("is torn or truncated (its %d bytes do not match their checksum)", len(value)))
	}
	r := reader{b: payload[len(magic)+1:]}
	gotKind := valueKind(r.byte())
	gotKey := r.string()
	body := r.bytes(r.uvarint())
	switch {
	case r.bad || len(r.b) > 0:
		return nil, damaged(kind, key, "has a header that cannot be read")
	case gotKey != key || gotKind != kind:
		return nil, damaged(kind, key, fmt.Sprintf("holds the value of %q", gotKey))
	}
	return body, nil
}

// Tag tells a value from another one written under the same key; 0 for none.
func Tag(value []byte) uint64 {
	if len(value) < checksumSize {
		return 0
	}
	return binary.LittleEndian.Uint64(value[len(value)-checksumSize:])
}

// decode unseals a value and reads its body.
func decode[T any](kind valueKind, key string, value []byte, read func(body []byte) (T, error)) (v T, err error) {
	body, err := unseal(kind, key, value)
	if err != nil {
		return v, err
	}
	if v, err = read(body); err != nil {
		return v, damaged(kind, key, "cannot be read: "+err.Error())
	}
	return v, nil
}

// Founded says which value must be there once a ledger is in use.
type Founded byte

// What must be there.
const (
	FoundedJournal Founded = 1 // a journal from its first record on
	FoundedIndex   Founded = 2 // an index
)

// EncodeFounded makes the value under [Keys.Founded].
func EncodeFounded(key string, f Founded) []byte { return seal(kindFounded, key, []byte{byte(f)}) }

// DecodeFounded reads the value under [Keys.Founded].
func DecodeFounded(key string, value []byte) (Founded, error) {
	body, err := unseal(kindFounded, key, value)
	if err == nil && len(body) > 0 && Founded(body[0]) == FoundedJournal {
		return FoundedJournal, nil
	}
	return FoundedIndex, err
}

// EncodeIdentity makes the value under [Keys.Identity].
func EncodeIdentity(key, name string) []byte { return seal(kindIdentity, key, []byte(name)) }

// DecodeIdentity reads the value under [Keys.Identity].
func DecodeIdentity(key string, value []byte) (string, error) {
	name, err := unseal(kindIdentity, key, value)
	return string(name), err
}
