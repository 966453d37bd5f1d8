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
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/live"
)

const (
	flagExplain = "explain"
	flagLimit   = "limit"
	flagBucket  = "bucket"
	flagProject = "project"
	flagTarget  = "target"
)

// defaultLimit is how many objects are listed at most.
const defaultLimit = 10_000

// Command is the subcommand "check" of the binary. The schema is the one that
// configs are linted against.
func Command(schema func() *service.ConfigSchema) *cli.Command {
	return configfile.Command(&cli.Command{
		Name:  "check",
		Usage: "Test whether the supabase_storage inputs of a config would work, and show what they would deliver",
		Description: `
Tests for each supabase_storage input of a config, nested ones too: the config,
the host, the credentials and their role, the region, the bucket, the prefix, the
patterns, the state, and one download. Then it shows the first objects that would
be delivered, and which rules leave the others out.

Nothing is delivered and nothing is changed. A state file is looked at in a copy,
so that the pipeline may run meanwhile, and is not created; a cache is only read.

Of an input that reads several buckets or projects, each bucket is checked: those
with problems come first, and each problem is told once. --bucket and --project
restrict it; with one bucket left, all steps are shown, and --explain works.

The exit code is 0 if no step failed, also if a run would find nothing to deliver,
which is a warning; else it is 1. Steps that fail name the field and the remedy.

  {{.BinaryName}} check ./uploads.yaml
  {{.BinaryName}} check ./uploads.yaml --explain photos/cat.jpg
  {{.BinaryName}} check ./worker.yaml --target '{"key":"photos/cat.jpg"}'
  {{.BinaryName}} check ./organization.yaml --bucket abcdefghijklmnopqrst/photos
  {{.BinaryName}} check ./uploads.yaml --json`[1:],
		Flags: []cli.Flag{
			&cli.GenericFlag{Name: flagExplain, Value: &configfile.List{}, Usage: "say whether the object with this whole `KEY` would be delivered, and why; may be given several times"},
			&cli.StringFlag{Name: flagTarget, Usage: "say what would become of this message of targets_input, `JSON` or - for one that is read from standard input"},
			&cli.IntFlag{Name: flagLimit, Value: defaultLimit, Usage: "list up to `N` objects; several buckets share them, and of each at least 1,000 are listed if N is not less"},
			&cli.StringFlag{Name: flagBucket, Usage: "of several buckets, only the one with this `NAME`; REF/NAME where there are several projects"},
			&cli.StringFlag{Name: flagProject, Usage: "of several projects, only the one with this `REF`, or name"},
		},
	}, options, func(ctx context.Context, w io.Writer, s *live.Session, o Options) error {
		p := newProgress()
		o.heard = p
		defer s.WatchText(p.text)()
		return Run(ctx, w, schema(), o)
	})
}

// Options are what a user asked for.
type Options struct {
	configfile.Options
	// Explain holds whole keys.
	Explain []string
	// Target is a message of targets_input, nil for none.
	Target []byte
	// Limit is how many objects are listed at most.
	Limit int
	// Bucket and Project restrict the check to one of several; "" to none.
	Bucket, Project string

	heard *progress // nil where nobody looks
}

func options(c *cli.Context, files configfile.Options) (Options, error) {
	o := Options{Options: files, Explain: configfile.Values(c, flagExplain), Limit: c.Int(flagLimit), Bucket: c.String(flagBucket), Project: c.String(flagProject)}
	if o.Limit < 1 {
		return o, fmt.Errorf("--%s %d: write at least 1", flagLimit, o.Limit)
	}
	for _, name := range []string{flagBucket, flagProject} {
		if c.IsSet(name) && c.String(name) == "" {
			return o, fmt.Errorf("--%s is empty; leave it out to check all", name)
		}
	}
	if slices.Contains(o.Explain, "") {
		return o, fmt.Errorf("--%s is empty; write the whole key of an object", flagExplain)
	}
	if !c.IsSet(flagTarget) {
		return o, nil
	}
	var err error
	o.Target, err = message(c.String(flagTarget), c.App.Reader)
	return o, err
}

// longestMessage bounds what is read from standard input, in bytes. It is more than a
// broker takes in one message.
const longestMessage = 64 << 20

// message returns the text of --target.
func message(text string, stdin io.Reader) ([]byte, error) {
	if text != "-" {
		return []byte(text), nil // an empty one is said to be empty
	}
	doc, err := io.ReadAll(io.LimitReader(stdin, longestMessage))
	if err != nil {
		return nil, fmt.Errorf("reading the message of --%s from standard input: %w", flagTarget, err)
	}
	return doc, nil
}
