package format

import (
	"math/bits"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// Entry is what is known of one key.
type Entry struct {
	Key string
	// Version is the version that was delivered last, if Tracked.
	Version Version
	// Alias is set when another version was fetched than was listed, see
	// [AliasOf].
	Alias uint64
	// Parked is set while a failed attempt waits for the next one. The key may be
	// tracked too: then an older version was delivered.
	Parked *Parked
	// Tracked says that some version was delivered.
	Tracked bool
	// Absent says that a complete pass found the key missing.
	Absent bool
}

// Parked is a version that could not be delivered so far, or that was left out
// because of what its answer told.
type Parked struct {
	Version Version
	// Attempts is how often it was parked. 0 means left out: Reason is then what the
	// answer told, and the times mean nothing.
	Attempts int
	// Next is when it is due again, First when it was parked first; both in whole
	// milliseconds once they were stored.
	Next, First time.Time
	Reason      string
}

// LeftOut reports whether a version was looked at and left out.
func (e *Entry) LeftOut() bool { return e.Parked != nil && e.Parked.Attempts == 0 }

// Waits reports whether a version is parked for another attempt.
func (e *Entry) Waits() bool { return e.Parked != nil && e.Parked.Attempts > 0 }

// Irregular reports whether a digest alone cannot tell what is due: something
// waits for its time, or for another look. What was left out is regular: its version
// is not the delivered one, so that the digest is not that of a listing that shows it.
func (e *Entry) Irregular() bool { return e.Waits() || e.Absent || e.Alias != 0 }

// Tally sums up entries. When Sum and Tracked are the same for what is listed
// and matches, and nothing is irregular, then everything listed was delivered as
// it is listed, and nothing that was delivered is missing.
type Tally struct {
	Sum                        uint64
	Tracked, Parked, Irregular int
}

// Tally returns the tally of one entry.
func (e *Entry) Tally() Tally {
	t := Tally{Tracked: one(e.Tracked), Parked: one(e.Waits()), Irregular: one(e.Irregular())}
	if e.Tracked {
		t.Sum = e.Version.Digest(e.Key)
	}
	return t
}

// TallyOf returns the tally of all entries.
func TallyOf(entries []Entry) Tally {
	var t Tally
	for i := range entries {
		t.Add(entries[i].Tally())
	}
	return t
}

// Add adds the entries that o sums up.
func (t *Tally) Add(o Tally) {
	t.Sum += o.Sum
	t.Tracked += o.Tracked
	t.Parked += o.Parked
	t.Irregular += o.Irregular
}

// Remove takes out the entries that o sums up.
func (t *Tally) Remove(o Tally) {
	t.Add(Tally{Sum: -o.Sum, Tracked: -o.Tracked, Parked: -o.Parked, Irregular: -o.Irregular})
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// VersionKind says what a [Version] was made of.
type VersionKind uint8

// What a version can be made of.
const (
	Content        VersionKind = iota // ETag and size
	ContentAndTime                    // ETag, size and the time of the last modification
	SizeAndTime                       // for a row that has no ETag
)

// Version is one version of an object, in few bytes.
type Version struct {
	Fingerprint uint64
	// Modified is in milliseconds since 1970, as listings show it; only for
	// ContentAndTime.
	Modified int64
	Kind     VersionKind
}

// VersionOf makes the version of an object from what kind says. The hashes here,
// in [Version.Digest] and in [AliasOf] decide whether something is delivered
// again: they must never change.
func VersionOf(o *object.Object, kind VersionKind) Version {
	switch kind {
	case SizeAndTime:
		return Version{Fingerprint: mix(uint64(o.Size)+golden) ^ mix(uint64(o.LastModified.UnixMilli())^golden), Kind: kind}
	case ContentAndTime:
		return Version{Fingerprint: contentPrint(o), Modified: o.LastModified.UnixMilli(), Kind: kind}
	default:
		return Version{Fingerprint: contentPrint(o)}
	}
}

func contentPrint(o *object.Object) uint64 {
	return mix(xxhash.Sum64String(o.ETag) + mix(uint64(o.Size)+golden))
}

// Digest is what a delivered version of key adds to a [Tally]. Tallies are sums,
// so that the order does not matter and one object can be taken out again.
func (v Version) Digest(key string) uint64 {
	d := mix(v.Fingerprint + uint64(v.Kind)*golden)
	if v.Kind == ContentAndTime {
		d = mix(d ^ uint64(v.Modified))
	}
	return mix(xxhash.Sum64String(key) ^ bits.RotateLeft64(d, 32))
}

// AliasOf names a row as it was listed when another version was fetched for it.
// If the very same row is listed again, with the same time, then nobody has
// written to it since, and the server names its versions differently in listings
// and downloads: without the alias such an object would be new forever. It is
// never 0.
func AliasOf(listed *object.Object) uint64 {
	return mix(contentPrint(listed)^mix(uint64(listed.LastModified.UnixNano()))) | 1
}

const golden = 0x9e3779b97f4a7c15

// mix is the finalizer of SplitMix64.
func mix(z uint64) uint64 {
	z ^= z >> 30
	z *= 0xbf58476d1ce4e5b9
	z ^= z >> 27
	z *= 0x94d049bb133111eb
	return z ^ z>>31
}
