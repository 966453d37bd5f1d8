package emit

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

// Handover is one batch on its way to the pipeline.
type Handover struct {
	// Key is that of the object; "" for a message that is of none.
	Key   string
	Batch service.MessageBatch
	Ack   service.AckFunc
}

// Emitter makes messages of the objects of a scope and hands them over. It is safe for
// concurrent use.
type Emitter struct {
	Scanner  *service.OwnedScannerCreator
	Labeller Labeller
	// Metadata is asked for what answers leave out; nil where nothing is asked for.
	Metadata MetadataAsker
	// Hold returns when messages may be handed over, or the error of its context.
	Hold func(context.Context) error
	Out  chan<- Handover
	// Place is where the objects are. References says that they are named, and not
	// read.
	Place      target.Place
	References bool
}

// Deliver makes messages of one download and hands them over. Event is "created" or
// "updated". An error is that of ctx, of the download or of its content.
func (e *Emitter) Deliver(ctx context.Context, dl *fetch.Download, event string, ack pass.Ack) error {
	if err := completeMetadata(ctx, e.Metadata, &dl.Content); err != nil {
		return err
	}
	if e.References {
		return e.reference(ctx, dl, event, ack)
	}
	if dl.Whole != nil {
		return e.whole(ctx, dl, event, ack)
	}
	return e.scanned(ctx, dl, event, ack)
}

// whole does what the scanner to_the_end does: the object becomes one
// message. Its bytes are already in memory, and the scanner would copy them.
func (e *Emitter) whole(ctx context.Context, dl *fetch.Download, event string, ack pass.Ack) error {
	batch := service.MessageBatch{service.NewMessage(dl.Whole)}
	e.Labeller.label(&dl.Content, event).apply(batch)
	return e.send(ctx, Handover{dl.Key, batch, service.AckFunc(ack)})
}

// scanned runs one download through the scanner. The scanner gathers the acks
// of all its batches and calls ack once: when all batches were delivered, or when
// one was refused.
func (e *Emitter) scanned(ctx context.Context, dl *fetch.Download, event string, ack pass.Ack) error {
	details := service.NewScannerSourceDetails()
	details.SetName(dl.Key) // the whole key, as the inputs of other stores do
	details.SetSizeHint(dl.Size)

	scanner, err := e.Scanner.Create(dl.Body, service.AckFunc(ack), details)
	if err != nil {
		if errors.Is(err, io.EOF) && dl.Size == 0 {
			return ack(ctx, nil) // empty, so there is nothing to deliver
		}
		return unreadable(err)
	}
	// Closing the scanner also acks an object that gave no message.
	defer func() { _ = scanner.Close(context.WithoutCancel(ctx)) }()

	label := e.Labeller.label(&dl.Content, event)
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
		if err := e.send(ctx, Handover{dl.Key, batch, batchAck}); err != nil {
			return err
		}
	}
}

// Deletion sends a message that the object is gone. Without references it has
// no body.
func (e *Emitter) Deletion(ctx context.Context, key string, ack pass.Ack) error {
	var body []byte
	if e.References { // brokers may drop metadata
		body = document(e.Place.Reference(object.Object{Key: key}, target.Deleted))
	}
	msg := service.NewMessage(body)
	e.Labeller.labelDeleted(key).apply(service.MessageBatch{msg})
	return e.send(ctx, Handover{key, service.MessageBatch{msg}, service.AckFunc(ack)})
}

// send waits until the pipeline reads the batch.
func (e *Emitter) send(ctx context.Context, h Handover) error {
	if err := e.Hold(ctx); err != nil {
		return err
	}
	select {
	case e.Out <- h:
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
