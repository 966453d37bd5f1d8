package fetch

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"sync"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// Peculiarity is something about an endpoint that a user should know.
type Peculiarity int

const (
	// OtherETags says that answers name versions differently than the listing,
	// although the content is that of the listed version.
	OtherETags Peculiarity = iota
	// NotMD5 says that ETags look like MD5s of the content and are not.
	NotMD5
)

// sum is the MD5 of a content.
type sum = [md5.Size]byte

// doubt is what an attempt brought that did not prove to be the object. From
// then on the object is read with one request.
type doubt struct {
	had   bool
	etag  string
	size  int64
	sum   sum
	times int // in a row
	// proven says that the content was the listed one, although its answer named
	// another version.
	proven bool
}

// remember keeps what an attempt brought, and returns how often in a row it was the
// same.
func (d *doubt) remember(c *object.Content, got sum) (times int) {
	times = 1
	if d.had && d.etag == c.ETag && d.size == c.Size && d.sum == got {
		times = d.times + 1
	}
	*d = doubt{had: true, etag: c.ETag, size: c.Size, sum: got, times: times}
	return times
}

// otherObjects is how many objects have to differ from their ETags before those of
// the endpoint count as something else than MD5s, so that the next one is not asked
// for again and again. A disk or a cache may damage one object, but hardly every
// object of an endpoint in a way that lasts.
const otherObjects = 3

// contentChecks decides what the bytes of an object say about it.
//
// Most ETags are the MD5 of the content. Some only look so, such as those of
// objects that an S3 store encrypts with its own keys. An ETag is of that kind where
// attempt after attempt brought the same bytes, not those of the ETag, and no object
// of the endpoint has ever matched. As soon as one matches, all others are wrong.
type contentChecks struct {
	upTo     int64
	attempts int // that have to bring the same bytes
	noticed  func(Peculiarity)

	mu      sync.Mutex
	matched bool // some object did
	// differ are the keys of objects that brought the same bytes so often. Once
	// otherObjects do, the ETags count as other than MD5s.
	differ map[string]struct{}
	told   [NotMD5 + 1]bool
}

// newContentChecks compares objects up to a size. Bytes that are wrong for a moment
// have the same few attempts to become right as an object that is missing.
func newContentChecks(o Options) contentChecks {
	return contentChecks{
		upTo: o.CheckUpTo, attempts: max(2, min(fewAttempts, o.Retry.MaxAttempts)),
		noticed: o.Meter.Noticed, differ: map[string]struct{}{},
	}
}

// md5Of is the MD5 that an ETag seems to be.
func md5Of(etag string) (of sum, ok bool) {
	if len(etag) != 2*md5.Size {
		return sum{}, false
	}
	_, err := hex.Decode(of[:], []byte(etag))
	return of, err == nil
}

// isMD5 reports whether an ETag has the form of an MD5, and those of the endpoint
// are not known to be something else.
func (k *contentChecks) isMD5(etag string) bool {
	if _, ok := md5Of(etag); !ok {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.differ) < otherObjects
}

// wants reports whether the content of a version is to be compared with its ETag. It
// is also where ETags seem to be something else, because that may turn out wrong.
func (k *contentChecks) wants(o object.Object) bool {
	_, ok := md5Of(o.ETag)
	return ok && o.Size <= k.upTo
}

func (k *contentChecks) notice(p Peculiarity) {
	k.mu.Lock()
	told := k.told[p]
	k.told[p] = true
	k.mu.Unlock()
	if !told {
		k.noticed(p)
	}
}

// match notes that the content of an object is what its ETag says.
func (k *contentChecks) match() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.matched = true
	clear(k.differ)
}

// differs notes that an object brought other bytes than those of its ETag, the same
// so many times, and reports whether its ETag is no MD5.
func (k *contentChecks) differs(key string, times int) (other bool) {
	k.mu.Lock()
	other = !k.matched && times >= k.attempts
	if other && len(k.differ) < otherObjects {
		k.differ[key] = struct{}{}
	}
	other = other || len(k.differ) >= otherObjects
	k.mu.Unlock()
	if other {
		k.notice(NotMD5)
	}
	return other
}

// agreeing is how many attempts in a row have to bring the same bytes where those
// prove nothing by themselves. Where neither the listing nor the answer names a
// version, a page of the same length would do, so they have to agree for longer.
func (k *contentChecks) agreeing(named string) int {
	if named == "" {
		return k.attempts
	}
	return 2
}

// judge decides whether bytes are the listed version, of which the answer named
// another one (doubtful), or the same.
func (r *Run) judge(a *attempt, c *object.Content, got sum, doubtful bool) error {
	k := &r.content
	named := a.ETag
	if named == "" {
		named = c.ETag // nothing else names the version
	}
	want, looksMD5 := md5Of(named)
	switch {
	case looksMD5 && got == want && a.ETag != "":
		k.match()
	case looksMD5 && got == want:
	case a.ETag != "" && k.isMD5(a.ETag):
		if times := a.doubt.remember(c, got); doubtful || !k.differs(a.Key, times) {
			return r.mismatch(a, c, fmt.Sprintf("the MD5 of what arrived is %x (set verify_content: never where the ETags are no MD5s)", got))
		}
	case doubtful:
		if need := k.agreeing(named); a.doubt.remember(c, got) < need {
			return r.mismatch(a, c, fmt.Sprintf("%d attempts in a row have to bring the same", need))
		}
	}
	if doubtful && a.ETag != "" {
		k.notice(OtherETags)
	}
	return nil
}

// prove reads an answer to its end to see whether it is the listed version,
// although it names another one and is too large to be held. Its error is never
// nil: where the content is right, the next attempt can hand it on.
func (r *Run) prove(a *attempt, b *body, c *object.Content) error {
	h := md5.New()
	if _, err := io.Copy(h, b); err != nil {
		return err
	}
	got := sum(h.Sum(nil))
	if err := r.judge(a, c, got, true); err != nil {
		return err
	}
	a.doubt.remember(c, got)
	a.doubt.proven = true
	return r.mismatch(a, c, "its content is the listed one, so the next attempt hands it on")
}

// proved reports whether an answer is the one that the attempt before has proven
// to be the listed version.
func (a *attempt) proved(c *object.Content) bool {
	return a.doubt.proven && c.ETag == a.doubt.etag && c.Size == a.doubt.size
}

// check returns what has to be known of the bytes of an answer, nil where nothing
// has to.
func (r *Run) check(a *attempt, c object.Content, doubtful bool) func(sum) error {
	if !doubtful && !a.doubt.proven && !r.content.wants(a.Object) {
		return nil
	}
	return func(got sum) error {
		if a.doubt.proven && got != a.doubt.sum {
			return r.mismatch(a, &c, "its bytes are not those of the attempt before")
		}
		if a.doubt.proven {
			return nil
		}
		return r.judge(a, &c, got, doubtful)
	}
}

// checking is the MD5 of a body that is handed on while it arrives, and what it
// has to pass at the end.
type checking struct {
	hash.Hash
	check func(sum) error
}

func (k *checking) end() error { return k.check(sum(k.Sum(nil))) }
