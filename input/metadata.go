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

// eventCreated is the event of an object that was not delivered before.
const eventCreated = "created"

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

func (l labeller) label(c *bucket.Content) label {
	var out label
	set := func(key string, value any) {
		out.keys = append(out.keys, key)
		out.values = append(out.values, value)
	}
	set(metaBucket, l.bucket)
	set(metaKey, c.Key)
	set(metaPath, filter.Path(l.prefix, c.Key))
	set(metaFilename, filter.BaseName(c.Key))
	set(metaETag, c.ETag)
	set(metaSize, c.Size)
	if !c.LastModified.IsZero() {
		set(metaLastModified, c.LastModified.UTC().Format(time.RFC3339Nano))
		set(metaLastModifiedUnix, c.LastModified.Unix())
	}
	setIfKnown := func(key, value string) {
		if value != "" {
			set(key, value)
		}
	}
	setIfKnown(metaContentType, c.ContentType)
	setIfKnown(metaCacheControl, c.CacheControl)
	setIfKnown(metaProjectRef, l.projectRef)
	set(metaEvent, eventCreated)
	set(metaObjectID, c.ID(l.bucket))
	if l.userMetadata {
		for name, value := range c.UserMetadata {
			set(metaUserPrefix+name, value)
		}
	}
	return out
}

func (l label) apply(batch service.MessageBatch) {
	for _, msg := range batch {
		for i, key := range l.keys {
			msg.MetaSetMut(key, l.values[i])
		}
	}
}
