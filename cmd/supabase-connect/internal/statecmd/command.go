// Package statecmd shows and edits what the inputs of a config remember.
package statecmd

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
	flagForget        = "forget"
	flagForgetPrefix  = "forget-prefix"
	flagMarkDelivered = "mark-delivered"
	flagForgetBucket  = "forget-bucket"
	flagBucket        = "bucket"
	flagProject       = "project"
)

// Command is the subcommand "state" of the binary. The schema is the one that
// configs are linted against.
func Command(schema func() *service.ConfigSchema) *cli.Command {
	return configfile.Command(&cli.Command{
		Name:  "state",
		Usage: "Show what the supabase_storage inputs of a config have delivered and parked, or change it",
		Description: `
Shows for each supabase_storage input of a config, nested ones too, whose
deliveries its state holds, where it is kept, how many objects it tracks, when
the bucket was last listed from end to end, and the objects that could not be
delivered, each with the reason and the time of the next attempt. Where an input
reads several buckets or projects, it lists all that the state holds, also those
that are gone; --bucket and --project restrict it to some, written as the list shows them.
A change is made in all of these. Only --forget-bucket has to be told which bucket.

The pipeline must not run meanwhile. A state.path that is in use is refused; a
state.cache can't tell, so stop the pipeline before you change one.

  {{.BinaryName}} state ./uploads.yaml
  {{.BinaryName}} state ./uploads.yaml --json
  {{.BinaryName}} state ./uploads.yaml --forget photos/cat.jpg
  {{.BinaryName}} state ./many.yaml --label uploads --forget-prefix photos/
  {{.BinaryName}} state ./uploads.yaml --mark-delivered
  {{.BinaryName}} state ./all.yaml --bucket avatars
  {{.BinaryName}} state ./all.yaml --bucket old --forget-bucket
  {{.BinaryName}} state ./organization.yaml --bucket abcdefghijklmnopqrst/photos
  {{.BinaryName}} state ./organization.yaml --project Shop --mark-delivered`[1:],
		Flags: []cli.Flag{
			&cli.GenericFlag{Name: flagForget, Value: &configfile.List{}, Usage: "forget an object by its whole `KEY`, so that it is delivered again; may be given several times"},
			&cli.GenericFlag{Name: flagForgetPrefix, Value: &configfile.List{}, Usage: "forget all objects whose key begins with `PREFIX`; may be given several times"},
			&cli.BoolFlag{Name: flagForgetBucket, Usage: "forget everything of one bucket, such as one that is gone; needs --bucket, of an input that reads several"},
			&cli.StringFlag{Name: flagBucket, Usage: "only the bucket `NAME`, of an input that reads several; REF/NAME where it reads several projects"},
			&cli.StringFlag{Name: flagProject, Usage: "only the project `REF`, or name, of an input that reads several"},
			&cli.BoolFlag{Name: flagMarkDelivered, Usage: "list the buckets and record every object that is due as delivered, without delivering it: to start from now"},
		},
	}, options, func(ctx context.Context, w io.Writer, s *live.Session, o Options) error {
		o.session = s
		return Run(ctx, w, schema(), o)
	})
}

// Options are what a user asked for.
type Options struct {
	configfile.Options
	// Forget holds keys, ForgetPrefix the beginnings of keys. Neither goes with
	// MarkDelivered.
	Forget, ForgetPrefix []string
	MarkDelivered        bool
	// ForgetBucket forgets all of a bucket. Bucket and Project restrict everything to
	// some of an input that reads several; "" is all of them.
	ForgetBucket    bool
	Bucket, Project string

	session *live.Session // nil where nobody looks
	at      string        // which of several buckets is being changed
}

// changes reports whether the state is to be more than looked at.
func (o Options) changes() bool {
	return o.MarkDelivered || o.ForgetBucket || len(o.Forget)+len(o.ForgetPrefix) > 0
}

func options(c *cli.Context, files configfile.Options) (Options, error) {
	o := Options{
		Options: files,
		Forget:  configfile.Values(c, flagForget), ForgetPrefix: configfile.Values(c, flagForgetPrefix),
		MarkDelivered: c.Bool(flagMarkDelivered), ForgetBucket: c.Bool(flagForgetBucket),
		Bucket: c.String(flagBucket), Project: c.String(flagProject),
	}
	return o, o.check()
}

func (o Options) check() error {
	if o.MarkDelivered && len(o.Forget)+len(o.ForgetPrefix) > 0 {
		return fmt.Errorf("--%s would undo --%s; run one after the other", flagMarkDelivered, flagForget)
	}
	if o.ForgetBucket && (o.MarkDelivered || len(o.Forget)+len(o.ForgetPrefix) > 0) {
		return fmt.Errorf("--%s forgets everything; leave out --%s, --%s and --%s", flagForgetBucket, flagForget, flagForgetPrefix, flagMarkDelivered)
	}
	if slices.Contains(o.Forget, "") {
		return fmt.Errorf("--%s is empty; write the whole key of an object", flagForget)
	}
	if slices.Contains(o.ForgetPrefix, "") {
		return fmt.Errorf("--%s is empty, which would be every object; to have everything delivered again use --%s", flagForgetPrefix, flagForgetBucket)
	}
	return nil
}
