package main

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// figures are the numbers at the end of a drill.
type figures struct {
	kills, resting             int
	versions                   int
	delivered, missing         int
	messages, repeats          int
	worst, worstResting, bound int
	passes                     int
}

// progress is a line that shows how far the drill is.
func (b *book) progress() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.sum()
	return fmt.Sprintf("%d of %d versions delivered, %d repeats, %d whole passes", f.delivered, f.versions, f.repeats, f.passes)
}

// sum adds the numbers up. By now everything visible should have been delivered.
func (b *book) sum() figures {
	f := figures{versions: len(b.versions), bound: inFlight + checkpoint, passes: b.passes}
	for _, v := range b.versions {
		f.messages += len(v.runs)
		switch {
		case len(v.runs) > 0:
			f.delivered++
		case b.visible[v.key] == v:
			f.missing++
		}
	}
	for _, r := range b.lives {
		if r.killedAt.IsZero() {
			continue
		}
		f.kills++
		f.repeats += r.repeats
		if r.resting {
			f.resting++
			f.worstResting = max(f.worstResting, r.repeats)
		} else {
			f.worst = max(f.worst, r.repeats)
		}
	}
	return f
}

// reportKills prints the figures of the kill drill. Its error says what went wrong.
func (b *book) reportKills(w io.Writer, took time.Duration, peak int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.sum()
	for n, r := range b.lives {
		switch {
		case r.resting && r.repeats > 0:
			b.wrong.add("kill %d found the pipeline at rest, and %d versions were repeated", n, r.repeats)
		case r.repeats > f.bound:
			b.wrong.add("kill %d repeated %d versions, more than the %d in flight and a checkpoint of %d", n, r.repeats, inFlight, checkpoint)
		}
	}
	b.wrong.join(b.unprovoked)
	_, err := fmt.Fprintf(w, `
kills                %6d in %s, %d of them at rest
whole passes         %6d
versions uploaded    %6d
  delivered          %6d, the others were overwritten or deleted before
  lost               %6d
messages             %6d
  repeats            %6d, %.1f for each kill
  most for a kill    %6d of at most %d (%d in flight, %d in a checkpoint)
  most at rest       %6d of at most 0
  oldest repeat      %6.1f s delivered before its kill
peak memory          %6d MiB
`, f.kills, took.Round(time.Second), f.resting, f.passes, f.versions, f.delivered, f.missing,
		f.messages, f.repeats, float64(f.repeats)/float64(f.kills), f.worst, f.bound, inFlight, checkpoint, f.worstResting, b.oldest.Seconds(), peak>>20)
	if err != nil {
		return err
	}
	if f.missing > 0 {
		b.wrong.add("%d versions were lost", f.missing)
	}
	if f.passes == 0 || f.delivered == 0 {
		b.wrong.add("the drill did nothing: %d whole passes, %d versions delivered", f.passes, f.delivered)
	}
	return b.wrong.err()
}

// join adds other problems.
func (p *problems) join(other problems) {
	p.count += other.count
	p.kinds = append(p.kinds, other.kinds...)
}

// err is nil if there are no problems.
func (p *problems) err() error {
	if p.count == 0 {
		return nil
	}
	errs := []error{fmt.Errorf("%d violations", p.count)}
	for _, k := range p.kinds {
		errs = append(errs, fmt.Errorf("%d of this kind", k.count))
		for _, text := range k.texts {
			errs = append(errs, errors.New("  "+text))
		}
	}
	return errors.Join(errs...)
}
