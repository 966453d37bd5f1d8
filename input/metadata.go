package input

import (
	"context"
	"errors"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// metaPrefix starts the name of every metadata value the input sets.
const metaPrefix = "supabase_storage_"

// The names of the metadata values. They are part of the public contract.
const (
	metaBucket           = metaPrefix + "bucket"
	metaKey              = metaPrefix + "key"
	metaPath             = metaPrefix + "path"
	metaFilename         = metaPrefix + "filename"
	metaETag             = metaPrefix + "etag"
	metaSize             = metaPrefix + "size"
	metaLastModified     = metaPrefix + "last_modified"
	metaLastModifiedUnix = metaPrefix + "last_modified_unix"
	metaContentType      = metaPrefix + "content_type"
	metaCacheControl     = metaPrefix + "cache_control"
	metaProjectRef       = metaPrefix + "project_ref"
	metaEvent            = metaPrefix + "event"
	metaObjectID         = metaPrefix + "object_id"
	metaMissingMeta      = metaPrefix + "missing_meta"

	// metaUserPrefix starts the names of the object's own metadata, so that a
	// user's "key" or "bucket" can't take the place of ours.
	metaUserPrefix = metaPrefix + "meta_"
)

// eventDeleted is the event of a key that is no longer there. The others are
// "created", for a key that was not delivered before, and "updated".
const eventDeleted = "deleted"

// labeller sets the metadata that all messages of a bucket share the form of.
type labeller struct {
	bucket       string
	prefix       string
	projectRef   string
	userMetadata bool
	// onMissingMeta hears of an object of which the server could not send n values
	// of its own metadata; nil hears nothing.
	onMissingMeta func(key string, n int)
}

// label is the metadata of one object, worked out once for all its messages.
type label struct {
	entries []labelEntry
	// used says that a message has it already, and copied is what those after
	// the first are copied from.
	used   bool
	copied *service.Message
}

type labelEntry struct {
	key   string
	value any
}

// labelSize is how many entries an object has that has no metadata of its own.
const labelSize = 13

func (l *label) set(key string, value any) {
	l.entries = append(l.entries, labelEntry{key, value})
}

// setIfKnown leaves out what the server did not tell.
func (l *label) setIfKnown(key, value string) {
	if value != "" {
		l.set(key, value)
	}
}

// label is for the messages of an object's content.
func (l labeller) label(c *object.Content, event string) *label {
	out := l.labelKey(c.Key, event)
	out.set(metaETag, c.ETag)
	out.set(metaSize, c.Size)
	if !c.LastModified.IsZero() {
		out.set(metaLastModified, c.LastModified.UTC().Format(time.RFC3339Nano))
		out.set(metaLastModifiedUnix, c.LastModified.Unix())
	}
	out.setIfKnown(metaContentType, c.ContentType)
	out.setIfKnown(metaCacheControl, c.CacheControl)
	out.set(metaObjectID, c.ID(l.bucket))
	if l.userMetadata {
		for name, value := range c.UserMetadata {
			out.set(metaUserPrefix+name, value)
		}
		if c.MissingMeta > 0 {
			out.set(metaMissingMeta, c.MissingMeta)
			if l.onMissingMeta != nil {
				l.onMissingMeta(c.Key, c.MissingMeta)
			}
		}
	}
	return out
}

// labelDeleted is for the message that an object is gone.
func (l labeller) labelDeleted(key string) *label { return l.labelKey(key, eventDeleted) }

func (l labeller) labelKey(key, event string) *label {
	out := &label{entries: make([]labelEntry, 0, labelSize)}
	out.set(metaBucket, l.bucket)
	out.set(metaKey, key)
	out.set(metaPath, filter.Path(l.prefix, key))
	out.set(metaFilename, filter.BaseName(key))
	out.setIfKnown(metaProjectRef, l.projectRef)
	out.set(metaEvent, event)
	return out
}

// apply labels the messages of a batch.
func (l *label) apply(batch service.MessageBatch) {
	for i, msg := range batch {
		if l.used && isPlain(msg) {
			batch[i] = l.labelled(msg)
		} else {
			l.setOn(msg)
		}
		l.used = true
	}
}

func (l *label) setOn(msg *service.Message) {
	for _, e := range l.entries {
		msg.MetaSetMut(e.key, e.value)
	}
}

// isPlain reports whether there is nothing in a message but bytes.
func isPlain(msg *service.Message) bool {
	if !msg.HasBytes() || msg.HasStructured() || msg.GetError() != nil || msg.Context() != context.Background() {
		return false
	}
	return msg.MetaWalkMut(func(string, any) error { return errHasMetadata }) == nil
}

var errHasMetadata = errors.New("the scanner set metadata")

// labelled is a labelled copy of a plain message. Messages that are copied from
// one another share their metadata until it is written to; to set it on each of
// the many lines of an object would take longer than reading them.
func (l *label) labelled(msg *service.Message) *service.Message {
	if l.copied == nil {
		l.copied = service.NewMessage(nil)
		l.setOn(l.copied)
	}
	content, err := msg.AsBytes()
	if err != nil {
		l.setOn(msg)
		return msg
	}
	out := l.copied.Copy()
	out.SetBytes(content)
	return out
}
