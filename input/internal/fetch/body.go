package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/limiter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// progressBytes is how much a request has to bring for the next failure to count
// as the first: a connection that breaks after every few bytes is not working. It
// is less than what any gateway with a time limit lets through.
const progressBytes = 64 << 10

// body reads one version of an object from its first byte to its last. A cut
// connection is taken up again at the byte where it broke, and every answer is
// compared with the first, because the server ignores If-Match: bytes of two
// versions are never joined.
//
// A small object is one stretch, read from one answer. A large one is several,
// and of those that follow the current one some are read ahead.
//
// One goroutine may read while another one closes.
type body struct {
	*Fetcher
	place  *limiter.Place
	ctx    context.Context    //nolint:containedctx // an io.Reader has no other way to be cancelled
	cancel context.CancelFunc // nil for a body that is not handed on

	reading sync.Mutex // held by Read and by what Close does after it has cancelled
	version object.Object
	etag    string // what answers name the version
	offset  int64
	until   int64         // where the current stretch ends
	current io.ReadCloser // its answer, nil where it comes from part
	unsized bool          // current did not announce its size
	framed  bool          // the end of current is the end of what it holds
	part    *part         // it was read ahead
	ahead   *ahead        // nil for a small object
	closed  bool
	closing atomic.Bool
	// checking sees all bytes, nil where nothing has to be known of them.
	checking *checking

	stale    stale // since the last answer that was good
	failures int   // in a row, without progressBytes between them
	progress int64 // the offset of the last failure

	mu     sync.Mutex
	failed error
}

// newBody is closed by its maker. Its first answer has to be asked for with its
// context. Only a body that is handed on may be closed while it is read; that
// costs a context of its own.
func (f *Fetcher) newBody(ctx context.Context, place *limiter.Place, handedOn bool) *body {
	b := &body{Fetcher: f, place: place, ctx: ctx}
	if handedOn {
		b.ctx, b.cancel = context.WithCancel(ctx)
	}
	return b
}

// begin says what is read, by which ETag answers name it, and up to where the first
// one goes: 0 is the end of the object.
func (b *body) begin(version object.Object, etag string, until int64) {
	b.version, b.etag, b.until = version, etag, version.Size
	if until > 0 {
		b.until = min(until, version.Size)
	}
}

// begins says what is now read from.
func (b *body) begins(c *object.Content) {
	b.current, b.unsized, b.framed = c.Body, c.Size == object.UnknownSize, c.EndsItself
}

// Read implements io.Reader. It ends with io.EOF only after the last byte.
func (b *body) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if err := b.failure(); err != nil {
		return 0, err
	}
	if b.closed {
		return 0, fs.ErrClosed
	}
	for {
		if b.offset == b.version.Size {
			return 0, b.end()
		}
		if len(p) == 0 {
			return 0, nil
		}
		n, err := b.readSome(p)
		if n > 0 {
			b.offset += int64(n)
			if b.checking != nil {
				_, _ = b.checking.Write(p[:n])
			}
			return n, nil
		}
		if err == nil {
			continue
		}
		if err = b.recover(err); err != nil {
			if b.closing.Load() {
				return 0, fs.ErrClosed
			}
			return 0, b.fail(err)
		}
	}
}

// end is io.EOF, unless there is more than there should be, or the bytes are
// wrong.
func (b *body) end() error {
	if b.current != nil && b.unsized {
		var more [1]byte
		if n, _ := io.ReadFull(b.current, more[:]); n > 0 {
			return b.fail(b.wrong("the body goes on after the %d bytes that are listed", b.version.Size))
		}
		b.unsized = false
	}
	if b.checking != nil {
		if err := b.checking.end(); err != nil {
			return b.fail(err)
		}
	}
	return io.EOF
}

func (b *body) wrong(format string, args ...any) error {
	return &object.Error{Op: "reading", Key: b.version.Key, Kind: object.ErrMismatch, Err: fmt.Errorf(format, args...)}
}

// readSome reads from the current stretch: what was read ahead of it, its
// answer, or a new one where the last one broke.
func (b *body) readSome(p []byte) (int, error) {
	if b.ahead != nil && b.offset == b.until {
		b.closeCurrent()
		b.dropPart()
		b.part, b.until = b.ahead.next(b.offset)
	}
	if b.part != nil {
		if n := b.ahead.read(b.part, b.offset, p); n > 0 {
			return n, nil
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
	switch {
	case !errors.Is(err, io.EOF):
	case b.unsized && b.framed:
		err = b.wrong("the body ends after %d of the %d bytes that are listed", b.offset, b.version.Size)
	default:
		err = b.unavailable(fmt.Sprintf("the body ended after %d of %d bytes", b.offset, b.version.Size))
	}
	return 0, err
}

func (b *body) unavailable(message string) error {
	return &object.Error{Op: "reading", Key: b.version.Key, Kind: object.ErrUnavailable, Message: message}
}

// reopen asks for the rest of the stretch. An answer that is not of the version
// that was read so far is of no other version on its own word: the listing
// decides whether there is one.
func (b *body) reopen() error {
	b.place.Again()
	began := time.Now()
	next, err := b.open()
	if err != nil && !errors.Is(err, object.ErrRange) {
		return err
	}
	if err == nil {
		b.place.Answered(time.Since(began))
		if err = b.same(next); err == nil {
			b.stale = stale{}
			b.begins(next)
			if b.offset > 0 && !next.Partial {
				b.until = b.version.Size // it sends all that follows
			}
			return b.skip(b.offset - next.Offset)
		}
		_ = next.Body.Close()
	}
	now, listed, listErr := b.opts.Source.Listed(b.ctx, b.version.Key)
	switch {
	case listErr != nil:
		return listErr
	case !listed:
		return vanished(b.version.Key)
	case now.SameVersion(b.version) && next != nil && b.stale.waits(next, b.etag):
		return &object.Error{Op: "reading", Key: b.version.Key, Kind: object.ErrStale, Err: errors.New(err.Error())} // no other version is listed
	case now.SameVersion(b.version):
		return &object.Error{
			Op: "reading", Key: b.version.Key, Kind: object.ErrUnavailable,
			Err: fmt.Errorf("the answer for the bytes from %d on is not the object: %s", b.offset, err.Error()), // not wrapped: no other version is listed
		}
	}
	return &changedError{now}
}

func (b *body) open() (*object.Content, error) {
	if b.until == b.version.Size {
		return b.opts.Source.Open(b.ctx, b.version.Key, b.offset)
	}
	return b.opts.Source.OpenRange(b.ctx, b.version.Key, b.offset, b.until-b.offset)
}

// same refuses an answer that is of another version than was read so far.
func (b *body) same(c *object.Content) error {
	sized := c.Size == b.version.Size || c.Size == object.UnknownSize && c.Encoding == ""
	if c.ETag == b.etag && sized {
		return nil
	}
	return &object.Error{Op: "reading", Key: b.version.Key, Kind: object.ErrChanged, Err: fmt.Errorf(
		"ETag %q with %d bytes became ETag %.80q with %d bytes", b.etag, b.version.Size, c.ETag, c.Size)}
}

// skip passes over what an endpoint that ignores Range sends again.
func (b *body) skip(n int64) error {
	if n == 0 {
		return nil
	}
	if n > 0 {
		_, err := io.CopyN(io.Discard, b.current, n)
		if err == nil || object.Transient(err) {
			return err
		}
	}
	return b.unavailable(fmt.Sprintf("the endpoint did not send the range from byte %d", b.offset))
}

// recover decides whether reading goes on after err, and waits if it does.
func (b *body) recover(err error) error {
	b.closeCurrent()
	if errors.Is(err, object.ErrStale) {
		b.opts.Meter.Retried(err)
		if retry.Sleep(b.ctx, b.stale.pause()) != nil {
			return err
		}
		return nil
	}
	if b.offset-b.progress >= progressBytes {
		b.failures = 0
	}
	b.failures, b.progress = b.failures+1, b.offset
	// Another version can't be read on from here, only from its start.
	anew := errors.Is(err, object.ErrChanged) || errors.Is(err, object.ErrMismatch)
	if anew || !object.Transient(err) || b.opts.Retry.Exhausted(b.failures) {
		return err
	}
	b.opts.Meter.Retried(err)
	b.place.Failed(err)
	if retry.Sleep(b.ctx, b.opts.Retry.Delay(b.failures)) != nil || b.opts.Limiter.Hold(b.ctx) != nil {
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

// dropAhead ends what is read ahead. When it returns nothing is written any more.
func (b *body) dropAhead() {
	if b.ahead != nil {
		b.ahead.close()
		b.ahead = nil
	}
}

func (b *body) fail(err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed = err
	return err
}

// failure is the error that ended the reading before the last byte, or nil.
func (b *body) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failed
}

// Close ends the connection and what is read ahead, and a Read that is under
// way. It may be called more than once.
func (b *body) Close() error {
	b.closing.Store(true)
	if b.cancel != nil {
		b.cancel()
	}
	b.reading.Lock()
	defer b.reading.Unlock()
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
