package emit

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
	"github.com/seed75cbcda6/supabase-storage/input/internal/target"
)

// reference sends a document that names the object.
func (e *Emitter) reference(ctx context.Context, dl *fetch.Download, event string, ack pass.Ack) error {
	if e.Metadata == nil && dl.MissingMeta == object.NoMeta {
		dl.MissingMeta = 0 // nothing is missing that could have come along
	}
	ref := e.Place.Reference(dl.Object, event)
	ref.URL = dl.URL
	batch := service.MessageBatch{service.NewMessage(document(ref))}
	e.Labeller.label(&dl.Content, event).apply(batch)
	return e.send(ctx, Handover{dl.Key, batch, service.AckFunc(ack)})
}

// document is a reference as JSON. A URL in it can be read: its "&" are not escaped.
func document(ref target.Reference) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if ref.LastModified != nil && (ref.LastModified.Year() < 0 || ref.LastModified.Year() > 9999) {
		ref.LastModified = nil // JSON has no such time
	}
	_ = enc.Encode(ref) // of texts, a number and a time, it can't fail
	return bytes.TrimRight(buf.Bytes(), "\n")
}

// Failure sends a message of an object that failed for good, with Benthos'
// error mark.
func (e *Emitter) Failure(ctx context.Context, f pass.Failed, ack pass.Ack) error {
	msg := service.NewMessage(document(e.Place.Reference(f.Object, f.Event)))
	msg.SetError(f.Err)
	batch := service.MessageBatch{msg}
	label := e.Labeller.label(&object.Content{Object: f.Object, ContentType: f.Object.ContentType}, f.Event)
	label.set(MetaFailure, f.Reason)
	label.apply(batch)
	return e.send(ctx, Handover{f.Object.Key, batch, service.AckFunc(ack)})
}
