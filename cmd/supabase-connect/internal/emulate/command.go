// Package emulate serves a directory as a local Supabase Storage.
package emulate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

const (
	flagDir      = "dir"
	flagAddr     = "addr"
	flagReadOnly = "read-only"
	flagEnv      = "env"
	flagLatency  = "latency"
	flagPolicy   = "policy"
	flagGateway  = "gateway"

	flagOrganization = "organization"
	// defaultAddr is that of the Supabase CLI's local stack, so that a config
	// for the one works on the other.
	defaultAddr = "127.0.0.1:54321"
)

// Command is the subcommand "emulator" of the binary.
func Command() *cli.Command {
	return &cli.Command{
		Name:  "emulator",
		Usage: "Serve the sub-folders of a directory as the buckets of a local Supabase Storage",
		Description: `
Serves each sub-folder of a directory as a bucket, over the S3 protocol and the
Storage REST API, and prints the settings for a config, with a user to sign in as
and a token of that user. Uploads and deletes change the files, unless --read-only is set. Ends on
Ctrl-C.

  {{.BinaryName}} emulator --dir ./buckets
  {{.BinaryName}} emulator --dir ./buckets --addr 127.0.0.1:0
  {{.BinaryName}} emulator --dir ./buckets --latency 50ms --policy own-folder
  {{.BinaryName}} emulator --dir ./buckets --gateway envoy

With --env it prints lines for a shell and nothing else to stdout, and serves on:

  eval "$({{.BinaryName}} emulator --dir ./buckets --env &)"

With --organization it serves an organization of so many projects in place of a
directory, each with keys and a few sample buckets of its own in memory, and prints a
config that reads all of them by the Management API:

  {{.BinaryName}} emulator --organization 20`[1:],
		Flags: []cli.Flag{
			&cli.StringFlag{
				Name:  flagDir,
				Usage: "the directory whose sub-folders are the buckets (required without --organization)",
			},
			&cli.IntFlag{
				Name:  flagOrganization,
				Usage: "serve an organization of so many projects with sample buckets, instead of --dir",
			},
			&cli.StringFlag{
				Name:  flagAddr,
				Value: defaultAddr,
				Usage: "the address to listen on; port 0 takes a free one",
			},
			&cli.BoolFlag{
				Name:  flagReadOnly,
				Usage: "refuse uploads and deletes",
			},
			&cli.BoolFlag{
				Name:  flagEnv,
				Usage: "print the settings as lines for a shell to eval",
			},
			&cli.DurationFlag{
				Name:  flagLatency,
				Usage: "wait so long before each answer, such as 50ms",
			},
			&cli.StringFlag{
				Name:  flagPolicy,
				Value: policies[0].name,
				Usage: "what row level security lets users read: " + policyNames(),
			},
			&cli.StringFlag{
				Name:  flagGateway,
				Value: string(emulator.GatewayKong),
				Usage: "what stands in front of Storage, and takes secret and publishable keys: kong, envoy, none (takes neither)",
			},
		},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return fmt.Errorf("emulator takes no argument, saw %q; name the directory with --%s", c.Args().First(), flagDir)
			}
			ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
			defer stop()
			if c.IsSet(flagOrganization) && c.IsSet(flagPolicy) {
				return fmt.Errorf("--%s says what a user may read, and --%s is read with an access token; leave one of them out", flagPolicy, flagOrganization)
			}
			if n := c.Int(flagOrganization); c.IsSet(flagOrganization) && (n < 1 || n > maxProjects) {
				return fmt.Errorf("--%s %d: write how many projects there are, 1 to %d", flagOrganization, n, maxProjects)
			}
			return Run(ctx, c.App.Writer, c.App.ErrWriter, Options{
				Organization: c.Int(flagOrganization),
				Dir:          c.String(flagDir), Addr: c.String(flagAddr), ReadOnly: c.Bool(flagReadOnly),
				Env: c.Bool(flagEnv), Latency: c.Duration(flagLatency), Policy: c.String(flagPolicy),
				Gateway: c.String(flagGateway),
			})
		},
	}
}

// Options are what a user asked for.
type Options struct {
	// Organization is the number of projects of an organization, 0 for one project over
	// a directory.
	Organization int
	// Dir is the directory whose sub-folders are the buckets, Addr the address to
	// listen on.
	Dir, Addr string
	// ReadOnly refuses uploads and deletes.
	ReadOnly bool
	// Env prints the settings as lines for a shell.
	Env bool
	// Latency passes before each answer.
	Latency time.Duration
	// Policy is the name of what row level security lets users read.
	Policy string
	// Gateway is the name of what stands in front of Storage.
	Gateway string
}

// Run serves a directory until ctx ends. It prints to out what a client needs, and
// to notes what else there is to say.
func Run(ctx context.Context, out, notes io.Writer, o Options) error {
	policy, err := findPolicy(o.Policy)
	if err != nil {
		return err
	}
	gateway, err := emulator.ParseGateway(cmp.Or(o.Gateway, string(emulator.GatewayKong)))
	if err != nil {
		return fmt.Errorf("--%s: %w", flagGateway, err)
	}
	if o.Latency < 0 {
		return fmt.Errorf("--%s %s: write a duration that is not negative, such as 50ms", flagLatency, o.Latency)
	}
	if o.Organization > 0 {
		return runOrganization(ctx, out, notes, o, gateway)
	}
	buckets, err := findBuckets(o.Dir)
	if err != nil {
		return err
	}
	storage, err := emulator.NewDir(o.Dir, emulator.Options{ReadOnly: o.ReadOnly, Gateway: gateway})
	if err != nil {
		return fmt.Errorf("serving --%s %s: %w", flagDir, o.Dir, err)
	}
	user := storage.SetUser(demoUser)
	policy.apply(storage, buckets)
	if o.Latency > 0 {
		storage.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{Delay: o.Latency} })
	}
	listener, err := storage.Start(o.Addr) //nolint:contextcheck // listening does not wait
	if err != nil {
		return explain(err, o.Addr)
	}
	// Its error says that a connection was cut, which is what was wanted.
	defer func() { _ = listener.Close() }()
	d := demo{
		Settings: storage.Settings(), Endpoint: listener.Endpoint(), URL: listener.URL(),
		User: user, UserToken: storage.UserToken(user.ID, tokenLifetime), Buckets: buckets, Policy: policy.user,
		Gateway: gateway,
	}
	if err := project.print(out, notes, o.Env, d); err != nil {
		return fmt.Errorf("writing the settings: %w", err)
	}
	<-ctx.Done()
	return nil
}

// findBuckets names the sub-folders of dir that the emulator serves.
func findBuckets(dir string) ([]string, error) {
	if dir == "" {
		return nil, fmt.Errorf("--%s is missing; name a directory, of which each sub-folder is served as a bucket, or write --%s 20 for an organization with sample buckets",
			flagDir, flagOrganization)
	}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("--%s %s does not exist; make it, with a sub-folder for each bucket", flagDir, dir)
	case errors.Is(err, syscall.ENOTDIR):
		return nil, fmt.Errorf("--%s %s is a file; name the directory whose sub-folders are the buckets", flagDir, dir)
	case err != nil:
		return nil, fmt.Errorf("reading --%s: %w", flagDir, err)
	}
	var buckets []string
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") {
			buckets = append(buckets, entry.Name())
		}
	}
	if len(buckets) == 0 {
		return nil, fmt.Errorf("--%s %s has no sub-folder, and each sub-folder is a bucket; move the files into one, such as %s/user-uploads", flagDir, dir, dir)
	}
	return buckets, nil
}

// explain says why nothing listens on addr.
func explain(err error, addr string) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("--%s %s is in use (a local Supabase stack listens on %s too); choose another, or --%s 127.0.0.1:0 for a free port",
			flagAddr, addr, defaultAddr, flagAddr)
	}
	return fmt.Errorf("--%s %s: %w; write it as host:port, such as %s", flagAddr, addr, err, defaultAddr)
}
