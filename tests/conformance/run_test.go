package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input"
)

// fields are fields of the input, nested as in YAML.
type fields map[string]any

// message is what came out of the input.
type message struct {
	body []byte
	meta map[string]any
}

func (m message) key() string { return m.meta["supabase_storage_key"].(string) }

// outcome is a finished one-time run.
type outcome struct {
	messages []message
	report   input.Report
	log      string
}

// withKey are the fields that read prefix with the key that reads everything: the S3
// access key, or the secret key.
func (tg *target) withKey(prefix string) fields {
	if tg.plane == overREST {
		return tg.with(prefix, fields{"type": "secret_key", "secret_key": tg.secretKey})
	}
	return tg.with(prefix, fields{
		"type": "access_key", "access_key_id": tg.key.accessKeyID, "secret_access_key": tg.key.secret,
	})
}

// projectKey is the key that goes with the token of a user, which chooses the plane.
func (tg *target) projectKey() (field, key string) {
	if tg.plane == overREST {
		return "publishable_key", tg.publishable
	}
	return "anon_key", tg.anonKey
}

func (tg *target) with(prefix string, credentials fields) fields {
	f := fields{
		"project_ref": tg.projectRef,
		"endpoint":    tg.endpoint.String(),
		"source_path": tg.bucket + "/" + prefix,
		"credentials": credentials,
	}
	if tg.plane == overS3 {
		f["region"] = tg.region
	}
	return f
}

// runInput runs the input to its end in a stream of its own. It fails if the counts
// in the report do not add up or a secret is in the log.
func runInput(t *testing.T, tg *target, f fields) outcome {
	t.Helper()
	return runInputWatched(t, tg, f, func(message) error { return nil })
}

// runInputWatched is runInput, but calls arrived with each message before its ack. An
// error of arrived is a nack.
func runInputWatched(t *testing.T, tg *target, f fields, arrived func(message) error) outcome {
	t.Helper()
	label := "run_" + strings.Trim(strings.NewReplacer("/", "_", "-", "_").Replace(tg.prefix()), "_")
	var (
		out outcome
		mu  sync.Mutex
		log lockedBuffer
	)
	b := service.NewStreamBuilder()
	b.SetLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	require.NoError(t, b.AddInputYAML(inputYAML(t, label, f)))
	require.NoError(t, b.AddBatchConsumerFunc(func(_ context.Context, batch service.MessageBatch) error {
		mu.Lock()
		defer mu.Unlock()
		for _, msg := range batch {
			body, err := msg.AsBytes()
			if err != nil {
				return err
			}
			m := message{body: bytes.Clone(body), meta: map[string]any{}}
			if err := msg.MetaWalkMut(func(key string, value any) error {
				m.meta[key] = value
				return nil
			}); err != nil {
				return err
			}
			if err := arrived(m); err != nil {
				return err
			}
			out.messages = append(out.messages, m)
		}
		return nil
	}))
	stream, err := b.Build()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	require.NoError(t, stream.Run(ctx), log.String())

	reports := slices.DeleteFunc(input.Reports(), func(r input.Report) bool { return r.Label != label })
	require.Len(t, reports, 1, "a run is reported once")
	out.report, out.log = reports[0], log.String()
	requireAccounted(t, out.report)
	requireNoSecret(t, tg, out)
	return out
}

// refusal is the error of making an input with the fields f. It sends no request.
func refusal(t *testing.T, f fields) error {
	t.Helper()
	return service.NewStreamBuilder().AddInputYAML(inputYAML(t, "refused", f))
}

// inputYAML is the configuration of an input: JSON is YAML.
func inputYAML(t *testing.T, label string, f fields) string {
	t.Helper()
	conf, err := json.Marshal(map[string]any{"label": label, "supabase_storage": f})
	require.NoError(t, err)
	return string(conf)
}

// requireAccounted requires that every listed object is in exactly one counter.
func requireAccounted(t *testing.T, r input.Report) {
	t.Helper()
	sum := r.Unchanged + r.Delivered + r.Vanished + r.Unsettled
	for _, counts := range []map[string]int64{r.Filtered, r.Parked} {
		for _, n := range counts {
			sum += n
		}
	}
	require.Equal(t, r.Listed, sum, "%+v", r)
}

func requireNoSecret(t *testing.T, tg *target, out outcome) {
	t.Helper()
	text := out.log
	if out.report.Err != nil {
		text += out.report.Err.Error()
	}
	for _, secret := range []string{
		tg.s3Key.secret, tg.secretKey, tg.anonKey, tg.serviceToken, tg.userToken, tg.expiredToken, tg.password, tg.accessToken,
	} {
		if secret != "" {
			require.NotContains(t, text, secret)
		}
	}
}

// requireDelivered requires that exactly these objects arrived, each once and byte
// for byte.
func requireDelivered(t *testing.T, out outcome, objects ...object) {
	t.Helper()
	require.NoError(t, out.report.Err)
	want := make(map[string][]byte, len(objects))
	for _, o := range objects {
		want[o.key] = o.body
	}
	got := make(map[string][]byte, len(out.messages))
	for _, m := range out.messages {
		require.NotContains(t, got, m.key(), "delivered once")
		got[m.key()] = m.body
	}
	require.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)))
	for key, body := range want {
		require.True(t, bytes.Equal(body, got[key]), "the bytes of %q", key)
	}
	require.EqualValues(t, len(objects), out.report.Delivered)
}

// lockedBuffer is a log that many goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
