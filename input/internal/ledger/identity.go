package ledger

import (
	"cmp"
	"math/bits"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// Identity says what makes two listings of a key the same version of it.
type Identity int

const (
	// ByETag compares the ETag and the size. A row that was only touched stays
	// what it is. This is the default.
	ByETag Identity = iota
	// ByModified compares the time of the last modification too.
	ByModified
)

// identityKind says what an identity was made of.
type identityKind uint8

const (
	// byContent is made of ETag and size.
	byContent identityKind = iota
	// byTouch is made of ETag, size and time.
	byTouch
	// byWeak is made of size and time, where the row has no ETag.
	byWeak
)

// identity is one version of an object, in few bytes.
type identity struct {
	fingerprint uint64
	// modified is in milliseconds since 1970, as listings show it; only for
	// byTouch.
	modified int64
	kind     identityKind
}

// identify makes the identity of a listed object.
func (m Identity) identify(o *object.Object) identity {
	switch {
	case o.ETag == "":
		return identity{fingerprint: weakPrint(o.Size, o.LastModified), kind: byWeak}
	case m == ByModified:
		return identity{fingerprint: contentPrint(o.ETag, o.Size), modified: o.LastModified.UnixMilli(), kind: byTouch}
	default:
		return identity{fingerprint: contentPrint(o.ETag, o.Size)}
	}
}

// delivered makes the identity of what was fetched for a listed object, and an
// alias where the two differ.
//
// The time is always the listed one, since a download carries the time of the
// backend's file. A row that is listed without ETag is known by nothing but its
// listing. And where another version was fetched than was listed, nobody knows
// that version's time.
func (m Identity) delivered(listed, fetched *object.Object) (identity, uint64) {
	was := m.identify(listed)
	if was.kind == byWeak {
		return was, 0
	}
	got := *listed
	got.Size, got.ETag = fetched.Size, cmp.Or(fetched.ETag, listed.ETag)
	if is := ByETag.identify(&got); is.fingerprint != was.fingerprint {
		return is, alias(listed)
	}
	return was, 0
}

// matches reports whether a listed object is the version that was delivered as
// id. It compares what id is made of, so that another setting of [Identity]
// does not make a bucket of new versions.
func (m Identity) matches(id identity, o *object.Object) bool {
	switch {
	case id.kind == byWeak:
		return id.fingerprint == weakPrint(o.Size, o.LastModified)
	case o.ETag == "" || id.fingerprint != contentPrint(o.ETag, o.Size):
		return false
	case id.kind == byTouch && m == ByModified:
		return id.modified == o.LastModified.UnixMilli()
	default:
		return true
	}
}

// alias marks a row as it was listed when something else was fetched for it.
// If the very same row is listed again, with the same time, then nobody has
// written to it since, and the server names its versions differently in
// listings and downloads: without the alias such an object would be new for
// ever. It is never 0.
func alias(listed *object.Object) uint64 {
	return mix(contentPrint(listed.ETag, listed.Size)^mix(uint64(listed.LastModified.UnixNano()))) | 1
}

func contentPrint(etag string, size int64) uint64 {
	return mix(xxhash.Sum64String(etag) + mix(uint64(size)+golden))
}

func weakPrint(size int64, modified time.Time) uint64 {
	return mix(uint64(size)+golden) ^ mix(uint64(modified.UnixMilli())^golden)
}

// contribution is what one delivered object adds to the digest of a segment.
// Digests are sums, so that the order does not matter and one object can be
// taken out again.
func contribution(key string, id identity) uint64 {
	v := mix(id.fingerprint + uint64(id.kind)*golden)
	if id.kind == byTouch {
		v = mix(v ^ uint64(id.modified))
	}
	return mix(xxhash.Sum64String(key) ^ bits.RotateLeft64(v, 32))
}

// presence is what a listed object that does not match adds to the digest of
// its kind: only that it is there.
func presence(key string) uint64 { return mix(xxhash.Sum64String(key)) }

const golden = 0x9e3779b97f4a7c15

// mix is the finalizer of SplitMix64.
func mix(z uint64) uint64 {
	z ^= z >> 30
	z *= 0xbf58476d1ce4e5b9
	z ^= z >> 27
	z *= 0x94d049bb133111eb
	return z ^ z>>31
}
