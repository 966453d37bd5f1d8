// Package quickstart runs config/quickstart.yaml against a sample bucket that
// it makes itself: the main job, with nothing to install and no account.
package quickstart

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/live"
	"github.com/seed75cbcda6/supabase-storage/config"
)

const (
	flagOutput      = "output"
	flagPrintConfig = "print-config"
	defaultOutput   = "./quickstart-output"
)

// Command is the subcommand "quickstart" of the binary.
func Command() *cli.Command {
	return &cli.Command{
		Name:  "quickstart",
		Usage: "Run a sample bucket through config/quickstart.yaml, on an emulated Supabase Storage",
		Description: `
Starts a local Supabase Storage with a small sample bucket, runs
config/quickstart.yaml against it, and says what was listed, filtered and
delivered. Needs no account; settings of a real project are not touched.

  {{.BinaryName}} quickstart
  {{.BinaryName}} quickstart --print-config > quickstart.yaml`[1:],
		Flags: []cli.Flag{
			&cli.StringFlag{
				Name:  flagOutput,
				Value: defaultOutput,
				Usage: "the folder for the delivered files; it is made where it does not exist",
			},
			&cli.BoolFlag{
				Name:  flagPrintConfig,
				Usage: "print the config that the quickstart runs, to start your own from, and exit",
			},
			live.NewFlag(),
		},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return fmt.Errorf("quickstart takes no argument, saw %q; to run a config of your own use the command run", c.Args().First())
			}
			if c.Bool(flagPrintConfig) {
				_, err := io.WriteString(c.App.Writer, config.Quickstart)
				return err
			}
			mode, err := live.ParseMode(c.String(live.Flag))
			if err != nil {
				return err
			}
			session := live.Begin(mode)
			defer session.WatchRuns()()
			ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
			defer stop()
			return Run(ctx, session.Over(c.App.Writer), session.Over(os.Stderr), c.String(flagOutput))
		},
	}
}

// Run makes the sample bucket, runs the config against it, and writes the
// summary to w and warnings to log. The files go below dir; those of an earlier run are overwritten.
func Run(ctx context.Context, w, log io.Writer, dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("making the output folder: %w; choose another with --%s", err, flagOutput)
	}
	storage, err := startStorage() //nolint:contextcheck // listening on loopback does not wait
	if err != nil {
		return err
	}
	defer func() { _ = storage.Close() }()

	_, err = fmt.Fprintf(w, "An emulated Supabase Storage with the sample bucket %q runs on\n  %s\n"+
		"Running config/quickstart.yaml against it ...\n\n", sampleBucket, storage.Endpoint())
	if err != nil {
		return err
	}
	start := time.Now()
	report, err := runConfig(ctx, storage.environment(dir), log)
	if err != nil {
		return err
	}
	return summarize(w, report, dir, start)
}
