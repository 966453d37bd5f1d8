package emulator

import (
	"encoding/xml"
	"io"
	"net/http"
	"slices"
)

func (x *exchange) serveS3Bucket() error {
	switch x.req.Op {
	case OpListBuckets:
		return x.listBuckets()
	case OpCreateBucket:
		return x.createBucket()
	case OpDeleteBucket:
		return x.deleteBucket()
	case OpHeadBucket:
		if !x.bucketVisible() {
			return failNoBucket
		}
		x.w.Header().Set("X-Amz-Bucket-Region", x.s.Settings().Region)
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
	switch x.req.Op {
	case OpBucketLocation:
		x.sendText("LocationConstraint", x.s.Settings().Region)
	case OpBucketVersioning:
		d := x.document("VersioningConfiguration", 256)
		d.element("Status", "Suspended")
		d.element("MfaDelete", "Disabled")
		x.sendDocument(http.StatusOK, &d)
	default:
		d := x.document("Tagging", 256)
		d.null("TagSet")
		x.sendDocument(http.StatusOK, &d)
	}
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
	all = slices.DeleteFunc(all, func(b bucketInfo) bool { return !x.seesBucket(b.name) })
	d := x.document("ListAllMyBucketsResult", 256+128*len(all))
	if len(all) == 0 && !d.json {
		d.element("Buckets", "")
	} else {
		d.group("Buckets", func() {
			d.list("Bucket", len(all), func(i int) {
				d.element("Name", all[i].name)
				d.time("CreationDate", all[i].created)
			})
		})
	}
	x.sendDocument(http.StatusOK, &d)
	return nil
}

func (x *exchange) createBucket() error {
	if x.s.readOnly {
		return failReadOnly
	}
	if !validBucket(x.req.Bucket) {
		return failBucketName
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

// deleteBucket answers DeleteBucket. Policies do not matter for whether the bucket
// exists and is empty; no policy lets a user delete a bucket.
func (x *exchange) deleteBucket() error {
	if x.s.readOnly {
		return failReadOnly
	}
	b, err := x.bucket()
	if err != nil {
		return err
	}
	for _, err := range b.scan("", "") {
		if err != nil {
			return err
		}
		return failNotEmpty
	}
	if !x.caller.bypass() {
		return failNoBucket
	}
	if !x.s.store.drop(x.req.Bucket) {
		return failNotEmpty
	}
	x.s.buckets.m.Delete(x.req.Bucket)
	x.send(http.StatusNoContent, nil, 0, 0)
	return nil
}

// deleteObjects answers DeleteObjects: one result per key, those that could not
// be deleted last.
func (x *exchange) deleteObjects() error {
	keys, err := x.keysToDelete()
	if err != nil {
		return err
	}
	b, err := x.writable()
	if err != nil {
		return err
	}
	var deleted, refused []string
	for _, key := range keys {
		switch err := x.remove(b, key); {
		case err == nil:
			deleted = append(deleted, key)
		case asFailure(err).status == http.StatusForbidden:
			refused = append(refused, key)
		default:
			return err
		}
	}
	d := x.document("DeleteResult", 512)
	d.list("Deleted", len(deleted), func(i int) { d.element("Key", deleted[i]) })
	d.list("Error", len(refused), func(i int) {
		d.element("Key", refused[i])
		d.element("Code", "AccessDenied")
		d.element("Message", "Access Denied")
	})
	x.sendDocument(http.StatusOK, &d)
	return nil
}

func (x *exchange) keysToDelete() ([]string, error) {
	body, err := io.ReadAll(io.LimitReader(x.r.Body, 4<<20))
	if err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return nil, failInvalidRequest("Body must be object")
	}
	var doc struct {
		XMLName xml.Name
		Object  []struct{ Key string }
	}
	if xml.Unmarshal(body, &doc) != nil {
		return nil, &failure{http.StatusBadRequest, "MalformedXML", "Invalid XML payload", ""}
	}
	if doc.XMLName.Local != "Delete" {
		return nil, failInvalidRequest("Body must have required property 'Delete'")
	}
	if len(doc.Object) == 0 {
		return nil, failInvalidRequest("Body, Delete must be object")
	}
	keys := make([]string, len(doc.Object))
	for i, o := range doc.Object {
		keys[i] = o.Key
	}
	return keys, nil
}
