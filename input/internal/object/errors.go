package object

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
)

// The kinds of failure that the packages distinguish. The client maps an answer to
// one of them once; everything else asks with errors.Is.
var (
	// ErrNotFound means that the object does not exist, or that row level
	// security hides it.
	ErrNotFound = errors.New("object not found")
	// ErrNoBucket means that the bucket does not exist, or that the role may
	// not see it.
	ErrNoBucket = errors.New("bucket not found")
	// ErrDenied means that this one request is forbidden although the
	// credentials are valid.
	ErrDenied = errors.New("access denied")
	// ErrCredentials means that the server did not accept the signature, the key
	// or the token: no request can succeed until they change.
	ErrCredentials = errors.New("credentials rejected")
	// ErrInvalid means that the server will never accept this request, such as
	// a key with characters that the Storage API forbids.
	ErrInvalid = errors.New("request refused as invalid")
	// ErrRange means that the requested range begins after the end of the
	// object.
	ErrRange = errors.New("range not satisfiable")
	// ErrChanged means that the object was overwritten while it was read.
	ErrChanged = errors.New("object changed while it was read")
	// ErrThrottled means that the server asks for fewer requests (429,
	// SlowDown).
	ErrThrottled = errors.New("throttled")
	// ErrUnavailable means that the server failed in a way that may pass: 5xx,
	// 544, a request that timed out, a body that was cut.
	ErrUnavailable = errors.New("temporarily unavailable")
	// ErrUnreachable means that no HTTP answer came at all: the name does not
	// resolve, the connection is refused, TLS fails.
	ErrUnreachable = errors.New("endpoint unreachable")
	// ErrMissingContent means that the listing shows the object but GET does not
	// find it: its row exists and its bytes do not.
	ErrMissingContent = errors.New("listed, but its content is missing from the store")
	// ErrMismatch means that an answer is not the object: it has another ETag,
	// another size or other bytes than the version that the listing shows. A
	// gateway's own page with the status 200 is the usual case.
	ErrMismatch = errors.New("the answer is not the listed object")
	// ErrStale means that a cache between here and the server still has the version
	// before the listed one. It is waited for, and costs no attempts.
	ErrStale = errors.New("a cache still has the version before")

	// ErrMisled means that a listing contradicts itself or the question: its keys are
	// out of order, a page comes again, it is of another bucket or prefix. It is a kind,
	// and the cause of an [Error] of another one.
	ErrMisled = errors.New("the listing can't be right")

	// ErrOdd means that the object's entry in the listing makes no sense, such as a
	// size below zero: see [Object.Odd].
	ErrOdd = errors.New("the entry of the listing can't be understood")

	// ErrNotS3 is not a kind but the cause of an [Error] of any kind: not an S3
	// server but a proxy or another API wrote the answer.
	ErrNotS3 = errors.New("not an answer of the S3 protocol")
	// ErrForeign is the same cause for Supabase's other APIs, which give out keys.
	ErrForeign = errors.New("not an answer of a Supabase API")
	// ErrOversized is a cause too: a listing or the headers of an answer are larger
	// than the protocol ever needs.
	ErrOversized = errors.New("larger than is read")
)

// Error is what an endpoint answered, or why it did not.
type Error struct {
	// Op is what was tried, as a gerund: "listing", "reading", "deleting".
	Op string
	// Key is the object's key, empty for a request about the bucket.
	Key string
	// Kind is one of this package's sentinel errors.
	Kind error
	// Status is the HTTP status, or the real one that Storage wrote into the body
	// of an answer 400; 0 where no answer came.
	Status int
	// Code and Message come from the S3 error document, and are empty if there is
	// none. Like the text of Err, they have gone through package foreign.
	Code, Message string
	// Err is the cause; nil if the answer itself is the cause.
	Err error
}

// Error says what was tried, on which key, and what came back.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Key != "" {
		b.WriteString(" " + foreign.Key(e.Key))
	}
	fmt.Fprintf(&b, ": %v", e.Kind)
	var seen []string
	if e.Status != 0 {
		seen = append(seen, "HTTP "+strconv.Itoa(e.Status))
	}
	if e.Code != "" {
		seen = append(seen, e.Code)
	}
	if e.Message != "" {
		seen = append(seen, strconv.Quote(e.Message))
	}
	if e.Err != nil {
		seen = append(seen, e.Err.Error())
	}
	if len(seen) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(seen, ", "))
	}
	return b.String()
}

// Unwrap lets errors.Is find the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// Transient reports whether the same request may succeed later. A transient
// failure is never recorded as permanent.
func Transient(err error) bool {
	return errors.Is(err, ErrThrottled) || errors.Is(err, ErrUnavailable) ||
		errors.Is(err, ErrUnreachable) || errors.Is(err, ErrChanged) ||
		errors.Is(err, ErrMissingContent) || errors.Is(err, ErrMismatch) || errors.Is(err, ErrStale) ||
		errors.Is(err, ErrMisled)
}

// EndpointFault reports whether err is about the endpoint rather than one object:
// no answer came, or the server failed.
func EndpointFault(err error) bool {
	return (errors.Is(err, ErrUnreachable) || errors.Is(err, ErrUnavailable)) && !errors.Is(err, ErrMismatch)
}

// Cause is one word for err, out of a fixed set: the label of the retry and parking
// metrics, and the reason in reports.
func Cause(err error) string {
	for _, k := range causes {
		if errors.Is(err, k.kind) {
			return k.word
		}
	}
	return "other"
}

// Causes are all that [Cause] may return.
func Causes() []string {
	words := []string{"other"}
	for _, k := range causes {
		words = append(words, k.word)
	}
	return words
}

// causes are in the order in which Cause tries them: the most specific first.
var causes = []struct {
	kind error
	word string
}{
	{ErrMissingContent, "missing_content"},
	{ErrMismatch, "mismatch"},
	{ErrStale, "stale"},
	{ErrCredentials, "credentials"},
	{ErrNoBucket, "no_bucket"},
	{ErrNotFound, "not_found"},
	{ErrDenied, "denied"},
	{ErrInvalid, "invalid"},
	{ErrOdd, "odd_entry"},
	{ErrRange, "range"},
	{ErrChanged, "changed"},
	{ErrThrottled, "throttled"},
	{ErrUnreachable, "unreachable"},
	{ErrMisled, "misled"},
	{ErrUnavailable, "unavailable"},
}
