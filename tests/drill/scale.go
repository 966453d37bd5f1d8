package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

type scaleOptions struct {
	broker                   string
	kafkaStart, kafkaAddress string
	configs                  string
	objects                  int
	outage                   time.Duration
}

// scaleWorkers is how many workers a fleet begins with.
const scaleWorkers = 3

// scaleDrill has a lister name the objects of a bucket to a broker, and workers deliver
// them, while workers are killed, added and removed.
type scaleDrill struct {
	*fleet
	chance  *rand.Rand
	lying   atomic.Bool
	liar    *emulator.Liar
	outages int // how often the broker went away
}

func runScale(ctx context.Context, o options, dir string) error {
	if o.number < 0 || o.scale.objects < 100 || o.lies.share < 0 || o.lies.share > 1 {
		return fmt.Errorf("the number of kills is %d, -objects %d and -share %v; write no negative number, at least 100 objects, and a share from 0 to 1",
			o.number, o.scale.objects, o.lies.share)
	}
	fmt.Printf("drill: %d workers on %s, %d objects, %d kills, seed %d\n", scaleWorkers, o.scale.broker, o.scale.objects, o.number, o.seed)
	f, err := openFleet(ctx, o, dir)
	if err != nil {
		return err
	}
	defer f.close()
	b, err := openBroker(ctx, o.scale, dir)
	if err != nil {
		return err
	}
	defer b.close()
	f.broker = b
	d := &scaleDrill{fleet: f, chance: rand.New(rand.NewPCG(o.seed, 0)), liar: emulator.NewLiar(o.seed, o.lies.share)}
	d.liar.Trickle = trickleEvery
	f.bucket.faults = d.faults
	d.lying.Store(o.lies.share > 0)
	began := time.Now()
	if err := d.play(ctx); err != nil {
		return errors.Join(err, f.book.lockedErr())
	}
	return d.report(ctx, os.Stdout, time.Since(began))
}

// faults tells lies until they are switched off, except to the probe at the start.
func (d *scaleDrill) faults(r emulator.Request) emulator.Fault {
	if !d.lying.Load() || readRequest(r).probes() {
		return emulator.Fault{}
	}
	return d.liar.Fault(r)
}

// event is something that happens when so many messages have arrived.
type event struct {
	at   int
	what func(context.Context) error
}

// play is the drill itself.
func (d *scaleDrill) play(ctx context.Context) error {
	listerConfig, workerConfig := d.broker.configs()
	if err := errors.Join(d.configExists(listerConfig), d.configExists(workerConfig)); err != nil {
		return err
	}
	d.bucket.fill(d.scale.objects)
	d.lister = d.process("lister", listerConfig, d.broker.environment(nil)...)
	for range scaleWorkers {
		if _, err := d.newWorker(ctx, workerConfig); err != nil {
			return err
		}
	}
	for i, stream := range allStreams() {
		w := d.workers[i%scaleWorkers]
		w.streams = append(w.streams, stream)
	}
	if err := errors.Join(d.lister.start(0), d.start(d.workers...)); err != nil {
		return err
	}
	d.bucket.resume()
	for _, e := range d.events(workerConfig) {
		if err := d.until(ctx, func() bool { return d.book.order.count() >= e.at }); err != nil {
			return err
		}
		if err := e.what(ctx); err != nil {
			return err
		}
	}
	d.bucket.pause()
	d.lying.Store(false)
	return d.settle(ctx)
}

// events are the kills at random moments, and the changes of the fleet between them.
func (d *scaleDrill) events(workerConfig string) []event {
	moment := func(from, to float64) int {
		return int(float64(d.scale.objects) * (from + (to-from)*d.chance.Float64()))
	}
	events := []event{
		{moment(0.2, 0.4), func(ctx context.Context) error {
			w, err := d.newWorker(ctx, workerConfig)
			if err != nil {
				return err
			}
			return d.broker.join(ctx, d.fleet, w)
		}},
		{moment(0.5, 0.7), func(ctx context.Context) error {
			return d.leave(ctx, d.workers[1])
		}},
	}
	for range d.number {
		events = append(events, event{moment(0.02, 0.9), d.killOne})
	}
	if d.scale.outage > 0 {
		events = append(events, event{moment(0.4, 0.5), d.breakBroker})
	}
	slices.SortStableFunc(events, func(a, b event) int { return a.at - b.at })
	return events
}

// killOne kills one of the workers and starts it again.
func (d *scaleDrill) killOne(ctx context.Context) error {
	running := d.runningWorkers()
	w := running[d.chance.IntN(len(running))]
	if err := d.kill(ctx, w, aKill); err != nil {
		return err
	}
	return d.start(w)
}

// leave removes a worker for good.
func (d *scaleDrill) leave(ctx context.Context, w *worker) error {
	d.book.order.partitionsMove()
	return d.broker.leave(ctx, d.fleet, w)
}

// breakBroker stops the broker for a while.
func (d *scaleDrill) breakBroker(ctx context.Context) error {
	d.broker.process().stop()
	d.outages++
	timer := time.NewTimer(d.scale.outage)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := d.alive(); err != nil {
		return err
	}
	return d.broker.process().start(ctx)
}

// settle waits until a bucket that no longer changes is named and delivered, kills all
// workers while there is nothing to do, and lets the fleet go on.
func (d *scaleDrill) settle(ctx context.Context) error {
	if d.outages > 0 {
		// An acknowledgement that a broker did not get is sent again only by the next process.
		for _, w := range d.runningWorkers() {
			if err := d.stop(ctx, w); err != nil {
				return err
			}
			if err := d.start(w); err != nil {
				return err
			}
		}
	}
	if err := d.rest(ctx); err != nil {
		return err
	}
	for _, w := range d.runningWorkers() {
		if err := d.kill(ctx, w, aKillAtRest); err != nil {
			return err
		}
		if err := d.start(w); err != nil {
			return err
		}
	}
	for range 100 {
		d.bucket.write()
	}
	return d.rest(ctx)
}

// rest waits until the lister has listed the bucket twice and found nothing more, and
// the broker knows to be done with everything.
func (d *scaleDrill) rest(ctx context.Context) error {
	from := d.book.wholePasses()
	if err := d.until(ctx, func() bool { return d.book.wholePasses() >= from+3 }); err != nil {
		return err
	}
	return d.until(ctx, func() bool {
		n, err := d.broker.waiting(ctx)
		return err == nil && n == 0
	})
}
