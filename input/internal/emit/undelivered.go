package emit

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
)

const (
	// StuckAfter is how long messages may wait for their ack before a line says so.
	// Outputs that gather batches seldom hold them for longer.
	StuckAfter = time.Minute
	// stuckMost is the longest time between two lines about the same wait.
	stuckMost = time.Hour
	// lookEvery is how often the age of the oldest batch is measured while batches
	// wait. It is the precision of the metrics.
	lookEvery = time.Second
	// StillAfter is how long nothing happens before something is said to stand still:
	// most large objects and most batches of an output take less.
	StillAfter = 5 * time.Second
	// refusalsKept bounds the objects whose refusals are remembered.
	refusalsKept = 1000
	// refusalShown bounds how much of an output's error is shown, in characters: it may
	// quote a whole response.
	refusalShown = 300
)

// Undelivered knows the batches that the pipeline has and has not acknowledged,
// oldest first. It logs when no batch has been acknowledged for a while, or when an
// object is refused again and again: Benthos itself replays what an output refuses
// without a log line. It is safe for concurrent use.
type Undelivered struct {
	log  *service.Logger
	show func(oldest time.Duration, batches int)

	mu             sync.Mutex
	oldest, newest *pendingBatch
	batches        int
	// moved is the later of two times: the last ack, and when the first waiting
	// batch was handed over.
	moved    time.Time
	looking  bool // the next look is scheduled
	closed   bool
	refused  map[string]refusal // by key
	last     refusal
	stuck    *pendingBatch // named in the last line, and still not acknowledged
	nextLine time.Time
}

// pendingBatch is a batch that the pipeline has, in a list by age.
type pendingBatch struct {
	key          string // of its object
	since        time.Time
	older, newer *pendingBatch
	settled      bool
}

// refusal is what the output said of an object.
type refusal struct {
	key, text string
	times     int
}

// NewUndelivered makes one that has show told, once a second while batches wait, how long
// the oldest has waited and how many there are.
func NewUndelivered(log *service.Logger, show func(oldest time.Duration, batches int)) *Undelivered {
	return &Undelivered{log: log, show: show, refused: map[string]refusal{}}
}

// HandOver notes that the pipeline gets a batch of an object, and returns the ack
// to hand over with it.
func (u *Undelivered) HandOver(key string, ack service.AckFunc) service.AckFunc {
	b := &pendingBatch{key: key, since: time.Now()}
	u.mu.Lock()
	u.append(b)
	u.mu.Unlock()
	return func(ctx context.Context, err error) error {
		u.settle(b, err)
		return ack(ctx, err)
	}
}

// append is called with the lock held.
func (u *Undelivered) append(b *pendingBatch) {
	if u.newest == nil {
		u.oldest, u.moved = b, b.since
	} else {
		b.older, u.newest.newer = u.newest, b
	}
	u.newest = b
	u.batches++
	if !u.looking && !u.closed {
		u.looking = true
		time.AfterFunc(lookEvery, u.look)
	}
}

// settle removes a batch from the list: it was acknowledged, or refused for good.
func (u *Undelivered) settle(b *pendingBatch, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if b.settled {
		return
	}
	b.settled = true
	if b.older != nil {
		b.older.newer = b.newer
	} else {
		u.oldest = b.newer
	}
	if b.newer != nil {
		b.newer.older = b.older
	} else {
		u.newest = b.older
	}
	b.older, b.newer = nil, nil
	u.batches--
	u.moved = time.Now()
	if len(u.refused) > 0 {
		delete(u.refused, b.key)
	}
	if b != u.stuck {
		return
	}
	u.stuck = nil
	// Other batches may have waited as long. They need no line if their acks come soon.
	u.nextLine = u.moved.Add(StuckAfter)
	if err == nil {
		u.log.Infof("The output has acknowledged messages of object %q, after %s", b.key, roundWait(u.moved.Sub(b.since)))
	}
}

// refuse notes that the output refused messages of an object. Benthos sends them
// again.
func (u *Undelivered) refuse(key string, err error) {
	text := foreign.Text(err.Error(), refusalShown)
	u.mu.Lock()
	defer u.mu.Unlock()
	r, known := u.refused[key]
	r.key, r.text, r.times = key, text, r.times+1
	u.last = r
	if known || len(u.refused) < refusalsKept {
		u.refused[key] = r
	}
}

// look sets the metric, and logs what is stuck. It runs again as long as any batch
// waits.
func (u *Undelivered) look() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.oldest == nil || u.closed {
		u.looking = false
		u.show(0, 0)
		return
	}
	now := time.Now()
	u.show(now.Sub(u.oldest.since), u.batches)
	if b := u.findStuck(now); b != nil && !now.Before(u.nextLine) {
		wait := now.Sub(b.since)
		u.stuck, u.nextLine = b, now.Add(min(wait, stuckMost)) // twice as long each time
		u.log.Warn(u.describe(b, wait))
	}
	time.AfterFunc(lookEvery, u.look)
}

// findStuck is the oldest batch if no acks come at all, or else the oldest batch
// that the output keeps refusing; nil if there is neither.
func (u *Undelivered) findStuck(now time.Time) *pendingBatch {
	if now.Sub(u.moved) >= StuckAfter {
		return u.oldest
	}
	if len(u.refused) == 0 {
		return nil
	}
	for b := u.oldest; b != nil && now.Sub(b.since) >= StuckAfter; b = b.newer {
		if _, ok := u.refused[b.key]; ok {
			return b
		}
	}
	return nil
}

// describe says how long a batch has waited, and what is known about it.
func (u *Undelivered) describe(b *pendingBatch, wait time.Duration) string {
	text := fmt.Sprintf("Object %q was handed to the output %s ago and is not acknowledged", b.key, roundWait(wait))
	if u.batches > 1 {
		text += fmt.Sprintf("; %d batches of messages wait in all", u.batches)
	}
	return text + ". " + u.known(b)
}

// known is what the output said about a batch.
func (u *Undelivered) known(b *pendingBatch) string {
	switch r, ok := u.refused[b.key]; {
	case ok && r.times == 1:
		return "The output refused it: " + r.text
	case ok:
		return fmt.Sprintf("The output refused it %d times, the last time with: %s", r.times, r.text)
	case u.last.key != "":
		return fmt.Sprintf("The output has not answered; the last object that it refused is %q: %s", u.last.key, u.last.text)
	}
	return "The output has not answered; if it gathers batches, set a period for them"
}

// Why names the oldest object that is not acknowledged, and what is known about it;
// "" if there is none.
func (u *Undelivered) Why() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.oldest == nil {
		return ""
	}
	return fmt.Sprintf("object %q waits for %s. %s", u.oldest.key, roundWait(time.Since(u.oldest.since)), u.known(u.oldest))
}

// Waits says for how long nothing has been acknowledged while batches wait, and what the
// output says of the oldest one; "" if that is not worth a line.
func (u *Undelivered) Waits() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.oldest == nil {
		return ""
	}
	idle := time.Since(u.moved)
	if idle < StillAfter {
		return ""
	}
	text := "the output has not answered; if it gathers batches, set a period for them"
	r, ok := u.refused[u.oldest.key]
	if !ok {
		r = u.last
	}
	switch {
	case r.key == "":
	case r.times == 1:
		text = fmt.Sprintf("the output says: %s (of object %q)", r.text, r.key)
	default:
		text = fmt.Sprintf("the output says: %s (of object %q, %d times)", r.text, r.key, r.times)
	}
	return fmt.Sprintf("nothing acknowledged for %s: %s", roundWait(idle), text)
}

// Close ends the looks. Later acks still settle their batches.
func (u *Undelivered) Close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	u.show(0, 0)
}

// roundWait rounds a wait to seconds.
func roundWait(d time.Duration) time.Duration { return d.Round(time.Second) }
