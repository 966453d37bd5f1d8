package plane

import (
	"errors"
	"fmt"
	"io"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// unknownLength is the value of due if the length was not announced.
const unknownLength = -1

// body reads the body of a response under its watch. It ends with io.EOF after
// exactly the bytes that are due. Any other end is an error for which
// [object.Transient] is true.
type body struct {
	op, key string
	answer  *Answer
	due     int64 // bytes still to come, or unknownLength
	err     error // what every further Read returns
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.due == 0 {
		return 0, io.EOF
	}
	if b.due > 0 && int64(len(p)) > b.due {
		p = p[:b.due]
	}
	b.answer.watch.arm()
	n, err := b.answer.Body.Read(p)
	b.answer.watch.arrived(n)
	if b.due > 0 {
		b.due -= int64(n)
	}
	switch {
	case err == nil:
		return n, nil
	case b.due == 0, errors.Is(err, io.EOF) && b.due == unknownLength:
		// After the last byte that is due, other errors do not matter.
		b.err = io.EOF
	default:
		b.err = b.failure(err)
	}
	return n, b.err
}

// failure says why the body was cut off.
func (b *body) failure(err error) error {
	w := b.answer.watch
	if ctxErr := w.caller.Err(); ctxErr != nil {
		return ctxErr
	}
	switch {
	case w.stalled():
		err = fmt.Errorf("%d bytes arrived within %s (timeouts.idle), at least %d are expected", w.got, w.limit, leastBytes)
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	default:
		err = foreign.Cause(err)
	}
	if b.due > 0 {
		err = fmt.Errorf("the body was cut %d bytes before its end: %w", b.due, err)
	}
	return &object.Error{Op: b.op, Key: b.key, Kind: object.ErrUnavailable, Err: err}
}

// Close implements io.Closer. The connection is kept if the body was read to its
// end.
func (b *body) Close() error {
	b.answer.Close()
	return nil
}
