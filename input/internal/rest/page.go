package rest

import (
	"encoding/json"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
)

// page is one decoded answer to a list request.
type page struct {
	objects []object.Object
	more    bool
}

func (p *page) decode(doc []byte) error {
	var a struct {
		HasNext *bool
		Objects *[]struct {
			Name      string
			UpdatedAt time.Time `json:"updated_at"`
			Metadata  *struct {
				ETag string
				Size int64
			}
		}
	}
	if err := json.Unmarshal(doc, &a); err != nil {
		return err
	}
	*p = page{more: a.HasNext != nil && *a.HasNext}
	for _, row := range *a.Objects {
		o := object.Object{Key: row.Name, LastModified: row.UpdatedAt}
		if row.Metadata != nil {
			o.ETag, o.Size = plane.TrimETag(row.Metadata.ETag), row.Metadata.Size
		}
		p.objects = append(p.objects, o)
	}
	return nil
}
