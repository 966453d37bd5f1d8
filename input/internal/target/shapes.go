package target

import (
	"maps"
	"strings"
)

// longestKey is the longest path of a file, in bytes, and so the longest key that
// Storage can keep on a disk. In S3, a key has at most 1,024.
const longestKey = 4096

// named finds out which shape an object has by its fields, and what it names.
func named(f fields) ([]Target, *reason) {
	switch event, ok, err := f.object("event"); {
	case err != nil:
		return nil, err
	case f.has("record") || f.has("old_record"):
		return databaseWebhook(f)
	case ok && event.is("payload"):
		return storageWebhook(f, event)
	case isS3(f):
		return nil, says(toStorage, "an S3 event")
	}
	return one(f, knownEvent(f.word("event")))
}

// isS3 knows the notifications of S3 and of stores that speak like it: a list of
// records, a single one, and the form that EventBridge gives them.
func isS3(f fields) bool {
	records := f.values["Records"]
	return records != nil && records[0] == '[' || f.is("s3") || f.word("source") == "aws.s3" || f.word("eventSource") == "aws:s3"
}

func knownEvent(event string) string {
	switch event {
	case Created, Updated, Deleted:
		return event
	}
	return ""
}

// one returns the target that key or name are, nothing for a version that was
// replaced by another.
func one(f fields, event string) ([]Target, *reason) {
	t, err := row(f)
	if err != nil || f.isOld() {
		return nil, err
	}
	if t.Event = event; f.isMarker() {
		t.Event = Deleted
	}
	return []Target{t}, nil
}

// row reads what all shapes have in common: which object it is.
func row(f fields) (Target, *reason) {
	var t Target
	var err *reason
	if t.Key, err = f.agreed("key", "name"); err != nil {
		return t, err
	}
	if t.Bucket, err = f.agreed("bucket", "bucket_id", "bucketId"); err != nil {
		return t, err
	}
	if t.ProjectRef, err = f.agreed("project_ref"); err != nil {
		return t, err
	}
	switch {
	case !f.has("key") && !f.has("name"):
		return t, says(toReference, "%s names no object: key and name are missing", f.seen())
	case t.Key == "":
		return t, says(toReference, "the key is empty or null")
	case len(t.Key) > longestKey:
		return t, says(toReference, "the key has %d bytes, which no object's has", len(t.Key))
	case strings.ContainsRune(t.Key, 0):
		return t, says(toReference, "the key has a NUL character, which no object's has")
	}
	return t, nil
}

// isOld is true for the row of an old version, in a bucket that keeps them.
func (f fields) isOld() bool { return f.is("archived_at") }

// isMarker is true for the row that stands for a deletion in such a bucket.
func (f fields) isMarker() bool {
	v := f.values["is_delete_marker"]
	return v != nil && v[0] == 't'
}

// without returns a copy that lacks a field.
func (f fields) without(name string) fields {
	f.values = maps.Clone(f.values)
	delete(f.values, name)
	return f
}

// agreed returns the text that all fields of these names have which are there.
func (f fields) agreed(names ...string) (string, *reason) {
	found, from := "", ""
	for _, name := range names {
		if !f.is(name) {
			continue
		}
		if v := f.values[name]; v[0] != '"' {
			return "", says(toReference, "%s is %s in place of a string", name, kind(v))
		}
		s, bad := text(f.values[name])
		switch {
		case bad != "":
			return "", says(toReference, "%s %s", name, bad)
		case from != "" && s != found:
			return "", says(toReference, "%s and %s differ: which names the object is not clear", from, name)
		}
		found, from = s, name
	}
	return found, nil
}

// databaseWebhook reads what a trigger on storage.objects sends.
func databaseWebhook(f fields) ([]Target, *reason) {
	schema, table := f.word("schema"), f.word("table")
	if f.is("schema") && schema != "storage" || f.is("table") && table != "objects" {
		return nil, says(toObjects, "a database webhook on %s.%s, which is not storage.objects", short([]byte(schema)), short([]byte(table)))
	}
	now, has, err := f.object("record")
	if err != nil {
		return nil, err
	}
	before, had, err := f.object("old_record")
	if err != nil {
		return nil, err
	}
	change := f.word("type")
	switch {
	case change == "INSERT" && has:
		return one(now, Created)
	case change == "UPDATE" && has:
		return updated(now, before)
	case change == "DELETE" && had && before.isMarker():
		return one(before.without("is_delete_marker"), Updated) // an older version may be the object again
	case change == "DELETE" && had:
		return one(before, Deleted)
	case change == "INSERT" || change == "UPDATE" || change == "DELETE":
		return nil, says(toObjects, "a database webhook of the type %s without the row", change)
	}
	return nil, says(toObjects, "a database webhook of the type %q; INSERT, UPDATE and DELETE name objects", short([]byte(change)))
}

// updated reads both rows of an UPDATE. One that changed the key or the bucket
// moved the object: nothing is left where it was. The row before has no fields where
// it was not sent.
func updated(now, before fields) ([]Target, *reason) {
	targets, err := one(now, Updated)
	if err != nil || len(targets) == 0 || before.isOld() || before.isMarker() || !before.is("name") {
		return targets, err
	}
	old, err := row(before)
	if err != nil {
		return targets, err
	}
	moved := before.is("bucket_id") && old.Bucket != targets[0].Bucket
	if old.Key == targets[0].Key && !moved {
		return targets, nil
	}
	if old.Event = Deleted; old.Bucket == "" {
		old.Bucket = targets[0].Bucket
	}
	return []Target{old, targets[0]}, nil
}

// storageWebhook reads what the Storage server sends to its WEBHOOK_URL.
// A move is two of them, one for each key.
func storageWebhook(f, event fields) ([]Target, *reason) {
	payload, _, err := event.object("payload")
	if err != nil {
		return nil, err
	}
	typ := event.word("type")
	does, _, _ := strings.Cut(typ, ":")
	as, ok := map[string]string{"ObjectCreated": Created, "ObjectUpdated": Updated, "ObjectRemoved": Deleted}[does]
	if !ok {
		return nil, says(toReference, "an event of the Storage server of the type %q, which names no object", short([]byte(typ)))
	}
	targets, err := one(payload, as)
	if err != nil {
		return nil, err
	}
	tenant, ok, err := f.object("tenant")
	if err == nil && !ok {
		tenant, _, err = payload.object("tenant")
	}
	if err != nil {
		return nil, err
	}
	ref, err := tenant.agreed("ref")
	if err != nil {
		return nil, err
	}
	for i := range targets {
		targets[i].ProjectRef = ref
	}
	return targets, nil
}
