package target

import (
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// The events of an object. A document that tells none names an object that is there.
const (
	Created = "created"
	Updated = "updated"
	Deleted = "deleted"
)

// Reference is the document that is sent in place of an object's content. Its
// field names are part of the public contract.
type Reference struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
	// Path is the key below the prefix of the input that lists.
	Path string `json:"path"`
	// ETag, Size and LastModified are those of the listing. A deletion has none.
	ETag         string     `json:"etag,omitempty"`
	Size         *int64     `json:"size,omitempty"`
	LastModified *time.Time `json:"last_modified,omitempty"`
	Event        string     `json:"event"`
	ObjectID     string     `json:"object_id,omitempty"`
	// ProjectRef is empty for a server that is no hosted project.
	ProjectRef string `json:"project_ref,omitempty"`
	Endpoint   string `json:"endpoint"`
	// URL is signed: who has it can read the object until it expires.
	URL string `json:"url,omitempty"`
}

// Place is where the objects of a scope are.
type Place struct {
	Bucket, Prefix       string
	ProjectRef, Endpoint string
}

// Reference names a version of an object in the place.
func (p Place) Reference(o object.Object, event string) Reference {
	r := Reference{
		Bucket: p.Bucket, Key: o.Key, Path: filter.Path(p.Prefix, o.Key),
		Event: event, ProjectRef: p.ProjectRef, Endpoint: p.Endpoint,
	}
	if event == Deleted {
		return r
	}
	size := o.Size
	r.ETag, r.Size, r.ObjectID = o.ETag, &size, o.ID(p.Bucket)
	if !o.LastModified.IsZero() {
		t := o.LastModified.UTC()
		r.LastModified = &t
	}
	return r
}
