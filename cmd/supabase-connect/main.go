// Command supabase-connect is Redpanda Benthos with the supabase_storage input,
// and with the outputs and caches that people most often deliver to: files,
// HTTP, Kafka, S3, Redis.
//
// Next to the commands of Benthos it has four of its own: emulator serves a
// directory as a local Supabase Storage, quickstart runs a sample bucket
// through config/quickstart.yaml, check tests whether a config would work, and state shows and edits what the inputs of
// a config have delivered.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/checkcmd"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/emulate"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/quickstart"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/statecmd"
	"github.com/seed75cbcda6/supabase-storage/input"
)

const (
	binaryName       = "supabase-connect"
	documentationURL = "https://github.com/seed75cbcda6/supabase-storage"
)

func main() {
	os.Exit(run())
}

// run is the whole process; its result is the exit code: 0 only when everything
// that was asked for was done.
func run() int {
	signals := make(chan os.Signal, 1)
	code, err := service.RunCLIToCode(context.Background(),
		service.CLIOptSetVersion(buildVersion(), buildDate()),
		service.CLIOptSetBinaryName(binaryName),
		service.CLIOptSetProductName("Supabase Connect"),
		service.CLIOptSetDocumentationURL(documentationURL),
		service.CLIOptSetDefaultConfigPaths(
			"supabase-connect.yaml",
			"/supabase-connect.yaml",
			"/etc/supabase-connect/config.yaml",
			"/etc/supabase-connect.yaml",
		),
		service.CLIOptSetMainSchemaFrom(schema),
		service.CLIOptAddCommand(emulate.Command()),
		service.CLIOptAddCommand(quickstart.Command()),
		service.CLIOptAddCommand(checkcmd.Command(schema)),
		service.CLIOptAddCommand(statecmd.Command(schema)),
		service.CLIOptOnStreamStart(func(*service.RunningStreamSummary) error {
			// Not earlier: a command that does not run a pipeline is to die of a
			// signal as any other program does.
			signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
			return nil
		}),
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if code != 0 {
		return code
	}
	return outcome(signals)
}

// outcome is the exit code of a process that Benthos itself counts as a
// success. Benthos ends with 0 whenever its input ends, also when that was
// because of a fault, and when a signal cut the input short.
func outcome(signals <-chan os.Signal) int {
	if err := input.ExitError(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	select {
	case <-signals:
		if err := input.Interrupted(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	default:
	}
	return 0
}

// schema is the configuration schema of Benthos with this product's name in the
// log lines.
func schema() *service.ConfigSchema {
	s := service.GlobalEnvironment().FullConfigSchema(buildVersion(), buildDate())
	s.SetFieldDefault(map[string]any{"@service": binaryName}, "logger", "static_fields")
	return s
}
