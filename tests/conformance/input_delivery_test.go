package conformance

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// bucketful are objects for more than two pages: every hostile key, sizes from zero
// to a few megabytes, all with different content.
func bucketful(tg *target, prefix string) []object {
	var objects []object
	for i, key := range tg.hostileKeys(prefix) {
		objects = append(objects, object{key: key, body: pattern(i, len(key)+i)})
	}
	for i := range 4 {
		objects = append(objects, object{key: fmt.Sprintf("%sbig/%d.bin", prefix, i), body: pattern(i, 1<<20+i*700_001)})
	}
	for i := len(objects); i < 2300; i++ {
		objects = append(objects, object{
			key:         fmt.Sprintf("%sbulk/%d/file-%04d.json", prefix, i%7, i),
			body:        pattern(i, i%97*40),
			contentType: "application/json",
		})
	}
	return objects
}

// pattern is n bytes that depend on seed, with every byte value among them.
func pattern(seed, n int) []byte {
	b := make([]byte, n)
	x := uint32(seed)*2654435761 + 1
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return b
}

func TestInputDeliversEveryObjectOnceAndByteForByte(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		objects := bucketful(tg, prefix)
		tg.store(t, objects...)
		placeholders := []object{{key: prefix + ".emptyFolderPlaceholder"}, {key: prefix + "bulk/new/.emptyFolderPlaceholder"}}
		tg.store(t, placeholders...)

		out := runInput(t, tg, tg.withKey(prefix))
		requireDelivered(t, out, objects...)
		require.EqualValues(t, len(objects)+len(placeholders), out.report.Listed)
		require.EqualValues(t, len(placeholders), out.report.Filtered["placeholder"])

		ids := map[any]bool{}
		for _, m := range out.messages {
			sum := md5.Sum(m.body)
			require.Equal(t, tg.bucket, m.meta["supabase_storage_bucket"])
			require.Equal(t, strings.TrimPrefix(m.key(), prefix), m.meta["supabase_storage_path"])
			require.Equal(t, hex.EncodeToString(sum[:]), m.meta["supabase_storage_etag"])
			require.EqualValues(t, len(m.body), m.meta["supabase_storage_size"])
			require.Equal(t, tg.projectRef, m.meta["supabase_storage_project_ref"])
			require.Equal(t, "created", m.meta["supabase_storage_event"])
			ids[m.meta["supabase_storage_object_id"]] = true
		}
		require.Len(t, ids, len(objects), "an id for each object")
	})
}

func TestInputReadsKeysThatStartWithASlash(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		tg.keepsSlashes(t)
		prefix := "/" + tg.prefix()
		objects := []object{
			{key: prefix + "leading.txt", body: []byte("one slash")},
			{key: prefix + "/then/two", body: []byte("and two")},
		}
		tg.store(t, objects...)
		requireDelivered(t, runInput(t, tg, tg.withKey(prefix)), objects...)
	})
}

func TestInputSetsWhatTheServerKnowsOfAnObject(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		key := tg.prefix() + "dir/photo (1).JPG"
		tg.removeAtEnd(t, key)
		res := tg.send(t, request{method: http.MethodPut, key: key, body: []byte("jpeg"), overS3: true, header: http.Header{
			"Content-Type": {"image/jpeg"}, "Cache-Control": {"max-age=60"},
		}})
		require.Equal(t, http.StatusOK, res.status, "%s", res.body)
		listed := tg.page(t, nil, "prefix", key).Contents[0]
		modified, err := time.Parse(time.RFC3339, listed.LastModified)
		require.NoError(t, err)

		out := runInput(t, tg, tg.withKey(path.Dir(path.Dir(key))+"/"))
		requireDelivered(t, out, object{key: key, body: []byte("jpeg")})
		meta := out.messages[0].meta
		require.Equal(t, key, meta["supabase_storage_key"])
		require.Equal(t, "dir/photo (1).JPG", meta["supabase_storage_path"])
		require.Equal(t, "photo (1).JPG", meta["supabase_storage_filename"])
		require.Equal(t, "image/jpeg", meta["supabase_storage_content_type"])
		require.Equal(t, "max-age=60", meta["supabase_storage_cache_control"])
		require.EqualValues(t, modified.Unix(), meta["supabase_storage_last_modified_unix"])
		got, err := time.Parse(time.RFC3339, meta["supabase_storage_last_modified"].(string))
		require.NoError(t, err)
		require.True(t, got.Equal(modified), "the listing's time, not that of the blob: %s, %s", got, modified)
	})
}

func TestInputSetsTheMetadataOfTheUploader(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		tg.store(t, object{key: prefix + "a", body: []byte("x"), meta: map[string]string{"Album": "summer", "Key": "mine"}})
		f := tg.withKey(prefix)
		f["user_metadata"] = "full" // over REST no answer has it
		out := runInput(t, tg, f)
		require.Len(t, out.messages, 1)
		meta := out.messages[0].meta
		require.Equal(t, "summer", meta["supabase_storage_meta_album"])
		require.Equal(t, "mine", meta["supabase_storage_meta_key"], "a user's metadata takes the place of nothing")
	})
}

func TestInputPrefixIsLiteral(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		names := []string{"f.txt", "f.txt.bak", "f.txt-1", "f.txt (copy)", "f.txt/in", "F.txt", "f_txt", "a"}
		var objects []object
		for _, name := range names {
			objects = append(objects, object{key: prefix + name, body: []byte(name)})
		}
		tg.store(t, objects...)
		requireDelivered(t, runInput(t, tg, tg.withKey(prefix+"f.txt")), objects[:5]...)
		requireDelivered(t, runInput(t, tg, tg.withKey(prefix+"f.txt/")), objects[4])
		requireDelivered(t, runInput(t, tg, tg.withKey(prefix+"f_")), objects[6])
		requireDelivered(t, runInput(t, tg, tg.withKey(prefix+"nothing/")))
	})
}

func TestInputReadsALargeObjectInPartsAndInOrder(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		large := object{key: prefix + "large.bin", body: pattern(1, 24<<20+5)}
		small := object{key: prefix + "small.bin", body: pattern(2, 100)}
		tg.store(t, large, small)

		f := tg.withKey(prefix)
		f["scanner"] = fields{"chunker": fields{"size": 100_000}}
		f["concurrency"] = fields{"buffer_bytes": "8MiB"}
		out := runInput(t, tg, f)
		require.NoError(t, out.report.Err)
		got := map[string][]byte{}
		for _, m := range out.messages {
			got[m.key()] = append(got[m.key()], m.body...)
		}
		require.Len(t, got, 2)
		require.True(t, bytes.Equal(large.body, got[large.key]))
		require.True(t, bytes.Equal(small.body, got[small.key]))
	})
}

func TestInputSplitsObjectsIntoLines(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		var (
			objects []object
			want    = map[string][]string{}
		)
		for i := range 20 {
			key := fmt.Sprintf("%s%02d.jsonl", prefix, i)
			for line := range i * 40 {
				want[key] = append(want[key], fmt.Sprintf(`{"object":%d,"line":%d}`, i, line))
			}
			objects = append(objects, object{key: key, body: []byte(strings.Join(want[key], "\n"))})
		}
		tg.store(t, objects...)

		f := tg.withKey(prefix)
		f["scanner"] = fields{"lines": fields{}}
		out := runInput(t, tg, f)
		require.NoError(t, out.report.Err)
		got := map[string][]string{}
		for _, m := range out.messages {
			got[m.key()] = append(got[m.key()], string(m.body))
		}
		require.Equal(t, want, got)
		require.EqualValues(t, len(objects), out.report.Delivered, "the empty object too, which has no line")
	})
}

func TestInputDeletesWhatItDeliveredAndNothingElse(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		kept := []string{prefix + "a.tmp", prefix + "dir/.emptyFolderPlaceholder"}
		tg.store(t, object{key: kept[0], body: []byte("a")}, object{key: kept[1]})
		objects := []object{
			{key: prefix + "a.txt", body: []byte("a")},
			{key: prefix + "a.txt ", body: []byte("b")},
			{key: prefix + tg.reachable("dir//b&c+d.txt"), body: []byte("c")},
			{key: prefix + "empty"},
		}
		tg.store(t, objects...)
		f := tg.withKey(prefix)
		f["after_delivery"] = "delete"
		f["exclude_patterns"] = []string{"*.tmp"}
		requireDelivered(t, runInput(t, tg, f), objects...)
		require.Equal(t, kept, tg.allKeys(t, nil, prefix, 1000))
	})
}

// headOf is what a server says of an object, without its times and ids.
func headOf(t *testing.T, tg *target, key string) http.Header {
	t.Helper()
	res, err := tg.do(t.Context(), request{method: http.MethodHead, key: key, overS3: true})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.status, key)
	h := http.Header{}
	for name, values := range res.header {
		if strings.HasPrefix(name, "X-Amz-") || slices.Contains([]string{"Content-Type", "Cache-Control", "Content-Length", "Etag"}, name) {
			h[name] = values
		}
	}
	return h
}

func TestInputMovesWhatItDeliveredWithAllThatIsStoredWithIt(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		in, done := prefix+"in/", prefix+"in/done/"
		objects := []object{
			{key: in + "a.txt", body: []byte("a"), contentType: "text/x-after", meta: map[string]string{"camera": "Leica M6", "n": "3"}},
			{key: in + tg.reachable("dir//b&c+d=e, (f)@g;h:i'j!.txt"), body: []byte("c"), contentType: "image/png"},
			{key: in + "empty"},
		}
		taken := object{key: in + "taken", body: []byte("new")}
		copied := object{key: in + "copied", body: []byte("the same")}
		tg.store(t, append(slices.Clone(objects), taken, copied,
			object{key: done + "taken", body: []byte("somebody else's")}, object{key: done + "copied", body: copied.body})...)
		before := map[string]http.Header{}
		for _, o := range objects {
			before[o.key] = headOf(t, tg, o.key)
			tg.removeAtEnd(t, done+strings.TrimPrefix(o.key, in))
		}
		f := tg.withKey(in)
		f["after_delivery"], f["move_to"] = "move", done
		out := runInput(t, tg, f)
		requireDelivered(t, out, append(slices.Clone(objects), taken, copied)...)
		require.EqualValues(t, 2, out.report.Filtered["moved"])
		want := []string{in + "taken", done + "taken", done + "copied"}
		for _, o := range objects {
			to := done + strings.TrimPrefix(o.key, in)
			want = append(want, to)
			require.Equal(t, before[o.key], headOf(t, tg, to), o.key)
			res, err := tg.do(t.Context(), request{method: http.MethodGet, key: to, overS3: true})
			require.NoError(t, err)
			require.Equal(t, string(o.body), string(res.body))
		}
		require.ElementsMatch(t, want, tg.allKeys(t, nil, in, 1000))
	})
}
