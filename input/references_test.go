package input

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
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
				LastModified: &written, Event: target.Created, ObjectID: meta(r.messages[0], emit.MetaObjectID),
				ProjectRef: s.ProjectRef, Endpoint: r.server.Endpoint(),
			}, refs["a/b c.txt"])
			require.Zero(t, *refs["a/empty"].Size)
			require.Zero(t, r.server.Count(emulator.OpGet)+r.server.Count(emulator.OpRESTGet))

			msg := r.messages[0]
			require.Equal(t, "b c.txt", meta(msg, emit.MetaFilename))
			require.Equal(t, "5", meta(msg, emit.MetaSize))
			require.Equal(t, map[string]string{"": "<unset>", "secret_key": "text/plain"}[credentials], meta(msg, emit.MetaContentType))
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

// urlsOpen requires that each reference has a URL that gives the object's content.
func (r *rig) urlsOpen() {
	r.t.Helper()
	for key, ref := range r.references() {
		_, want, _ := r.server.Get("docs", key)
		require.Equal(r.t, string(want), r.open(ref.URL))
		_, signature, _ := strings.Cut(ref.URL, "?")
		require.NotContains(r.t, r.logs.String(), signature)
	}
}

// open reads a URL without keys, and gives the body of the answer.
func (r *rig) open(url string) string {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, url, nil)
	require.NoError(r.t, err)
	res, err := r.server.Transport().RoundTrip(req)
	require.NoError(r.t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(r.t, err)
	return string(body)
}

func TestURLsAreSignedManyAtATimeAndSurviveAServerThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, asReferences+"reference_url_expiry: 1h\n")
		r.fields += withSecretKey(r.server.Settings())
		const objects = 1300
		for i := range objects {
			r.server.Put("docs", fmt.Sprintf("%04d?a=b#", i)[:8], fmt.Append(nil, i))
		}
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpRESTSignMany && q.N == 1 {
				return emulator.Fault{Status: 500}
			}
			return emulator.Fault{}
		})
		report := r.run()
		require.NoError(t, report.Err)
		require.EqualValues(t, objects, report.Delivered)
		require.Less(t, r.server.Count(emulator.OpRESTSignMany), objects)
		r.urlsOpen()
	})
}

func TestAURLExpiresAndIsNotOlderThanATenthOfItsTime(t *testing.T) {
	for _, credentials := range []string{"", "secret_key"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, asReferences+"reference_url_expiry: 100s\n")
			if credentials != "" {
				r.fields += withSecretKey(r.server.Settings())
			}
			for i := range 10 {
				r.server.Put("docs", fmt.Sprint(i), []byte("content"))
			}
			require.NoError(t, r.build())
			require.NoError(t, r.input.Connect(t.Context()))
			for range 10 {
				time.Sleep(time.Minute) // a slow pipeline
				batch, ack, err := r.input.ReadBatch(t.Context())
				require.NoError(t, err)
				require.NoError(t, ack(t.Context(), nil))
				r.keep(batch)
			}
			refs := r.references()
			require.Len(t, refs, 10)
			// The last one was signed after the one before it was read, a minute ago.
			require.Equal(t, "content", r.open(refs["9"].URL))
			time.Sleep(101 * time.Second)
			require.NotEqual(t, "content", r.open(refs["9"].URL))
			require.NoError(t, r.input.Close(t.Context()))
		})
	}
}

func TestAnObjectThatMayBeListedButNotSignedIsParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, asReferences+"reference_url_expiry: 1h\nretry: {max_attempts: 3}\n")
		s := r.server
		r.fields += fmt.Sprintf("credentials: {type: session_token, publishable_key: %s, user_token: %s}\n", s.Settings().PublishableKey, s.UserToken("me", 100*time.Hour))
		for _, key := range []string{"mine", "yours"} {
			s.Put("docs", key, []byte("x"))
		}
		var signing atomic.Bool
		s.AllowRead("docs", func(_ map[string]any, key string) bool { return key == "mine" || !signing.Load() })
		s.SetFaults(func(q emulator.Request) emulator.Fault {
			return emulator.Fault{Before: func() { signing.Store(q.Op == emulator.OpRESTSignMany) }}
		})
		report := r.run()
		require.EqualValues(t, 1, report.Delivered)
		require.Equal(t, map[string]int64{"denied": 1}, report.Parked)
		require.Contains(t, r.logs.String(), "you do not have access to it")
	})
}

func TestAnObjectThatIsGoneBeforeItIsSignedHasVanished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, asReferences+"reference_url_expiry: 1h\n")
		r.fields += withSecretKey(r.server.Settings())
		r.server.Put("docs", "gone", []byte("x"))
		r.server.Put("docs", "there", []byte("x"))
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpRESTSignMany && q.N == 1 {
				return emulator.Fault{Before: func() { r.server.Delete("docs", "gone") }}
			}
			return emulator.Fault{}
		})
		report := r.run()
		require.NoError(t, report.Err)
		require.EqualValues(t, 1, report.Delivered)
		require.EqualValues(t, 1, report.Vanished)
	})
}

func TestTypesOfReferencesAreAskedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, asReferences+withState(t)+"content_types: [image/*]\nmax_object_size: 1MB\n")
		for i, kind := range []string{"image/png", "text/plain", "image/gif"} {
			r.server.Put("docs", fmt.Sprint(i), make([]byte, i*1000), emulator.WithContentType(kind))
		}
		r.server.Put("docs", "large.png", make([]byte, 2<<20), emulator.WithContentType("image/png"))
		report := r.run()
		require.EqualValues(t, 2, report.Delivered)
		require.Equal(t, map[string]int64{"content_types": 1, "size": 1}, report.Filtered)
		var types []string
		for _, msg := range r.messages {
			types = append(types, meta(msg, emit.MetaContentType))
		}
		require.ElementsMatch(t, []string{"image/png", "image/gif"}, types)
		require.Equal(t, 3, r.server.Count(emulator.OpGet))
		r.run()
		require.Equal(t, 3, r.server.Count(emulator.OpGet))
	})
}

func TestReferencesGoOnWhereARunWasStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, asReferences+withState(t))
		for i := range 100 {
			r.server.Put("docs", fmt.Sprintf("%03d", i), []byte("x"))
		}
		require.NoError(t, r.build())
		require.NoError(t, r.input.Connect(t.Context()))
		for i := range 40 {
			batch, ack, err := r.input.ReadBatch(t.Context())
			require.NoError(t, err)
			if i < 30 { // the last ten stay without an answer
				require.NoError(t, ack(t.Context(), nil))
			}
			r.keep(batch)
		}
		require.NoError(t, r.input.Close(t.Context()))
		require.Len(t, r.arrived(), 40)
		report := r.run()
		require.EqualValues(t, 30, report.Unchanged)
		require.EqualValues(t, 70, report.Delivered)
		require.Len(t, r.references(), 70)
	})
}

func TestARefusedReferenceIsParkedAndSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, asReferences+withState(t)+"auto_replay_nacks: false\n")
		for i := range 10 {
			r.server.Put("docs", fmt.Sprint(i), []byte("x"))
		}
		r.ack = func(batch service.MessageBatch) error {
			if meta(batch[0], emit.MetaKey) == "3" {
				return errRefused
			}
			return nil
		}
		report := r.run()
		require.EqualValues(t, 9, report.Delivered)
		require.Equal(t, map[string]int64{"rejected": 1}, report.Parked)
		r.arrived()
		r.ack = nil
		require.EqualValues(t, 1, r.run().Delivered)
		require.Equal(t, []string{"created 3"}, r.arrived())
	})
}

func TestRepeatedPassesSendReferencesOfWhatChanged(t *testing.T) {
	for _, mode := range []string{"continuous", "scheduled"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, asReferences+"sync_mode: "+mode+"\npolling_interval: 1m\nemit_deletes: true\nmax_delete_ratio: 1\nreference_url_expiry: 1h\n")
			r.server.Put("docs", "a", []byte("x"))
			r.server.Put("docs", "b", []byte("x"))
			stop := r.live()
			time.Sleep(10 * time.Second)
			require.Equal(t, []string{"created a", "created b"}, r.arrived())
			r.server.Put("docs", "a", []byte("other"))
			r.server.Put("docs", "c", []byte("x"))
			r.server.Delete("docs", "b")
			time.Sleep(5 * time.Minute)
			require.Equal(t, []string{"created c", "deleted b", "updated a"}, r.arrived())
			stop()
			require.Zero(t, r.server.Count(emulator.OpGet))
		})
	}
}

func TestUserMetadataOfReferencesIsAskedForWhereItIsWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for choice, want := range map[string]string{"true": "<unset>", "full": "bar"} {
			r := newRig(t, asReferences+"user_metadata: "+choice+"\n")
			r.fields += withSecretKey(r.server.Settings())
			r.server.Put("docs", "k", []byte("x"), emulator.WithUserMetadata(map[string]string{"foo": "bar"}))
			require.NoError(t, r.run().Err)
			require.Equal(t, want, meta(r.messages[0], emit.MetaUserPrefix+"foo"))
			require.NotContains(t, r.logs.String(), "sends no metadata of objects along", "there is nothing to come along with")
		}
	})
}
