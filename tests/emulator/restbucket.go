package emulator

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// restBuckets answers GET /bucket: the buckets that the caller sees.
func (x *exchange) restBuckets() error {
	page, err := x.readBucketPage()
	if err != nil {
		return err
	}
	if err := x.authenticate(); err != nil {
		return err
	}
	all, err := x.s.store.buckets()
	if err != nil {
		return err
	}
	search := strings.ToLower(x.req.Query.Get("search"))
	all = slices.DeleteFunc(slices.Clone(all), func(b bucketInfo) bool {
		return !x.seesBucket(b.name) || !strings.Contains(strings.ToLower(b.name), search)
	})
	page.sort(all)
	all = all[min(page.offset, len(all)):]
	if page.limit > 0 {
		all = all[:min(page.limit, len(all))]
	}
	var j jsonWriter
	j.raw("[")
	for i, b := range all {
		j.comma(i)
		j.bucket(b, x.s.buckets.of(b.name), `,"type":"STANDARD"`)
	}
	j.raw("]")
	x.sendJSON(http.StatusOK, j.buf)
	return nil
}

// restBucket answers GET /bucket/{bucket}. A bucket that the caller does not see is
// one that does not exist.
func (x *exchange) restBucket() error {
	if err := x.authenticate(); err != nil {
		return err
	}
	if holdsNUL(x.req.Bucket) {
		return failText
	}
	all, err := x.s.store.buckets()
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(b bucketInfo) bool { return b.name == x.req.Bucket })
	if at < 0 || !x.seesBucket(x.req.Bucket) {
		return failNoBucket
	}
	var j jsonWriter
	j.bucket(all[at], x.s.buckets.of(x.req.Bucket), "")
	x.sendJSON(http.StatusOK, j.buf)
	return nil
}

func (w *jsonWriter) bucket(b bucketInfo, settings BucketSettings, more string) {
	w.field("{", "id", b.name)
	w.field(",", "name", b.name)
	w.raw(`,"owner":"","public":` + strconv.FormatBool(settings.Public) + more)
	limit := "null"
	if settings.FileSizeLimit != 0 {
		limit = strconv.FormatInt(settings.FileSizeLimit, 10)
	}
	w.raw(`,"file_size_limit":` + limit)
	types, _ := json.Marshal(settings.AllowedMIMETypes) // strings always have a JSON
	w.raw(`,"allowed_mime_types":` + string(types))
	w.field(",", "created_at", iso(b.created))
	w.field(",", "updated_at", iso(b.created))
	w.raw("}")
}

// bucketPage is what the query of GET /bucket asks for.
type bucketPage struct {
	limit, offset int
	column        string
	desc          bool
}

var bucketColumns = []string{"id", "name", "created_at", "updated_at"}

// readBucketPage reads the query as the server's validator does.
func (x *exchange) readBucketPage() (p bucketPage, err error) {
	q := x.req.Query
	if p.limit, err = x.countOf("limit", 1); err != nil {
		return p, err
	}
	if p.offset, err = x.countOf("offset", 0); err != nil {
		return p, err
	}
	const allowed = " must be equal to one of the allowed values"
	if p.column = q.Get("sortColumn"); q.Has("sortColumn") && !slices.Contains(bucketColumns, p.column) {
		return p, failInvalidRequest("querystring/sortColumn" + allowed)
	}
	if q.Has("sortOrder") && !slices.Contains(sortOrders, q.Get("sortOrder")) {
		return p, failInvalidRequest("querystring/sortOrder" + allowed)
	}
	p.desc = q.Get("sortOrder") == "desc"
	return p, nil
}

// countOf reads a number of the query that is at least least; 0 if it is not there.
func (x *exchange) countOf(name string, least int) (int, error) {
	if !x.req.Query.Has(name) {
		return 0, nil
	}
	n, ok := jsInteger(x.req.Query.Get(name))
	switch {
	case !ok:
		return 0, failInvalidRequest("querystring/" + name + " must be integer")
	case n < float64(least):
		return 0, failInvalidRequest("querystring/" + name + " must be >= " + strconv.Itoa(least))
	}
	return int(min(n, 1<<31)), nil
}

// sort orders the buckets; without a column they keep the order of the store.
func (p *bucketPage) sort(all []bucketInfo) {
	if p.column == "" {
		return
	}
	slices.SortStableFunc(all, func(a, b bucketInfo) int {
		c := strings.Compare(a.name, b.name)
		if strings.HasSuffix(p.column, "_at") {
			c = cmp.Compare(a.created, b.created)
		}
		if p.desc {
			return -c
		}
		return c
	})
}
