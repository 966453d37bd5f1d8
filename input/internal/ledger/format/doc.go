// Package format is what a ledger stores, in format 1: the values, their names,
// and the hashes that decide whether something is delivered again. A value that
// was ever written stays readable; the bytes are pinned under testdata. Another
// layout needs a new version in the envelope.
//
// # Names
//
// A store maps names to values. Names are at most 64 characters of a-z, 0-9 and
// "-". H is the hash of the scope, 16 hex digits: the first 8 bytes of the SHA-256
// of "LENGTH:TEXT" for endpoint, bucket and namespace.
//
//	supabase-storage-H-index    Index     what counts; the only one overwritten
//	supabase-storage-H-m12      manifest  the entries of some segments
//	supabase-storage-H-j12      Record    a journal record: what one checkpoint wrote
//	supabase-storage-H-founded  Founded   which of these must be there
//	supabase-storage-H-viewer   text      the identity that listed the bucket
//	supabase-storage-N-book     book      the scopes of a namespace
//
// N is the hash of the namespace alone.
//
// # The envelope of every value
//
//	"SBSL", version 1, kind (i m j f v b)   a byte each
//	name, body                            each a length and its bytes
//	checksum                              XXH64 of all before it, 8 bytes
//
// So a value that is empty, torn, truncated, another program's, found under
// another name, or of a newer version is refused: see [ErrDamaged].
//
// # Bodies
//
// Numbers are varints; sums, fingerprints and aliases 8 bytes, little-endian;
// times milliseconds since 1970 (0 for none). "Packed" is zstd. A front-coded key
// is the length that it shares with the key before it, and the rest.
//
//	index     packed: time of the last complete pass, next manifest, oldest
//	          record that may exist, first record that counts, garbage (a count
//	          and manifests), a count, and for each segment: lower bound
//	          (front-coded), objects listed, last record it has, manifest or 0,
//	          and with a manifest its tally (sum, tracked, parked, irregular)
//	manifest  a count; keys and digits (packed, see keys.go), each with its length;
//	          a fingerprint for each entry; extras (packed) with their length: for
//	          each entry that is not just "tracked, known by content" the distance
//	          from the last such entry, flags, and what the flags announce
//	record    packed: time of the last complete pass, a count, and for each
//	          change: key (front-coded), op, flags, what the flags announce, the
//	          fingerprint if delivered, and the sum of Before if it was tracked
//	founded   one byte: 1 for the journal, else the index
//	book      packed: a count, and for each scope: endpoint, bucket, project and
//	          project's name (each front-coded), and since when it is gone
//
// Flags: 1 tracked, 2 absent, 4 parked, 8 alias; the version is 16 by content and
// time, 32 by size and time, else by content; 64 and 128 the same for the parked
// version. In records also Before: 256 tracked, 512 parked, 1024 irregular; 2048
// late. They announce, in this order: the time of a version by content and time;
// the alias; the parked version (fingerprint, time likewise), its attempts, next
// and first time, and the reason with its length.
//
// # What a reader refuses
//
//   - A body with bytes missing or left over, or that unpacks to over 512 MiB.
//   - A count that the bytes cannot hold: it allocates nothing.
//   - Keys or segments out of order, and an index without segments.
//   - An entry or change that contradicts itself, and so could not be written
//     again: a version or alias of nothing, two sets of extras for one entry.
package format
