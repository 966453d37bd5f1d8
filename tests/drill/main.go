// Command drill runs the real binary against an emulated Supabase Storage. All the
// time it writes to the bucket, kills the binary with SIGKILL at random moments and
// starts it again. The binary delivers over HTTP to this program, which notes each
// message before it answers.
//
//	drill kills    kills a pipeline with a state again and again
//	drill lies     lets a gateway lie in front of pipelines of three kinds
//	drill scale    lets a lister and workers share a bucket through a real broker
//	drill storm    posts webhooks, doubled and out of order
//	drill scopes   kills one process that reads an organization, and damages its state
//	drill organization    reads all buckets of an organization in which projects fail, come and go
//
// The flag -plane chooses how the pipeline reads: over the S3 protocol, or over the
// Storage REST API.
//
// In all of them, each message is what was uploaded, byte for byte (for kills and lies
// also with its metadata), and every object that is visible at the end was delivered. For
// kills, moreover:
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
// For scale and storm, which run the configs of config/scale_out as they are:
//
//   - every final version arrives, and every deletion is told;
//   - no old version of a key arrives after a newer one, except from a worker that runs
//     while Kafka gives its partition to another one, which it can't know;
//   - a key has no more messages than references, except what a killed worker had
//     delivered and the broker did not know to be done with.
//
// For scopes, moreover, where buckets and projects come, fail and go, also while no process
// runs:
//
//   - a kill repeats of each scope no more than what was not answered, or answered less than
//     a second before, or had no turn to be written; a kill of a process with nothing to do, and
//     one that ends by itself, repeats nothing;
//   - all of this comes to rest in the healthy scopes while others fail, every deletion is told,
//     and one-time runs that are killed end at last with exit code 0;
//   - a scope whose state is damaged is told of once, and the remedy that the log names has it
//     read anew, while all others go on.
//
// For organization, which reads once with sync_mode one_time and then goes on with
// sync_mode continuous, as one process each time:
//
//   - projects that fail, are paused or are slow hold up no other, what had failed is
//     delivered after its end, and nothing is delivered twice;
//   - the log tells once that a project fails and once that it recovered, and the
//     one-time run names each project of which something is left, with exit code 1;
//   - what is put into a healthy bucket arrives within six polling intervals, and the
//     process holds no more memory than -memory.
//
// With -mode rest, it delivers everything and is then left alone; then it starts again:
//
//   - at rest, a poll is one list of the buckets of each project and one listing of each
//     bucket; the state is not written, and nothing is logged;
//   - the Management API is asked at most 120 times within a minute, or as often as
//     -api-limit says, and refuses nothing;
//   - after the restart everything is looked at, and nothing is delivered again.
//
// The drills wait for states, and their time limit is for a pipeline that hangs. Two
// verdicts depend on how busy the machine is: the six polling intervals of organization, of
// which a machine without other work needs one or two; and that scopes counts as lost what
// does not arrive while nothing at all does for 150 s.
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
	scale    scaleOptions

	organization organizationOptions
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
	drills := map[string]func(context.Context, options, string) error{"kills": runKills, "lies": runLies, "scale": runScale, "storm": runStorm, "organization": runOrganization, "scopes": runScopes}
	if len(args) > 0 {
		drill = drills[args[0]]
	}
	if drill == nil {
		return o, nil, errors.New("write drill kills, lies, scale, storm, organization or scopes")
	}
	flags := flag.NewFlagSet("drill "+args[0], flag.ExitOnError)
	flags.StringVar(&o.binary, "binary", "supabase-connect", "the binary to run")
	flags.Func("plane", "how the pipeline reads: s3, the default, or rest", o.plane.set)
	flags.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "the seed of all random numbers")
	switch args[0] {
	case "kills":
		flags.IntVar(&o.number, "n", 50, "how often to kill it")
		flags.StringVar(&o.sabotage, "break", breakNothing, "break the state before each start, which must be noticed: repeat or lose")
	case "scopes":
		flags.IntVar(&o.number, "n", 60, "how often to kill it")
		flags.StringVar(&o.sabotage, "break", breakNothing, "break the state before each start, which must be noticed: repeat or lose")
	case "lies":
		flags.IntVar(&o.number, "n", 20, "for how many seconds to lie")
		flags.Float64Var(&o.lies.share, "share", 0.15, "the share of answers that lie")
		flags.StringVar(&o.lies.kinds, "kinds", "", "the kinds of lies, separated by commas; empty means all kinds that the ETag or the size gives away")
		flags.DurationVar(&o.lies.trickle, "trickle", 0, "the pause between two bytes of a body that trickles, also of large bodies; 0 is 5ms, for small bodies only")
	case "scale":
		flags.IntVar(&o.number, "n", 12, "how often to kill a worker")
		flags.StringVar(&o.scale.broker, "broker", "kafka", "the broker: kafka or redis")
		flags.StringVar(&o.scale.kafkaStart, "kafka-start", "", "the program that becomes a Kafka")
		flags.StringVar(&o.scale.kafkaAddress, "kafka-address", "", "where it listens")
		flags.IntVar(&o.scale.objects, "objects", 20_000, "how many objects there are at the start")
		flags.DurationVar(&o.scale.outage, "outage", 0, "for how long the broker goes away in the middle; 0 is not at all")
		flags.Float64Var(&o.lies.share, "share", 0, "the share of answers that lie")
	case "organization":
		flags.IntVar(&o.number, "n", 200, "how many projects there are")
		flags.IntVar(&o.organization.buckets, "buckets", 3, "how many buckets each has")
		flags.IntVar(&o.organization.objects, "objects", 50, "how many objects each bucket has")
		flags.DurationVar(&o.organization.interval, "interval", 10*time.Second, "the polling interval")
		flags.StringVar(&o.organization.mode, "mode", "", "one_time, continuous or rest alone; empty is the first two")
		rest := &o.organization.rest
		flags.Float64Var(&rest.minutes, "minutes", 3, "for how long to watch it at rest")
		flags.IntVar(&rest.tokens, "api-limit", 0, "how many requests a minute the Management API answers for all projects together; 0 is no such limit, as in production")
		flags.DurationVar(&rest.apiDelay, "api-delay", 0, "how long each answer of the Management API takes")
		flags.BoolVar(&rest.tls, "tls", false, "serve each project under a host of its own, over TLS behind a proxy")
		flags.StringVar(&rest.profile, "profile", "", "a folder for profiles of the time at rest; they cost some CPU time themselves")
		flags.Int64Var(&o.organization.memory, "memory", 250, "how many MiB the process may hold")
	case "storm":
		flags.IntVar(&o.number, "n", 10_000, "how many webhooks to post")
	}
	flags.StringVar(&o.scale.configs, "configs", "config/scale_out", "the folder of the configs of lister and workers")
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
