// Command drill runs the real binary against an emulated Supabase Storage. All the
// time it writes to the bucket, kills the binary with SIGKILL at random moments and
// starts it again. The binary delivers over HTTP to this program, which notes each
// message before it answers.
//
//	drill kills    kills a pipeline with a state again and again
//	drill lies     lets a gateway lie in front of pipelines of three kinds
//
// The flag -plane chooses how the pipeline reads: over the S3 protocol, or over the
// Storage REST API.
//
// In both, each message is what was uploaded, byte for byte and with its metadata,
// and every object that is visible at the end was delivered. For kills, moreover:
//
//   - a kill repeats no more than what was in flight and one checkpoint; a kill
//     of a pipeline with nothing to do repeats nothing; without a kill nothing is
//     repeated.
//
// For lies:
//
//   - nothing is deleted before it was delivered, and no object that existed all
//     the time is reported as deleted;
//   - if a one-time run does not deliver an object, its log names and counts it, and
//     the exit code is 1; other runs name such objects in their log at the end.
//
// No verdict depends on how busy the machine is: both drills wait for states, and
// their only time limit is for a pipeline that hangs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type options struct {
	binary string
	// number is the number of kills, or the seconds of lies.
	number   int
	seed     uint64
	sabotage string
	plane    plane
	lies     liesOptions
}

func main() {
	o, drill, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "drill:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := inFolder(func(dir string) error { return drill(ctx, o, dir) }); err != nil {
		fmt.Fprintln(os.Stderr, "drill:", err)
		stop()
		os.Exit(1)
	}
}

// parse reads which drill is wanted, and its flags.
func parse(args []string) (o options, drill func(context.Context, options, string) error, err error) {
	drills := map[string]func(context.Context, options, string) error{"kills": runKills, "lies": runLies}
	if len(args) > 0 {
		drill = drills[args[0]]
	}
	if drill == nil {
		return o, nil, errors.New("write drill kills or drill lies")
	}
	flags := flag.NewFlagSet("drill "+args[0], flag.ExitOnError)
	flags.StringVar(&o.binary, "binary", "supabase-connect", "the binary to run")
	flags.Func("plane", "how the pipeline reads: s3, the default, or rest", o.plane.set)
	flags.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "the seed of all random numbers")
	if args[0] == "kills" {
		flags.IntVar(&o.number, "n", 50, "how often to kill it")
		flags.StringVar(&o.sabotage, "break", breakNothing, "break the state before each start, which must be noticed: repeat or lose")
	} else {
		flags.IntVar(&o.number, "n", 20, "for how many seconds to lie")
		flags.Float64Var(&o.lies.share, "share", 0.15, "the share of answers that lie")
		flags.StringVar(&o.lies.kinds, "kinds", "", "the kinds of lies, separated by commas; empty means all kinds that the ETag or the size gives away")
		flags.DurationVar(&o.lies.trickle, "trickle", 0, "the pause between two bytes of a body that trickles, also of large bodies; 0 is 5ms, for small bodies only")
	}
	err = flags.Parse(args[1:])
	return o, drill, err
}

// inFolder calls f with a new folder, which is kept if f fails.
func inFolder(f func(dir string) error) error {
	dir, err := os.MkdirTemp("", "drill-")
	if err != nil {
		return err
	}
	if err := f(dir); err != nil {
		return fmt.Errorf("%w\nthe state, and what the pipeline logged, are in %s", err, dir)
	}
	return os.RemoveAll(dir)
}
