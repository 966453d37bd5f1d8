package input

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/target"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

const asReferences = "emit: reference\n"

// references reads the bodies of all messages, by key; a key must not come twice.
func (r *rig) references() map[string]target.Reference {
	r.t.Helper()
	out := map[string]target.Reference{}
	for key, bodies := range r.contents() {
		require.Len(r.t, bodies, 1)
		var ref target.Reference
		require.NoError(r.t, json.Unmarshal([]byte(bodies[0]), &ref))
		require.Equal(r.t, key, ref.Key)
		out[key] = ref
	}
	return out
}

func TestReferencesNameEveryObjectAndDownloadNothing(t *testing.T) {
	for _, credentials := range []string{"", "secret_key"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, asReferences+"source_path: docs/a/\n")
			if credentials != "" {
				r.fields += withSecretKey(r.server.Settings())
			}
			written := time.Date(2024, 5, 6, 7, 8, 9, 123_000_000, time.UTC)
			r.server.Put("docs", "a/b c.txt", []byte("hello"), emulator.WithLastModified(written), emulator.WithContentType("text/plain"))
			r.server.Put("docs", "a/empty", nil)
			r.server.Put("docs", "elsewhere", []byte("x"))
			report := r.run()
			require.EqualValues(t, 2, report.Delivered)
			refs := r.references()
			require.Len(t, refs, 2)
			size := int64(5)
			s := r.server.Settings()
			require.Equal(t, target.Reference{
				Bucket: "docs", Key: "a/b c.txt", Path: "b c.txt", ETag: "5d41402abc4b2a76b9719d911017c592", Size: &size,
				LastModified: &written, Event: target.Created, ObjectID: meta(r.messages[0], metaObjectID),
				ProjectRef: s.ProjectRef, Endpoint: r.server.Endpoint(),
			}, refs["a/b c.txt"])
			require.Zero(t, *refs["a/empty"].Size)
			require.Zero(t, r.server.Count(emulator.OpGet)+r.server.Count(emulator.OpRESTGet))

			msg := r.messages[0]
			require.Equal(t, "b c.txt", meta(msg, metaFilename))
			require.Equal(t, "5", meta(msg, metaSize))
			require.Equal(t, map[string]string{"": "<unset>", "secret_key": "text/plain"}[credentials], meta(msg, metaContentType))
		})
	}
}

func TestReferencesAreRememberedAndTellUpdatesAndDeletions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, asReferences+withState(t)+"emit_deletes: true\n")
		for i := range 5 {
			r.server.Put("docs", fmt.Sprint(i), []byte("x"))
		}
		r.run()
		require.Len(t, r.arrived(), 5)
		r.run()
		require.Empty(t, r.arrived())
		r.server.Put("docs", "1", []byte("other"))
		r.server.Delete("docs", "2")
		r.run()
		refs := r.references()
		require.Equal(t, "updated", refs["1"].Event)
		require.Equal(t, target.Reference{
			Bucket: "docs", Key: "2", Path: "2", Event: target.Deleted, ProjectRef: r.server.Settings().ProjectRef, Endpoint: r.server.Endpoint(),
		}, refs["2"])
		require.Equal(t, []string{"deleted 2", "updated 1"}, r.arrived())
	})
}
