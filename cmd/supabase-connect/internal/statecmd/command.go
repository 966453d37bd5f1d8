// Package statecmd shows and edits what the inputs of a config remember.
package statecmd

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/urfave/cli/v2"
)

const (
	flagLabel         = "label"
	flagJSON          = "json"
	flagForget        = "forget"
	flagForgetPrefix  = "forget-prefix"
	flagMarkDelivered = "mark-delivered"
	flagSet           = "set"
	flagResources     = "resources"
	flagEnvFile       = "env-file"
)

// Command is the subcommand "state" of the binary. The schema is the one that
// configs are linted against.
func Command(schema func() *service.ConfigSchema) *cli.Command {
	return &cli.Command{
		Name:      "state",
		Usage:     "Show what the supabase_storage inputs of a config have delivered and parked, or change it",
		ArgsUsage: "CONFIG",
		Description: `
Shows for each supabase_storage input of a config, nested ones too, whose
deliveries its state holds, where it is kept, how many objects it tracks, when
the bucket was last listed from end to end, and the objects that could not be
delivered, each with the reason and the time of the next attempt.

The pipeline must not run meanwhile. A state.path that is in use is refused; a
state.cache can't tell, so stop the pipeline before you change one.

  {{.BinaryName}} state ./uploads.yaml
  {{.BinaryName}} state ./uploads.yaml --json
  {{.BinaryName}} state ./uploads.yaml --forget photos/cat.jpg
  {{.BinaryName}} state ./many.yaml --label uploads --forget-prefix photos/
  {{.BinaryName}} state ./uploads.yaml --mark-delivered`[1:],
		Flags: commandFlags(),
		// The flags are parsed here, so that they may also follow the config.
		SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			o, err := parse(c)
			if errors.Is(err, flag.ErrHelp) {
				return cli.ShowSubcommandHelp(c)
			}
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
			defer stop()
			return Run(ctx, c.App.Writer, schema(), o)
		},
	}
}

func commandFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: flagLabel, Usage: "only the input with this `LABEL`, or at this path of the config, such as input.broker.inputs.0"},
		&cli.BoolFlag{Name: flagJSON, Usage: "print JSON"},
		&cli.GenericFlag{Name: flagForget, Value: &list{}, Usage: "forget an object by its whole `KEY`, so that it is delivered again; may be given several times"},
		&cli.GenericFlag{Name: flagForgetPrefix, Value: &list{}, Usage: "forget all objects whose key begins with `PREFIX`; may be given several times"},
		&cli.BoolFlag{Name: flagMarkDelivered, Usage: "list the bucket and record every object that is due as delivered, without delivering it: to start from now"},
		&cli.GenericFlag{Name: flagSet, Aliases: []string{"s"}, Value: &list{}, Usage: "set a field of the config, as for run: `PATH=VALUE`"},
		&cli.GenericFlag{Name: flagResources, Aliases: []string{"r"}, Value: &list{}, Usage: "a `FILE` with further resources, as for run"},
		&cli.GenericFlag{Name: flagEnvFile, Aliases: []string{"e"}, Value: &list{}, Usage: "a dotenv `FILE` with environment variables"},
	}
}

// list is the value of a flag that may be given several times. A comma is part
// of a value: keys hold them.
type list []string

// Set adds a value.
func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}

// String is the default, of which there is none.
func (l *list) String() string { return "" }

// Options are what a user asked for.
type Options struct {
	// Config is the file, Resources and EnvFiles are further ones.
	Config              string
	Resources, EnvFiles []string
	// Set holds overrides of the config, as PATH=VALUE.
	Set []string
	// Label picks one input, by its label or path; "" is all of them.
	Label string
	JSON  bool
	// Forget holds keys, ForgetPrefix the beginnings of keys. Neither goes with
	// MarkDelivered.
	Forget, ForgetPrefix []string
	MarkDelivered        bool
}

// changes reports whether the state is to be more than looked at.
func (o Options) changes() bool {
	return o.MarkDelivered || len(o.Forget)+len(o.ForgetPrefix) > 0
}

// parse reads flags before and after the config.
func parse(c *cli.Context) (Options, error) {
	set := flag.NewFlagSet(c.Command.Name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	for _, f := range commandFlags() {
		if err := f.Apply(set); err != nil {
			return Options{}, err
		}
	}
	var configs []string
	for args := c.Args().Slice(); len(args) > 0; {
		if err := set.Parse(args); err != nil {
			return Options{}, err
		}
		if args = set.Args(); len(args) > 0 {
			configs, args = append(configs, args[0]), args[1:]
		}
	}
	parsed := cli.NewContext(c.App, set, c)
	values := func(name string) []string { return *parsed.Generic(name).(*list) }
	o := Options{
		Label: parsed.String(flagLabel), JSON: parsed.Bool(flagJSON),
		Forget: values(flagForget), ForgetPrefix: values(flagForgetPrefix),
		MarkDelivered: parsed.Bool(flagMarkDelivered),
		Set:           values(flagSet), Resources: values(flagResources), EnvFiles: values(flagEnvFile),
	}
	switch len(configs) {
	case 0:
		return o, errors.New("state needs the config of the pipeline: state CONFIG")
	case 1:
		o.Config = configs[0]
		return o, o.check()
	default:
		return o, fmt.Errorf("state takes one config, saw %q and %q", configs[0], configs[1])
	}
}

func (o Options) check() error {
	if o.MarkDelivered && len(o.Forget)+len(o.ForgetPrefix) > 0 {
		return fmt.Errorf("--%s would undo --%s; run one after the other", flagMarkDelivered, flagForget)
	}
	if slices.Contains(o.Forget, "") {
		return fmt.Errorf("--%s is empty; write the whole key of an object", flagForget)
	}
	if slices.Contains(o.ForgetPrefix, "") {
		return fmt.Errorf("--%s is empty, which would be every object; to have everything delivered again give the input another state.namespace", flagForgetPrefix)
	}
	return nil
}
