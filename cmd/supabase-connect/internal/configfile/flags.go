package configfile

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"
)

// FlagLabel is the flag that picks one input: see [Document.Pick].
const FlagLabel = "label"

const (
	flagSet       = "set"
	flagResources = "resources"
	flagEnvFile   = "env-file"
)

// Flags are those that every command with a config has: the ones behind
// [Options], and [FlagLabel].
func Flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: FlagLabel, Usage: "only the input with this `LABEL`, or at this path of the config, such as input.broker.inputs.0"},
		&cli.GenericFlag{Name: flagSet, Aliases: []string{"s"}, Value: &List{}, Usage: "set a field of the config, as for run: `PATH=VALUE`"},
		&cli.GenericFlag{Name: flagResources, Aliases: []string{"r"}, Value: &List{}, Usage: "a `FILE` with further resources, as for run"},
		&cli.GenericFlag{Name: flagEnvFile, Aliases: []string{"e"}, Value: &List{}, Usage: "a dotenv `FILE` with environment variables"},
	}
}

// Action is what a command does that parses its flags itself: parse reads them,
// run is stopped by SIGINT and SIGTERM. A user who asks for help gets it.
func Action[O any](parse func(*cli.Context) (O, error), run func(context.Context, io.Writer, O) error) cli.ActionFunc {
	return func(c *cli.Context) error {
		o, err := parse(c)
		if errors.Is(err, flag.ErrHelp) {
			return cli.ShowSubcommandHelp(c)
		}
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
		defer stop()
		return run(ctx, c.App.Writer, o)
	}
}

// List is the value of a flag that may be given several times. A comma is part
// of a value: keys hold them.
type List []string

// Set adds a value.
func (l *List) Set(value string) error {
	*l = append(*l, value)
	return nil
}

// String is the default, of which there is none.
func (l *List) String() string { return "" }

// Values are those of a flag that is a [List].
func Values(c *cli.Context, name string) []string { return *c.Generic(name).(*List) }

// Parse reads flags before and after the one config; flags makes those of the
// command. The command must skip the parsing of flags by itself. For --help the
// error is [flag.ErrHelp].
func Parse(c *cli.Context, flags []cli.Flag) (*cli.Context, Options, error) {
	set := flag.NewFlagSet(c.Command.Name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	for _, f := range flags {
		if err := f.Apply(set); err != nil {
			return nil, Options{}, err
		}
	}
	var configs []string
	for args := c.Args().Slice(); len(args) > 0; {
		if err := set.Parse(args); err != nil {
			return nil, Options{}, err
		}
		if args = set.Args(); len(args) > 0 {
			configs, args = append(configs, args[0]), args[1:]
		}
	}
	switch name := c.Command.Name; len(configs) {
	case 0:
		return nil, Options{}, fmt.Errorf("%s needs the config of the pipeline: %s CONFIG", name, name)
	case 1:
	default:
		return nil, Options{}, fmt.Errorf("%s takes one config, saw %q and %q", name, configs[0], configs[1])
	}
	parsed := cli.NewContext(c.App, set, c)
	return parsed, Options{
		Config: configs[0],
		Set:    Values(parsed, flagSet), Resources: Values(parsed, flagResources), EnvFiles: Values(parsed, flagEnvFile),
	}, nil
}
