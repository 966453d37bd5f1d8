// Package s3 is a client for one bucket of a Supabase Storage, or any
// other S3-compatible, endpoint. It is the only package that imports the AWS
// SDK, and it takes two things from it: the credentials' type and the SigV4
// signer. The requests themselves are plain net/http, because the SDK's request
// pipeline costs three times as much as the request of a small object, and
// because it signs Accept-Encoding, a header that the proxies in front of
// Supabase rewrite.
//
//	client.go     Options, New: where the bucket is, how patient the client is
//	request.go    one signed request under a watch; answers become errors here
//	sign.go       SigV4, and the escaping of keys
//	watch.go      ends a request that stands still
//	list.go       a range of the bucket, page by page, and the probe
//	cursor.go     where the next page starts, and the guard against going round
//	listxml.go    the decoding of a page
//	xml.go        a small tolerant scanner of S3's XML
//	open.go       one GET of an object, whole or from an offset
//	body.go       a body that never ends early without an error
//	object.go     HEAD, DELETE, and the server's region
//	answers.go    whether there is an S3 server at all
//	errors.go     what an answer means: one of the kinds of package object
package s3
