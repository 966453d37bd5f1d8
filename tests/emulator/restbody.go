package emulator

import (
	"encoding/json"
	"math"
	"slices"
)

// listV2Body is the body of POST /object/list-v2/{bucket}.
type listV2Body struct {
	prefix, cursor string
	// limit is at most maxKeys.
	limit         int
	withDelimiter bool
	// column and order are empty if the body has no sortBy; order may also be empty
	// with a column.
	column, order string
}

var (
	sortColumns = []string{"name", "updated_at", "created_at"}
	sortOrders  = []string{"asc", "desc"}
)

// readListV2 reads the body as the server's validator does, in its order.
func (x *exchange) readListV2() (b listV2Body, err error) {
	b.limit = maxKeys
	var doc any
	if len(x.req.Body) > 0 && json.Unmarshal(x.req.Body, &doc) != nil {
		return b, failBodyJSON
	}
	fields, ok := doc.(map[string]any)
	if !ok {
		return b, failInvalidRequest("body must be object")
	}
	if b.prefix, err = textField(fields, "prefix"); err != nil {
		return b, err
	}
	if err := b.readLimit(fields); err != nil {
		return b, err
	}
	if b.cursor, err = textField(fields, "cursor"); err != nil {
		return b, err
	}
	if v, found := fields["with_delimiter"]; found {
		if b.withDelimiter, ok = coerceBool(v); !ok {
			return b, failInvalidRequest("body/with_delimiter must be boolean")
		}
	}
	return b, b.readSortBy(fields)
}

func textField(fields map[string]any, name string) (string, error) {
	v, found := fields[name]
	if !found {
		return "", nil
	}
	s, ok := coerceString(v)
	if !ok {
		return "", failInvalidRequest("body/" + name + " must be string")
	}
	return s, nil
}

func (b *listV2Body) readLimit(fields map[string]any) error {
	v, found := fields["limit"]
	if !found {
		return nil
	}
	n, ok := coerceInteger(v)
	switch {
	case !ok:
		return failInvalidRequest("body/limit must be integer")
	case n < 1:
		return failInvalidRequest("body/limit must be >= 1")
	case math.IsInf(n, 0):
		return failInvalidRequest(`body/limit must pass "finite" keyword validation`)
	}
	b.limit = int(min(n, maxKeys))
	return nil
}

func (b *listV2Body) readSortBy(fields map[string]any) error {
	v, found := fields["sortBy"]
	if !found {
		return nil
	}
	sortBy, ok := v.(map[string]any)
	if !ok {
		return failInvalidRequest("body/sortBy must be object")
	}
	column, found := sortBy["column"]
	if !found {
		return failInvalidRequest("body/sortBy must have required property 'column'")
	}
	if b.column, ok = coerceString(column); !ok {
		return failInvalidRequest("body/sortBy/column must be string")
	}
	if !slices.Contains(sortColumns, b.column) {
		return failInvalidRequest("body/sortBy/column must be equal to one of the allowed values")
	}
	order, found := sortBy["order"]
	if !found {
		return nil
	}
	if b.order, ok = coerceString(order); !ok {
		return failInvalidRequest("body/sortBy/order must be string")
	}
	if !slices.Contains(sortOrders, b.order) {
		return failInvalidRequest("body/sortBy/order must be equal to one of the allowed values")
	}
	return nil
}
