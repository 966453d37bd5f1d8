package input

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
)

// feed is what a test sends through a targets_input, and what becomes of it. Its input
// replays no nacks by itself.
type feed struct {
	id   string
	sent chan []string

	mu sync.Mutex
	// answers are those to the batches so far: "ack", or the error of a nack.
	answers []string
	// onNack may send a batch again, as a broker does.
	onNack func(docs []string)
	taken  int
	ends   chan struct{}
	once   sync.Once
}

var (
	feeds    sync.Map
	feedsNum atomic.Int64
)

func init() {
	spec := service.NewConfigSpec().Field(service.NewStringField("id"))
	err := service.RegisterBatchInput("test_feed", spec, func(conf *service.ParsedConfig, _ *service.Resources) (service.BatchInput, error) {
		id, err := conf.FieldString("id")
		if err != nil {
			return nil, err
		}
		f, ok := feeds.Load(id)
		if !ok {
			return nil, errors.New("there is no feed " + id)
		}
		return f.(*feed), nil
	})
	if err != nil {
		panic(err)
	}
}

// newFeed has nothing to send yet.
func newFeed() *feed {
	f := &feed{id: fmt.Sprint(feedsNum.Add(1)), sent: make(chan []string, 1<<16), ends: make(chan struct{})}
	feeds.Store(f.id, f)
	return f
}

// fields are those of an input that reads from the feed.
func (f *feed) fields() string { return "targets_input: {test_feed: {id: '" + f.id + "'}}\n" }

// send sends one batch.
func (f *feed) send(docs ...string) { f.sent <- docs }

// key is the document that names a key.
func key(k string) string { return fmt.Sprintf(`{"key":%q}`, k) }

// webhook is that of the database for a row of the bucket docs.
func webhook(kind, k string) string {
	row := fmt.Sprintf(`{"id":"6f2a","bucket_id":"docs","name":%q}`, k)
	record, old := row, "null"
	if kind == "DELETE" {
		record, old = "null", row
	}
	return fmt.Sprintf(`{"type":%q,"table":"objects","schema":"storage","record":%s,"old_record":%s}`, kind, record, old)
}

// end ends the input once everything sent is read.
func (f *feed) end() { f.once.Do(func() { close(f.ends) }) }

func (*feed) Connect(context.Context) error { return nil }

func (f *feed) ReadBatch(ctx context.Context) (service.MessageBatch, service.AckFunc, error) {
	var docs []string
	select {
	case docs = <-f.sent:
	default:
		select {
		case docs = <-f.sent:
		case <-f.ends:
			return nil, nil, service.ErrEndOfInput
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
	f.mu.Lock()
	f.taken++
	f.mu.Unlock()
	var batch service.MessageBatch
	for _, d := range docs {
		batch = append(batch, service.NewMessage([]byte(d)))
	}
	return batch, func(_ context.Context, err error) error {
		f.mu.Lock()
		answer := "ack"
		if err != nil {
			answer = err.Error()
		}
		f.answers = append(f.answers, answer)
		again := f.onNack
		f.mu.Unlock()
		if err != nil && again != nil {
			again(docs)
		}
		return nil
	}, nil
}

func (*feed) Close(context.Context) error { return nil }

// answered gives the answers since the last call.
func (f *feed) answered() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.answers
	f.answers = nil
	return out
}

// read is how many batches were read.
func (f *feed) read() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.taken
}

// acks is so many.
func acks(n int) []string { return strings.Split(strings.Repeat("ack,", n-1)+"ack", ",") }

// newWorker is a rig that reads from a feed, with further fields.
func newWorker(t testing.TB, fields string) (*rig, *feed) {
	f := newFeed()
	return newRig(t, f.fields()+fields), f
}

// settleDown lets virtual time pass in which everything that can happen does.
func settleDown() { time.Sleep(5 * time.Second) }
