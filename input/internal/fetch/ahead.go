package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/limiter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

const (
	// minPart is the length of the smallest part that a small object is read in. Half
	// of it needs twice the requests and is no faster.
	minPart = 1 << 20
	// partBytes is the length of a part, and of its buffer. It takes an S3 store tens
	// of milliseconds to send, so that a request more for each costs little.
	partBytes = 3 << 20
	// maxAhead is how many parts are read ahead of a reader. With the one that it
	// reads there are twelve: S3 sends 85 to 90 MB/s with one answer, so they fill a
	// line of 10 Gbit/s. Their buffers are a third of the usual budget.
	maxAhead = 11
	// stretchBytes is how much of a large object one request asks for where there
	// is no room to read ahead: at its end there may be.
	stretchBytes = 64 << 20
)

// ahead reads the parts of one object that follow the current stretch, side by
// side, while there is room. A part is never tried again: where it breaks off,
// the reader takes over once it gets there.
type ahead struct {
	of      *body
	member  *member
	whole   []byte // where parts go to their place in it, and need no buffers
	length  int64  // of a part
	version object.Object
	ctx     context.Context //nolint:containedctx // the parts live as long as the body that reads them
	cancel  context.CancelFunc
	group   *sync.WaitGroup

	mu    sync.Mutex
	grew  sync.Cond // a part has more bytes, or ended
	parts []*part   // in order and without gaps
	from  int64     // where the part after the last one begins
}

// part is a range of the object. What is filled stays as it is.
type part struct {
	from, to int64
	data     []byte
	filled   int64
	ended    bool
	unwanted bool // released before it ended
}

// newAhead is for a body whose first answer is read up to before the end of the
// object. Parts have the given length at most, which is partBytes where they go to
// buffers, and not to their place in whole.
func (r *Run) newAhead(b *body, length int64, whole []byte) *ahead {
	a := &ahead{of: b, member: r.member, whole: whole, length: length, version: b.version, group: &r.workers, from: b.until}
	a.grew.L = &a.mu
	a.ctx, a.cancel = context.WithCancel(b.ctx)
	a.extend()
	return a
}

// bytes is what a part takes of the budget.
func (a *ahead) bytes() int64 {
	if a.whole != nil {
		return 0
	}
	return partBytes
}

// most is how many parts may be read ahead. Those that need no buffers are bounded
// by the places alone: an object that is held whole needs its bytes for less time.
func (a *ahead) most() int {
	n := a.of.ranges.ahead(a.version.Size)
	if n == maxAhead && a.whole != nil {
		return math.MaxInt
	}
	return n
}

// extend begins as many parts as there is room for.
func (a *ahead) extend() {
	for len(a.parts) < a.most() && a.from < a.version.Size {
		place, ok := a.member.enterAhead(a.bytes())
		if !ok {
			return
		}
		p := &part{from: a.from, to: min(a.from+a.length, a.version.Size)}
		a.from = p.to
		a.mu.Lock()
		a.parts = append(a.parts, p)
		a.mu.Unlock()
		a.group.Go(func() { a.fetch(p, place) })
	}
}

// next returns where the stretch that begins at offset ends, and the part that
// holds it, nil where it is still to be asked for.
func (a *ahead) next(offset int64) (*part, int64) {
	if p := a.shift(); p != nil {
		a.extend()
		return p, p.to
	}
	a.from = min(offset+a.length, a.version.Size)
	if a.extend(); len(a.parts) == 0 {
		a.from = min(offset+stretchBytes, a.version.Size)
		return nil, a.from
	}
	return nil, min(offset+a.length, a.version.Size)
}

func (a *ahead) shift() *part {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.parts) == 0 {
		return nil
	}
	p := a.parts[0]
	a.parts = append(a.parts[:0], a.parts[1:]...)
	return p
}

// fetch makes the part's one request. Its place is free again afterwards, its
// bytes only once they were read.
func (a *ahead) fetch(p *part, place *limiter.Place) {
	err := a.fill(p, place)
	if err != nil && a.ctx.Err() == nil {
		if object.Transient(err) {
			a.of.opts.Meter.Retried(err)
		}
		place.Failed(err)
	}
	a.mu.Lock()
	p.ended = true
	unwanted := p.unwanted
	a.mu.Unlock()
	a.grew.Broadcast()
	a.member.exitAhead(place)
	if unwanted {
		a.release(p)
	}
}

func (a *ahead) fill(p *part, place *limiter.Place) error {
	began := time.Now()
	content, err := a.of.opts.Source.OpenRange(a.ctx, a.version.Key, p.from, p.to-p.from)
	if err != nil {
		return err
	}
	defer content.Body.Close()
	place.Answered(time.Since(began))
	a.of.ranges.heard(content.Partial)
	if err := a.of.same(content); err != nil {
		return err
	}
	if content.Offset != p.from {
		return &object.Error{
			Op: "reading", Key: a.version.Key, Kind: object.ErrUnavailable,
			Message: fmt.Sprintf("asked for the bytes from %d on, got those from %d on", p.from, content.Offset),
		}
	}
	data := a.place(p)
	for n := int64(0); n < p.to-p.from; {
		m, err := content.Body.Read(data[n:])
		if n += int64(m); m > 0 {
			a.mu.Lock()
			p.filled = n
			a.mu.Unlock()
			a.grew.Broadcast()
		}
		if err != nil && n < p.to-p.from {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// place is where the part's bytes go.
func (a *ahead) place(p *part) []byte {
	var data []byte
	if a.whole != nil {
		data = a.whole[p.from:p.to]
	} else {
		data = a.member.room.buffers.get()[:p.to-p.from]
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	p.data = data
	return data
}

// read copies what the part has from offset on, and waits for the first byte of
// it. Nothing is where the part broke off.
func (a *ahead) read(p *part, offset int64, to []byte) int {
	a.mu.Lock()
	for p.from+p.filled <= offset && !p.ended {
		a.grew.Wait()
	}
	data := p.data[:p.filled]
	a.mu.Unlock()
	data = data[offset-p.from:]
	if len(data) > 0 && &data[0] == &to[0] {
		return min(len(data), len(to)) // it is in its place already
	}
	return copy(to, data)
}

// release gives back what the part held, at once or when its request has ended.
// Nobody reads it any more.
func (a *ahead) release(p *part) {
	a.mu.Lock()
	p.unwanted = true
	ended := p.ended
	a.mu.Unlock()
	if !ended {
		return
	}
	if a.whole == nil {
		a.member.room.buffers.put(p.data)
		a.member.give(partBytes)
	}
	p.data = nil
}

// abandon ends a part that nobody is going to read. One that writes to its place
// in the whole is waited for: that place is about to be another's.
func (a *ahead) abandon(p *part) {
	a.cancel()
	if a.whole != nil {
		a.mu.Lock()
		for !p.ended {
			a.grew.Wait()
		}
		a.mu.Unlock()
	}
	a.release(p)
}

// close ends what is under way. When it returns nothing is written to the whole
// any more.
func (a *ahead) close() {
	a.cancel()
	for p := a.shift(); p != nil; p = a.shift() {
		a.abandon(p)
	}
}
