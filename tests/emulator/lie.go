package emulator

import (
	"slices"
	"time"
)

// Lie is an answer that is not what it says it is, or an honest answer in a form
// that clients get wrong ([Lie.Honest]). [Fault.Lie] sends it to any request that
// it fits; other requests get the honest answer. A lie in answer to a DELETE
// deletes nothing.
type Lie int

// Answers that were seen in practice in place of an object, a listing or a deletion.
const (
	// LieNone is the honest answer.
	LieNone Lie = iota

	// LieHTMLPage is a gateway's own page with 200 and no ETag: Envoy while it
	// restarts, a captive portal, a single page application that answers every
	// path with its index.html.
	LieHTMLPage
	// LieHTMLPageSized is such a page cut or padded to the object's size: a proxy
	// that keeps the upstream's Content-Length and replaces the body.
	LieHTMLPageSized
	// LieEmptyBody is 200 with Content-Length 0 and no ETag: a proxy whose cache
	// lost the body, a CDN worker that returned nothing.
	LieEmptyBody
	// LieEmptyBodyETag is the same with the object's ETag: a store that had the
	// row and lost the content.
	LieEmptyBodyETag
	// LieBare404 is 404 without a body: a load balancer without a route.
	LieBare404
	// LieNoSuchKey is the S3 error 404 for a GET of an object that exists, while
	// HEAD shows it: a store behind Storage that is eventually consistent.
	LieNoSuchKey
	// LieGone is LieNoSuchKey for GET and HEAD alike: a gateway that points at
	// another region or an old replica. Only a listing shows the object.
	LieGone
	// LieSignature is 403 SignatureDoesNotMatch for one key: a gateway that merges
	// slashes or decodes the path, as self-hosted Supabase's does by default. Over
	// REST, which has no signatures, it is the refusal of a lost token.
	LieSignature
	// LieChallenge is Cloudflare's 403 challenge page: bot protection.
	LieChallenge

	// LieGzip is a compressed body that the client did not ask for, with its own
	// Content-Length and the object's ETag: proxies that compress without
	// Accept-Encoding (aws-s3-proxy, minio behind nginx).
	LieGzip
	// LieGzipChunked is LieGzip without Content-Length, as from compression on the
	// fly.
	LieGzipChunked
	// LieGzipWeakETag is LieGzip with the ETag weakened, as nginx and Cloudflare
	// do.
	LieGzipWeakETag
	// LieGzipWeakETagChunked is nginx's gzip module as it is by default.
	LieGzipWeakETagChunked
	// LieGzipNoETag is LieGzip with the ETag dropped, as older nginx and Apache's
	// mod_deflate do.
	LieGzipNoETag
	// LieGzipNoETagChunked is the same on the fly.
	LieGzipNoETagChunked

	// LieStale is the previous version, under its old ETag: a CDN or a read replica
	// that is behind. Only a server in memory ([New]) keeps that version.
	LieStale
	// LieOtherBytes is another object's bytes under the right ETag and size: two
	// answers that a proxy mixed up. Neither ETag nor size shows it.
	LieOtherBytes
	// LieOtherObject is another object's body, of another size, under the right
	// ETag: a cache whose key lacks a part of the path.
	LieOtherObject
	// LieFlippedByte is one wrong byte under the right ETag and size: a bad disk or
	// memory on the way. Neither ETag nor size shows it.
	LieFlippedByte

	// LieCutBody ends the connection in the middle of a body whose Content-Length
	// is right.
	LieCutBody
	// LieCutChunks ends the connection in the middle of a chunked body.
	LieCutChunks
	// LieChunked is honest: a whole body without Content-Length, in chunks, as from
	// proxies that buffer nothing.
	LieChunked
	// LieLongBody is a chunked body that goes on after the object and ends
	// cleanly: a proxy that appends a script or an error text.
	LieLongBody
	// LieShortBody is a chunked body that ends cleanly in the middle of the
	// object: a proxy that hides a broken connection to its upstream.
	LieShortBody
	// LieExtraBytes sends bytes behind the end that Content-Length names: an
	// upstream whose object grew while a proxy sent it. A client in memory
	// ([Server.Transport]) can not see them, as with any HTTP client.
	LieExtraBytes
	// LieTrickle sends a byte, then waits [Fault.Trickle] before each further byte:
	// a connection that is almost dead but never silent.
	LieTrickle
	// LieHugeHeader is honest, after a megabyte of headers: middleware that logs
	// into headers.
	LieHugeHeader

	// LieRangeLonger is a range answer whose body is longer than its own
	// Content-Range: one client read gigabytes.
	LieRangeLonger
	// LieRangeToEnd is a range answer that goes on to the end of the object, and
	// says so: caches that fetch the rest as well.
	LieRangeToEnd
	// LieRangeElsewhere is another range than the requested one, and says so.
	LieRangeElsewhere
	// LieRangeTotal is a range answer that claims another size of the object.
	LieRangeTotal
	// LieRangeIgnored is honest: 200 with all of the object in place of 206, as
	// HTTP allows.
	LieRangeIgnored

	// LieWeakETag weakens the ETag of a GET whose body is untouched, as nginx and
	// Cloudflare do wherever they might have changed the body.
	LieWeakETag
	// LieUnquotedETag is honest: the ETag of a GET without quotes, as some S3
	// clones write it.
	LieUnquotedETag
	// LieHeadNoLength is honest: a HEAD without Content-Length, as Cloudflare
	// answers for types that it would compress.
	LieHeadNoLength

	// LieDeleteNothing is 200 for a DELETE that deleted nothing: a read-only
	// gateway that answers every method with a page.
	LieDeleteNothing
	// LieDeleteGone is 404 for a DELETE of an object that exists.
	LieDeleteGone

	// LieListHTML is a page of HTML with 200 in place of a listing.
	LieListHTML
	// LieListEmpty is 200 without a body in place of a listing.
	LieListEmpty
	// LieListCut is a listing cut in the middle, with the Content-Length of what is
	// left: a proxy with a limit on bodies.
	LieListCut
	// LieListTruncatedAs1 is honest: IsTruncated as 1 or 0, which XML Schema allows
	// and moto and fake-s3 wrote.
	LieListTruncatedAs1
	// LieListOtherPrefix is the page of another prefix, which it names over S3: a
	// cache whose key lacks the query, or the body.
	LieListOtherPrefix
	// LieListSamePage is the first page again instead of a later page: a gateway
	// that drops parameters that it does not know.
	LieListSamePage
	// LieListNegativeSize shows one object with a size of -1: a row whose metadata
	// was written by SQL.
	LieListNegativeSize
	// LieListHuge shows one object with a size of 10 TB.
	LieListHuge

	// LieTooMany is 429 with Retry-After in seconds: a rate limiter.
	LieTooMany
	// LieBusy is 503 with Retry-After as a date, two seconds ahead.
	LieBusy
	// LieQuota is Supabase's 402 for a project over its quota.
	LieQuota
	// LieProxyAuth is 407: a proxy on the way that lost its session.
	LieProxyAuth
	// LieDatabaseTimeout is Storage's own 544.
	LieDatabaseTimeout
	// LieUnknownError is Cloudflare's 520.
	LieUnknownError
	// LieRedirect is a 302 to another host: a sign-in page in front of a gateway.
	LieRedirect

	numLies
)

// DefaultTrickle is the pause between two bytes of [LieTrickle] where
// [Fault.Trickle] is 0.
const DefaultTrickle = 2 * time.Second

// Where lies are told: the operations of both interfaces.
var (
	toGets      = []Op{OpGet, OpRESTGet}
	toReads     = []Op{OpGet, OpRESTGet, OpHead, OpRESTHead, OpRESTInfo}
	toHeads     = []Op{OpHead, OpRESTHead}
	toDeletes   = []Op{OpDelete, OpRESTDelete, OpRESTDeleteMany}
	toListings  = []Op{OpList, OpListV2}
	toXML       = []Op{OpList}
	toObjects   = slices.Concat(toReads, toDeletes)
	toQuestions = slices.Concat(toReads, toListings)
	toAll       = slices.Concat(toObjects, toListings)
)

// lieKind is what the package knows of a lie.
type lieKind struct {
	name string
	ops  []Op
	// ranged says that the lie fits only requests for a range.
	ranged bool
	// honest says that the answer is the truth in an unusual form; hidden says that
	// neither ETag nor size gives the lie away.
	honest, hidden bool
	// instead answers without a look at the truth; twist changes the true answer,
	// and reports whether it could. One of them is set.
	instead func(*exchange) *reply
	twist   func(*exchange, *reply) bool
}

// lieKinds is filled by init, because the functions in it refer to it.
var lieKinds [numLies]lieKind

func init() {
	lieKinds = [numLies]lieKind{
		LieHTMLPage:      {name: "HTMLPage", ops: toGets, instead: htmlPage},
		LieHTMLPageSized: {name: "HTMLPageSized", ops: toGets, twist: sizedPage},
		LieEmptyBody:     {name: "EmptyBody", ops: toGets, twist: emptyBody(false)},
		LieEmptyBodyETag: {name: "EmptyBodyETag", ops: toGets, twist: emptyBody(true)},
		LieBare404:       {name: "Bare404", ops: toReads, instead: bare(404)},
		LieNoSuchKey:     {name: "NoSuchKey", ops: toGets, instead: refusal(failNoKey)},
		LieGone:          {name: "Gone", ops: toReads, instead: refusal(failNoKey)},
		LieSignature:     {name: "Signature", ops: toObjects, instead: signatureRefused},
		LieChallenge:     {name: "Challenge", ops: toObjects, instead: challengePage},

		LieGzip:                {name: "Gzip", ops: toGets, twist: gzipped(keepETag, false)},
		LieGzipChunked:         {name: "GzipChunked", ops: toGets, twist: gzipped(keepETag, true)},
		LieGzipWeakETag:        {name: "GzipWeakETag", ops: toGets, twist: gzipped(weakenETag, false)},
		LieGzipWeakETagChunked: {name: "GzipWeakETagChunked", ops: toGets, twist: gzipped(weakenETag, true)},
		LieGzipNoETag:          {name: "GzipNoETag", ops: toGets, twist: gzipped(dropETag, false)},
		LieGzipNoETagChunked:   {name: "GzipNoETagChunked", ops: toGets, twist: gzipped(dropETag, true)},

		LieStale:       {name: "Stale", ops: toGets, twist: staleVersion},
		LieOtherBytes:  {name: "OtherBytes", ops: toGets, hidden: true, twist: otherBytes},
		LieOtherObject: {name: "OtherObject", ops: toGets, twist: otherObject},
		LieFlippedByte: {name: "FlippedByte", ops: toGets, hidden: true, twist: flippedByte},

		LieCutBody:    {name: "CutBody", ops: toGets, twist: cutBody(false)},
		LieCutChunks:  {name: "CutChunks", ops: toGets, twist: cutBody(true)},
		LieChunked:    {name: "Chunked", ops: toGets, honest: true, twist: chunkedBody},
		LieLongBody:   {name: "LongBody", ops: toGets, twist: longBody},
		LieShortBody:  {name: "ShortBody", ops: toGets, twist: shortBody},
		LieExtraBytes: {name: "ExtraBytes", ops: toGets, twist: extraBytes},
		LieTrickle:    {name: "Trickle", ops: toGets, twist: trickle},
		LieHugeHeader: {name: "HugeHeader", ops: toQuestions, honest: true, twist: hugeHeader},

		LieRangeLonger:    {name: "RangeLonger", ops: toGets, ranged: true, twist: rangeLonger},
		LieRangeToEnd:     {name: "RangeToEnd", ops: toGets, ranged: true, twist: rangeToEnd},
		LieRangeElsewhere: {name: "RangeElsewhere", ops: toGets, ranged: true, twist: rangeElsewhere},
		LieRangeTotal:     {name: "RangeTotal", ops: toGets, ranged: true, twist: rangeTotal},
		LieRangeIgnored:   {name: "RangeIgnored", ops: toGets, ranged: true, honest: true, twist: rangeIgnored},

		LieWeakETag:     {name: "WeakETag", ops: toGets, twist: changedETag(weakenETag)},
		LieUnquotedETag: {name: "UnquotedETag", ops: toGets, honest: true, twist: changedETag(unquoteETag)},
		LieHeadNoLength: {name: "HeadNoLength", ops: toHeads, honest: true, twist: noLength},

		LieDeleteNothing: {name: "DeleteNothing", ops: toDeletes, instead: bare(200)},
		LieDeleteGone:    {name: "DeleteGone", ops: toDeletes, instead: refusal(failNoKey)},

		LieListHTML:         {name: "ListHTML", ops: toListings, instead: htmlPage},
		LieListEmpty:        {name: "ListEmpty", ops: toListings, twist: emptyBody(false)},
		LieListCut:          {name: "ListCut", ops: toListings, twist: cutDocument},
		LieListTruncatedAs1: {name: "ListTruncatedAs1", ops: toXML, honest: true, twist: truncatedAs1},
		LieListOtherPrefix:  {name: "ListOtherPrefix", ops: toListings, twist: otherPrefix},
		LieListSamePage:     {name: "ListSamePage", ops: toListings, twist: samePage},
		LieListNegativeSize: {name: "ListNegativeSize", ops: toListings, twist: listedSize("-1")},
		LieListHuge:         {name: "ListHuge", ops: toListings, twist: listedSize("10995116277760")},

		LieTooMany:         {name: "TooMany", ops: toAll, instead: tooMany},
		LieBusy:            {name: "Busy", ops: toAll, instead: busy},
		LieQuota:           {name: "Quota", ops: toObjects, instead: quota},
		LieProxyAuth:       {name: "ProxyAuth", ops: toObjects, instead: proxyAuth},
		LieDatabaseTimeout: {name: "DatabaseTimeout", ops: toAll, instead: refusal(byStatus[544])},
		LieUnknownError:    {name: "UnknownError", ops: toAll, instead: unknownError},
		LieRedirect:        {name: "Redirect", ops: toObjects, instead: redirectAway},
	}
}

// Lies returns all kinds of lies.
func Lies() []Lie {
	all := make([]Lie, 0, numLies-1)
	for l := LieNone + 1; l < numLies; l++ {
		all = append(all, l)
	}
	return all
}

// String is the constant's name without the "Lie".
func (l Lie) String() string {
	switch {
	case l == LieNone:
		return "None"
	case l < 0 || l >= numLies:
		return "Invalid"
	}
	return lieKinds[l].name
}

// Honest reports whether the answer is the truth in an unusual form, which a
// client has to accept.
func (l Lie) Honest() bool { return l == LieNone || l > 0 && l < numLies && lieKinds[l].honest }

// Hidden reports whether neither the ETag nor the size of the answer gives the
// lie away, so that only a client that computes the MD5 of the body can know.
func (l Lie) Hidden() bool { return l > 0 && l < numLies && lieKinds[l].hidden }
