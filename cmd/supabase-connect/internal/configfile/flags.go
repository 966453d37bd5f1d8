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

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/live"
)

// FlagLabel is the flag that picks one input: see [Document.Pick].
const FlagLabel = "label"

const (
	flagJSON      = "json"
	flagSet       = "set"
	flagResources = "resources"
	flagEnvFile   = "env-file"
)

// flags are those that every command with a config has: the ones behind [Options].
func flags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: flagJSON, Usage: "print JSON"},
		&cli.StringFlag{Name: FlagLabel, Usage: "only the input with this `LABEL`, or at this path of the config, such as input.broker.inputs.0"},
		&cli.GenericFlag{Name: flagSet, Aliases: []string{"s"}, Value: &List{}, Usage: "set a field of the config, as for run: `PATH=VALUE`"},
		&cli.GenericFlag{Name: flagResources, Aliases: []string{"r"}, Value: &List{}, Usage: "a `FILE` with further resources, as for run"},
		&cli.GenericFlag{Name: flagEnvFile, Aliases: []string{"e"}, Value: &List{}, Usage: "a dotenv `FILE` with environment variables"},
	}
}

// Command completes a command whose argument is a config, and whose flags may
// follow it. It gets the flags behind [Options] after its own. The function
// options makes the command's options of them, and run is stopped by SIGINT and
// SIGTERM; it shows its progress in the session.
func Command[O any](command *cli.Command, options func(c *cli.Context, files Options) (O, error), run func(context.Context, io.Writer, *live.Session, O) error) *cli.Command {
	all := append(command.Flags, append(flags(), live.NewFlag())...)
	command.Flags, command.ArgsUsage = all, "CONFIG"
	// They are parsed by the action: the command line would end them at the config.
	command.SkipFlagParsing = true
	command.Action = func(c *cli.Context) error {
		parsed, files, err := parse(c, all)
		if errors.Is(err, flag.ErrHelp) {
			return cli.ShowSubcommandHelp(c)
		}
		if err != nil {
			return err
		}
		o, err := options(parsed, files)
		if err != nil {
			return err
		}
		mode, err := live.ParseMode(parsed.String(live.Flag))
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
		defer stop()
		session := live.Begin(mode)
		return run(ctx, session.Over(c.App.Writer), session, o)
	}
	return command
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

// parse reads flags before and after the one config. For --help the error is
// [flag.ErrHelp].
func parse(c *cli.Context, flags []cli.Flag) (*cli.Context, Options, error) {
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
		Label: parsed.String(FlagLabel), JSON: parsed.Bool(flagJSON),
	}, nil
}
