package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

const (
	// aheadBytes is the length of a part that is read ahead, and of its buffer.
	aheadBytes = 3 << 20
	// maxAhead is how many parts of one object are read ahead at most.
	maxAhead = 11
	// stretchBytes is how much of a large object one request asks for where there
	// is no room to read ahead: at its end there may be.
	stretchBytes = 64 << 20
	// trialBytes is how much of an answer is read to know its pace.
	trialBytes = 2 << 20
)

// ahead reads the parts of one object that follow the current stretch, side by
// side, while there is room. A part is never tried again: where it breaks off,
// the reader takes over once it gets there.
//
// On trial it reads a single part next to an answer that holds the whole object,
// and whether that one is used, with more to follow, depends on what it brought.
type ahead struct {
	of      *body
	room    *room
	source  Source
	buffers *buffers
	whole   []byte // where parts go to their place in it, and need no buffers
	length  int64  // of a part
	trip    *trip
	opened  time.Duration // what the first answer took to begin
	alone   float64       // and then for each byte, in seconds
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
	took     time.Duration // from its request to its last byte
	err      error
	unwanted bool // released before it ended
}

// newAhead is for a body whose first answer ends before the object does, or may
// be made to. Parts have the given length, and go to their place in whole, or
// where that is nil to buffers.
func (r *Run) newAhead(b *body, opened time.Duration, length int64, whole []byte) *ahead {
	a := &ahead{
		of: b, opened: opened, room: r.room, source: r.opts.Source, buffers: &r.buffers, whole: whole, length: length,
		trip:    &trip{worth: &r.worth, size: b.version.Size, length: length},
		version: b.version, group: &r.workers, from: b.until,
	}
	a.grew.L = &a.mu
	a.ctx, a.cancel = context.WithCancel(b.ctx)
	if b.until == b.version.Size {
		a.trip.trial = readingAlone
	}
	a.extend()
	return a
}

// bytes is what a part takes of the budget.
func (a *ahead) bytes() int64 {
	if a.whole != nil {
		return 0
	}
	return aheadBytes
}

// extend begins as many parts as there is room for.
func (a *ahead) extend() {
	for width := a.trip.parts(); len(a.parts) < width && a.from < a.version.Size; {
		t, ok := a.room.enterAhead(a.bytes())
		if !ok {
			return
		}
		p := &part{from: a.from, to: min(a.from+a.length, a.version.Size)}
		a.from = p.to
		a.mu.Lock()
		a.parts = append(a.parts, p)
		a.mu.Unlock()
		a.group.Go(func() { a.fetch(p, t) })
	}
}

// next returns where the stretch that begins at offset ends, and the part that
// holds it, nil where it is still to be asked for.
func (a *ahead) next(offset int64) (*part, int64) {
	if p := a.shift(); p != nil {
		a.extend()
		return p, p.to
	}
	if a.trip.parts() == 0 {
		a.from = a.version.Size
		return nil, a.from
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
func (a *ahead) fetch(p *part, t ticket) {
	began := time.Now()
	err := a.fill(p)
	if err != nil && object.Transient(err) {
		a.room.meter.Retried(err)
	}
	a.mu.Lock()
	p.ended, p.took, p.err = true, time.Since(began), err
	unwanted := p.unwanted
	a.mu.Unlock()
	a.grew.Broadcast()
	a.room.leave(t, p.to-p.from, err)
	a.room.wake()
	if unwanted {
		a.release(p)
	}
}

func (a *ahead) fill(p *part) error {
	content, err := a.source.OpenRange(a.ctx, a.version.Key, p.from, p.to-p.from)
	if err != nil {
		return err
	}
	defer content.Body.Close()
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
		data = a.buffers.get()[:p.to-p.from]
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
		a.buffers.put(p.data)
		a.room.give(aheadBytes)
		a.room.wake()
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
	a.trip.endTrial(false)
}

// tookOf is how long the part's request took.
func (a *ahead) tookOf(p *part) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return p.took
}
