package fleet

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/poll"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/schedule"
)

// Project names a project. The zero Project is the only one of an input that is not told
// its name.
type Project struct{ Ref, Name string }

// Fate is what became of a project that a list does not name.
type Fate int

// The fates.
const (
	// Unclear is that of a project that is there, or may be: it is read on.
	Unclear Fate = iota
	// Deleted is that of a project that is no more.
	Deleted
	// Left is that of a project that is there, and is not to be read any more: it has
	// another name or another owner.
	Left
)

// Options say what to run. List, Missing and Refresh may be left out where there is one
// project.
type Options struct {
	// List names the projects that there are now, all of them.
	List func(context.Context) ([]Project, error)
	// Missing says what became of a project that the last list does not name. An error
	// says that this is not known.
	Missing func(ctx context.Context, ref string) (Fate, error)
	// Remembered names projects that an earlier process has read; nil for none. It is
	// asked once, by Run.
	Remembered func() []Project
	// Refresh is the time between two lists.
	Refresh time.Duration
	// Plan says when buckets are looked up: with each pass.
	Plan schedule.Plan
	// Open prepares a project. It makes no request.
	Open    func(Project) (Source, error)
	Watcher Watcher
}

// Source is a project whose buckets are read.
type Source interface {
	// Ready returns when there are keys, or why there will be none.
	Ready(ctx context.Context) error
	// Buckets names the buckets that are to be read, all of them.
	Buckets(ctx context.Context) ([]string, error)
	// Remembered names buckets that an earlier process has read. It is asked until all of
	// them could be opened.
	Remembered() []string
	// Gone asks for a bucket by its name, whether there is none.
	Gone(ctx context.Context, bucket string) (bool, error)
	// Scope prepares the reading of a bucket. It makes no request. Late says that the
	// bucket was found after the start, so that its first pass is due at once.
	Scope(bucket string, late bool) (Scope, error)
	// Close is called after the Close of all scopes.
	Close()
}

// Scope is a bucket that is read.
type Scope interface {
	// Run reads until ctx ends, or the only pass of a plan has. What fails in a plan with
	// several passes is tried again in it.
	Run(ctx context.Context) error
	// Drop is called after Run, when the bucket is gone.
	Drop(ctx context.Context)
	// Idle reports whether nothing that was handed on waits for its ack.
	Idle() bool
	Close(ctx context.Context) error
}

// Watcher hears what becomes of projects and buckets. Its methods are called from
// several goroutines and must not block.
type Watcher interface {
	// ListFailed hears of each list of projects that could not be had, Listed of each
	// that could.
	ListFailed(err error)
	Listed(projects int)
	// ProjectFailed hears each time that a project could not be looked at, ProjectLooked
	// each time that it could.
	ProjectFailed(p Project, err error)
	ProjectLooked(p Project, buckets int)
	// Began hears of a bucket that is read from now on, Gone that one is no more, or all
	// of a project, where bucket is empty. Back says that it had been gone.
	Began(p Project, bucket string, late, back bool)
	Gone(p Project, bucket string)
	// Left hears of a project that is not to be read any more.
	Left(p Project)
}

// Fleet is all scopes of an input.
type Fleet struct {
	o       Options
	running sync.WaitGroup

	mu       sync.Mutex
	projects map[string]*project // by reference
	// left are the projects that are there and not to be read any more.
	left map[string]bool
	// begun says that what is found from now on was not there at the start.
	begun bool

	// listed are the projects of the last list, and earlier those that an earlier
	// process has read and that may be gone. Both belong to Connect, and then to Run.
	listed  map[string]bool
	earlier []Project
	// asked is when it was asked what became of a project, by reference.
	asked map[string]time.Time
}

// New runs nothing yet.
func New(o Options) *Fleet {
	return &Fleet{o: o, projects: map[string]*project{}, left: map[string]bool{}, asked: map[string]time.Time{}}
}

// ErrNone means that an organization has no project that is wanted.
var ErrNone = errors.New("no project is to be read")

// Connect looks for the first time: it lists the projects, or the buckets of the only
// one. Call it again after an error.
func (f *Fleet) Connect(ctx context.Context) error {
	if f.o.List != nil {
		return f.list(ctx)
	}
	p, err := f.open(Project{})
	if err != nil {
		return err
	}
	return p.look(ctx)
}

// Test makes the requests of Connect, and takes nothing in.
func (f *Fleet) Test(ctx context.Context) error {
	if f.o.List != nil {
		_, err := f.o.List(ctx)
		return err
	}
	p, err := f.open(Project{})
	if err != nil {
		return err
	}
	if err := p.source.Ready(ctx); err != nil {
		return err
	}
	_, err = p.source.Buckets(ctx)
	return err
}

// Run keeps everything running until ctx ends, or until the only pass of a plan has come
// to its end everywhere. Connect has to have succeeded.
func (f *Fleet) Run(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	defer f.running.Wait()
	defer stop()
	f.start(ctx)
	f.mu.Lock()
	f.begun = true
	f.mu.Unlock()
	if f.o.List != nil && f.o.Remembered != nil {
		f.earlier = f.o.Remembered()
	}
	f.letGo(ctx, len(f.all())+len(f.earlier))
	if !f.o.Plan.Repeats() {
		f.running.Wait()
		return
	}
	if f.o.List == nil {
		<-ctx.Done()
		return
	}
	for failures := 0; ; {
		pause := f.o.Refresh
		if failures > 0 {
			pause = min(pause, poll.Pause(failures))
		}
		if retry.Sleep(ctx, pause) != nil {
			return
		}
		failures++
		if err := f.list(ctx); err == nil {
			failures = 0
			f.start(ctx)
			f.letGo(ctx, askedPerList)
		} else if ctx.Err() == nil {
			f.o.Watcher.ListFailed(err)
		}
	}
}

// list takes in which projects there are.
func (f *Fleet) list(ctx context.Context) error {
	all, err := f.o.List(ctx)
	if err != nil {
		return err
	}
	listed := map[string]bool{}
	for _, p := range all {
		listed[p.Ref] = true
		if _, err := f.open(p); err != nil {
			f.o.Watcher.ProjectFailed(p, err)
		}
	}
	f.o.Watcher.Listed(len(listed))
	f.listed = listed
	if len(listed) == 0 && !f.o.Plan.Repeats() {
		return ErrNone
	}
	return nil
}

// askedPerList is how many projects that are missing are asked for after a list: a
// token that loses sight of a thousand of them must not spend its quota on them each
// time.
const askedPerList = 20

// letGo ends projects that the last list does not have: those that were deleted, by what
// the server says of the project itself, and those that are not to be read any more. It
// asks for so many at the most, and for those first for which it did not ask for longest.
func (f *Fleet) letGo(ctx context.Context, most int) {
	if f.o.List == nil {
		return
	}
	f.earlier = slices.DeleteFunc(f.earlier, func(of Project) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		_, open := f.projects[of.Ref]
		return open || f.listed[of.Ref] // its source remembers its buckets
	})
	missing := slices.Clone(f.earlier)
	for _, p := range f.all() {
		if !f.listed[p.of.Ref] && !p.ending {
			missing = append(missing, p.of)
		}
	}
	slices.SortFunc(missing, func(a, b Project) int {
		return cmp.Or(f.asked[a.Ref].Compare(f.asked[b.Ref]), cmp.Compare(a.Ref, b.Ref))
	})
	for _, of := range missing[:min(most, len(missing))] {
		fate, err := f.o.Missing(ctx, of.Ref)
		if ctx.Err() != nil {
			return
		}
		f.asked[of.Ref] = time.Now()
		if err == nil && fate != Unclear {
			f.settle(ctx, of, fate)
		}
	}
}

// settle ends a project of which the fate is known.
func (f *Fleet) settle(ctx context.Context, of Project, fate Fate) {
	delete(f.asked, of.Ref)
	before := len(f.earlier)
	f.earlier = slices.DeleteFunc(f.earlier, func(other Project) bool { return other.Ref == of.Ref })
	if len(f.earlier) < before && fate == Left {
		return // nothing of it is read
	}
	p, err := f.open(of)
	switch {
	case err != nil:
		f.o.Watcher.ProjectFailed(of, err)
	case fate == Left:
		f.leave(ctx, p)
	default:
		f.end(ctx, p)
	}
}

// open prepares a project, unless it is there.
func (f *Fleet) open(of Project) (*project, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p, there := f.projects[of.Ref]; there {
		return p, nil
	}
	source, err := f.o.Open(of)
	if err != nil {
		return nil, err
	}
	p := &project{fleet: f, of: of, source: source, scopes: map[string]*scope{}, dropped: map[string]bool{}, late: f.begun, back: f.left[of.Ref]}
	delete(f.left, of.Ref)
	f.projects[of.Ref] = p
	return p, nil
}

func (f *Fleet) all() []*project {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]*project, 0, len(f.projects))
	for _, p := range f.projects {
		all = append(all, p)
	}
	return all
}

// start begins the projects that have not begun.
func (f *Fleet) start(ctx context.Context) {
	for _, p := range f.all() {
		if p.stop != nil || p.ending {
			continue
		}
		ctx, stop := context.WithCancel(ctx)
		p.stop, p.ended = stop, make(chan struct{})
		f.running.Go(func() {
			defer close(p.ended)
			defer stop()
			p.run(ctx)
		})
	}
}

// end ends a project that was deleted, with all its buckets.
func (f *Fleet) end(ctx context.Context, p *project) {
	p.halt()
	p.late = false // nothing of it is new
	if err := p.recall(); err != nil {
		f.o.Watcher.ProjectFailed(p.of, err)
	}
	f.o.Watcher.Gone(p.of, "")
	f.running.Go(func() {
		for _, s := range p.all() {
			s.run.Drop(ctx)
		}
		f.mu.Lock()
		delete(f.projects, p.of.Ref)
		f.mu.Unlock()
		for _, s := range p.all() {
			s.closeIdle(ctx)
		}
		p.source.Close()
	})
}

// leave ends a project that is there and not to be read any more. What was delivered of
// it stays remembered.
func (f *Fleet) leave(ctx context.Context, p *project) {
	p.halt()
	f.o.Watcher.Left(p.of)
	f.running.Go(func() {
		for _, s := range p.all() {
			s.closeIdle(ctx)
		}
		p.source.Close()
		f.mu.Lock() // if it comes back, its scopes are opened anew
		defer f.mu.Unlock()
		delete(f.projects, p.of.Ref)
		f.left[p.of.Ref] = true
	})
}

// closersAtOnce bounds the scopes that are closed at the same time: each writes its
// state.
const closersAtOnce = 16

// Close closes all scopes. Run has to have returned.
func (f *Fleet) Close(ctx context.Context) error {
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		errs  []error
	)
	places := make(chan struct{}, closersAtOnce)
	all := f.all()
	for _, p := range all {
		for _, s := range p.all() {
			places <- struct{}{}
			group.Go(func() {
				defer func() { <-places }()
				if err := s.run.Close(ctx); err != nil {
					mu.Lock()
					defer mu.Unlock()
					errs = append(errs, err)
				}
			})
		}
	}
	group.Wait()
	for _, p := range all {
		p.source.Close()
	}
	return errors.Join(errs...)
}
