package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// body reads one version of an object from its first byte to its last. A cut
// connection is taken up again at the byte where it broke, and every answer is
// compared with the first, because the server ignores If-Match: bytes of two
// versions are never joined.
type body struct {
	ctx    context.Context //nolint:containedctx // an io.Reader has no other way to be cancelled
	source Source
	policy retry.Policy
	meter  Meter

	version  bucket.Object
	current  io.ReadCloser
	offset   int64
	failures int // in a row, without a byte between them

	mu     sync.Mutex
	failed error
	closed bool
}

func newBody(ctx context.Context, opts Options, first *bucket.Content) *body {
	return &body{
		ctx: ctx, source: opts.Source, policy: opts.Retry, meter: opts.Meter,
		version: first.Object, current: first.Body,
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

// readSome reads from the current connection, or from a new one where the last
// one broke.
func (b *body) readSome(p []byte) (int, error) {
	if b.current == nil {
		if err := b.reopen(); err != nil {
			return 0, err
		}
	}
	p = p[:min(int64(len(p)), b.version.Size-b.offset)]
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

// reopen asks for the rest, and refuses it if it is of another version.
func (b *body) reopen() error {
	next, err := b.source.Open(b.ctx, b.version.Key, b.offset)
	if err != nil {
		if errors.Is(err, bucket.ErrRange) {
			return b.changed("it is now shorter than what was read")
		}
		return err
	}
	if !next.SameVersion(b.version) {
		_ = next.Body.Close()
		return b.changed(fmt.Sprintf("ETag %q with %d bytes became ETag %q with %d bytes",
			b.version.ETag, b.version.Size, next.ETag, next.Size))
	}
	b.current = next.Body
	return b.skip(b.offset - next.Offset)
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

// recover decides whether reading goes on after err, and waits if it does.
func (b *body) recover(err error) error {
	b.closeCurrent()
	b.failures++
	// A changed object can't be read on from here, only from its start.
	if errors.Is(err, bucket.ErrChanged) || !bucket.Transient(err) || b.policy.Exhausted(b.failures) {
		return err
	}
	b.meter.Retried(err)
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

// Close ends the connection. It may be called more than once.
func (b *body) Close() error {
	b.closed = true
	b.closeCurrent()
	return nil
}
