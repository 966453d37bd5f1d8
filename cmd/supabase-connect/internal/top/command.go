package top

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
)

const (
	flagOnce     = "once"
	flagJSON     = "json"
	flagHTML     = "html"
	flagInterval = "interval"
	flagFor      = "for"
	// defaultURL is where Benthos listens.
	defaultURL = "http://127.0.0.1:4195"
	// leastInterval keeps a typing error from asking all the time.
	leastInterval = 100 * time.Millisecond
)

// Command is the subcommand "top" of the binary.
func Command() *cli.Command {
	flags := []cli.Flag{
		&cli.BoolFlag{Name: flagOnce, Usage: "look twice, show the rates in between, and exit"},
		&cli.BoolFlag{Name: flagJSON, Usage: "print JSON, a line for each look; with --" + flagOnce + " one document"},
		&cli.StringFlag{Name: flagHTML, Usage: "watch for a while, write a web page to `FILE`, and exit; - is stdout"},
		&cli.DurationFlag{Name: flagInterval, Usage: "the time between two looks, such as 500ms (default: 1s; 10s where lines are printed)"},
		&cli.DurationFlag{Name: flagFor, Usage: "exit after so long, such as 1m (default: when the pipeline ends; 10s with --" + flagHTML + ")"},
	}
	return &cli.Command{
		Name:      "top",
		Usage:     "Watch what the supabase_storage inputs of a running pipeline do",
		ArgsUsage: "[URL]",
		Description: `
Shows for each supabase_storage input of a running pipeline what it does or waits
for, rates with small graphs, parked objects, the pass under way or the next one,
and when its credentials end. It asks the HTTP server of the pipeline, whose
metrics must be of type prometheus or json_api. The default URL is
` + defaultURL + `. At a terminal, q and Ctrl-C leave; elsewhere it prints lines.

  {{.BinaryName}} top
  {{.BinaryName}} top http://USER:PASSWORD@pipelines.internal:4195
  {{.BinaryName}} top --once --json | jq '.inputs[].state'
  {{.BinaryName}} top --html pipeline.html`[1:],
		Flags: flags,
		// Flags may follow the URL, after which the command line would parse none.
		SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			o, err := options(c.Args().Slice(), flags)
			if errors.Is(err, flag.ErrHelp) {
				return cli.ShowSubcommandHelp(c)
			}
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
			defer stop()
			return Run(ctx, c.App.Writer, o)
		},
	}
}

// options reads flags before and after the one URL. For --help the error is
// [flag.ErrHelp].
func options(args []string, flags []cli.Flag) (o Options, err error) {
	set := flag.NewFlagSet("top", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	for _, f := range flags {
		if err := f.Apply(set); err != nil {
			return o, err
		}
	}
	var urls []string
	for len(args) > 0 {
		if err := set.Parse(args); err != nil {
			return o, err
		}
		if args = set.Args(); len(args) > 0 {
			urls, args = append(urls, args[0]), args[1:]
		}
	}
	parsed := cli.NewContext(nil, set, nil)
	o = Options{
		URL: defaultURL, Once: parsed.Bool(flagOnce), JSON: parsed.Bool(flagJSON), HTML: parsed.String(flagHTML),
		Interval: parsed.Duration(flagInterval), For: parsed.Duration(flagFor),
	}
	switch {
	case len(urls) > 1:
		return o, errors.New("top watches one pipeline: write one URL") // a URL may hold a password
	case len(urls) == 1:
		o.URL = urls[0]
	}
	switch {
	case parsed.IsSet(flagHTML) && o.HTML == "":
		return o, fmt.Errorf("--%s is empty: name the file to write", flagHTML)
	case o.HTML != "" && o.JSON:
		return o, fmt.Errorf("--%s and --%s exclude each other: run top twice", flagHTML, flagJSON)
	case parsed.IsSet(flagInterval) && o.Interval < leastInterval:
		return o, fmt.Errorf("--%s %s: write at least %s", flagInterval, o.Interval, leastInterval)
	case o.For < 0:
		return o, fmt.Errorf("--%s %s: write a duration that is not negative, such as 1m", flagFor, o.For)
	}
	return o, nil
}
