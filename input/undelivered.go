package input

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
)

const (
	// stuckAfter is how long messages may wait for their ack before that is said.
	// Outputs that gather batches seldom hold them for longer.
	stuckAfter = time.Minute
	// stuckMost is the longest time between two lines about the same wait.
	stuckMost = time.Hour
	// lookEvery is how often the age of the oldest batch is looked at, while one
	// waits. It is the precision of the metric.
	lookEvery = time.Second
	// refusalsKept bounds the objects whose refusals are remembered.
	refusalsKept = 1000
	// refusalShown bounds how much of an output's error is shown, in bytes: it may
	// quote a whole response.
	refusalShown = 300
)

// undelivered knows the batches that were handed to the pipeline and are not
// acknowledged yet, oldest first. It says so when none has been acknowledged for a
// while, or when an object is refused again and again: Benthos itself replays what
// an output refuses without a word. It is safe for concurrent use.
type undelivered struct {
	log *service.Logger
	age *service.MetricGauge // seconds, of the oldest batch

	mu             sync.Mutex
	oldest, newest *pendingBatch
	batches        int
	// moved is when a batch was last acknowledged, or when the first of those that
	// wait was handed over, whichever is later.
	moved    time.Time
	looking  bool // a look is on its way
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

func newUndelivered(log *service.Logger, age *service.MetricGauge) *undelivered {
	age.Set(0)
	return &undelivered{log: log, age: age, refused: map[string]refusal{}}
}

// handOver notes that the pipeline gets a batch of an object, and returns the ack
// to hand over with it.
func (u *undelivered) handOver(key string, ack service.AckFunc) service.AckFunc {
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
func (u *undelivered) append(b *pendingBatch) {
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

// settle takes a batch out of the list: it was acknowledged, or refused for good.
func (u *undelivered) settle(b *pendingBatch, err error) {
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
	// Others may have waited as long. Those that are acknowledged soon now need no line.
	u.nextLine = u.moved.Add(stuckAfter)
	if err == nil {
		u.log.Infof("The output has acknowledged messages of object %q, after %s", b.key, roundWait(u.moved.Sub(b.since)))
	}
}

// refuse notes that the output refused messages of an object, which it will get
// again.
func (u *undelivered) refuse(key string, err error) {
	text := strings.Join(strings.Fields(strings.ToValidUTF8(err.Error(), "\uFFFD")), " ")
	if len(text) > refusalShown {
		text = strings.ToValidUTF8(text[:refusalShown], "") + "..."
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	r, known := u.refused[key]
	r.key, r.text, r.times = key, text, r.times+1
	u.last = r
	if known || len(u.refused) < refusalsKept {
		u.refused[key] = r
	}
}

// look sets the metric, and says what is stuck. It comes back for as long as
// anything waits.
func (u *undelivered) look() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.oldest == nil || u.closed {
		u.looking = false
		u.age.Set(0)
		return
	}
	now := time.Now()
	u.age.Set(int64(now.Sub(u.oldest.since).Seconds()))
	if b := u.findStuck(now); b != nil && !now.Before(u.nextLine) {
		wait := now.Sub(b.since)
		u.stuck, u.nextLine = b, now.Add(min(wait, stuckMost)) // twice as long each time
		u.log.Warn(u.describe(b, wait))
	}
	time.AfterFunc(lookEvery, u.look)
}

// findStuck is the oldest batch where nothing is acknowledged at all, else the
// oldest one that the output keeps refusing; nil where all is well.
func (u *undelivered) findStuck(now time.Time) *pendingBatch {
	if now.Sub(u.moved) >= stuckAfter {
		return u.oldest
	}
	if len(u.refused) == 0 {
		return nil
	}
	for b := u.oldest; b != nil && now.Sub(b.since) >= stuckAfter; b = b.newer {
		if _, ok := u.refused[b.key]; ok {
			return b
		}
	}
	return nil
}

// describe says how long a batch has waited, and what is known about it.
func (u *undelivered) describe(b *pendingBatch, wait time.Duration) string {
	text := fmt.Sprintf("Object %q was handed to the output %s ago and is not acknowledged", b.key, roundWait(wait))
	if u.batches > 1 {
		text += fmt.Sprintf("; %d batches of messages wait in all", u.batches)
	}
	return text + ". " + u.known(b)
}

// known is what the output said of a batch.
func (u *undelivered) known(b *pendingBatch) string {
	switch r, ok := u.refused[b.key]; {
	case ok && r.times == 1:
		return "The output refused it: " + r.text
	case ok:
		return fmt.Sprintf("The output refused it %d times, the last time with: %s", r.times, r.text)
	case u.last.key != "":
		return fmt.Sprintf("The output has not answered; the last object that it refused is %q: %s", u.last.key, u.last.text)
	}
	return "The output has not answered"
}

// why names the oldest object that is not acknowledged, and what is known about it;
// "" where there is none.
func (u *undelivered) why() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.oldest == nil {
		return ""
	}
	return fmt.Sprintf("object %q waits for %s. %s", u.oldest.key, roundWait(time.Since(u.oldest.since)), u.known(u.oldest))
}

// close ends the looks. What is acknowledged later still settles.
func (u *undelivered) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	u.age.Set(0)
}

// roundWait writes a wait without parts of seconds.
func roundWait(d time.Duration) time.Duration { return d.Round(time.Second) }

// replayed is an input of which Benthos replays the nacks. It looks at them from
// outside, since the input inside never sees one.
type replayed struct {
	service.BatchInput
	undelivered *undelivered
}

var _ service.ConnectionTestable = replayed{}

// ReadBatch implements service.BatchInput.
func (r replayed) ReadBatch(ctx context.Context) (service.MessageBatch, service.AckFunc, error) {
	batch, ack, err := r.BatchInput.ReadBatch(ctx)
	if err != nil || len(batch) == 0 {
		return batch, ack, err
	}
	// Read now: once the pipeline has the messages, it may change them.
	key, _ := batch[0].MetaGet(metaKey)
	return batch, func(ctx context.Context, err error) error {
		if err != nil {
			r.undelivered.refuse(key, err)
		}
		return ack(ctx, err)
	}, nil
}

// ConnectionTest implements service.ConnectionTestable.
func (r replayed) ConnectionTest(ctx context.Context) service.ConnectionTestResults {
	inner, ok := r.BatchInput.(service.ConnectionTestable)
	if !ok {
		return service.ConnectionTestNotSupported().AsList()
	}
	return inner.ConnectionTest(ctx)
}
