// Command drill kills a pipeline again and again, and checks that nothing is
// lost and next to nothing repeated.
//
// It serves an emulated Supabase Storage whose bucket is written to all the
// time, and runs the real binary on it with a state file. The binary dies by
// SIGKILL at random moments and is started again. What it delivers arrives
// here, by HTTP, and is noted before it is answered. Then:
//
//   - every version that was visible during one whole pass was delivered by the
//     end of that pass, and every version that is visible at the end, too;
//   - a kill repeats no more than what was in flight and one checkpoint, a kill
//     of a pipeline that was at rest repeats nothing, and without a kill nothing
//     is repeated;
//   - what arrived is what was uploaded, byte for byte.
//
// With -break it works against the pipeline, to show that it would notice.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// The ways to break what is tested.
const (
	breakNothing = ""
	breakRepeat  = "repeat" // delete the state before each start
	breakLose    = "lose"   // record what is due as delivered before each start
)

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "supabase-connect", "the binary to run")
	flag.IntVar(&o.kills, "kills", 50, "how often to kill it")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "the source of chance")
	flag.StringVar(&o.sabotage, "break", breakNothing, "break the state before each start, which must be noticed: repeat or lose")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "drill:", err)
		stop()
		os.Exit(1)
	}
}

type options struct {
	binary   string
	kills    int
	seed     uint64
	sabotage string
}

const (
	// inFlight is how many messages the output may have under way.
	inFlight = 10
	// checkpoint is how many acks a checkpoint may hold.
	checkpoint = 500
	// initial is how many objects there are at the start: more than a kill may
	// repeat.
	initial = 1500
	// A run lives for shortest to longest, from the start of its process.
	shortest, longest = 100 * time.Millisecond, 2900 * time.Millisecond
	// restEvery is how many kills come before one that finds the pipeline at
	// rest, for longer than a checkpoint takes on a busy disk.
	restEvery = 25
	restFor   = 4 * time.Second
	// settleWithin bounds the wait for a whole pass after the last write.
	settleWithin = 2 * time.Minute
)

func run(ctx context.Context, o options) (err error) {
	if o.kills < 1 || (o.sabotage != breakNothing && o.sabotage != breakRepeat && o.sabotage != breakLose) {
		return fmt.Errorf("-kills is %d and -break %q; write at least one kill, and repeat, lose or nothing", o.kills, o.sabotage)
	}
	dir, err := os.MkdirTemp("", "drill-")
	if err != nil {
		return err
	}
	defer func() {
		if err == nil {
			err = os.RemoveAll(dir)
		} else {
			err = fmt.Errorf("%w\nthe state, and what the pipeline logged, are in %s", err, dir)
		}
	}()
	fmt.Printf("drill: %d kills, seed %d\n", o.kills, o.seed)

	d := &drill{options: o, chance: rand.New(rand.NewPCG(o.seed, 0)), book: newBook()}
	if err := d.open(dir); err != nil { //nolint:contextcheck // listening on loopback does not wait
		return err
	}
	defer d.close()
	began := time.Now()
	if err := d.play(ctx); err != nil {
		return err
	}
	return d.book.report(os.Stdout, time.Since(began))
}

// drill is one run of this program.
type drill struct {
	options
	chance   *rand.Rand
	book     *book
	bucket   *bucketTraffic
	recorder *recorder
	pipeline *pipeline
}

func (d *drill) open(dir string) (err error) {
	if d.bucket, err = openBucket(d.book, d.seed); err != nil {
		return err
	}
	if d.recorder, err = openRecorder(d.book); err != nil {
		return errors.Join(err, d.bucket.close())
	}
	d.pipeline = &pipeline{
		binary: d.binary, config: filepath.Join(dir, "pipeline.yaml"), log: filepath.Join(dir, "pipeline.log"),
		state: filepath.Join(dir, "state", "drill.db"),
	}
	d.pipeline.env = append(d.bucket.environment(),
		"DRILL_STATE="+d.pipeline.state, "DRILL_RECORDER="+d.recorder.url(), fmt.Sprintf("DRILL_IN_FLIGHT=%d", inFlight))
	return os.WriteFile(d.pipeline.config, []byte(pipelineConfig), 0o600)
}

func (d *drill) close() {
	d.pipeline.kill()
	_ = d.recorder.close()
	_ = d.bucket.close()
}

// play is the drill itself: all kills, the last of which finds everything at
// rest, and one more start that must have nothing to do.
func (d *drill) play(ctx context.Context) error {
	d.bucket.fill(initial)
	d.bucket.resume()
	for n := range d.kills {
		if err := d.start(ctx); err != nil {
			return err
		}
		resting := n == d.kills-1 || (n+1)%restEvery == 0
		if resting {
			d.bucket.pause()
			if err := d.rest(ctx); err != nil {
				return err
			}
		} else if err := d.pipeline.live(ctx, shortest+time.Duration(d.chance.Int64N(int64(longest-shortest)))); err != nil {
			return err
		}
		d.book.killed(resting)
		d.pipeline.kill()
		if resting && n < d.kills-1 {
			d.bucket.resume()
		}
		if (n+1)%10 == 0 {
			fmt.Printf("drill: %d kills, %s\n", n+1, d.book.progress())
		}
	}
	if err := d.start(ctx); err != nil {
		return err
	}
	return d.rest(ctx)
}

// start breaks what is to be broken, and starts the pipeline.
func (d *drill) start(ctx context.Context) error {
	switch d.sabotage {
	case breakRepeat:
		if err := os.RemoveAll(d.pipeline.state); err != nil {
			return err
		}
	case breakLose:
		if err := d.pipeline.markDelivered(ctx); err != nil {
			return err
		}
	}
	return d.pipeline.start(d.book.started())
}

// rest waits for a whole pass over a bucket that does not change any more, and
// then for longer than a checkpoint takes.
func (d *drill) rest(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, settleWithin, fmt.Errorf("no pass was completed within %s", settleWithin))
	defer cancel()
	since := time.Now()
	for !d.book.passedSince(since) {
		if err := d.pipeline.live(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return d.pipeline.live(ctx, restFor)
}
