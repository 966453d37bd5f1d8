package main

import (
	"encoding/json"
	"fmt"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// plane is how the pipeline reads the bucket. The zero value is the S3 protocol.
type plane struct {
	rest bool
}

// set reads the name of a plane.
func (p *plane) set(name string) error {
	switch name {
	case "s3", "rest":
		p.rest = name == "rest"
		return nil
	}
	return fmt.Errorf("%q is no plane; write s3 or rest", name)
}

// String is the plane's name in the figures.
func (p plane) String() string {
	if p.rest {
		return "rest"
	}
	return "s3"
}

// fields are the fields of the input that choose the plane. Over REST, user metadata
// would be one more request for each object, which is not what the drills are about.
func (p plane) fields() []string {
	if p.rest {
		return []string{"credentials: {type: secret_key, secret_key: \"${DRILL_SECRET_KEY}\"}", "user_metadata: false"}
	}
	return []string{
		"region: ${DRILL_REGION}",
		"credentials: {access_key_id: \"${DRILL_ACCESS_KEY_ID}\", secret_access_key: \"${DRILL_SECRET_ACCESS_KEY}\"}",
	}
}

// download is the operation that reads an object.
func (p plane) download() emulator.Op {
	if p.rest {
		return emulator.OpRESTGet
	}
	return emulator.OpGet
}

// asked is what a request asks for, whatever the plane.
type asked struct {
	// list says that it is a page of a listing: of the keys after after, with the
	// prefix. one says that the page is of one key.
	list, one     bool
	prefix, after string
	// deletes are the keys that it deletes.
	deletes []string
}

// readRequest reads a request of either plane. Over REST, the body says what is asked
// for.
func readRequest(r emulator.Request) asked {
	var body struct {
		Prefix, Cursor string
		Limit          int
		Prefixes       []string
	}
	switch r.Op {
	case emulator.OpList:
		q := r.Query
		return asked{list: true, one: q.Get("max-keys") == "1", prefix: q.Get("prefix"), after: q.Get("start-after") + q.Get("continuation-token")}
	case emulator.OpDelete:
		return asked{deletes: []string{r.Key}}
	case emulator.OpListV2, emulator.OpRESTDeleteMany:
		if json.Unmarshal(r.Body, &body) != nil {
			return asked{}
		}
	}
	return asked{
		list: r.Op == emulator.OpListV2, one: body.Limit == 1, prefix: body.Prefix, after: body.Cursor, deletes: body.Prefixes,
	}
}

// probes reports whether the request only asks whether the bucket exists.
func (a asked) probes() bool { return a.list && a.one && a.prefix == "" }

// begins reports whether the request begins a listing of the bucket.
func (a asked) begins() bool { return a.list && !a.one && a.prefix == "" && a.after == "" }
