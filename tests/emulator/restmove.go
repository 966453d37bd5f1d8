package emulator

import (
	"cmp"
	"encoding/json"
	"net/http"
)

// moveBody is the body of a move.
type moveBody struct {
	BucketID, SourceKey, DestinationBucket, DestinationKey string

	err error
}

// read reads the body as the server's validator does.
func (m *moveBody) read(doc []byte) {
	var fields map[string]any
	if json.Unmarshal(doc, &fields) != nil {
		m.err = failBodyJSON
		return
	}
	for _, f := range []struct {
		name string
		to   *string
		must bool
	}{
		{"bucketId", &m.BucketID, true},
		{"sourceKey", &m.SourceKey, true},
		{"destinationKey", &m.DestinationKey, true},
		{"destinationBucket", &m.DestinationBucket, false},
	} {
		v, found := fields[f.name]
		switch {
		case !found && f.must:
			m.err = cmp.Or(m.err, error(failInvalidRequest("body must have required property '"+f.name+"'")))
		case found:
			var ok bool
			if *f.to, ok = coerceString(v); !ok {
				m.err = cmp.Or(m.err, error(failInvalidRequest("body/"+f.name+" must be string")))
			}
		}
	}
}

// failTaken is the refusal of a move to a key that there is.
var failTaken = &failure{http.StatusConflict, "ResourceAlreadyExists", "The resource already exists", "Duplicate"}

// restMove answers POST of /object/move: the row gets another key, a new version and
// the present time, and keeps its id, its time of creation and all that is stored with
// it. It overwrites nothing. A caller who may not write the row does not find it.
func (x *exchange) restMove() error {
	if x.move.err != nil {
		return x.move.err
	}
	if err := x.authenticate(); err != nil {
		return err
	}
	m := &x.move
	if x.s.readOnly {
		return failReadOnly
	}
	if !validKey(m.DestinationKey) {
		return failInvalidKey(m.DestinationKey)
	}
	to := cmp.Or(m.DestinationBucket, m.BucketID)
	from, ok := x.s.store.bucket(m.BucketID)
	if !ok || !x.mayRead(m.BucketID)(m.SourceKey) || !x.mayWrite(m.BucketID)(m.SourceKey) {
		return failNoKey
	}
	dest, ok := x.s.store.bucket(to)
	if !ok {
		return failNoRelated
	}
	x.s.moving.Lock()
	defer x.s.moving.Unlock()
	r, err := from.get(m.SourceKey)
	switch {
	case err != nil:
		return err
	case r == nil:
		return failNoKey
	case !x.mayWrite(to)(m.DestinationKey):
		return failRowPolicy
	case to == m.BucketID && m.DestinationKey == m.SourceKey:
		x.sendJSON(http.StatusOK, []byte(`{"message":"Successfully moved"}`))
		return nil
	case r.content == nil:
		return x.restMissingBlob()
	}
	taken, err := dest.get(m.DestinationKey)
	switch {
	case err != nil:
		return err
	case taken != nil:
		return failTaken
	}
	moved := *r
	moved.key, moved.before, moved.bare, moved.noETag = m.DestinationKey, nil, false, false
	moved.updated = x.s.now()
	moved.written = moved.updated
	if _, err := dest.put(&moved); err != nil {
		return err
	}
	if _, err := from.delete(m.SourceKey); err != nil {
		return err
	}
	x.sendJSON(http.StatusOK, []byte(`{"message":"Successfully moved"}`))
	return nil
}
