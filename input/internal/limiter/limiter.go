package limiter

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

const (
	// start is the limit at first, and easy the one up to which it grows without
	// conditions: see the reasons in doc.go.
	start = 32
	easy  = 64
	// most is what s5cmd uses on S3. Twice as many gain nothing where an answer takes
	// 20 ms: a process signs and reads about 10,000 small objects a second.
	most  = 256
	least = 2
	// queueing is how many times longer the first byte takes where requests only wait
	// in a queue: twice as many requests make it two.
	queueing = 1.5
	// A number that was refused is tried again after firstPause, and then after
	// pauses that double up to lastPause.
	firstPause, lastPause = time.Second, time.Minute
)

// Meter hears what goes on. Its methods must not block, nor call the limiter.
type Meter interface {
	// InFlight hears each change of how many downloads and parts are under way.
	InFlight(downloads int)
	// Window hears each change of how many downloads may be, and how many pages of
	// listings. Where the number adapts both take their places from the first.
	Window(downloads, pages int)
	// Down hears of every failed probe of an endpoint that is down, Up once that it
	// is back.
	Down(err error)
	Up()
}

// Options say how to limit.
type Options struct {
	// MaxDownloads fixes how many downloads and parts may be under way; 0 adapts.
	MaxDownloads int
	// MaxPages is how many pages a listing may have under way at most, and all listings
	// of the endpoint may ask for at a time; below 1 is 1.
	MaxPages int
	// Probe makes one request that shows whether the endpoint answers.
	Probe func(context.Context) error
	// Patience is how long an outage may last before it is given up.
	Patience time.Duration
	Meter    Meter
}

// Limiter is the limit of one endpoint. Its methods may be called from several
// goroutines.
type Limiter struct {
	opts   Options
	ctx    context.Context //nolint:containedctx // that of probes, which no caller has
	outage outage

	mu    sync.Mutex
	limit int // adapts, also next to a fixed number of downloads
	// taken are the places of downloads and parts, asking those of them whose body is
	// still to be read to its end.
	taken, asking, pages int
	// begun numbers the requests. Those from first on were begun since the limit has
	// its size.
	begun, first int

	// A round is as many good answers as the limit allows requests, half as many below
	// easy, begun since it has its size, while most places were in use. Of those that are timed, took is the
	// time to their first bytes.
	answers, timed int
	took           time.Duration
	quickest       time.Duration // the mean of the quickest round

	good    int // the last round was at this size; 0 if it was pushed back since
	refused int // the lowest size that is known to be pushed back; 0 for none
	steady  bool
	lowered time.Time
	tryAt   time.Time // when refused is tried again
	pause   time.Duration

	told  struct{ downloads, pages int }
	freed map[*func()]struct{}
}

// New makes a limiter. Probes end with ctx.
func New(ctx context.Context, o Options) *Limiter {
	l := &Limiter{opts: o, ctx: context.WithValue(ctx, probe{}, true), limit: start, pause: firstPause, outage: outage{suspect: suspectAfter}}
	l.tell()
	return l
}

// MaxDownloads is how many downloads may ever be under way for a configured
// number, where 0 adapts.
func MaxDownloads(configured int) int {
	if configured > 0 {
		return configured
	}
	return most
}

// OnFreed has f called, without a lock, whenever places may have become free in
// another way than by [Place.Leave], until leave is called. A call that is under way
// then may still come. F must not block.
func (l *Limiter) OnFreed(f func()) (leave func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.freed == nil {
		l.freed = map[*func()]struct{}{}
	}
	l.freed[&f] = struct{}{}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.freed, &f)
	}
}

func (l *Limiter) wake() {
	l.mu.Lock()
	freed := slices.Collect(maps.Keys(l.freed))
	l.mu.Unlock()
	for _, f := range freed {
		(*f)()
	}
}

// size is how many downloads may be under way. It is called with the lock held, as
// all that follows without one.
func (l *Limiter) size() int {
	if l.opts.MaxDownloads > 0 {
		return l.opts.MaxDownloads
	}
	return l.limit - l.asked()
}

// asked is how many pages are being asked for. Several listings of one endpoint may have
// more under way, which wait for their turn to be asked for.
func (l *Limiter) asked() int { return min(l.pages, max(1, l.opts.MaxPages)) }

// Free reports whether Take would give a place.
func (l *Limiter) Free() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.free()
}

func (l *Limiter) free() bool { return l.taken < l.size() && !l.outage.holds() }

// Size is how many downloads may be under way.
func (l *Limiter) Size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(l.size(), 1)
}

// Place is what a download or a part holds. Its methods belong to one goroutine at
// a time.
type Place struct {
	*Limiter
	number int
	read   bool
}

// Take gives a place for a request, if there is one and the endpoint is not down.
func (l *Limiter) Take() (*Place, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.free() {
		return nil, false
	}
	l.taken++
	l.asking++
	l.tell()
	l.begun++
	return &Place{Limiter: l, number: l.begun}, true
}

// Again is for a further request in the same place.
func (p *Place) Again() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun++
	p.number = p.begun
}

// Answered says that a good answer began, after the given time.
func (p *Place) Answered(took time.Duration) {
	if p.answered(p.number, took) {
		p.wake()
	}
}

// Failed says that a request failed, whatever for. The place is kept.
func (p *Place) Failed(err error) { p.failed(p.number, err) }

// Read says that the endpoint has sent everything: what follows is not its work.
func (p *Place) Read() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.read {
		p.read = true
		p.asking--
	}
}

// Leave gives the place back.
func (p *Place) Leave() {
	p.Read()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	p.tell()
}

// TakePage gives a place for a page of a listing that has so many under way. With
// none under way there always is one. Release has to be called once, with
// why the page failed in the end.
func (l *Limiter) TakePage(underWay int) (release func(err error), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	used := l.pages
	if l.opts.MaxDownloads == 0 {
		used += l.taken
	}
	if underWay > 0 && (underWay >= l.opts.MaxPages || used >= l.limit || l.outage.holds()) {
		return nil, false
	}
	l.pages++
	l.begun++
	number := l.begun
	return func(err error) {
		if err == nil {
			l.answered(number, 0)
		} else {
			l.failed(number, err)
		}
		l.mu.Lock()
		l.pages--
		l.mu.Unlock()
		l.wake()
	}, true
}

// Heard is for a failure of which it is not known when its request began, such as
// an attempt at a page that is followed by another.
func (l *Limiter) Heard(err error) {
	l.mu.Lock()
	number := l.begun + 1
	if time.Since(l.lowered) < firstPause { // it may be of those that were under way
		number = 0
	}
	l.mu.Unlock()
	l.failed(number, err)
}

// answered counts a good answer, 0 for one without a time, and reports whether the
// limit has grown.
func (l *Limiter) answered(number int, took time.Duration) (grown bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outage.answered()
	if number < l.first || 2*(l.asking+l.asked()) < l.limit {
		return false
	}
	l.answers++
	if took > 0 {
		l.timed++
		l.took += took
	}
	if l.answers < l.limit && (l.limit >= easy || l.answers < l.limit/2) {
		return false
	}
	mean := l.took / time.Duration(max(l.timed, 1))
	if mean > 0 && (l.quickest == 0 || mean < l.quickest) {
		l.quickest = mean
	}
	before := l.limit
	l.good, l.answers, l.timed, l.took = l.limit, 0, 0, 0
	l.resize(l.next(float64(mean) > queueing*float64(l.quickest)))
	return l.limit > before
}

// next is the size after a good round.
func (l *Limiter) next(queues bool) int {
	next := min(2*l.limit, most)
	switch {
	case l.limit < easy:
		next = min(next, easy)
	case queues:
		return l.limit
	}
	if l.refused == l.limit { // by now it is good
		l.refused, l.pause = 0, firstPause
	}
	if l.refused == 0 {
		if l.steady {
			next = min(next, l.limit+max(1, l.limit/4))
		}
		return next
	}
	if half := (l.limit + l.refused) / 2; half > l.limit {
		return min(next, half)
	}
	if time.Now().Before(l.tryAt) {
		return l.limit
	}
	return l.refused
}

// failed counts a failure. Of those that were under way together only the first
// makes the limit smaller.
func (l *Limiter) failed(number int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outageHeard(err)
	if number < l.first || !pushedBack(err) {
		return
	}
	l.steady, l.lowered = true, time.Now()
	if 0 < l.good && l.good < l.limit { // a step too far
		l.refused, l.tryAt = l.limit, l.lowered.Add(l.pause)
		l.pause = min(2*l.pause, lastPause)
		l.resize(l.good)
		return
	}
	if l.good > 0 || l.refused == 0 {
		l.refused = l.limit
	}
	l.good = 0
	l.resize(max(least, l.limit*7/10))
	l.first = l.begun + 1 // also where it was the least
}

// resize begins another round.
func (l *Limiter) resize(size int) {
	if size == l.limit {
		return
	}
	l.limit, l.first, l.answers, l.timed, l.took = size, l.begun+1, 0, 0, 0
	l.tell()
}

// pushedBack reports whether an error says that the endpoint has too much to do. A
// body that was cut and an error of the server (500) say nothing of that.
func pushedBack(err error) bool {
	if errors.Is(err, object.ErrThrottled) || errors.Is(err, object.ErrUnreachable) {
		return true
	}
	e, ok := errors.AsType[*object.Error](err)
	return ok && errors.Is(err, object.ErrUnavailable) && e.Status > 501
}

func (l *Limiter) tell() {
	l.opts.Meter.InFlight(l.taken)
	now := l.told
	now.downloads, now.pages = cmp.Or(l.opts.MaxDownloads, l.limit), max(1, min(l.opts.MaxPages, l.limit))
	if now != l.told {
		l.told = now
		l.opts.Meter.Window(now.downloads, now.pages)
	}
}
