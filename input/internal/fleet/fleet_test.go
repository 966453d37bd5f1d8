package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fleet"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/schedule"
)

// world is what there is: projects with their buckets, and what is wrong with them.
type world struct {
	mu       sync.Mutex
	projects map[string][]string
	deleted  map[string]bool
	left     map[string]bool  // projects that are there and not to be read
	asked    []string         // for what became of it
	broken   map[string]error // by project
	asleep   map[string]bool  // projects without keys
	unsure   map[string]bool  // buckets that are not listed, and of which nobody knows more
	listing  error
	// remembered are projects of an earlier process.
	remembered []fleet.Project
	recalled   map[string][]string // buckets of an earlier process, by project
	drops      time.Duration       // how long a bucket takes to be dropped
	events     []string
	running    map[string]int
}

func newWorld() *world {
	return &world{
		projects: map[string][]string{}, deleted: map[string]bool{}, left: map[string]bool{}, broken: map[string]error{},
		asleep: map[string]bool{}, unsure: map[string]bool{}, running: map[string]int{},
	}
}

func (w *world) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *world) say(format string, args ...any) {
	w.set(func() { w.events = append(w.events, fmt.Sprintf(format, args...)) })
}

// said are the events since the last call.
func (w *world) said() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	events := w.events
	w.events = nil
	slices.Sort(events)
	return events
}

func (w *world) options(plan schedule.Plan) fleet.Options {
	return fleet.Options{
		Plan: plan, Refresh: time.Minute, Watcher: watcher{w},
		List: func(context.Context) (all []fleet.Project, err error) {
			w.set(func() {
				for ref := range w.projects {
					all = append(all, fleet.Project{Ref: ref})
				}
				err = w.listing
			})
			return all, err
		},
		Missing: func(_ context.Context, ref string) (fate fleet.Fate, _ error) {
			w.set(func() {
				w.asked = append(w.asked, ref)
				switch {
				case w.deleted[ref]:
					fate = fleet.Deleted
				case w.left[ref]:
					fate = fleet.Left
				}
			})
			return fate, nil
		},
		Remembered: func() []fleet.Project { return w.remembered },
		Open:       func(p fleet.Project) (fleet.Source, error) { return source{w, p.Ref}, nil },
	}
}

type source struct {
	*world
	ref string
}

func (s source) Ready(ctx context.Context) error {
	for {
		asleep := false
		s.set(func() { asleep = s.asleep[s.ref] })
		if !asleep {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func (s source) Buckets(context.Context) (names []string, err error) {
	s.set(func() { names, err = slices.Clone(s.projects[s.ref]), s.broken[s.ref] })
	return names, err
}

func (s source) Remembered() (names []string) {
	s.set(func() { names = s.recalled[s.ref] })
	return names
}

func (s source) Gone(_ context.Context, bucket string) (gone bool, _ error) {
	s.set(func() { gone = !s.unsure[bucket] })
	return gone, nil
}

func (s source) Scope(bucket string, _ bool) (fleet.Scope, error) { return scope{s, bucket}, nil }
func (s source) Close()                                           { s.say("close %s", s.ref) }

type scope struct {
	source
	bucket string
}

func (s scope) Run(ctx context.Context) error {
	name := s.ref + "/" + s.bucket
	s.set(func() { s.running[name]++ })
	defer s.set(func() { s.running[name]-- })
	<-ctx.Done()
	return ctx.Err()
}

func (s scope) Drop(ctx context.Context) {
	s.say("drop %s/%s", s.ref, s.bucket)
	_ = retry.Sleep(ctx, s.drops)
}
func (s scope) Idle() bool                  { return true }
func (s scope) Close(context.Context) error { s.say("close %s/%s", s.ref, s.bucket); return nil }

type watcher struct{ *world }

func (w watcher) ListFailed(err error)                       { w.say("list failed: %v", err) }
func (w watcher) Listed(int)                                 {}
func (w watcher) ProjectFailed(p fleet.Project, err error)   { w.say("failed %s: %v", p.Ref, err) }
func (w watcher) ProjectLooked(fleet.Project, int)           {}
func (w watcher) Began(p fleet.Project, b string, _, _ bool) { w.say("began %s/%s", p.Ref, b) }
func (w watcher) Left(p fleet.Project)                       { w.say("left %s", p.Ref) }
func (w watcher) Gone(p fleet.Project, b string)             { w.say("gone %s/%s", p.Ref, b) }

// run runs a fleet until stop is called.
func (w *world) run(t *testing.T) (stop func()) {
	f := fleet.New(w.options(schedule.Every(time.Minute)))
	require.NoError(t, f.Connect(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.Run(ctx)
	}()
	synctest.Wait()
	return func() {
		cancel()
		<-done
		require.NoError(t, f.Close(context.Background()))
	}
}

func TestWhatComesIsReadAndWhatGoesIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.projects["p"] = []string{"a", "b"}
		stop := w.run(t)
		require.Equal(t, []string{"began p/a", "began p/b"}, w.said())

		w.set(func() { w.projects["p"] = []string{"b", "c"}; w.projects["q"] = []string{"a"} })
		time.Sleep(2 * time.Minute)
		require.Equal(t, []string{"began p/c", "began q/a", "close p/a", "drop p/a", "gone p/a"}, w.said())

		w.set(func() { delete(w.projects, "q"); w.deleted["q"] = true; w.broken["q"] = errors.New("522") })
		time.Sleep(2 * time.Minute)
		said := slices.DeleteFunc(w.said(), func(event string) bool { return event == "failed q: 522" }) // if it was looked at before it was let go
		require.Equal(t, []string{"close q", "close q/a", "drop q/a", "gone q/"}, said)
		require.Equal(t, map[string]int{"p/a": 0, "p/b": 1, "p/c": 1, "q/a": 0}, w.running)

		w.set(func() {
			w.projects["p"] = []string{"a", "b", "c"}
			w.projects["q"] = []string{"a"}
			w.deleted["q"] = false
			delete(w.broken, "q")
		})
		time.Sleep(2 * time.Minute)
		require.Equal(t, []string{"began p/a", "began q/a"}, w.said())
		stop()
	})
}

func TestAProjectThatIsNotToBeReadAnyMoreIsLetGoAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.projects["p"], w.projects["q"] = []string{"a"}, []string{"a", "b"}
		w.remembered = []fleet.Project{{Ref: "q"}, {Ref: "r"}, {Ref: "s"}}
		w.left["r"] = true
		stop := w.run(t)
		require.Equal(t, []string{"began p/a", "began q/a", "began q/b"}, w.said(), "nothing is told of what is not read")
		w.set(func() { require.Equal(t, []string{"r", "s"}, w.asked) })

		w.set(func() { delete(w.projects, "q"); w.left["q"], w.unsure["a"], w.unsure["b"] = true, true, true })
		time.Sleep(2 * time.Minute)
		require.Equal(t, []string{"close q", "close q/a", "close q/b", "left q"}, w.said(), "nothing is dropped")
		w.set(func() { require.Equal(t, map[string]int{"p/a": 1, "q/a": 0, "q/b": 0}, w.running) })
		time.Sleep(time.Hour)
		require.Empty(t, w.said())

		w.set(func() { w.projects["q"] = []string{"a"}; w.left["q"] = false })
		time.Sleep(2 * time.Minute)
		require.Equal(t, []string{"began q/a"}, w.said())
		w.set(func() { require.Equal(t, 1, w.running["q/a"]) })
		stop()
	})
}

func TestAProjectThatWasDeletedEarlierIsNotReadWhileItsDeletionsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.projects["p"] = []string{"a"}
		w.remembered, w.recalled, w.drops = []fleet.Project{{Ref: "q"}}, map[string][]string{"q": {"a"}}, time.Hour
		w.deleted["q"], w.broken["q"] = true, errors.New("522")
		stop := w.run(t)
		time.Sleep(30 * time.Minute)
		require.Equal(t, []string{"began p/a", "began q/a", "drop q/a", "gone q/"}, w.said())
		time.Sleep(time.Hour)
		require.Equal(t, []string{"close q", "close q/a"}, w.said())
		w.set(func() { require.Equal(t, map[string]int{"p/a": 1}, w.running) })
		stop()
	})
}

// A token that loses sight of many projects must not spend its quota on them.
func TestOfManyMissingProjectsAFewAreAskedForAfterEachList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		const n = 80
		for i := range n {
			w.projects[fmt.Sprintf("p%03d", i)] = []string{"a"}
		}
		stop := w.run(t)
		w.set(func() { clear(w.projects); w.projects["new"], w.unsure["a"] = []string{"a"}, true })
		time.Sleep(time.Minute + time.Second)
		perList := 0
		w.set(func() {
			require.Equal(t, 1, w.running["new/a"])
			perList = len(w.asked)
			require.Less(t, perList, n/2)
		})
		time.Sleep(10 * time.Minute)
		w.set(func() {
			for i := range n {
				require.Contains(t, w.asked, fmt.Sprintf("p%03d", i), "each has its turn")
			}
			require.LessOrEqual(t, len(w.asked), 12*perList)
		})
		stop()
	})
}

func TestNothingIsGoneThatOnlyAListLeavesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.projects["p"], w.projects["q"] = []string{"a", "b"}, []string{"a"}
		stop := w.run(t)
		w.said()
		w.set(func() { w.projects["p"] = nil; w.unsure["a"], w.unsure["b"] = true, true; delete(w.projects, "q") })
		time.Sleep(time.Hour)
		require.Empty(t, w.said())
		w.set(func() { w.listing = errors.New("down") })
		time.Sleep(90 * time.Second)
		require.Equal(t, []string{"list failed: down"}, slices.Compact(w.said()))
		require.Equal(t, map[string]int{"p/a": 1, "p/b": 1, "q/a": 1}, w.running)
		stop()
	})
}

func TestAProjectThatFailsOrSleepsHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.projects["bad"], w.projects["paused"], w.projects["good"] = []string{"a"}, []string{"a"}, []string{"a"}
		w.broken["bad"], w.asleep["paused"] = errors.New("500"), true
		stop := w.run(t)
		require.Equal(t, []string{"began good/a", "failed bad: 500"}, w.said())
		time.Sleep(10*time.Minute + 30*time.Second)
		require.Equal(t, []string{"failed bad: 500"}, slices.Compact(w.said()))
		w.set(func() { delete(w.broken, "bad"); w.asleep["paused"] = false })
		time.Sleep(time.Hour)
		require.Equal(t, []string{"began bad/a", "began paused/a"}, w.said())
		stop()
	})
}
