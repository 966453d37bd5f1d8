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
	had  bool
	etag string
	size int64
	sum  sum
	// proven says that the content was the listed one, although its answer named
	// another version.
	proven bool
}

func doubtOf(c *object.Content, got sum) doubt {
	return doubt{had: true, etag: c.ETag, size: c.Size, sum: got}
}

// contentChecks decides what the bytes of an object say about it.
//
// Most ETags are the MD5 of the content. Some only look so, such as those of
// objects that an S3 store encrypts with its own keys. Where two attempts bring
// the same bytes, which are not those of the ETag, and no object of the endpoint
// has ever matched, the ETags are of that kind. Where others match, the bytes are
// wrong.
type contentChecks struct {
	upTo    int64
	noticed func(Peculiarity)

	mu      sync.Mutex
	matched bool // some object did
	notMD5  bool
	told    [NotMD5 + 1]bool
}

// isMD5 reports whether an ETag has the form of an MD5, and those of the endpoint
// are not known to be something else.
func (k *contentChecks) isMD5(etag string) bool {
	if len(etag) != 2*md5.Size {
		return false
	}
	if _, err := hex.DecodeString(etag); err != nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.notMD5
}

// wants reports whether the content of a version is to be compared with its ETag.
func (k *contentChecks) wants(o object.Object) bool { return o.Size <= k.upTo && k.isMD5(o.ETag) }

func (k *contentChecks) notice(p Peculiarity) {
	k.mu.Lock()
	told := k.told[p]
	k.told[p] = true
	k.mu.Unlock()
	if !told {
		k.noticed(p)
	}
}

// matches compares the bytes of an attempt with an ETag that has the form of an
// MD5.
func (k *contentChecks) matches(a *attempt, c *object.Content, got sum) bool {
	if want, _ := hex.DecodeString(a.ETag); got == sum(want) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.matched = true
		return true
	}
	again := a.doubt == doubtOf(c, got)
	a.doubt = doubtOf(c, got)
	k.mu.Lock()
	is := again && !k.matched && c.ETag == a.ETag
	k.notMD5 = k.notMD5 || is
	k.mu.Unlock()
	if is {
		k.notice(NotMD5)
	}
	return is
}

// judge decides whether bytes are the listed version, of which the answer named
// another one (doubtful), or the same.
func (r *Run) judge(a *attempt, c *object.Content, got sum, doubtful bool) error {
	k := &r.content
	switch {
	case k.isMD5(a.ETag):
		if !k.matches(a, c, got) {
			return r.mismatch(a, c, fmt.Sprintf("the MD5 of what arrived is %x", got))
		}
	case doubtful:
		again := a.doubt == doubtOf(c, got)
		a.doubt = doubtOf(c, got)
		if !again {
			return r.mismatch(a, c, "a second attempt has to bring the same")
		}
	}
	if doubtful {
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
	a.doubt = doubtOf(c, got)
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
