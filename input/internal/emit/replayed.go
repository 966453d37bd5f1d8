package emit

import (
	"context"

	"github.com/redpanda-data/benthos/v4/public/service"
)

// Replayed has Benthos' own wrapper replay the nacks of an input, which never sees them
// then, and looks at them from outside.
func Replayed(input service.BatchInput, u *Undelivered) service.BatchInput {
	return replayed{service.AutoRetryNacksBatched(input), u}
}

type replayed struct {
	service.BatchInput
	undelivered *Undelivered
}

var _ service.ConnectionTestable = replayed{}

// ReadBatch implements service.BatchInput.
func (r replayed) ReadBatch(ctx context.Context) (service.MessageBatch, service.AckFunc, error) {
	batch, ack, err := r.BatchInput.ReadBatch(ctx)
	if err != nil || len(batch) == 0 {
		return batch, ack, err
	}
	// Read the key now: once the pipeline has the messages, it may change them.
	key, _ := batch[0].MetaGet(MetaKey)
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
