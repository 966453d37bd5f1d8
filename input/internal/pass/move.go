package pass

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// Mover moves objects within a bucket.
type Mover interface {
	Remover
	// Move makes one request that moves, or copies, the version of an object to another
	// key, and never retries it.
	Move(ctx context.Context, from object.Object, to string) (object.Moved, error)
	// Open reads an object from offset on, once.
	Open(ctx context.Context, key string, offset int64) (*object.Content, error)
}

// MoveTo is where the object with a key is moved to, or why it can't be moved.
type MoveTo func(key string) (to, kept string)

// looksAtOnce bounds the looks at the listing between two pauses. A move that is a copy
// and a deletion needs three.
const looksAtOnce = 5

// moving is the move of one object. What is done next is decided by what the listing
// shows of the two keys and by nothing else, so that a request that failed, a lost
// answer and a move that another process began all go on from there.
type moving struct {
	mover Mover
	obj   object.Object // the version that was delivered
	to    string
	// sent says that a move or a copy was asked for, when the listing did not show the
	// destination. moved is what it did at the last time.
	sent  bool
	moved object.Moved
	// seen says that the destination was listed with the content of the source.
	seen bool
	// refused is why the last one was refused for good.
	refused error
	// back says that another version was moved, and was to be moved back.
	back bool
}

// moveOne moves the version of an object that was delivered.
func moveOne(ctx context.Context, mover Mover, to MoveTo, policy retry.Policy, obj object.Object) (kept string, err error) {
	m := &moving{mover: mover, obj: obj}
	if m.to, kept = to(obj.Key); kept != "" {
		return kept, nil
	}
	err = policy.Do(ctx, func(ctx context.Context) (err error) {
		for range looksAtOnce {
			var over bool
			if over, kept, err = m.look(ctx); over || err != nil {
				return err
			}
		}
		return m.failed("the listing does not show what the answers say")
	}, object.Transient, nil)
	return kept, err
}

func (m *moving) failed(what string) error {
	return &object.Error{Op: "moving", Key: m.obj.Key, Kind: object.ErrUnavailable, Err: errors.New(what)}
}

// look asks the listing for both keys, and does what is to be done next. The move is over
// where it says so, or where it returns an error that does not pass.
func (m *moving) look(ctx context.Context) (over bool, kept string, err error) {
	from, there, err := m.mover.Listed(ctx, m.obj.Key)
	if err != nil {
		return false, "", err
	}
	dest, arrived, err := m.mover.Listed(ctx, m.to)
	if err != nil {
		return false, "", err
	}
	switch {
	case there && !from.SameVersion(m.obj):
		return true, m.overwritten(from, dest, arrived), nil
	case there && arrived:
		return m.finish(ctx, dest)
	case there:
		return m.begin(ctx)
	case !arrived && m.sent && !m.seen:
		return false, "", m.failed(fmt.Sprintf("neither it nor %s is listed", foreign.Key(m.to)))
	case !arrived, m.alike(dest), !m.sent:
		return true, "", nil // it is moved, and may have gone on from there, or was gone before
	}
	return m.undo(ctx, dest)
}

// begin asks for the move, or for the copy that it begins with.
func (m *moving) begin(ctx context.Context) (over bool, kept string, err error) {
	if errors.Is(m.refused, object.ErrNotFound) {
		return true, "", fmt.Errorf("it is listed, but can't be moved: a role needs a policy for UPDATE on storage.objects, and with S3 access keys no key may end with a space: %w", m.refused)
	}
	if m.refused != nil {
		return true, "", m.refused
	}
	m.sent = true
	m.moved, err = m.mover.Move(ctx, m.obj, m.to)
	if err != nil && !object.Transient(err) && ctx.Err() == nil {
		m.refused, err = err, nil // unless the listing says otherwise
	}
	return false, "", err
}

// finish deletes the source where the destination is a copy of it. Nothing is ever
// overwritten.
func (m *moving) finish(ctx context.Context, dest object.Object) (over bool, kept string, err error) {
	same, err := m.copied(ctx, dest)
	switch {
	case err != nil:
		return false, "", err
	case !same:
		return true, fmt.Sprintf("another object is listed as %s, with ETag %.80q and %d bytes", foreign.Key(m.to), dest.ETag, dest.Size), nil
	}
	m.seen = true
	return false, "", m.mover.Delete(ctx, m.obj.Key)
}

// undo moves back what was moved in place of the delivered version: the source was
// overwritten between a look at the listing and the move. Nobody has delivered it yet.
func (m *moving) undo(ctx context.Context, dest object.Object) (over bool, kept string, err error) {
	if !m.moved.Whole {
		return true, fmt.Sprintf("another object is listed as %s, with ETag %.80q and %d bytes, and it is gone", foreign.Key(m.to), dest.ETag, dest.Size), nil
	}
	m.back = true
	dest.Key = m.to
	if _, err = m.mover.Move(ctx, dest, m.obj.Key); err != nil {
		err = fmt.Errorf("it was overwritten while it was moved, and what nobody has delivered yet could not be moved back from %s: %w", foreign.Key(m.to), err)
	}
	return false, "", err
}

// overwritten says why an object stays of which another version is listed.
func (m *moving) overwritten(from, dest object.Object, arrived bool) string {
	kept := otherVersion(from)
	switch {
	case m.back && !arrived:
		kept += "; it was moved, and moved back"
	case arrived && m.alike(dest):
		kept += "; the version that was delivered is listed as " + foreign.Key(m.to)
	case arrived:
		kept += "; another object is listed as " + foreign.Key(m.to)
	}
	return kept
}

// alike reports whether the destination may be the delivered version, where the source
// can't be compared with it any more. The ETag of an object that was uploaded in parts is
// no MD5, and changes when it is copied; a row without metadata has none.
func (m *moving) alike(dest object.Object) bool {
	if m.obj.ETag == "" {
		return true
	}
	return dest.Size == m.obj.Size && (dest.ETag == m.obj.ETag || !isMD5(dest.ETag) || !isMD5(m.obj.ETag))
}

// copied reports whether the destination has the content of the source, which is listed
// as the delivered version. Where the ETags can't tell, both are read.
func (m *moving) copied(ctx context.Context, dest object.Object) (bool, error) {
	known := m.obj.ETag != "" && dest.ETag != ""
	switch {
	case known && dest.Size != m.obj.Size:
		return false, nil
	case known && (dest.ETag == m.obj.ETag || dest.ETag == m.moved.ETag):
		return true, nil
	case known && isMD5(dest.ETag) && isMD5(m.obj.ETag):
		return false, nil
	}
	return m.sameBytes(ctx, dest)
}

// sameBytes reads both objects, and compares them.
func (m *moving) sameBytes(ctx context.Context, dest object.Object) (bool, error) {
	var bodies [2]io.Reader
	for i, obj := range []object.Object{m.obj, dest} {
		content, err := m.mover.Open(ctx, obj.Key, 0)
		if err != nil {
			return false, err
		}
		defer func() { _ = content.Body.Close() }()
		if obj.ETag != "" && content.ETag != "" && content.ETag != obj.ETag {
			return false, m.failed("the answer is another version than is listed")
		}
		bodies[i] = content.Body
	}
	return equal(bodies[0], bodies[1])
}

// equal compares two readers to their ends.
func equal(a, b io.Reader) (bool, error) {
	var bufs [2][32 << 10]byte
	for {
		n, errA := io.ReadFull(a, bufs[0][:])
		k, errB := io.ReadFull(b, bufs[1][:])
		for _, err := range []error{errA, errB} {
			if err != nil && !errors.Is(err, io.EOF) && err != io.ErrUnexpectedEOF { //nolint:errorlint // that of ReadFull, not of a body that was cut
				return false, err
			}
		}
		if !bytes.Equal(bufs[0][:n], bufs[1][:k]) {
			return false, nil
		}
		if errA != nil || errB != nil {
			return true, nil //nolint:nilerr // it is the end of both
		}
	}
}

// isMD5 reports whether an ETag has the form of an MD5: 32 hexadecimal digits.
func isMD5(etag string) bool {
	if len(etag) != 32 {
		return false
	}
	for _, c := range []byte(etag) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}
