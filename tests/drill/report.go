package main

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// figures are what a drill comes to.
type figures struct {
	kills, resting             int
	versions, owed             int
	delivered, lost            int
	messages, repeats          int
	worst, worstResting, bound int
	passes                     int
}

// progress is a line for those who wait.
func (b *book) progress() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.sum()
	return fmt.Sprintf("%d of %d versions delivered, %d repeats, %d whole passes", f.delivered, f.versions, f.repeats, f.passes)
}

// sum adds up; what is visible is owed by now.
func (b *book) sum() figures {
	f := figures{versions: len(b.versions), bound: inFlight + checkpoint, passes: b.passes}
	for _, v := range b.versions {
		f.messages += len(v.runs)
		switch {
		case len(v.runs) > 0:
			f.delivered++
		case b.late[v] || b.visible[v.key] == v:
			f.lost++
		}
		if v.owed || b.visible[v.key] == v {
			f.owed++
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

// report prints the figures. Its error says what must not be.
func (b *book) report(w io.Writer, took time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.sum()
	for n, r := range b.lives {
		switch {
		case r.resting && r.repeats > 0:
			b.wrong.add("kill %d found everything delivered for %s, and %d versions were repeated", n, restFor, r.repeats)
		case r.repeats > f.bound:
			b.wrong.add("kill %d repeated %d versions, more than the %d in flight and a checkpoint of %d", n, r.repeats, inFlight, checkpoint)
		}
	}
	_, err := fmt.Fprintf(w, `
kills                %6d in %s, %d of them at rest
whole passes         %6d
versions uploaded    %6d
  visible in a pass  %6d, or at the end
  delivered          %6d, the others were overwritten or deleted before
  lost               %6d
messages             %6d
  repeats            %6d, %.1f for each kill
  most for a kill    %6d of at most %d (%d in flight, %d in a checkpoint)
  most at rest       %6d of at most 0
  oldest repeat      %6.1f s delivered before its kill
`, f.kills, took.Round(time.Second), f.resting, f.passes, f.versions, f.owed, f.delivered, f.lost,
		f.messages, f.repeats, float64(f.repeats)/float64(f.kills), f.worst, f.bound, inFlight, checkpoint, f.worstResting, b.oldest.Seconds())
	if err != nil {
		return err
	}
	switch {
	case f.lost > 0 && b.wrong.count == 0:
		b.wrong.add("%d versions were lost", f.lost)
	case f.passes == 0 || f.delivered == 0:
		b.wrong.add("nothing was tried: %d whole passes, %d versions delivered", f.passes, f.delivered)
	}
	if b.wrong.count == 0 {
		return nil
	}
	errs := []error{fmt.Errorf("violations: %d, of which the first are", b.wrong.count)}
	for _, text := range b.wrong.texts {
		errs = append(errs, errors.New("  "+text))
	}
	return errors.Join(errs...)
}
