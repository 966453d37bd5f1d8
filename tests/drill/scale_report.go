package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// lockedErr is what went wrong so far.
func (b *book) lockedErr() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.wrong.err()
}

// wholePasses is how many whole passes were seen.
func (b *book) wholePasses() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.passes
}

// report prints the figures. Its error says what went wrong.
func (d *scaleDrill) report(ctx context.Context, out io.Writer, took time.Duration) error {
	log, err := d.broker.log(ctx)
	if err != nil {
		return err
	}
	bodies, err := d.broker.dead(ctx)
	if err != nil {
		return err
	}
	dead := map[string]bool{}
	for _, body := range bodies {
		var ref struct{ Key string }
		if err := json.Unmarshal([]byte(body), &ref); err != nil {
			return fmt.Errorf("a dead letter is %q: %w", body, err)
		}
		dead[ref.Key] = true
	}
	if len(dead) > 0 && d.lies.share == 0 {
		d.book.violated("%d objects became dead letters, and nobody lied", len(dead))
	}
	kept := 0
	for _, v := range d.book.undelivered() {
		if dead[v.key] {
			kept++
			continue
		}
		d.book.violated("%q with the ETag %q was lost", v.key, v.etag)
	}

	b, o := d.book, d.book.order
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, key := range o.untold() {
		if !dead[key] {
			b.wrong.add("%q was delivered and deleted, and no message says that it is gone", key)
		}
	}
	f := b.sum()
	repeated, named := o.repeats(log)
	worst, kills := o.worst(aKill)
	atRest, rests := o.worst(aKillAtRest)
	moved, _ := o.worst(aMove)
	stopped, _ := o.worst(aStop)
	if atRest != nil && len(atRest.places) > 0 {
		b.wrong.add("a worker at rest had %d references in hand that the broker did not know to be done with", len(atRest.places))
	}
	if f.delivered == 0 || kills < d.number || rests == 0 {
		b.wrong.add("the drill did nothing: %d versions delivered, %d kills, %d of them at rest", f.delivered, kills, rests)
	}
	var workers time.Duration
	d.lister.kill()
	for _, w := range d.workers {
		w.pipeline.kill()
		workers += w.cpu
	}
	told := 0
	for _, a := range o.keys {
		told += min(1, a.told)
	}
	_, _ = fmt.Fprintf(out, `
broker               %s, in %s
kills                %6d, and %d at rest; 1 worker added, 1 removed, %d outages
versions uploaded    %6d
  delivered          %6d, the others were overwritten or deleted before
  lost               %6d
  dead letters       %6d
keys deleted, told   %6d
references           %6d
messages             %6d, %.0f a second
  by kills           %6d repeated
  most for a kill    %6d were delivered and not committed
  most at rest       %6d
  most for a stop    %6d
  at most by a move  %6d were delivered or in hand
  old after new      %6d, all of them while a partition moved
peak memory          %6d MiB, of a worker
CPU                  %6.1f s of the lister, %.1f s of the workers
violations           %6d
`, d.scale.broker, took.Round(time.Second), kills, rests, d.outages, f.versions, f.delivered, f.missing-kept, len(dead), told,
		named, o.arrived, float64(o.arrived)/took.Seconds(), repeated, worst.most(), atRest.most(), stopped.most(), moved.most(), o.overtaken, d.peak>>20, d.lister.cpu.Seconds(), workers.Seconds(), b.wrong.count)
	if n := total(d.liar.Told()); n > 0 {
		_, _ = fmt.Fprintf(out, "lies                 %6d\n", n)
	}
	return b.wrong.err()
}

// most is how much the hazard may repeat.
func (h *hazard) most() int {
	if h == nil {
		return 0
	}
	return h.repeatable
}
