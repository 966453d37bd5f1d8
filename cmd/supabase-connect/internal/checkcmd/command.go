// Package checkcmd tests whether a config would work, and says what it would
// deliver.
package checkcmd

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/urfave/cli/v2"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/configfile"
)

const (
	flagJSON    = "json"
	flagExplain = "explain"
	flagLimit   = "limit"
)

// defaultLimit is how many objects are listed at most.
const defaultLimit = 10_000

// Command is the subcommand "check" of the binary. The schema is the one that
// configs are linted against.
func Command(schema func() *service.ConfigSchema) *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "Test whether the supabase_storage inputs of a config would work, and show what they would deliver",
		ArgsUsage: "CONFIG",
		Description: `
Tests for each supabase_storage input of a config, nested ones too: the config,
the host, the credentials and their role, the region, the bucket, the prefix, the
patterns, the state, and one download. Then it shows the first objects that would
be delivered, and which rules leave the others out.

Nothing is delivered and nothing is changed. A state file is looked at in a copy,
so that the pipeline may run meanwhile, and is not created; a cache is only read.

The exit code is 0 if no step failed, also if a run would find nothing to deliver,
which is a warning; else it is 1. Steps that fail name the field and the remedy.

  {{.BinaryName}} check ./uploads.yaml
  {{.BinaryName}} check ./uploads.yaml --explain photos/cat.jpg
  {{.BinaryName}} check ./uploads.yaml --json`[1:],
		Flags: commandFlags(),
		// The flags are parsed later, so that they may also follow the config.
		SkipFlagParsing: true,
		Action: configfile.Action(parse, func(ctx context.Context, w io.Writer, o Options) error {
			return Run(ctx, w, schema(), o)
		}),
	}
}

func commandFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.GenericFlag{Name: flagExplain, Value: &configfile.List{}, Usage: "say whether the object with this whole `KEY` would be delivered, and why; may be given several times"},
		&cli.IntFlag{Name: flagLimit, Value: defaultLimit, Usage: "list up to `N` objects"},
		&cli.BoolFlag{Name: flagJSON, Usage: "print JSON"},
	}, configfile.Flags()...)
}

// Options are what a user asked for.
type Options struct {
	configfile.Options
	// Label picks one input, by its label or path; "" is all of them.
	Label string
	JSON  bool
	// Explain holds whole keys.
	Explain []string
	// Limit is how many objects are listed at most.
	Limit int
}

// parse reads the command line.
func parse(c *cli.Context) (Options, error) {
	parsed, files, err := configfile.Parse(c, commandFlags())
	if err != nil {
		return Options{}, err
	}
	o := Options{
		Options: files,
		Label:   parsed.String(configfile.FlagLabel), JSON: parsed.Bool(flagJSON),
		Explain: configfile.Values(parsed, flagExplain), Limit: parsed.Int(flagLimit),
	}
	if o.Limit < 1 {
		return o, fmt.Errorf("--%s %d: write at least 1", flagLimit, o.Limit)
	}
	if slices.Contains(o.Explain, "") {
		return o, fmt.Errorf("--%s is empty; write the whole key of an object", flagExplain)
	}
	return o, nil
}
