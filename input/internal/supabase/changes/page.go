package changes

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// pageRows is the most that the server gives.
const pageRows = 1000

// query is the body of a request.
type query struct {
	Prefix string  `json:"prefix,omitempty"`
	Limit  int     `json:"limit"`
	Cursor string  `json:"cursor,omitempty"`
	SortBy *sortBy `json:"sortBy,omitempty"`
}

type sortBy struct {
	Column string `json:"column"`
	Order  string `json:"order"`
}

// page is an answer. There is an object on it where more is set.
type page struct {
	objects []object.Object
	more    bool
	next    string // the server's cursor
}

// answer is a page as the server writes it. What must be there is a pointer.
type answer struct {
	HasNext    *bool  `json:"hasNext"`
	NextCursor string `json:"nextCursor"`
	Objects    *[]row `json:"objects"`
}

type row struct {
	Name      string          `json:"name"`
	UpdatedAt time.Time       `json:"updated_at"`
	Metadata  json.RawMessage `json:"metadata"`
}

// metadata is null for a row that was inserted by SQL.
type metadata struct {
	ETag *string `json:"eTag"`
	Size *int64  `json:"size"`
}

// read makes sure that an answer tells all that a listing does: an object of which
// less is known would look like another version.
func (p *page) read(a answer) error {
	if a.HasNext == nil || a.Objects == nil {
		return errors.New("the answer has no hasNext or no objects")
	}
	if *a.HasNext && len(*a.Objects) == 0 {
		return errors.New("the listing goes on, but a page of it is empty")
	}
	*p = page{objects: make([]object.Object, len(*a.Objects)), more: *a.HasNext, next: a.NextCursor}
	for i, r := range *a.Objects {
		var err error
		if p.objects[i], err = r.object(); err != nil {
			return err
		}
	}
	return nil
}

// object makes of a row what the S3 listing shows of it.
func (r *row) object() (object.Object, error) {
	o := object.Object{Key: r.Name, LastModified: r.UpdatedAt.Truncate(time.Millisecond).UTC()}
	var m *metadata
	if len(r.Metadata) == 0 {
		return o, fmt.Errorf("the row %s has no metadata", foreign.Key(r.Name))
	}
	if r.Name == "" || r.UpdatedAt.IsZero() {
		return o, fmt.Errorf("a row (%s) has no name or no updated_at", foreign.Key(r.Name))
	}
	if err := json.Unmarshal(r.Metadata, &m); err != nil {
		o.Odd = "metadata that can't be read: " + foreign.Cause(err).Error()
		return o, nil
	}
	switch {
	case m == nil:
		return o, nil
	case m.ETag == nil && m.Size == nil:
		return o, fmt.Errorf("the metadata of the row %s has neither eTag nor size", foreign.Key(r.Name))
	case m.Size != nil && *m.Size < 0:
		o.Odd = fmt.Sprintf("a size of \"%d\"", *m.Size)
		return o, nil
	}
	if m.ETag != nil {
		o.ETag = strings.Trim(strings.TrimPrefix(*m.ETag, "W/"), `"`)
	}
	if m.Size != nil {
		o.Size = *m.Size
	}
	return o, nil
}
