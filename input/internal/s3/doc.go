// Package s3 is a client for one bucket of Supabase Storage, or of any other
// S3-compatible endpoint. It is the only package that imports the AWS SDK, and it
// uses only two things from it: the credentials' type and the SigV4 signer. The
// requests are plain net/http, because the SDK's request pipeline costs three
// times as much as the request of a small object, and because it signs
// Accept-Encoding, a header that the proxies in front of Supabase rewrite. How
// requests are made is in package plane.
//
// # Files
//
//	client.go     Client, New: where the bucket is
//	request.go    one signed request
//	sign.go       SigV4
//	list.go       one page of a listing, and the probe
//	cursor.go     where the next page starts, and the guard against going round
//	listxml.go    decodes a page
//	xml.go        a small tolerant scanner of S3's XML
//	open.go       one GET of an object, whole or from an offset
//	presign.go    a URL that opens one object
//	object.go     the listed version of one key, DELETE, and the server's region
//	copy.go       CopyObject
//	buckets.go    the buckets that the role may see
//	answers.go    whether there is an S3 server at all
//	errors.go     what an answer means: one of the kinds of package object
//
// # Invariants
//
// Those of package plane, and:
//
//  1. A listing always ends: if a page does not lead on, it is requested once more,
//     by key, and then the listing fails.
//  2. Every text of the server goes through package foreign before it becomes part
//     of an error.
package s3
