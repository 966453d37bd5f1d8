package input

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
	"github.com/seed75cbcda6/supabase-storage/input/internal/target"
)

// handover is one batch for ReadBatch.
type handover struct {
	key   string // of the object
	batch service.MessageBatch
	ack   service.AckFunc
}

// delivery makes messages of downloads and hands them to ReadBatch.
type delivery struct {
	scanner  *service.OwnedScannerCreator
	labeller labeller
	metadata metadataAsker // nil where nothing is asked for
	keeper   *keeper       // nil where nothing is remembered
	out      chan<- handover
	// place is where the objects are. References says that they are named, and not
	// read.
	place      target.Place
	references bool
}

// deliver makes messages of one download and sends them to ReadBatch.
func (d *delivery) deliver(ctx context.Context, dl *fetch.Download, event string, ack pass.Ack) error {
	if err := completeMetadata(ctx, d.metadata, &dl.Content); err != nil {
		return err
	}
	if d.references {
		return d.deliverReference(ctx, dl, event, ack)
	}
	if dl.Whole != nil {
		return d.deliverWhole(ctx, dl, event, ack)
	}
	return d.deliverScanned(ctx, dl, event, ack)
}

// deliverWhole does what the scanner to_the_end does: the object becomes one
// message. Its bytes are already in memory, and the scanner would copy them.
func (d *delivery) deliverWhole(ctx context.Context, dl *fetch.Download, event string, ack pass.Ack) error {
	batch := service.MessageBatch{service.NewMessage(dl.Whole)}
	d.labeller.label(&dl.Content, event).apply(batch)
	return d.send(ctx, handover{dl.Key, batch, service.AckFunc(ack)})
}

// deliverScanned runs one download through the scanner. The scanner gathers the acks
// of all its batches and calls ack once: when all batches were delivered, or when
// one was refused.
func (d *delivery) deliverScanned(ctx context.Context, dl *fetch.Download, event string, ack pass.Ack) error {
	details := service.NewScannerSourceDetails()
	details.SetName(dl.Key) // the whole key, as the inputs of other stores do
	details.SetSizeHint(dl.Size)

	scanner, err := d.scanner.Create(dl.Body, service.AckFunc(ack), details)
	if err != nil {
		if errors.Is(err, io.EOF) && dl.Size == 0 {
			return ack(ctx, nil) // empty, so there is nothing to deliver
		}
		return unreadable(err)
	}
	// Closing the scanner also acks an object that gave no message.
	defer func() { _ = scanner.Close(context.WithoutCancel(ctx)) }()

	label := d.labeller.label(&dl.Content, event)
	for {
		batch, batchAck, err := scanner.NextBatch(ctx)
		// If a body breaks, a scanner may treat that as its end and make a message
		// of what came before. Such a message is never delivered.
		if broken := dl.Err(); broken != nil {
			return broken
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return unreadable(err)
		}
		if len(batch) == 0 {
			if err := batchAck(ctx, nil); err != nil {
				return err
			}
			continue
		}
		label.apply(batch)
		if err := d.send(ctx, handover{dl.Key, batch, batchAck}); err != nil {
			return err
		}
	}
}

// deliverDeletion sends a message that the object is gone. Without references it has
// no body.
func (d *delivery) deliverDeletion(ctx context.Context, key string, ack pass.Ack) error {
	var body []byte
	if d.references { // brokers may drop metadata
		body = document(d.place.Reference(object.Object{Key: key}, target.Deleted))
	}
	msg := service.NewMessage(body)
	d.labeller.labelDeleted(key).apply(service.MessageBatch{msg})
	return d.send(ctx, handover{key, service.MessageBatch{msg}, service.AckFunc(ack)})
}

// send waits until the pipeline reads the batch.
func (d *delivery) send(ctx context.Context, h handover) error {
	if err := d.keeper.wait(ctx); err != nil {
		return err
	}
	select {
	case d.out <- h:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// unreadable marks the error of a scanner on content that arrived whole.
func unreadable(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("%w: a line or part is longer than the scanner's max_buffer_size, which can be raised: %w", pass.ErrUnreadable, foreign.Cause(err))
	}
	return fmt.Errorf("%w: %w", pass.ErrUnreadable, foreign.Cause(err))
}
