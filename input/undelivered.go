package input

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
)

const (
	// stuckAfter is how long messages may wait for their ack before a line says so.
	// Outputs that gather batches seldom hold them for longer.
	stuckAfter = time.Minute
	// stuckMost is the longest time between two lines about the same wait.
	stuckMost = time.Hour
	// lookEvery is how often the age of the oldest batch is measured while batches
	// wait. It is the precision of the metrics.
	lookEvery = time.Second
	// refusalsKept bounds the objects whose refusals are remembered.
	refusalsKept = 1000
	// refusalShown bounds how much of an output's error is shown, in characters: it may
	// quote a whole response.
	refusalShown = 300
)

// undelivered knows the batches that the pipeline has and has not acknowledged,
// oldest first. It logs when no batch has been acknowledged for a while, or when an
// object is refused again and again: Benthos itself replays what an output refuses
// without a log line. It is safe for concurrent use.
type undelivered struct {
	log *service.Logger
	// show is told how old the oldest batch is, and how many there are.
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

func newUndelivered(log *service.Logger, show func(oldest time.Duration, batches int)) *undelivered {
	return &undelivered{log: log, show: show, refused: map[string]refusal{}}
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

// settle removes a batch from the list: it was acknowledged, or refused for good.
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
	// Other batches may have waited as long. They need no line if their acks come soon.
	u.nextLine = u.moved.Add(stuckAfter)
	if err == nil {
		u.log.Infof("The output has acknowledged messages of object %q, after %s", b.key, roundWait(u.moved.Sub(b.since)))
	}
}

// refuse notes that the output refused messages of an object. Benthos sends them
// again.
func (u *undelivered) refuse(key string, err error) {
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
func (u *undelivered) look() {
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

// known is what the output said about a batch.
func (u *undelivered) known(b *pendingBatch) string {
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

// why names the oldest object that is not acknowledged, and what is known about it;
// "" if there is none.
func (u *undelivered) why() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.oldest == nil {
		return ""
	}
	return fmt.Sprintf("object %q waits for %s. %s", u.oldest.key, roundWait(time.Since(u.oldest.since)), u.known(u.oldest))
}

// idle is how long no ack has come in while batches wait, and what the output says
// of the oldest one. It is 0 if none waits.
func (u *undelivered) idle() (time.Duration, string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.oldest == nil {
		return 0, ""
	}
	idle := time.Since(u.moved)
	r, ok := u.refused[u.oldest.key]
	if !ok {
		r = u.last
	}
	switch {
	case r.key == "":
		return idle, "the output has not answered; if it gathers batches, set a period for them"
	case r.times == 1:
		return idle, fmt.Sprintf("the output says: %s (of object %q)", r.text, r.key)
	default:
		return idle, fmt.Sprintf("the output says: %s (of object %q, %d times)", r.text, r.key, r.times)
	}
}

// close ends the looks. Later acks still settle their batches.
func (u *undelivered) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	u.show(0, 0)
}

// roundWait rounds a wait to seconds.
func roundWait(d time.Duration) time.Duration { return d.Round(time.Second) }

// replayed is an input whose nacks Benthos replays. It sees the nacks from
// outside, since the wrapped input never gets one.
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
	// Read the key now: once the pipeline has the messages, it may change them.
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
