package emulator

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ordering is how a list-v2 is sorted and where its page starts.
type ordering struct {
	column string // name, updated_at or created_at
	desc   bool
	// explicit says that the client asked for an order: cursors then contain it.
	explicit bool
	// The page starts after the key after; at is the column's value there in
	// milliseconds, for columns of time. bounded says that there is such a start.
	after   string
	at      int64
	bounded bool
}

// listV2 answers POST /object/list-v2/{bucket}. A bucket that does not exist
// is empty.
func (x *exchange) listV2() error {
	body, err := x.readListV2()
	if err != nil {
		return err
	}
	if err := x.authenticate(); err != nil {
		return err
	}
	order, err := body.ordering()
	if err != nil {
		return err
	}
	if holdsNUL(x.req.Bucket) || holdsNUL(body.prefix) || holdsNUL(order.after) {
		return failText
	}
	var p page
	if b, ok := x.s.store.bucket(x.req.Bucket); ok {
		see := x.mayRead(x.req.Bucket)
		switch {
		case body.withDelimiter && (order.column != "name" || order.desc):
			return failInvalidRequest("the emulator does not sort listings with a delimiter")
		case body.withDelimiter:
			p, err = foldedPage(b, see, body.prefix, "/", order.after, body.limit)
		case order.column == "name" && !order.desc:
			p, err = flatPage(b, see, body.prefix, order.after, body.limit)
		default:
			p, err = sortedPage(b, see, body.prefix, order, body.limit)
		}
		if err != nil {
			return err
		}
	}
	x.sendJSON(http.StatusOK, x.listV2Answer(body, order, p))
	return nil
}

// ordering reads the order from the cursor, else from sortBy.
func (b *listV2Body) ordering() (ordering, error) {
	o := ordering{column: cmp.Or(b.column, "name"), desc: b.order == "desc", explicit: b.column != ""}
	if b.cursor == "" {
		return o, nil
	}
	lines, err := readCursor(b.cursor)
	if err != nil {
		return o, err
	}
	o = ordering{column: cmp.Or(lines['c'], "name"), desc: lines['o'] == "desc", explicit: true, after: lines['l']}
	if !sortable(o.column) {
		return o, failToken
	}
	if at, ok := lines['a']; ok && o.column != "name" {
		t, err := time.Parse(time.RFC3339, at)
		if err != nil {
			return o, failToken
		}
		o.at, o.bounded = t.UnixMilli(), true
	}
	o.bounded = o.bounded || o.column == "name" && o.after != ""
	return o, nil
}

func sortable(column string) bool { return slices.Contains(sortColumns, column) }

// micros is the column's value in the precision of the database.
func (o *ordering) micros(r *row) int64 {
	switch o.column {
	case "updated_at":
		return r.updated
	case "created_at":
		return r.created
	}
	return 0
}

// compare is the ORDER BY: microseconds, then the key.
func (o *ordering) compare(a, b *row) int {
	c := cmp.Or(cmp.Compare(o.micros(a), o.micros(b)), strings.Compare(a.key, b.key))
	if o.desc {
		return -c
	}
	return c
}

// behind is the WHERE of a cursor: milliseconds, then the key. It differs from the
// ORDER BY, which is a bug of the server (v1.27.0 to at least v1.70.6): among the
// rows in the millisecond where a page ends, some are skipped and some come twice.
func (o *ordering) behind(r *row) bool {
	if !o.bounded {
		return true
	}
	c := cmp.Or(cmp.Compare(o.micros(r)/1000, o.at), strings.Compare(r.key, o.after))
	if o.desc {
		return c < 0
	}
	return c > 0
}

// sortedPage reads every row of the prefix, as the database does, and keeps
// the first limit.
func sortedPage(b rows, see func(string) bool, prefix string, o ordering, limit int) (page, error) {
	var first []*row
	keep := func() {
		slices.SortFunc(first, o.compare)
		first = first[:min(len(first), limit+1)]
	}
	for r, err := range b.scan(prefix, "") {
		if err != nil {
			return page{}, err
		}
		if !o.behind(r) || !see(r.key) {
			continue
		}
		if first = append(first, r); len(first) >= 4*(limit+1) {
			keep()
		}
	}
	keep()
	p := page{rows: first}
	if len(first) > limit {
		p.rows, p.truncated, p.last = first[:limit], true, first[limit-1].key
	}
	return p, nil
}

// cursor is where the page after p starts.
func (o *ordering) cursor(p page) string {
	s := "l:" + p.last
	if o.explicit {
		order := "asc"
		if o.desc {
			order = "desc"
		}
		s += "\no:" + order
	}
	if o.column != "name" {
		s += "\nc:" + o.column + "\na:" + iso(o.micros(p.rows[len(p.rows)-1]))
	}
	return base64.StdEncoding.EncodeToString([]byte(s))
}

func (x *exchange) listV2Answer(body listV2Body, o ordering, p page) []byte {
	j := jsonWriter{buf: make([]byte, 0, 128+512*len(p.rows))}
	j.raw(`{"hasNext":` + strconv.FormatBool(p.truncated))
	if p.truncated && p.last != "" {
		j.field(",", "nextCursor", o.cursor(p))
		j.field(",", "nextCursorKey", p.last)
	}
	j.raw(`,"folders":[`)
	for i, f := range p.folders {
		j.comma(i)
		j.field("{", "key", relative(strings.TrimSuffix(f, "/"), body.prefix))
		j.field(",", "name", f)
		j.raw(`,"id":null,"updated_at":null,"created_at":null,"last_accessed_at":null,"metadata":null}`)
	}
	j.raw(`],"objects":[`)
	for i, r := range p.rows {
		j.comma(i)
		if body.withDelimiter {
			j.field("{", "key", relative(r.key, body.prefix))
			j.field(",", "name", r.key)
			j.field(",", "id", x.objectID(r))
			j.times(r)
			j.metadata(r)
		} else {
			j.field("{", "id", x.objectID(r))
			j.field(",", "name", r.key)
			j.metadata(r)
			j.times(r)
		}
		j.raw("}")
	}
	j.raw("]}")
	return j.buf
}

// relative is the name within the folder of the prefix.
func relative(name, prefix string) string {
	return strings.TrimPrefix(name, prefix[:strings.LastIndexByte(prefix, '/')+1])
}

func (w *jsonWriter) times(r *row) {
	w.field(",", "updated_at", iso(r.updated))
	w.field(",", "created_at", iso(r.created))
	w.field(",", "last_accessed_at", iso(r.created))
}

func (w *jsonWriter) metadata(r *row) {
	if r.bare {
		w.raw(`,"metadata":null`)
		return
	}
	size := strconv.FormatInt(r.size, 10)
	w.field(`,"metadata":{`, "eTag", `"`+r.listedETag()+`"`)
	w.raw(`,"size":` + size)
	w.field(",", "mimetype", r.attrs.contentType)
	w.field(",", "cacheControl", r.attrs.cacheControl)
	w.field(",", "lastModified", iso(r.written))
	w.raw(`,"contentLength":` + size + `,"httpStatusCode":200}`)
}
