package quickstart

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/config"
	"github.com/seed75cbcda6/supabase-storage/input"
)

// stopTimeout is how long the pipeline may take to end after Ctrl-C.
const stopTimeout = 5 * time.Second

// runConfig runs config/quickstart.yaml to its end, with env in place of the
// process's variables, and returns what became of the bucket's objects.
func runConfig(ctx context.Context, env map[string]string, log io.Writer) (*input.Report, error) {
	builder := service.NewStreamBuilder()
	builder.SetEnvVarLookupFunc(lookup(env))
	// The summary says what went well; only what did not is worth a log line.
	builder.SetLogger(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err := builder.SetYAML(config.Quickstart); err != nil {
		return nil, fmt.Errorf("reading config/quickstart.yaml: %w", err)
	}
	stream, err := builder.Build()
	if err != nil {
		return nil, fmt.Errorf("building the pipeline of config/quickstart.yaml: %w", err)
	}
	before := len(input.Reports())
	if err := stream.Run(ctx); err != nil {
		_ = stream.StopWithin(stopTimeout)
		if errors.Is(err, context.Canceled) {
			return nil, errors.New("the quickstart was stopped before its end")
		}
		return nil, fmt.Errorf("running config/quickstart.yaml: %w", err)
	}
	reports := input.Reports()[before:]
	if len(reports) == 0 {
		return nil, errors.New("running config/quickstart.yaml: the pipeline ended without reading the bucket; the log lines above say why")
	}
	return &reports[0], nil
}

// lookup answers the config's ${VARIABLES}. Those of a real project in the
// process's environment are hidden: a first look must not read, and send
// somewhere, what someone exported for another purpose.
func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if value, ok := env[name]; ok {
			return value, true
		}
		if strings.HasPrefix(name, "SUPABASE_") {
			return "", false
		}
		return os.LookupEnv(name)
	}
}
