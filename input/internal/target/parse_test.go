package target

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

func TestPlainDocumentsNameTheirObjects(t *testing.T) {
	for doc, want := range map[string][]Target{
		`{"name":"a/b.jpg"}`:                                       {{Key: "a/b.jpg"}},
		`{"key":"a/b.jpg","bucket":"photos"}`:                      {{Bucket: "photos", Key: "a/b.jpg"}},
		`{"key":"a","name":"a"}`:                                   {{Key: "a"}},
		`{"key":null,"name":"a","bucket":null}`:                    {{Key: "a"}},
		`{"bucket_id":"photos","name":"a","archived_at":null}`:     {{Bucket: "photos", Key: "a"}},
		`{"bucketId":"photos","name":"a","version":"v"}`:           {{Bucket: "photos", Key: "a"}},
		`{"Name":"x","KEY":"y","name":"a"}`:                        {{Key: "a"}},
		`[{"name":"a"},[{"key":"b"}],"{\"name\":\"c\"}"]`:          {{Key: "a"}, {Key: "b"}, {Key: "c"}},
		`"[{\"name\":\"a\"}]"`:                                     {{Key: "a"}},
		`[]`:                                                       nil,
		`{"key":"a","event":"deleted","project_ref":"ref"}`:        {{ProjectRef: "ref", Key: "a", Event: Deleted}},
		`{"key":"a","event":"something of somebody"}`:              {{Key: "a"}},
		`{"key":"a","event":{"of":"somebody"}}`:                    {{Key: "a"}},
		`{"key":"a","message":"text of somebody","type":"INSERT"}`: {{Key: "a"}},
	} {
		got, err := Parse([]byte(doc))
		require.NoError(t, err, doc)
		require.Equal(t, want, got, doc)
	}
}

func TestLinesOfDocumentsNameTheirObjects(t *testing.T) {
	got, err := Parse([]byte("\xef\xbb\xbf{\"name\":\"a\"}\r\n\n[{\"name\":\"b\"}]\n \n{\"name\":\"c\"}"))
	require.NoError(t, err)
	require.Equal(t, []Target{{Key: "a"}, {Key: "b"}, {Key: "c"}}, got)

	got, err = Parse([]byte("{\"name\":\"a\"}\n{\"name\":\n{\"name\":\"c\"}\n"))
	require.ErrorContains(t, err, "line 2: not JSON (unexpected end of JSON input")
	require.Equal(t, []Target{{Key: "a"}, {Key: "c"}}, got, "a broken line hides no other")

	got, err = Parse([]byte("{\"name\":\n{\"name\":\"b\"}\n{\"name\":\"c\"}\n"))
	require.ErrorContains(t, err, "line 1: not JSON (unexpected end of JSON input")
	require.Equal(t, []Target{{Key: "b"}, {Key: "c"}}, got, "nor does the first")

	for _, doc := range []string{"{\n \"name\": \"a\"\n", "[\n {\"name\": \"a\"},\n {\"name\": \"b\"}\n", "Error:\n{\"name\":\"a\"}"} {
		got, err = Parse([]byte(doc))
		require.ErrorContains(t, err, "not JSON", doc)
		require.Empty(t, got, "one broken document on many lines names nothing: %q", doc)
	}

	got, err = Parse([]byte("{\n \"name\": \"a\"\n}\n"))
	require.NoError(t, err)
	require.Equal(t, []Target{{Key: "a"}}, got, "one document on many lines")
}

func TestAKeyIsUsedByteForByte(t *testing.T) {
	for _, key := range []string{
		"/leading", "trailing/", "a//b", " blank ", "a b+c%20d%2Fe", "a\\b", `"quoted"`, "Grüße/日本.txt", "e\u0301", "\u00e9", "\ufffd",
		"../up", ".", "?x=1#y", "🦄", "\u2028", "tab\t", "line\nbreak", "<&>", `\ud800`, `\ufffd`, `\\u`,
	} {
		doc, err := json.Marshal(map[string]string{"key": key})
		require.NoError(t, err)
		got, err := Parse(doc)
		require.NoError(t, err, key)
		require.Equal(t, []Target{{Key: key}}, got)
	}
	got, err := Parse([]byte(`{"key":"\ud83e\udd84 \u0047r\u00fc\u00DFe \ufffd"}`))
	require.NoError(t, err)
	require.Equal(t, []Target{{Key: "🦄 Grüße \ufffd"}}, got)
}

func TestWhatIsNoKeyNamesNothing(t *testing.T) {
	for doc, want := range map[string]string{
		`{"name":12}`:            "name is a number in place of a string",
		`{"name":true}`:          "name is a truth value in place of a string",
		`{"key":{"a":1}}`:        "key is an object in place of a string",
		`{"key":["a"]}`:          "key is an array in place of a string",
		`{"name":""}`:            "the key is empty or null",
		`{"name":null}`:          "the key is empty or null",
		`{"key":"a","name":"b"}`: "key and name differ",
		`{"key":"a","bucket":"b","bucketId":"c"}`:              "bucket and bucketId differ",
		`{"key":"a","bucket":7}`:                               "bucket is a number",
		`{"name":"a","name":"b"}`:                              "the field name stands there twice",
		`{"name":"a","bucket":"b","bucket":null}`:              "the field bucket stands there twice",
		`{"key":"a","project_ref":1}`:                          "project_ref is a number",
		"{\"name\":\"a\xff\"}":                                 "name is not valid UTF-8",
		"{\"name\":\"a\",\"bucket\":\"\xc3\"}":                 "bucket is not valid UTF-8",
		`{"name":"\ud800"}`:                                    "name has half of a surrogate pair",
		`{"name":"\udc00 "}`:                                   "name has half of a surrogate pair",
		`{"name":"\ud83ex\udd84"}`:                             "name has half of a surrogate pair",
		`{"name":"a\u0000"}`:                                   "NUL character",
		`{"name":"` + strings.Repeat("a", longestKey+1) + `"}`: "the key has 4097 bytes",
		`{"Key":"a","size":1}`:                                 "a JSON object with the fields Key, size names no object",
		`{}`:                                                   "an empty JSON object names no object",
		`null`:                                                 "null names no object",
		`12`:                                                   "a number names no object",
		`true`:                                                 "a truth value names no object",
		``:                                                     "the message is empty",
		" \n":                                                  "the message is empty",
		`"a/b.jpg"`:                                            "`root.key = this`",
		`a/b.jpg`:                                              "not JSON but a text that begins \"a/b.jpg\"",
		`{"name":"a"`:                                          "not JSON (unexpected end of JSON input, at byte 11 of what begins",
		`{"name":"a"}}`:                                        "not JSON (",
		"<html>":                                               "not JSON but a text that begins \"<html>\"",
		"\xff\xfe{\x00":                                        "not JSON but a text",
		`"{broken"`:                                            "a string that begins like a document and is not JSON",
		strings.Repeat("[", 9) + `{"name":"a"}` + strings.Repeat("]", 9): "more than 8 levels deep",
		strings.Repeat("[", 20000) + strings.Repeat("]", 20000):          "exceeded max depth",
	} {
		got, err := Parse([]byte(doc))
		require.ErrorContains(t, err, want, "%.80q", doc)
		require.ErrorContains(t, err, "below targets_input")
		require.Empty(t, got)
		require.Less(t, len(err.Error()), 700)
	}
}

func TestABadElementHidesNoOther(t *testing.T) {
	got, err := Parse([]byte(`[{"name":"a"},{"name":1},{"msg_id":1,"message":[null,{"name":"b"}]},7,7,7,{"name":"c"}]`))
	require.Equal(t, []Target{{Key: "a"}, {Key: "b"}, {Key: "c"}}, got)
	require.ErrorContains(t, err, "element 2: name is a number in place of a string; element 3, message, element 1: null names no object; element 4: a number names no object; and 2 more")
	require.Equal(t, 1, strings.Count(err.Error(), "below targets_input"), "the remedy stands there once")
	var p *Problem
	require.ErrorAs(t, err, &p)
	require.Equal(t, 5, p.Elements)
}

func TestAProblemShowsNoValueOfTheDocument(t *testing.T) {
	const secret = "https://example.com/object/sign/photos/a?token=eyJhbGciOiJIUzI1NiJ9.eyJ1cmwiOiJhIn0.c2lnbmF0dXJl"
	for _, doc := range []string{
		`{"url":"` + secret + `","nme":"a"}`, `{"` + secret + `":1}`, `"` + secret + `"`, secret, `{"name":7,"url":"` + secret + `"`,
		`{"type":"` + secret + `","record":{}}`, `{"schema":"` + secret + `","record":{}}`, `{"event":{"type":"` + secret + `","payload":{}}}`,
		"{\"\x1b[31m\\nred\":1}",
	} {
		_, err := Parse([]byte(doc))
		require.Error(t, err, doc)
		require.NotContains(t, err.Error(), "c2lnbmF0dXJl", doc)
		require.NotContains(t, err.Error(), "\x1b")
		require.NotContains(t, err.Error(), "\n")
	}
}

func TestWhatReferenceWritesParseReadsBack(t *testing.T) {
	place := Place{Bucket: "photos", Prefix: "2026/", ProjectRef: ref, Endpoint: "https://" + ref + ".storage.supabase.co/storage/v1/s3"}
	o := object.Object{Key: "2026/a & +1.jpg", Size: 0, ETag: "35d6d33467aae9a2e3dccb4b6b027878", LastModified: time.Unix(1795737799, 0)}
	for _, event := range []string{Created, Updated, Deleted} {
		r := place.Reference(o, event)
		r.URL = "https://example.com/?token=secret"
		doc, err := json.Marshal(r)
		require.NoError(t, err)
		got, err := Parse(doc)
		require.NoError(t, err)
		require.Equal(t, []Target{{ProjectRef: ref, Bucket: "photos", Key: o.Key, Event: event}}, got)
	}
}

// Four times the elements allocate four times as much, and not sixteen times.
func TestMemoryGrowsWithTheLengthOfTheMessage(t *testing.T) {
	allocated := func(n int) float64 {
		doc := []byte("[" + strings.TrimSuffix(strings.Repeat(`{"bucket":"photos","key":"2026/a.jpg"},`, n), ",") + "]")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		targets, err := Parse(doc)
		runtime.ReadMemStats(&after)
		require.NoError(t, err)
		require.Len(t, targets, n)
		return float64(after.TotalAlloc-before.TotalAlloc) / float64(n)
	}
	require.Less(t, allocated(16000), 2*allocated(4000))
}

func TestEnvelopesInEnvelopesAreNoWork(t *testing.T) {
	doc := []byte(`{"name":"a"}`)
	for range 12 { // each level doubles what has to be escaped
		next, err := json.Marshal(map[string]any{"msg_id": 1, "message": string(doc)})
		require.NoError(t, err)
		doc = next
	}
	_, err := Parse(doc)
	require.ErrorContains(t, err, "levels deep")
	require.Less(t, len(err.Error()), 700)
}

func FuzzParseNeverPanicsAndMakesNothingUp(f *testing.F) {
	for _, name := range []string{"database_webhook.move", "storage_webhook.move.created", "queue.row", "queue.read"} {
		f.Add(recorded(f, name))
	}
	for _, doc := range []string{
		`{"key":"a","bucket":"b","event":"deleted"}`, `[{"name":"a"},"{\"name\":\"b\"}"]`, "{\"name\":\"a\"}\n{\"name\":\"b\"}", `{"Records":[{"s3":{}}]}`,
		`{"name":"\ud83e\udd84\ud83e"}`, "\xef\xbb\xbf{\"name\":\"\xff\"}", `{"msg_id":1,"message":{"msg_id":1,"message":[[[]]]}}`, `"text"`, `-1e5`, `{"name":"a`,
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		before := bytes.Clone(doc)
		targets, err := Parse(doc)
		require.Equal(t, before, doc, "the message is not written to")
		again, _ := Parse(doc)
		require.Equal(t, targets, again)
		size := 0
		for _, target := range targets {
			require.NotEmpty(t, target.Key)
			require.LessOrEqual(t, len(target.Key), longestKey)
			require.True(t, utf8.ValidString(target.Key))
			require.Contains(t, []string{"", Created, Updated, Deleted}, target.Event)
			size += len(target.Key)
		}
		require.LessOrEqual(t, size, len(doc), "no key is longer than what it was written as")
		require.LessOrEqual(t, len(targets), len(doc)/len(`{"key":"a"}`)+1)
		if err != nil {
			require.True(t, utf8.ValidString(err.Error()))
			require.Less(t, len(err.Error()), 2000)
		}
	})
}

func FuzzWhatReferenceWritesParseReadsBack(f *testing.F) {
	f.Add("photos", "2026/a & +1.jpg", ref, "updated")
	f.Add("b", "\ufffd\u2028\\u0041", "", "")
	f.Fuzz(func(t *testing.T, bucket, key, project, event string) {
		for _, s := range []string{bucket, key, project} {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) || len(s) > longestKey {
				return // the database holds no such name
			}
		}
		if key == "" {
			return // no object has an empty key
		}
		doc, err := json.Marshal(Place{Bucket: bucket, ProjectRef: project}.Reference(object.Object{Key: key}, event))
		require.NoError(t, err)
		got, err := Parse(doc)
		require.NoError(t, err, string(doc))
		require.Equal(t, []Target{{ProjectRef: project, Bucket: bucket, Key: key, Event: knownEvent(event)}}, got)
		wrapped := fmt.Sprintf(`[{"msg_id":1,"message":%s}]`, doc)
		inEnvelope, err := Parse([]byte(wrapped))
		require.NoError(t, err)
		require.Equal(t, got, inEnvelope)
	})
}
