package main

import (
	"context"
	"errors"
	"syscall"
	"time"
)

// oneTime kills a one-time run until it ends by itself. It is left alone a while longer
// each time, since a kill takes what was not written.
func (d *scopesDrill) oneTime(ctx context.Context) error {
	if err := d.open("one_time", "sync_mode: one_time", `state: {path: "${DRILL_STATE}"}`); err != nil {
		return err
	}
	for n := 1; ; n++ {
		if err := d.begin(ctx); err != nil {
			return err
		}
		err := d.pipeline.live(ctx, time.Duration(n)*(100*time.Millisecond+d.within(400*time.Millisecond)))
		if errors.Is(err, errEnded) {
			break
		}
		if err != nil {
			return err
		}
		if err := d.kill(ctx, killedAtMoment); err != nil {
			return err
		}
	}
	if err := d.endedAlone(ctx); err != nil {
		return err
	}
	undelivered, _ := d.book.missing(everywhere)
	for _, place := range undelivered {
		d.book.violated("the one-time run left %q", place)
	}
	return nil
}

func (d *scopesDrill) within(limit time.Duration) time.Duration {
	return time.Duration(d.chance.Int64N(int64(limit)))
}

// continuous is all other kills, the last while the pipeline has nothing to do, and one
// more start that must find nothing to do.
func (d *scopesDrill) continuous(ctx context.Context) error {
	d.book.forget(scope{})
	err := d.open("continuous", "sync_mode: continuous", "polling_interval: 1s", everyPassFull, "emit_deletes: true", "max_delete_ratio: 1",
		`state: {path: "${DRILL_STATE}"}`)
	if err != nil {
		return err
	}
	d.world.resume()
	for n := 1; n <= d.number; n++ {
		d.world.next()
		if d.chance.IntN(2) == 0 {
			d.world.happen("while the process was dead")
		}
		if n == d.number {
			d.world.recover()
		}
		if err := d.begin(ctx); err != nil {
			return err
		}
		how := d.choose(n)
		if how == killedAtRest {
			d.world.pause()
			if err := d.rest(ctx, everywhere); err != nil {
				return err
			}
		} else if how, err = d.lead(ctx, how); err != nil {
			return err
		}
		if how != endedByItself {
			err = d.kill(ctx, how)
		} else {
			err = d.endedAlone(ctx)
		}
		if err != nil {
			return err
		}
		if n%10 == 0 {
			d.progress(n)
		}
		if how == killedAtRest && n < d.number {
			d.world.resume()
		}
	}
	if err := d.begin(ctx); err != nil {
		return err
	}
	if err := d.rest(ctx, everywhere); err != nil {
		return err
	}
	return d.kill(ctx, killedAtRest)
}

// choose says how the n-th process ends.
func (d *scopesDrill) choose(n int) ending {
	if n == d.number || n%restScopesEvery == 0 {
		return killedAtRest
	}
	all := []ending{killedAtMoment, killedAtMoment, killedAtWrite, killedInListing, killedInClose}
	return all[d.chance.IntN(len(all))]
}

// waitsAtMost is how long a kill waits for what it is to come after.
const waitsAtMost = 3 * time.Second

// longestClose is the longest that a process has between SIGTERM and SIGKILL: most need
// less to end by themselves.
const longestClose = 400 * time.Millisecond

// lead lets the process live up to the moment of its kill. It returns how it is to be
// killed, or that it has ended by itself.
func (d *scopesDrill) lead(ctx context.Context, how ending) (ending, error) {
	life := shortest + d.within(longest-shortest)
	if d.chance.IntN(2) == 0 {
		half := d.within(life)
		if err := d.pipeline.live(ctx, half); err != nil {
			return how, err
		}
		d.world.happen("while the process ran")
		life -= half
	}
	if err := d.pipeline.live(ctx, life); err != nil {
		return how, err
	}
	switch how {
	case killedAtWrite:
		before, began := d.book.commits.now(), time.Now()
		err := waitFor(ctx, func() bool { return d.book.commits.now() != before || time.Since(began) > waitsAtMost })
		return how, err
	case killedInListing:
		return how, d.pipeline.liveFor(ctx, d.world.caught(), waitsAtMost)
	case killedInClose:
		_ = d.pipeline.process.Signal(syscall.SIGTERM)
		err := d.pipeline.live(ctx, d.within(longestClose))
		if errors.Is(err, errEnded) && d.pipeline.code >= 0 { // else it did not listen to signals yet
			return endedByItself, nil
		}
		if err != nil && !errors.Is(err, errEnded) {
			return how, err
		}
	}
	return how, nil
}
