// Package rest is a client for one bucket of Supabase Storage over its REST API. It
// is the way for API keys that are no JWTs (sb_secret_..., sb_publishable_...), which
// the S3 protocol does not take. How requests are made is in package plane.
//
//	client.go   Client, New; one request and its keys
//	list.go     one page of a listing, the probe, and whether there is a bucket at all
//	cursor.go   the place to start after, as the server's cursors name it
//	page.go     decodes a page
//	json.go     a small tolerant scanner of JSON
//	move.go     a move within the bucket
//	object.go   GET, whole or from an offset; the listed version of one key; DELETE
//	sign.go     URLs that open single objects
//	bucket.go   buckets, user metadata, whether Storage is there
//	errors.go   what an answer means: one of the kinds of package object
//
// # Invariants
//
// Those of package plane, and:
//
//  1. An object is known by the key, ETag, size and time that the S3 protocol shows of
//     it, so that the state is the same over both. Only keys that XML cannot carry,
//     and metadata that no Storage writes, come out differently.
//  2. A page that is not what was asked for is an error, and nothing of it counts.
//  3. An empty listing counts only where the bucket is known to exist.
//  4. Keys go into apikey, tokens into Authorization, and both to one host.
package rest
