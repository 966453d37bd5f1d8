package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// body reads one version of an object from its first byte to its last. A cut
// connection is taken up again at the byte where it broke, and every answer is
// compared with the first, because the server ignores If-Match: bytes of two
// versions are never joined.
//
// A small object is one stretch, read from one answer. A large one is several,
// and of those that follow the one at hand some are read ahead.
type body struct {
	ctx    context.Context //nolint:containedctx // an io.Reader has no other way to be cancelled
	source Source
	policy retry.Policy
	room   *room

	version bucket.Object
	offset  int64
	until   int64         // where the stretch at hand ends
	current io.ReadCloser // its answer, nil where it comes from part
	part    *part         // it was read ahead
	ahead   *ahead        // nil for a small object

	failures int // in a row, without a byte between them

	mu     sync.Mutex
	failed error
	closed bool
}

// newBody goes on from the first answer, which ends at until.
func (r *run) newBody(ctx context.Context, first *bucket.Content, until int64) *body {
	return &body{
		ctx: ctx, source: r.opts.Source, policy: r.opts.Retry, room: r.room,
		version: first.Object, current: first.Body, until: min(until, first.Size),
	}
}

// Read implements io.Reader. It ends with io.EOF only after the last byte.
func (b *body) Read(p []byte) (int, error) {
	if err := b.failure(); err != nil {
		return 0, err
	}
	if b.closed {
		return 0, fs.ErrClosed
	}
	for {
		if b.offset == b.version.Size {
			return 0, io.EOF
		}
		if len(p) == 0 {
			return 0, nil
		}
		n, err := b.readSome(p)
		if n > 0 {
			b.offset += int64(n)
			b.failures = 0
			return n, nil
		}
		if err == nil {
			continue
		}
		if err = b.recover(err); err != nil {
			b.fail(err)
			return 0, err
		}
	}
}

// readSome reads from the stretch at hand: what was read ahead of it, its
// answer, or a new one where the last one broke.
func (b *body) readSome(p []byte) (int, error) {
	if b.ahead != nil {
		defer b.ahead.trip.reading(time.Now())
		if b.ahead.trip.trial != noTrial {
			b.until = b.ahead.try(b.offset)
		}
		if b.offset == b.until {
			b.nextStretch()
		}
	}
	if b.part != nil {
		n, err := b.ahead.read(b.part, b.offset, p)
		if n > 0 || err != nil {
			return n, err
		}
		b.dropPart() // it broke off here
	}
	if b.current == nil {
		if err := b.reopen(); err != nil {
			return 0, err
		}
	}
	p = p[:min(int64(len(p)), b.until-b.offset)]
	n, err := b.current.Read(p)
	if n > 0 {
		return n, nil // what went wrong with it shows at the next read
	}
	if errors.Is(err, io.EOF) {
		err = &bucket.Error{
			Op: "reading", Key: b.version.Key, Kind: bucket.ErrUnavailable,
			Message: fmt.Sprintf("the body ended after %d of %d bytes", b.offset, b.version.Size),
		}
	}
	return 0, err
}

// nextStretch goes on with the first part that was read ahead, or with an
// answer of its own where there is none.
func (b *body) nextStretch() {
	b.closeCurrent()
	took := time.Duration(0)
	if b.part != nil {
		took = b.ahead.tookOf(b.part)
		b.dropPart()
	}
	b.ahead.trip.stretchRead(b.offset, took)
	b.part, b.until = b.ahead.next(b.offset)
}

// reopen asks for the rest of the stretch, and refuses it if it is of another
// version.
func (b *body) reopen() error {
	t := b.room.again()
	next, err := b.open()
	if err != nil {
		b.room.failed(t, err)
		if errors.Is(err, bucket.ErrRange) {
			return b.changed("it is now shorter than what was read")
		}
		return err
	}
	if err := sameVersion(next, b.version); err != nil {
		_ = next.Body.Close()
		return err
	}
	b.current = next.Body
	return b.skip(b.offset - next.Offset)
}

func (b *body) open() (*bucket.Content, error) {
	if b.until == b.version.Size || b.ahead.onTrial() {
		return b.source.Open(b.ctx, b.version.Key, b.offset)
	}
	return b.source.OpenRange(b.ctx, b.version.Key, b.offset, b.until-b.offset)
}

// skip passes over what an endpoint that ignores Range sends again.
func (b *body) skip(n int64) error {
	if n == 0 {
		return nil
	}
	if n > 0 {
		_, err := io.CopyN(io.Discard, b.current, n)
		if err == nil || bucket.Transient(err) {
			return err
		}
	}
	return &bucket.Error{
		Op: "reading", Key: b.version.Key, Kind: bucket.ErrUnavailable,
		Message: fmt.Sprintf("the endpoint did not send the range from byte %d", b.offset),
	}
}

func (b *body) changed(how string) error {
	return &bucket.Error{Op: "reading", Key: b.version.Key, Kind: bucket.ErrChanged, Message: how}
}

// sameVersion refuses an answer that is of another version than was read so far.
func sameVersion(c *bucket.Content, v bucket.Object) error {
	if c.SameVersion(v) {
		return nil
	}
	return &bucket.Error{Op: "reading", Key: v.Key, Kind: bucket.ErrChanged, Message: fmt.Sprintf(
		"ETag %q with %d bytes became ETag %q with %d bytes", v.ETag, v.Size, c.ETag, c.Size)}
}

// recover decides whether reading goes on after err, and waits if it does.
func (b *body) recover(err error) error {
	b.closeCurrent()
	b.failures++
	// A changed object can't be read on from here, only from its start.
	if errors.Is(err, bucket.ErrChanged) || !bucket.Transient(err) || b.policy.Exhausted(b.failures) {
		return err
	}
	b.room.meter.Retried(err)
	if retry.Sleep(b.ctx, b.policy.Delay(b.failures)) != nil {
		return err
	}
	return nil
}

func (b *body) closeCurrent() {
	if b.current != nil {
		_ = b.current.Close()
		b.current = nil
	}
}

func (b *body) dropPart() {
	if b.part != nil {
		b.ahead.release(b.part)
		b.part = nil
	}
}

func (b *body) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed = err
}

// failure is the error that ended the reading before the last byte, or nil.
func (b *body) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failed
}

// Close ends the connection and what is read ahead. It may be called more than
// once.
func (b *body) Close() error {
	closed := b.closed
	b.closed = true
	b.closeCurrent()
	if b.ahead != nil && !closed {
		if b.part != nil {
			b.ahead.abandon(b.part)
			b.part = nil
		}
		b.ahead.close()
	}
	return nil
}
