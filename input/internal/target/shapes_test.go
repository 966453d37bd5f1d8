package target

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

const ref = "abcdefghijklmnopqrst"

// The files in testdata are what a Storage server, triggers and a queue of pgmq
// sent for the same few requests; only the project ref was replaced.
func recorded(t testing.TB, name string) []byte {
	t.Helper()
	doc, err := os.ReadFile("testdata/" + name + ".json")
	require.NoError(t, err)
	return doc
}

func TestADatabaseWebhookNamesWhatBecameOfTheRow(t *testing.T) {
	const key = "2026/a & +1.jpg"
	for step, want := range map[string][]Target{
		"upload":       {{Bucket: "photos", Key: key, Event: Created}},
		"upsert":       {{Bucket: "photos", Key: key, Event: Updated}},
		"put":          {{Bucket: "photos", Key: key, Event: Updated}},
		"copy":         {{Bucket: "photos", Key: "2026/copy.jpg", Event: Created}},
		"move":         {{Bucket: "photos", Key: "2026/copy.jpg", Event: Deleted}, {Bucket: "photos", Key: "2026/renamed.jpg", Event: Updated}},
		"move-bucket":  {{Bucket: "photos", Key: "2026/renamed.jpg", Event: Deleted}, {Bucket: "archive", Key: "2026/renamed.jpg", Event: Updated}},
		"delete":       {{Bucket: "archive", Key: "2026/renamed.jpg", Event: Deleted}},
		"delete-batch": {{Bucket: "photos", Key: key, Event: Deleted}},
	} {
		got, err := Parse(recorded(t, "database_webhook."+step))
		require.NoError(t, err, step)
		require.Equal(t, want, got, step)
	}
}

func TestTheWebhookOfTheStorageServerNamesItsObject(t *testing.T) {
	const key = "2026/a & +1.jpg"
	for step, want := range map[string]Target{
		"upload":              {Bucket: "photos", Key: key, Event: Created},
		"upsert":              {Bucket: "photos", Key: key, Event: Created},
		"put":                 {Bucket: "photos", Key: key, Event: Created},
		"copy":                {Bucket: "photos", Key: "2026/copy.jpg", Event: Created},
		"move.created":        {Bucket: "photos", Key: "2026/renamed.jpg", Event: Created},
		"move.removed":        {Bucket: "photos", Key: "2026/copy.jpg", Event: Deleted},
		"move-bucket.created": {Bucket: "archive", Key: "2026/renamed.jpg", Event: Created},
		"move-bucket.removed": {Bucket: "photos", Key: "2026/renamed.jpg", Event: Deleted},
		"delete":              {Bucket: "archive", Key: "2026/renamed.jpg", Event: Deleted},
		"delete-batch":        {Bucket: "photos", Key: key, Event: Deleted},
	} {
		want.ProjectRef = ref
		got, err := Parse(recorded(t, "storage_webhook."+step))
		require.NoError(t, err, step)
		require.Equal(t, []Target{want}, got, step)
	}
	got, err := Parse([]byte(`{"event":{"type":"ObjectUpdated:Metadata","payload":{"bucketId":"b","name":"a","tenant":{"ref":"r"}}}}`))
	require.NoError(t, err)
	require.Equal(t, []Target{{ProjectRef: "r", Bucket: "b", Key: "a", Event: Updated}}, got)
}

func TestAnEntryOfAQueueNamesWhatItsMessageNames(t *testing.T) {
	const key = "2026/a & +1.jpg"
	moved := []Target{{Bucket: "photos", Key: "2026/copy.jpg", Event: Deleted}, {Bucket: "photos", Key: "2026/renamed.jpg", Event: Updated}}

	got, err := Parse(recorded(t, "queue.row"))
	require.NoError(t, err)
	require.Equal(t, moved, got)

	got, err = Parse(recorded(t, "queue.read")) // three at once
	require.NoError(t, err)
	require.Equal(t, []Target{{Bucket: "photos", Key: key, Event: Created}, {Bucket: "photos", Key: key, Event: Updated}, {Bucket: "photos", Key: key, Event: Updated}}, got)

	// Drivers of databases hand JSON columns on as text.
	asText, err := json.Marshal(string(recorded(t, "database_webhook.move")))
	require.NoError(t, err)
	got, err = Parse([]byte(`{"msg_id":"10","read_ct":1,"message":` + string(asText) + `}`))
	require.NoError(t, err)
	require.Equal(t, moved, got)

	for shape, doc := range map[string]string{
		"a webhook of the server":  `{"msg_id":1,"message":` + string(recorded(t, "storage_webhook.upload")) + `}`,
		"an envelope in another":   `{"msg_id":1,"message":{"msg_id":2,"message":{"project_ref":"` + ref + `","bucket":"photos","key":"` + key + `","event":"created"}}}`,
		"a list with one envelope": `{"msg_id":1,"message":[{"msg_id":2,"message":{"project_ref":"` + ref + `","bucket":"photos","key":"` + key + `","event":"created"}}]}`,
	} {
		got, err := Parse([]byte(doc))
		require.NoError(t, err, shape)
		require.Equal(t, []Target{{ProjectRef: ref, Bucket: "photos", Key: key, Event: Created}}, got, shape)
	}
}

func TestOldVersionsNameNothingAndDeleteMarkersADeletion(t *testing.T) {
	const (
		old     = `{"bucket_id":"b","name":"a","archived_at":"2026-11-27T00:03:19+00:00","is_delete_marker":false}`
		current = `{"bucket_id":"b","name":"a","archived_at":null,"is_delete_marker":false}`
		marker  = `{"bucket_id":"b","name":"a","archived_at":null,"is_delete_marker":true}`
	)
	webhook := func(change, now, before string) string {
		return `{"type":"` + change + `","table":"objects","schema":"storage","record":` + now + `,"old_record":` + before + `}`
	}
	as := func(event string) []Target { return []Target{{Bucket: "b", Key: "a", Event: event}} }
	for doc, want := range map[string][]Target{
		webhook("INSERT", old, "null"):      nil,
		webhook("UPDATE", old, current):     nil,
		webhook("DELETE", "null", old):      nil,
		webhook("UPDATE", current, old):     as(Updated), // it was restored
		webhook("INSERT", marker, "null"):   as(Deleted),
		webhook("DELETE", "null", marker):   as(Updated),
		webhook("DELETE", "null", current):  as(Deleted),
		webhook("UPDATE", current, current): as(Updated),
		webhook("UPDATE", current, "null"):  as(Updated),
		marker:                              as(Deleted), // a bare row
		old:                                 nil,
		current:                             as(""),
	} {
		got, err := Parse([]byte(doc))
		require.NoError(t, err, doc)
		require.Equal(t, want, got, doc)
	}
}

func TestAWebhookThatNamesNoObjectSaysWhy(t *testing.T) {
	for doc, want := range map[string]string{
		`{"type":"INSERT","table":"profiles","schema":"public","record":{"name":"Eve"},"old_record":null}`:    "a database webhook on public.profiles, which is not storage.objects",
		`{"type":"INSERT","table":"buckets","schema":"storage","record":{"name":"photos"},"old_record":null}`: "on storage.buckets, which is not",
		`{"type":"INSERT","table":"objects","schema":"public","record":{"name":"a"},"old_record":null}`:       "on public.objects, which is not",
		`{"type":"TRUNCATE","table":"objects","schema":"storage","record":null,"old_record":null}`:            `of the type "TRUNCATE"; INSERT, UPDATE and DELETE name objects`,
		`{"type":"INSERT","table":"objects","schema":"storage","record":null,"old_record":null}`:              "of the type INSERT without the row",
		`{"type":"DELETE","table":"objects","schema":"storage","record":{"name":"a"},"old_record":null}`:      "of the type DELETE without the row",
		`{"event":{"type":"Bucket:Emptied","payload":{"bucketId":"b"}},"tenant":{"ref":"r"}}`:                 `of the type "Bucket:Emptied", which names no object`,
		`{"msg_id":7,"message":null}`: "an entry of a queue (msg_id 7) whose message is null",
	} {
		got, err := Parse([]byte(doc))
		require.ErrorContains(t, err, want, doc)
		require.ErrorContains(t, err, "mapping below targets_input", doc)
		require.Empty(t, got, doc)
	}
}

// The stores behind Storage tell of another key than the one that Storage knows.
func TestEventsOfS3AreNamedWithTheMappingThatTheyNeed(t *testing.T) {
	const record = `{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"store"},"object":{"key":"tenant/photos/2026/a+%26+%2B1.jpg/0b2f"}}}`
	for shape, doc := range map[string]string{
		"records":       `{"Records":[` + record + `]}`,
		"no records":    `{"Records":[]}`,
		"MinIO":         `{"EventName":"s3:ObjectCreated:Put","Key":"store/tenant/photos/a/0b2f","Records":[` + record + `]}`,
		"one record":    record,
		"EventBridge":   `{"version":"0","source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name":"store"},"object":{"key":"tenant/photos/a/0b2f"}}}`,
		"in a queue":    `{"msg_id":1,"message":{"Records":[` + record + `]}}`,
		"with a decoy":  `{"name":"a","Records":[` + record + `]}`,
		"and a key too": `{"key":"store/a","s3":{"object":{"key":"a"}}}`,
	} {
		got, err := Parse([]byte(doc))
		require.ErrorContains(t, err, "an S3 event: the key there is the one of the store behind Storage, tenant/bucket/name/version", shape)
		require.ErrorContains(t, err, "this.Records.filter", shape)
		require.Empty(t, got, shape)
	}
}
