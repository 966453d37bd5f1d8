package input

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
	"github.com/seed75cbcda6/supabase-storage/input/internal/target"
)

// freshPart is the part of its time after which a signed URL is not handed on any
// more: one in ten.
const freshPart = 10

// references are how objects are delivered without their content, nil where their
// content is.
func (r *reader) references() *fetch.References {
	if !r.conf.References {
		return nil
	}
	refs := &fetch.References{
		Asks: func(o object.Object) bool { return o.ContentType == "" && !r.conf.Filter.MatchType("") },
		Slow: r.conf.UserMetadata == config.FullMetadata && r.metadata != nil,
	}
	if expiry := r.conf.URLExpiry; expiry > 0 {
		refs.Fresh = expiry / freshPart
		refs.Sign = func(ctx context.Context, keys []string) ([]object.Signed, error) {
			return r.client.Sign(ctx, keys, expiry)
		}
	}
	return refs
}

// place is where the objects of the scope are.
func (r *reader) place() target.Place {
	p := r.conf.Project
	return target.Place{Bucket: p.Bucket, Prefix: r.conf.Prefix, ProjectRef: p.Ref, Endpoint: p.Endpoint}
}

// deliverReference sends a document that names the object.
func (d *delivery) deliverReference(ctx context.Context, dl *fetch.Download, event string, ack pass.Ack) error {
	if d.metadata == nil && dl.MissingMeta == object.NoMeta {
		dl.MissingMeta = 0 // nothing is missing that could have come along
	}
	ref := d.place.Reference(dl.Object, event)
	ref.URL = dl.URL
	batch := service.MessageBatch{service.NewMessage(document(ref))}
	d.labeller.label(&dl.Content, event).apply(batch)
	return d.send(ctx, handover{dl.Key, batch, service.AckFunc(ack)})
}

// document is a reference as JSON. A URL in it can be read: its "&" are not escaped.
func document(ref target.Reference) []byte {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if ref.LastModified != nil && (ref.LastModified.Year() < 0 || ref.LastModified.Year() > 9999) {
		ref.LastModified = nil // JSON has no such time
	}
	_ = e.Encode(ref) // of texts, a number and a time, it can't fail
	return bytes.TrimRight(buf.Bytes(), "\n")
}

// deliverFailure sends a message of an object that failed for good, with Benthos'
// error mark.
func (d *delivery) deliverFailure(ctx context.Context, f pass.Failed, ack pass.Ack) error {
	msg := service.NewMessage(document(d.place.Reference(f.Object, f.Event)))
	msg.SetError(f.Err)
	batch := service.MessageBatch{msg}
	label := d.labeller.label(&object.Content{Object: f.Object, ContentType: f.Object.ContentType}, f.Event)
	label.set(metaFailure, f.Reason)
	label.apply(batch)
	return d.send(ctx, handover{f.Object.Key, batch, service.AckFunc(ack)})
}
