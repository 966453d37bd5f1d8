package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// progress prints how far the drill is.
func (d *scopesDrill) progress(n int) {
	d.book.mu.Lock()
	defer d.book.mu.Unlock()
	all, _, _ := d.book.repeats()
	fmt.Printf("drill: %d kills, %d messages, %d repeats, %d whole passes, %d violations\n", n, d.book.messages, all, d.book.passes, d.book.wrong.count)
}

// repeats are all, and the most for one end of one scope and of all.
func (b *scopeBook) repeats() (all, most, mostOfAll int) {
	for _, l := range b.lives {
		sum := 0
		for _, n := range l.repeats {
			most = max(most, n)
			sum += n
		}
		all += sum
		mostOfAll = max(mostOfAll, sum)
	}
	return all, most, mostOfAll
}

// report prints the figures. Its error says what went wrong.
func (d *scopesDrill) report(w io.Writer, took time.Duration) error {
	b := d.book
	b.mu.Lock()
	defer b.mu.Unlock()
	repeats, most, mostOfAll := b.repeats()
	lost := 0
	for _, k := range b.keys {
		if k.current != nil && len(k.current.came) == 0 {
			lost++
		}
	}
	_, _ = fmt.Fprintf(w, "\nends of processes    %6d in %s\n", len(b.lives)-1, took.Round(time.Second)) // errors of the writer do not matter
	for _, how := range slices.Sorted(maps.Keys(d.kills)) {
		_, _ = fmt.Fprintf(w, "  %-30s %4d\n", how, d.kills[how])
	}
	_, _ = fmt.Fprintf(w, `whole passes         %6d
versions uploaded    %6d
  lost               %6d
messages             %6d with an object, %d about deletions
  repeats            %6d
  most for one end   %6d in one scope, %d in all
  oldest repeat      %6.1f s acknowledged before the end; the most commits of others in front of one: %d
peak memory          %6d MiB
`, b.passes, len(b.versions), lost, b.messages, b.told, repeats, most, mostOfAll, b.oldest.Seconds(), b.behind, d.pipeline.peak>>20)
	for _, name := range slices.Sorted(maps.Keys(d.world.happened)) {
		_, _ = fmt.Fprintf(w, "%4d times: %s\n", d.world.happened[name], name)
	}
	if b.passes == 0 || b.messages == 0 || b.told == 0 || repeats == 0 {
		b.wrong.add("the drill did nothing: %d whole passes, %d messages, %d deletions, %d repeats", b.passes, b.messages, b.told, repeats)
	}
	return b.wrong.err()
}
