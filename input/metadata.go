package input

import (
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
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
}

// label is the metadata of one object, worked out once for all its messages.
type label struct {
	keys   []string
	values []any
}

func (l *label) set(key string, value any) {
	l.keys = append(l.keys, key)
	l.values = append(l.values, value)
}

// setIfKnown leaves out what the server did not tell.
func (l *label) setIfKnown(key, value string) {
	if value != "" {
		l.set(key, value)
	}
}

// label is for the messages of an object's content.
func (l labeller) label(c *bucket.Content, event string) label {
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
	}
	return out
}

// labelDeleted is for the message that an object is gone.
func (l labeller) labelDeleted(key string) label { return l.labelKey(key, eventDeleted) }

func (l labeller) labelKey(key, event string) label {
	var out label
	out.set(metaBucket, l.bucket)
	out.set(metaKey, key)
	out.set(metaPath, filter.Path(l.prefix, key))
	out.set(metaFilename, filter.BaseName(key))
	out.setIfKnown(metaProjectRef, l.projectRef)
	out.set(metaEvent, event)
	return out
}

func (l label) apply(batch service.MessageBatch) {
	for _, msg := range batch {
		for i, key := range l.keys {
			msg.MetaSetMut(key, l.values[i])
		}
	}
}
