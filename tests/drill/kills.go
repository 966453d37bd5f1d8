package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// The ways to break what is tested.
const (
	breakNothing = ""
	breakRepeat  = "repeat" // delete the state before each start
	breakLose    = "lose"   // record what is due as delivered before each start
)

const (
	// initial is the number of objects at the start: more than a kill may repeat.
	initial = 1500
	// A run lives for shortest to longest, from the start of its process.
	shortest, longest = 100 * time.Millisecond, 2900 * time.Millisecond
	// Every restEvery kills, the pipeline is killed while it has nothing to do.
	restEvery = 5
	// badGets is the share of first downloads that fail, and the share that are cut.
	// Second attempts succeed, so no object is parked.
	badGets = 0.025
	// everyPassFull lets each pass list the bucket, also where a pass could ask for
	// changes alone: the drills count whole passes, and only these notice deletions.
	everyPassFull = "full_sweep_interval: 1s"
)

// killDrill kills a pipeline again and again.
type killDrill struct {
	*stage
	options
	chance *rand.Rand
}

func runKills(ctx context.Context, o options, dir string) error {
	if o.number < 1 || (o.sabotage != breakNothing && o.sabotage != breakRepeat && o.sabotage != breakLose) {
		return fmt.Errorf("the number of kills is %d and -break %q; write at least one kill, and repeat, lose or nothing", o.number, o.sabotage)
	}
	fmt.Printf("drill: %d kills over %v, seed %d\n", o.number, o.plane, o.seed)
	s, err := openStage(ctx, dir, o, o.seed, true,
		"sync_mode: continuous", "polling_interval: 1s", everyPassFull, "retry: {initial_interval: 20ms, max_interval: 100ms}")
	if err != nil {
		return err
	}
	defer s.close()
	bad := emulator.RandomFaults(o.seed, emulator.Errors(o.plane.download(), badGets, 500), emulator.Cuts(o.plane.download(), badGets))
	s.bucket.faults = func(r emulator.Request) emulator.Fault {
		if r.KeyN%2 == 0 {
			return emulator.Fault{}
		}
		return bad(r)
	}
	d := &killDrill{stage: s, options: o, chance: rand.New(rand.NewPCG(o.seed, 0))}
	began := time.Now()
	if err := d.play(ctx); err != nil {
		return err
	}
	return d.book.reportKills(os.Stdout, time.Since(began), s.pipeline.peak)
}

// play is the drill itself: all kills, the last while the pipeline has nothing to
// do, and one more start that must find nothing to do.
func (d *killDrill) play(ctx context.Context) error {
	d.bucket.fill(initial)
	d.bucket.resume()
	for n := range d.number {
		if err := d.begin(ctx); err != nil {
			return err
		}
		resting := n == d.number-1 || (n+1)%restEvery == 0
		if resting {
			d.bucket.pause()
			if err := d.rest(ctx); err != nil {
				return err
			}
		} else if err := d.pipeline.live(ctx, shortest+time.Duration(d.chance.Int64N(int64(longest-shortest)))); err != nil {
			return err
		}
		if err := d.kill(ctx, resting); err != nil {
			return err
		}
		if resting && n < d.number-1 {
			d.bucket.resume()
		}
		if (n+1)%10 == 0 {
			fmt.Printf("drill: %d kills, %s\n", n+1, d.book.progress())
		}
	}
	if err := d.begin(ctx); err != nil {
		return err
	}
	if err := d.rest(ctx); err != nil {
		return err
	}
	d.pipeline.kill()
	return nil
}

// begin breaks the state if the drill should fail, and starts the pipeline.
func (d *killDrill) begin(ctx context.Context) error {
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
	_, err := d.start()
	return err
}
