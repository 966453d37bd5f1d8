package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

type liesOptions struct {
	share   float64
	kinds   string
	trickle time.Duration
}

const (
	// liesInitial is the number of objects at the start: more than a page of a
	// listing. largeObjects of them have largeSize, too large to be read again from
	// the beginning. Half of their downloads are cut, so that they go on with ranges.
	liesInitial  = 1100
	largeObjects = 6
	largeSize    = 12 << 20
	cutLarge     = 0.5
	// trickleEvery lets a small body that trickles arrive in ten seconds.
	trickleEvery = 5 * time.Millisecond
	// rareShare is the share of lies to listings and ranges. It is larger, because
	// such requests are rare.
	rareShare = 3
	// A run among lies lives for liesShortest to liesLongest, unless it ends.
	liesShortest, liesLongest = time.Second, 8 * time.Second
)

// scene is one pipeline behind a gateway that lies.
type scene struct {
	*stage
	name    string
	fields  []string // of the input
	repeats bool     // it is continuous
	length  time.Duration
	// rare lies about listings and ranges, liar about all else.
	liar, rare *emulator.Liar
	lying      atomic.Bool
	chance     *rand.Rand
	// kept counts the versions that were not delivered but named in the log.
	kept int
	err  error
}

func runLies(ctx context.Context, o options, dir string) error {
	if o.number < 1 || o.lies.share <= 0 || o.lies.share > 1 {
		return fmt.Errorf("-n is %d and -share %v; write at least one second, and a share above 0 and up to 1", o.number, o.lies.share)
	}
	kinds, err := liesNamed(o.lies.kinds)
	if err != nil {
		return err
	}
	fmt.Printf("drill: %d s of lies in %.0f %% of the answers over %v, seed %d\n", o.number, 100*o.lies.share, o.plane, o.seed)
	scenes := []*scene{
		{name: "one_time", fields: []string{"sync_mode: one_time"}},
		{name: "continuous", repeats: true, fields: []string{"sync_mode: continuous", "polling_interval: 1s", everyPassFull, "emit_deletes: true"}},
		{name: "delete_objects", repeats: true, fields: []string{"sync_mode: continuous", "polling_interval: 1s", everyPassFull, "delete_objects: true"}},
	}
	for i, s := range scenes {
		fields := append(s.fields, "timeouts: {response: 30s, idle: 10s}", "retry: {initial_interval: 20ms, max_interval: 200ms}")
		if s.stage, err = openStage(ctx, filepath.Join(dir, s.name), o, o.seed+uint64(i), s.repeats, fields...); err != nil {
			return err
		}
		defer s.close()
		s.bucket.deletes = s.name == "delete_objects"
		s.length = time.Duration(o.number) * time.Second
		s.chance = rand.New(rand.NewPCG(o.seed, uint64(i)))
		s.liar = emulator.NewLiar(o.seed+uint64(i), o.lies.share, kinds...)
		s.rare = emulator.NewLiar(o.seed+uint64(i), min(1, rareShare*o.lies.share), kinds...)
		s.liar.Trickle = cmp.Or(o.lies.trickle, trickleEvery)
		s.rare.Trickle = s.liar.Trickle
		s.bucket.faults = s.faults(o, o.seed+uint64(i))
	}
	began := time.Now()
	var playing sync.WaitGroup
	for _, s := range scenes {
		playing.Go(func() { s.err = s.play(ctx) })
	}
	playing.Wait()
	return reportLies(os.Stdout, time.Since(began), scenes)
}

// liesNamed reads the names of kinds.
func liesNamed(names string) (kinds []emulator.Lie, err error) {
	if names == "" {
		return nil, nil
	}
	for name := range strings.SplitSeq(names, ",") {
		found := emulator.LieNone
		for _, lie := range emulator.Lies() {
			if lie.String() == name {
				found = lie
			}
		}
		if found == emulator.LieNone {
			return nil, fmt.Errorf("-kinds has %q; the kinds are %v", name, emulator.Lies())
		}
		kinds = append(kinds, found)
	}
	return kinds, nil
}

// faults tells lies until they are switched off. The probe at the start of a run
// gets the honest answer: a run that finds no bucket may end.
func (s *scene) faults(o options, seed uint64) func(emulator.Request) emulator.Fault {
	cuts := emulator.RandomFaults(seed, emulator.Cuts(o.plane.download(), cutLarge))
	return func(r emulator.Request) emulator.Fault {
		asks := readRequest(r)
		if !s.lying.Load() || asks.probes() {
			return emulator.Fault{}
		}
		liar, ranged, large := s.liar, r.Header.Get("Range") != "", s.size(r.Key) > largeSize/2
		if ranged || asks.list {
			liar = s.rare
		}
		f := liar.Fault(r)
		switch {
		case f.Lie == emulator.LieTrickle && large && o.lies.trickle == 0:
			return emulator.Fault{}
		case f.Lie == emulator.LieNone && large && !ranged:
			return cuts(r)
		}
		return f
	}
}

func (s *scene) size(key string) int64 {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	if v := s.book.visible[key]; v != nil {
		return v.size
	}
	return 0
}

// told counts the lies by kind.
func (s *scene) told() map[emulator.Lie]int {
	told := s.liar.Told()
	for lie, n := range s.rare.Told() {
		told[lie] += n
	}
	return told
}

// play lies while the bucket is written to and the pipeline is killed, and then
// checks what is left.
func (s *scene) play(ctx context.Context) error {
	s.bucket.fill(liesInitial)
	for range largeObjects {
		if err := s.bucket.putLarge(largeSize); err != nil {
			return err
		}
	}
	s.lying.Store(true)
	s.bucket.resume()
	for until := time.Now().Add(s.length); time.Now().Before(until); {
		if err := s.life(ctx); err != nil {
			return err
		}
	}
	s.bucket.pause()
	if s.repeats {
		return s.settle(ctx)
	}
	return s.lastRuns(ctx)
}

// life is one run, killed after a while unless it ends by itself.
func (s *scene) life(ctx context.Context) error {
	logged := s.pipeline.logged()
	run, err := s.start()
	if err != nil {
		return err
	}
	err = s.pipeline.live(ctx, liesShortest+time.Duration(s.chance.Int64N(int64(liesLongest-liesShortest))))
	switch {
	case err == nil:
		return s.kill(ctx, false)
	case !errors.Is(err, errEnded):
		return err
	case s.repeats:
		s.book.violated("run %d: %v", run, err)
	default:
		s.judge(run, logged, false)
	}
	s.pipeline.kill()
	return s.drain(ctx)
}

// settle ends the lies and waits until a continuous pipeline has nothing to do.
func (s *scene) settle(ctx context.Context) error {
	s.lying.Store(false)
	if _, err := s.start(); err != nil {
		return err
	}
	err := s.rest(ctx)
	s.pipeline.kill()
	if err != nil {
		return err
	}
	for _, v := range s.book.undelivered() {
		if strings.Contains(s.pipeline.loggedSince(v.logged), v.key) {
			s.kept++
			continue
		}
		s.book.violated("%q with the ETag %q is visible, was not delivered, and is not named in the log since its upload", v.key, v.etag)
	}
	return nil
}

// lastRuns does one run with lies and one run without, on a bucket that does not
// change.
func (s *scene) lastRuns(ctx context.Context) error {
	for _, lying := range []bool{true, false} {
		s.lying.Store(lying)
		logged := s.pipeline.logged()
		run, err := s.start()
		if err != nil {
			return err
		}
		if err := s.toItsEnd(ctx); err != nil {
			return err
		}
		s.kept = s.judge(run, logged, true)
		if !lying && s.pipeline.code != 0 {
			s.book.violated("run %d ended with %d although nobody lied; its last words:\n%s", run, s.pipeline.code, s.pipeline.lastWords())
		}
	}
	return nil
}

// toItsEnd waits until a one-time run ends by itself.
func (s *scene) toItsEnd(ctx context.Context) error {
	ctx, cancel := hanging(ctx, "the one-time run did not end")
	defer cancel()
	err := s.pipeline.liveUntil(ctx, func() bool { return false })
	s.pipeline.kill()
	if errors.Is(err, errEnded) {
		return s.drain(ctx)
	}
	return err
}
