package emit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// MetaPrefix starts the name of every metadata value the input sets.
const MetaPrefix = "supabase_storage_"

// The names of the metadata values. They are part of the public contract.
const (
	MetaBucket           = MetaPrefix + "bucket"
	MetaKey              = MetaPrefix + "key"
	MetaPath             = MetaPrefix + "path"
	MetaFilename         = MetaPrefix + "filename"
	MetaSafePath         = MetaPrefix + "safe_path"
	MetaETag             = MetaPrefix + "etag"
	MetaSize             = MetaPrefix + "size"
	MetaLastModified     = MetaPrefix + "last_modified"
	MetaLastModifiedUnix = MetaPrefix + "last_modified_unix"
	MetaContentType      = MetaPrefix + "content_type"
	MetaCacheControl     = MetaPrefix + "cache_control"
	MetaProjectRef       = MetaPrefix + "project_ref"
	MetaEvent            = MetaPrefix + "event"
	MetaObjectID         = MetaPrefix + "object_id"
	MetaMissingMeta      = MetaPrefix + "missing_meta"
	MetaFailure          = MetaPrefix + "failure"

	// MetaUserPrefix starts the names of the object's own metadata, so that a
	// user's "key" or "bucket" can't take the place of ours.
	MetaUserPrefix = MetaPrefix + "meta_"
)

// eventDeleted is the event of a key that no longer exists. The other events are
// "created", for a key that was not delivered before, and "updated".
const eventDeleted = "deleted"

// Labeller sets the metadata of messages, in the same form for the whole bucket.
type Labeller struct {
	Bucket     string
	Prefix     string
	ProjectRef string
	// Folders are in front of the key in its safe path: the bucket, and the project
	// where there are several.
	Folders []string
	// UserMetadata has the metadata of the object itself added.
	UserMetadata bool
	// OnMissingMeta is called if the server could not send n values of an object's
	// own metadata, or never sends any (object.NoMeta). It may be nil.
	OnMissingMeta func(key string, n int)
}

// MetadataAsker is a source of objects that can be asked for all metadata that is
// stored with one.
type MetadataAsker interface {
	// UserMetadata makes one request. Names are in lower case, and values that are no
	// text are JSON. The ETag is that of the version that the metadata is of, in the
	// form of a listing; "" if the answer does not tell.
	UserMetadata(ctx context.Context, key string) (metadata map[string]string, etag string, err error)
}

// completeMetadata asks for what an answer left out. Metadata of another version than
// the content is of is never added: the object was overwritten, and begins again.
func completeMetadata(ctx context.Context, asker MetadataAsker, c *object.Content) error {
	if asker == nil || c.MissingMeta == 0 {
		return nil
	}
	metadata, etag, err := asker.UserMetadata(ctx, c.Key)
	switch {
	case err != nil && ctx.Err() != nil:
		return err
	case err != nil:
		return metadataError(c.Key, err)
	case etag == "":
		return nil // nobody can tell whose it is
	case etag != c.ETag:
		return &object.Error{Op: opMetadata, Key: c.Key, Kind: object.ErrChanged, Err: fmt.Errorf(
			"the content has the ETag %.80q, the metadata is of %.80q", c.ETag, foreign.Text(etag, foreign.Short))}
	}
	c.UserMetadata, c.MissingMeta = metadata, 0
	return nil
}

const opMetadata = "asking for the metadata"

// metadataError is a failure that leads to another attempt, unless it is about this
// object alone. A 404 or a refusal of the keys is not the last word: the next attempt
// at the content finds out what it means.
func metadataError(key string, err error) error {
	if object.Transient(err) || errors.Is(err, object.ErrDenied) || errors.Is(err, object.ErrInvalid) {
		return err
	}
	return &object.Error{Op: opMetadata, Key: key, Kind: object.ErrUnavailable, Err: errors.New(err.Error())}
}

// label is the metadata of one object, made once for all its messages.
type label struct {
	entries []labelEntry
	// used says that the first message has its metadata. Later messages are copies
	// of copied.
	used   bool
	copied *service.Message
}

type labelEntry struct {
	key   string
	value any
}

// labelSize is the number of entries of an object without metadata of its own.
const labelSize = 14

func (l *label) set(key string, value any) {
	l.entries = append(l.entries, labelEntry{key, value})
}

// setIfKnown skips an empty value: the server did not send one.
func (l *label) setIfKnown(key, value string) {
	if value != "" {
		l.set(key, value)
	}
}

// label is for the messages of an object's content.
func (l Labeller) label(c *object.Content, event string) *label {
	out := l.labelKey(c.Key, event)
	out.set(MetaETag, c.ETag)
	out.set(MetaSize, c.Size)
	if !c.LastModified.IsZero() {
		out.set(MetaLastModified, c.LastModified.UTC().Format(time.RFC3339Nano))
		out.set(MetaLastModifiedUnix, c.LastModified.Unix())
	}
	out.setIfKnown(MetaContentType, c.ContentType)
	out.setIfKnown(MetaCacheControl, c.CacheControl)
	out.set(MetaObjectID, c.ID(l.Bucket))
	if l.UserMetadata {
		for name, value := range c.UserMetadata {
			out.set(MetaUserPrefix+name, value)
		}
		if c.MissingMeta > 0 {
			out.set(MetaMissingMeta, c.MissingMeta)
		}
		if c.MissingMeta != 0 && l.OnMissingMeta != nil {
			l.OnMissingMeta(c.Key, c.MissingMeta)
		}
	}
	return out
}

// labelDeleted is for the message that an object is gone.
func (l Labeller) labelDeleted(key string) *label { return l.labelKey(key, eventDeleted) }

func (l Labeller) labelKey(key, event string) *label {
	out := &label{entries: make([]labelEntry, 0, labelSize)}
	out.set(MetaBucket, l.Bucket)
	out.set(MetaKey, key)
	out.set(MetaPath, filter.Path(l.Prefix, key))
	out.set(MetaFilename, filter.BaseName(key))
	out.set(MetaSafePath, object.SafePath(key, l.Folders...))
	out.setIfKnown(MetaProjectRef, l.ProjectRef)
	out.set(MetaEvent, event)
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

// isPlain reports whether a message has nothing except bytes.
func isPlain(msg *service.Message) bool {
	if !msg.HasBytes() || msg.HasStructured() || msg.GetError() != nil || msg.Context() != context.Background() {
		return false
	}
	return msg.MetaWalkMut(func(string, any) error { return errHasMetadata }) == nil
}

var errHasMetadata = errors.New("the scanner set metadata")

// labelled is a labelled copy of a plain message. Copies of one message share its
// metadata until somebody writes to it. Setting the metadata on each of the many
// lines of an object would take longer than reading them.
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
