package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/boltstore"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// checkStateTimeout bounds how long a state is read: a cache has time-outs of
// its own, or none.
const checkStateTimeout = time.Minute

// checkState reads the state, of which nothing is changed, and finds out what
// is due by it.
func (c *checker) checkState(ctx context.Context) Step {
	var s Step
	if c.several != nil {
		s = c.readSharedState(ctx)
	} else {
		s = c.openState(ctx, c.readLedger)
	}
	if c.blocked[StepPatterns] != "" {
		return s
	}
	err := c.sample(ctx)
	if err == nil {
		return s
	}
	_ = c.ledger.Discard() // nothing was written to it
	c.ledger, c.ledgerUnread = nil, true
	return failedStep(StepState, s.Found, errors.Join(config.At(c.conf.State.Field(), err), c.sample(ctx)))
}

// openState opens the state and gives it to read, which has to close it, also where it
// fails.
func (c *checker) openState(ctx context.Context, read func(context.Context, ledger.Store, *Step) error) Step {
	ctx, cancel := context.WithTimeout(ctx, checkStateTimeout)
	defer cancel()
	s := Step{Name: StepState, Status: OK}
	var err error
	switch state := c.conf.State; {
	case state.Path != "":
		err = config.At(state.Field(), c.checkStateFile(ctx, &s, read))
	case state.Cache != "":
		err = c.checkStateCache(ctx, &s, read)
	case c.conf.Remembers():
		s.warn(Problem{
			Field: config.FieldState, Problem: "there is none, so a restart delivers everything again",
			Remedy: "write state.path or state.cache",
		})
	default:
		s.Found = "none: each run delivers everything"
	}
	if err != nil {
		c.ledgerUnread = c.ledger == nil
		return failedStep(StepState, s.Found, err)
	}
	return s
}

func (c *checker) checkStateCache(ctx context.Context, s *Step, read func(context.Context, ledger.Store, *Step) error) error {
	if err := c.conf.CheckResources(c.res); err != nil {
		return err
	}
	store, err := c.opts.OpenCache(ctx, c.conf, c.res)
	if err != nil {
		return err
	}
	return config.At(c.conf.State.Field(), read(ctx, readOnlyStore{store}, s))
}

func (c *checker) checkStateFile(ctx context.Context, s *Step, read func(context.Context, ledger.Store, *Step) error) error {
	path := c.conf.State.Path
	if other := c.opts.StatesOfOthers[filepath.Clean(path)]; other != "" {
		return config.Wrong(fmt.Sprintf("it is the one of the input %s too", other), "give each input a state of its own")
	}
	snapshot, err := boltstore.OpenSnapshot(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		s.Found = path + " is not there yet: the first run creates it"
		return mayCreate(path)
	}
	if err != nil {
		return err
	}
	if err := read(ctx, snapshot, s); err != nil {
		return err
	}
	if snapshot.InUse() {
		return config.Wrong("it is in use by another process, so that no other run can begin",
			"if that is this pipeline, all is well, else stop the process or write another path")
	}
	return mayWrite(path)
}

// mayCreate looks whether a file could be made along with its folders.
func mayCreate(path string) error {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir):
			continue
		case err != nil:
			return err
		case !info.IsDir():
			return config.Wrong(dir+" is no folder", "write another path")
		}
		return mayWrite(dir)
	}
}

// mayWrite looks whether this process may write to a file or folder.
func mayWrite(path string) error {
	if err := writable(path); err != nil {
		return &supabase.FieldError{
			Problem: "this user may not write to " + path, Remedy: "give the right to, or write another path", Err: err,
		}
	}
	return nil
}

// readLedger opens a ledger over a store that it closes in any case.
func (c *checker) readLedger(ctx context.Context, store ledger.Store, s *Step) error {
	l, err := ledger.Open(ctx, ledger.Options{
		Store: store, Scope: c.conf.Scope(c.res.Label()), ChangeDetection: c.conf.ChangeDetection, LongestPause: c.opts.LongestPause,
		StaysOut: func(contentType string) bool { return !c.conf.Filter.MatchType(contentType) },
	})
	if err != nil {
		return errors.Join(err, store.Close())
	}
	c.ledger = l
	stats := l.Stats()
	last := "no complete pass yet"
	if !stats.LastCompletePass.IsZero() {
		last = "last complete pass " + stats.LastCompletePass.UTC().Format(time.RFC3339)
	}
	s.Found = fmt.Sprintf("%s: %s delivered, %d parked, %s", c.stateName(), object.Count(stats.Tracked), stats.Parked, last)
	return nil
}

// stateName is where the state is.
func (c *checker) stateName() string {
	if c.conf.State.Path != "" {
		return c.conf.State.Path
	}
	return "cache " + c.conf.State.Cache
}

// readOnlyStore makes sure that a check writes nothing.
type readOnlyStore struct{ ledger.Store }

var errChecking = errors.New("a check writes nothing")

// Put implements ledger.Store.
func (readOnlyStore) Put(context.Context, ...ledger.Entry) error { return errChecking }

// Delete implements ledger.Store.
func (readOnlyStore) Delete(context.Context, ...string) error { return errChecking }
