package input

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// rig is one run of the whole input, from its YAML to the acks, against an
// emulator without sockets, so that it can live in a bubble of virtual time.
type rig struct {
	t      testing.TB
	server *emulator.Server
	fields string
	// ack answers each batch; nil takes everything.
	ack func(batch service.MessageBatch) error
	// res holds the cache resources; nil has none.
	res *service.Resources
	// onBatch is called before the ack of each batch.
	onBatch func(batch service.MessageBatch)
	// wrap changes the transport to the server; nil leaves it as it is.
	wrap func(http.RoundTripper) http.RoundTripper
	// asks has the input ask for changes however small the bucket is.
	asks bool
	// metadata is asked for the metadata of objects; nil is nobody.
	metadata emit.MetadataAsker
	// store keeps the state; nil is what the config names.
	store ledger.Store

	input service.BatchInput
	logs  *logLines

	mu       sync.Mutex
	messages []*service.Message
}

// newRig makes a server with a bucket named "docs", and an input of the given
// further fields that reads it with an access key.
func newRig(t testing.TB, fields string) *rig {
	t.Helper()
	s := emulator.New(emulator.Options{})
	s.CreateBucket("docs")
	return &rig{t: t, server: s, fields: fields, logs: &logLines{}}
}

// parse makes the config.
func (r *rig) parse() (*service.ParsedConfig, error) {
	s := r.server.Settings()
	text := fmt.Sprintf(`
project_ref: %s
endpoint: %s
`, s.ProjectRef, r.server.Endpoint())
	if !strings.Contains(r.fields, "region:") {
		text += "region: " + s.Region + "\n"
	}
	if !strings.Contains(r.fields, "credentials:") {
		text += fmt.Sprintf("credentials: {type: access_key, access_key_id: %s, secret_access_key: %s}\n", s.AccessKeyID, s.SecretAccessKey)
	}
	if !strings.Contains(r.fields, "source_path:") {
		text += "source_path: docs\n"
	}
	return config.Spec().ParseYAML(text+r.fields, nil)
}

// build makes the input as Benthos does, except for its transport.
func (r *rig) build() error {
	parsed, err := r.parse()
	if err != nil {
		return err
	}
	conf, err := config.Parse(parsed)
	if err != nil {
		return err
	}
	conf.Transport = r.server.Transport()
	if r.wrap != nil {
		conf.Transport = r.wrap(conf.Transport)
	}
	if conf.Several() {
		s := newSeveral(conf, r.resources())
		r.input = withRetries(conf, s, s.Undelivered)
		return nil
	}
	s, err := newSingle(conf, r.resources())
	if err != nil {
		return err
	}
	if err := s.scope.OpenTargets(); err != nil {
		return err
	}
	if r.asks {
		s.scope.Choice.LeastPages = 0
	}
	if r.metadata != nil {
		s.scope.Metadata = r.metadata
	}
	if r.store != nil {
		s.Store = r.store
	}
	r.input = withRetries(conf, s, s.Undelivered)
	return nil
}

func (r *rig) resources() *service.Resources {
	if r.res == nil {
		r.res = service.MockResources(service.MockResourcesOptUseLogger(r.logs.logger()), service.MockResourcesOptAddCache("shared"))
	}
	return r.res
}

// run reads to the end of the input as a Benthos stream does, and returns the
// report of the run.
func (r *rig) run() Report {
	r.t.Helper()
	require.NoError(r.t, r.build())
	var acks sync.WaitGroup
	for err := r.input.Connect(r.t.Context()); err == nil; {
		var batch service.MessageBatch
		var ack service.AckFunc
		if batch, ack, err = r.input.ReadBatch(r.t.Context()); err != nil {
			require.ErrorIs(r.t, err, service.ErrEndOfInput)
			break
		}
		r.keep(batch)
		acks.Go(func() {
			var refused error
			if r.ack != nil {
				refused = r.ack(batch)
			}
			require.NoError(r.t, ack(r.t.Context(), refused))
		})
	}
	acks.Wait()
	require.NoError(r.t, r.input.Close(context.Background()))
	reports := Reports()
	require.NotEmpty(r.t, reports)
	return reports[len(reports)-1]
}

// live runs an input that does not end by itself, until stop is called. Then
// the rig can be changed and run again, as after a restart of the process.
func (r *rig) live() (stop func()) {
	r.t.Helper()
	end := r.begin()
	return func() {
		r.t.Helper()
		require.NoError(r.t, end())
	}
}

// begin is live where closing the input may fail.
func (r *rig) begin() (end func() error) {
	r.t.Helper()
	require.NoError(r.t, r.build())
	ctx, cancel := context.WithCancel(r.t.Context())
	var reading, acks sync.WaitGroup
	reading.Go(func() {
		for r.input.Connect(ctx) != nil {
			if retry.Sleep(ctx, time.Second) != nil {
				return
			}
		}
		for {
			batch, ack, err := r.input.ReadBatch(ctx)
			if err != nil {
				return
			}
			r.keep(batch)
			acks.Go(func() {
				var refused error
				if r.ack != nil {
					refused = r.ack(batch)
				}
				_ = ack(r.t.Context(), refused)
			})
		}
	})
	return func() error {
		cancel()
		reading.Wait()
		acks.Wait()
		return r.input.Close(context.Background())
	}
}

// arrived gives "event key" of the messages since the last call, sorted.
func (r *rig) arrived() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := []string{}
	for _, msg := range r.messages {
		out = append(out, meta(msg, emit.MetaEvent)+" "+meta(msg, emit.MetaKey))
	}
	r.messages = nil
	slices.Sort(out)
	return out
}

func (r *rig) keep(batch service.MessageBatch) {
	if r.onBatch != nil {
		r.onBatch(batch)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, msg := range batch {
		r.messages = append(r.messages, msg.DeepCopy())
	}
}

// contents gives the bodies of the messages by key, in the order of arrival.
func (r *rig) contents() map[string][]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string][]string{}
	for _, msg := range r.messages {
		body, err := msg.AsBytes()
		require.NoError(r.t, err)
		out[meta(msg, emit.MetaKey)] = append(out[meta(msg, emit.MetaKey)], string(body))
	}
	return out
}

func meta(msg *service.Message, name string) string {
	v, ok := msg.MetaGetMut(name)
	if !ok {
		return "<unset>"
	}
	return fmt.Sprint(v)
}

// logLines keeps what was logged, at every level.
type logLines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logLines) logger() *service.Logger { return service.NewLoggerFromSlog(l.slog()) }

func (l *logLines) slog() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug - 4}))
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// errOf is the text of an error, "" for none.
func errOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

var errRefused = errors.New("refused by the output")
