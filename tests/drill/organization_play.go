package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// until waits for a state while the pipeline runs.
func (d *organizationDrill) until(ctx context.Context, what string, reached func() bool) error {
	ctx, cancel := hanging(ctx, what)
	defer cancel()
	return d.pipeline.liveUntil(ctx, reached)
}

// slowDown holds up each page of one project.
func (d *organizationDrill) slowDown() {
	d.org.Projects()[5].SetFaults(emulator.FaultRules(emulator.SlowPages(slowPage)))
}

// oneTime reads everything once. The project that is coming up does so meanwhile.
func (d *organizationDrill) oneTime(ctx context.Context, dir string) error {
	all := d.troubles()
	for _, t := range all {
		t.begin(t.of)
	}
	d.slowDown()
	if err := d.open(dir, "one_time", "sync_mode: one_time", "retry: {initial_interval: 20ms, max_interval: 200ms}"); err != nil {
		return err
	}
	began := time.Now()
	if err := d.pipeline.start(1); err != nil {
		return err
	}
	defer d.pipeline.kill()
	err := d.until(ctx, "the healthy buckets were not delivered", func() bool {
		return d.missing(func(where string) bool { return !failing(all, where) }) == 0
	})
	if err != nil {
		return err
	}
	healthy := time.Since(began)
	all[1].end(all[1].of)
	if err := d.until(ctx, "the one-time run did not end", func() bool { return false }); !errors.Is(err, errEnded) {
		return err
	}
	took := time.Since(began)
	d.pipeline.kill()
	if d.pipeline.code != 1 {
		d.wrong.add("the one-time run ended with %d, and something was left", d.pipeline.code)
	}
	if n := d.missing(all[1].fails); n > 0 {
		d.wrong.add("%d objects of the project that came up were left", n)
	}
	log := d.pipeline.loggedSince(0)
	for _, t := range append(all[:1:1], all[2:]...) {
		if !strings.Contains(log, refOf(t.of)) {
			d.wrong.add("the log of the one-time run does not name the project that %s", t.name)
		}
		t.end(t.of)
	}
	d.requireOnce()
	d.figures("one_time", healthy, took)
	return nil
}

// requireOnce notes what arrived more than once, or with the content of something else.
func (d *organizationDrill) requireOnce() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for where, n := range d.arrived {
		if n > 1 {
			d.wrong.add("%q was delivered %d times", where, n)
		}
	}
	for where, content := range d.mixed {
		d.wrong.add("%q was delivered with the content %q", where, content)
	}
}

// figures prints what a run cost.
func (d *organizationDrill) figures(mode string, healthy, took time.Duration) {
	d.mu.Lock()
	n := len(d.arrived)
	d.mu.Unlock()
	fmt.Printf("drill: %s: %d objects, the healthy buckets after %.1f s, all in %.1f s; peak memory %d MiB, CPU %.1f s\n",
		mode, n, healthy.Seconds(), took.Seconds(), d.pipeline.peak>>20, d.pipeline.cpu.Seconds())
	if peak := d.pipeline.peak >> 20; peak > d.organization.memory {
		d.wrong.add("the process held %d MiB, more than %d", peak, d.organization.memory)
	}
}

// continuous lets projects fail, come and go, and recover.
func (d *organizationDrill) continuous(ctx context.Context, dir string) error {
	all := d.troubles()
	for _, t := range all {
		t.begin(t.of)
	}
	d.slowDown()
	healthy := func(where string) bool { return !failing(all, where) }
	interval := d.organization.interval
	err := d.open(dir, "continuous", "sync_mode: continuous", "polling_interval: "+interval.String(),
		"full_sweep_interval: "+interval.String(), `state: {path: "${DRILL_STATE}"}`)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := d.pipeline.start(2); err != nil {
		return err
	}
	defer d.pipeline.kill()
	if err := d.until(ctx, "the healthy buckets were not delivered", func() bool { return d.missing(healthy) == 0 }); err != nil {
		return err
	}
	first := time.Since(began)
	removed, lost := d.org.Projects()[6], d.org.Projects()[7]
	d.forget(refOf(removed) + "/")
	d.forget(refOf(lost) + "/bucket-1/")
	d.org.RemoveProject(refOf(removed))
	lost.RemoveBucket("bucket-1")
	changed := time.Now()
	for _, s := range d.org.Projects()[6:] {
		if s != lost {
			d.putObject(s, "bucket-1", "late.txt")
		}
	}
	grown := d.org.Projects()[8]
	d.addBucket(grown, "added")
	added := d.addProject()
	if err := d.until(ctx, "what is new was not delivered", func() bool { return d.missing(healthy) == 0 }); err != nil {
		return err
	}
	worst := d.worst(changed)
	if worst > onTimeWithin*interval {
		d.wrong.add("what was put into a healthy bucket took %s, more than %d polling intervals", worst, onTimeWithin)
	}
	gone := func() bool { return d.lines(refOf(removed)) > 0 && d.lines(refOf(lost)) > 0 }
	if err := d.until(ctx, "the log does not say what is gone", gone); err != nil {
		return err
	}
	recovering := time.Now()
	for _, t := range all {
		t.end(t.of)
	}
	if err := d.until(ctx, "what had failed was not delivered", func() bool { return d.missing(func(string) bool { return true }) == 0 }); err != nil {
		return err
	}
	recovered := time.Since(recovering)
	if err := d.pipeline.live(ctx, 3*interval); err != nil { // in which more lines would come
		return err
	}
	for _, t := range all {
		if n := d.lines(refOf(t.of)); n != 2 {
			d.wrong.add("%d lines tell of the project that %s, and two should: %s", n, t.name, refOf(t.of))
		}
	}
	for _, s := range d.org.Projects() {
		expected := 0
		switch {
		case s == lost:
			expected = 1
		case s == grown:
			expected = 1
		case s == added:
			expected = d.organization.buckets
		}
		if n := d.lines(refOf(s)); n > expected && !isTroubled(all, s) {
			d.wrong.add("%d lines tell of %s, and %d should", n, refOf(s), expected)
		}
	}
	d.pipeline.kill()
	d.requireOnce()
	fmt.Printf("drill: continuous: what is new arrived within %.1f s (%.1f intervals), what had failed %.1f s after its end\n",
		worst.Seconds(), worst.Seconds()/interval.Seconds(), recovered.Seconds())
	d.figures("continuous", first, time.Since(began))
	return nil
}

func isTroubled(all []*trouble, s *emulator.Server) bool {
	for _, t := range all {
		if t.of == s {
			return true
		}
	}
	return false
}

// forget expects nothing more of the places that begin like this.
func (d *organizationDrill) forget(prefix string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for where := range d.put {
		if strings.HasPrefix(where, prefix) {
			delete(d.put, where)
		}
	}
}

// worst is how long what was put since then took to arrive, at the most.
func (d *organizationDrill) worst(since time.Time) (worst time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for where, put := range d.put {
		if at, arrived := d.at[where]; arrived && put.After(since) {
			worst = max(worst, at.Sub(put))
		}
	}
	return worst
}

// lines counts the lines of the log that are about a project.
func (d *organizationDrill) lines(ref string) (n int) {
	for line := range strings.Lines(d.pipeline.loggedSince(0)) {
		if strings.Contains(line, ref) {
			n++
		}
	}
	return n
}
