package emulator

import (
	"encoding/xml"
	"io"
	"net/http"
)

func (x *exchange) serveS3Bucket() error {
	switch x.req.Op {
	case OpListBuckets:
		return x.listBuckets()
	case OpCreateBucket:
		return x.createBucket()
	case OpHeadBucket:
		if !x.bucketVisible() {
			return failNoBucket
		}
		x.w.Header().Set("X-Amz-Bucket-Region", x.s.settings.Region)
		x.w.WriteHeader(http.StatusOK)
		return nil
	}
	if x.req.Op == OpTagging {
		if _, err := x.object(); err != nil {
			return err
		}
	} else if !x.bucketVisible() {
		return failNoBucket
	}
	var w xmlWriter
	switch x.req.Op {
	case OpBucketLocation:
		w.buf = append(w.buf, xmlHead+`<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`...)
		w.text(x.s.settings.Region)
		w.end("LocationConstraint")
	case OpBucketVersioning:
		w.open("VersioningConfiguration")
		w.element("Status", "Suspended")
		w.element("MfaDelete", "Disabled")
		w.end("VersioningConfiguration")
	default:
		w.open("Tagging")
		w.element("TagSet", "")
		w.end("Tagging")
	}
	x.sendXML(http.StatusOK, w.buf)
	return nil
}

// bucketVisible asks for the bucket as the caller sees it.
func (x *exchange) bucketVisible() bool {
	_, ok := x.s.store.bucket(x.req.Bucket)
	return ok && x.seesBucket(x.req.Bucket)
}

func (x *exchange) listBuckets() error {
	all, err := x.s.store.buckets()
	if err != nil {
		return err
	}
	var w xmlWriter
	w.open("ListAllMyBucketsResult")
	n := len(w.buf)
	w.start("Buckets")
	empty := len(w.buf)
	for _, b := range all {
		if !x.seesBucket(b.name) {
			continue
		}
		w.start("Bucket")
		w.element("Name", b.name)
		w.time("CreationDate", b.created)
		w.end("Bucket")
	}
	if len(w.buf) == empty {
		w.buf = w.buf[:n]
		w.element("Buckets", "")
	} else {
		w.end("Buckets")
	}
	x.sendXML(http.StatusOK, w.close("ListAllMyBucketsResult"))
	return nil
}

func (x *exchange) createBucket() error {
	if x.s.readOnly {
		return failReadOnly
	}
	if !x.caller.bypass() {
		return failRowPolicy
	}
	if _, ok := x.s.store.bucket(x.req.Bucket); ok {
		return &failure{http.StatusConflict, "BucketAlreadyExists", "The resource already exists", "Duplicate"}
	}
	if _, err := x.s.store.create(x.req.Bucket); err != nil {
		return &failure{http.StatusBadRequest, "InvalidBucketName", err.Error(), ""}
	}
	x.w.Header().Set("Location", "/"+x.req.Bucket)
	x.send(http.StatusOK, nil, 0, 0)
	return nil
}

// deleteObjects answers DeleteObjects: one result per key, in their order.
func (x *exchange) deleteObjects() error {
	b, err := x.writable()
	if err != nil {
		return err
	}
	var doc struct {
		Object []struct{ Key string }
	}
	body, err := io.ReadAll(io.LimitReader(x.r.Body, 4<<20))
	if err != nil || xml.Unmarshal(body, &doc) != nil {
		return failInvalidRequest("the body is no list of objects to delete")
	}
	var w xmlWriter
	w.open("DeleteResult")
	for _, o := range doc.Object {
		err := x.remove(b, o.Key)
		if err == nil {
			w.start("Deleted")
			w.element("Key", o.Key)
			w.end("Deleted")
			continue
		}
		f := asFailure(err)
		w.start("Error")
		w.element("Key", o.Key)
		w.element("Code", f.code)
		w.element("Message", f.message)
		w.end("Error")
	}
	x.sendXML(http.StatusOK, w.close("DeleteResult"))
	return nil
}
