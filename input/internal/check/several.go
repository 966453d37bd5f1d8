package check

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/discover"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/management"
)

const (
	// scopesAtATime is how many buckets are checked at the same time: each takes about
	// five requests, so that 600 of them take a quarter of a minute where an answer takes
	// 80 ms.
	scopesAtATime = 16
	// projectsAtATime is how many projects are checked at the same time. A host that never
	// answers takes one of these places, and none of scopesAtATime.
	projectsAtATime = 64
	// hostTimeout bounds how long a host of several is waited for. A project that sleeps
	// needs seconds to wake up.
	hostTimeout = 30 * time.Second
	// scopeTimeout bounds the check of one of several buckets, and scopeListing its
	// listing: a bucket that is slow delays the others by no more.
	scopeTimeout = time.Minute
	scopeListing = 10 * time.Second
	// timeOfAProject is added to Timeout for each project: its keys are one or two of
	// the 120 requests a minute that the Management API grants.
	timeOfAProject = time.Second
	// scopeFirst is how many objects are named of each of several buckets.
	scopeFirst = 3
)

// member is one of several projects; both are "" where there is one project.
type member struct {
	ref, name string
	conf      config.Config
	// facts are what the directory knows of it; nil where there is none.
	facts func(context.Context) (management.Project, error)
	// err says why it can't be read; nil while no reason is known.
	err error
}

// survey is the check of several buckets.
type survey struct {
	of *checker
	// members are the projects.
	members []member
	// management is shared by all of them; nil for keys of one project.
	management *management.Client
	// store is where the state is, nil where there is none; it is closed at the end.
	store       ledger.Store
	stateUnread bool

	// places holds one element for each bucket that is being checked.
	places chan struct{}

	mu sync.Mutex
	// scopes are what was found, by project, in the order of the buckets.
	scopes      [][]Scope
	known, done int
	listed      int64
}

// narrow finds out which projects are read, and reports whether one bucket is left to
// be checked: then the config is that of this bucket.
func (c *checker) narrow(ctx context.Context) bool {
	c.several = &survey{of: c, places: make(chan struct{}, scopesAtATime)}
	v := c.several
	if c.conf.Projects == nil {
		v.members = []member{{conf: c.conf}}
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	c.step(StepProjects, StepConfig, func() Step { return v.findProjects(ctx) })
	if len(v.members) != 1 || c.conf.Buckets != nil || v.members[0].err != nil {
		return false
	}
	c.conf = v.members[0].conf
	if err := c.open(newMember(v.members[0], v.management)); err != nil {
		v.members[0].err = err
		return false
	}
	c.several = nil
	return true
}

// survey checks each bucket of an input that reads several.
func (c *checker) survey(ctx context.Context) {
	v := c.several
	if c.blocked[StepProjects] != "" {
		return
	}
	c.step(StepState, StepConfig, func() Step { return c.openState(ctx, v.keepStore) })
	v.stateUnread = c.blocked[StepState] != "" && v.store == nil
	if v.store != nil {
		defer func() { _ = v.store.Close() }() // nothing was written to it
	}
	if len(v.members) == 0 {
		return // which is told already
	}
	within := Timeout + time.Duration(len(v.members))*timeOfAProject
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	v.scopes = make([][]Scope, len(v.members))
	each(len(v.members), projectsAtATime, func(i int) { v.scopes[i] = v.project(ctx, v.members[i]) })
	c.report.Scopes = slices.Concat(v.scopes...)
	c.step(StepBuckets, StepConfig, func() Step { return sumUp(c.report.Scopes) })
}

// each calls f for each number below n, for at most atATime of them at the same time.
func each(n, atATime int, f func(i int)) {
	var all errgroup.Group
	all.SetLimit(atATime)
	for i := range n {
		all.Go(func() error {
			f(i)
			return nil
		})
	}
	_ = all.Wait() // f returns no error
}

// keepStore keeps the state open for all buckets.
func (v *survey) keepStore(ctx context.Context, store ledger.Store, s *Step) error {
	v.store = store
	c := v.of
	book, err := ledger.OpenBook(ctx, store, c.conf.Scope(c.res.Label()).Namespace)
	if err != nil {
		v.stateUnread = true
		return err
	}
	gone := 0
	for _, e := range book.Entries() {
		if !e.Gone.IsZero() {
			gone++
		}
	}
	s.Found = fmt.Sprintf("%s: %s remembered", c.stateName(), countBuckets(len(book.Entries())))
	if gone > 0 {
		s.Found += fmt.Sprintf(", %d of them gone", gone)
	}
	return nil
}

// checker makes a checker for one of several buckets, or for a project.
func (v *survey) checker(conf config.Config, limit int) *checker {
	o := v.of.opts
	o.OnStep, o.Explain, o.Target = nil, nil, nil
	o.Limit, o.First = limit, min(o.First, scopeFirst)
	var last int64
	o.OnListed = func(n int64) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.listed += n - last
		last = n
		if v.of.opts.OnListed != nil {
			v.of.opts.OnListed(v.listed)
		}
	}
	c := newChecker(v.of.res, o)
	c.conf, c.several = conf, v
	return c
}

// project checks the buckets of one project: its host and its keys once, then each of
// them.
func (v *survey) project(ctx context.Context, of member) []Scope {
	c := v.checker(of.conf, 0)
	whole := func() []Scope {
		v.found(0, 1)
		v.found(1, 0)
		return []Scope{c.scope(of, "")}
	}
	if of.err != nil {
		c.step(StepHost, "", func() Step { return c.failed(StepHost, "", of.err) })
		return whole()
	}
	p := newMember(of, v.management)
	defer p.close(ctx, v.of.res)
	if err := c.open(p); err != nil {
		c.step(StepConfig, "", func() Step { return failedStep(StepConfig, "", err) })
		return whole()
	}
	defer c.closeScope()
	c.step(StepHost, "", func() Step {
		if ctx.Err() != nil {
			return late(StepHost)
		}
		ctx, cancel := context.WithTimeout(ctx, hostTimeout)
		defer cancel()
		return c.checkHost(ctx)
	})
	c.step(StepCredentials, StepHost, func() Step { return c.checkKeys(ctx) })
	var names, odd []string
	c.step(StepBucket, StepCredentials, func() Step {
		return v.placed(ctx, StepBucket, func() (s Step) {
			ctx, cancel := context.WithTimeout(ctx, scopeTimeout)
			defer cancel()
			s, names, odd = c.findBuckets(ctx, of.conf)
			return s
		})
	})
	if len(names)+len(odd) == 0 {
		return whole()
	}
	v.found(0, len(names))
	limit := min(v.of.opts.Limit, max(plane.PageKeys, v.of.opts.Limit/len(v.members)/max(len(names), 1)))
	scopes := make([]Scope, len(names))
	each(len(names), scopesAtATime, func(i int) {
		scopes[i] = v.bucket(ctx, of, p, names[i], limit)
		v.found(1, 0)
	})
	for _, name := range odd {
		c := v.checker(of.conf, 0)
		c.step(StepBucket, "", func() Step { return failedStep(StepBucket, "", discover.ErrOdd) })
		scopes = append(scopes, c.scope(of, name))
	}
	return scopes
}

// placed makes a step as soon as one of the places is free.
func (v *survey) placed(ctx context.Context, name string, f func() Step) Step {
	select {
	case v.places <- struct{}{}:
		defer func() { <-v.places }()
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		return late(name)
	}
	return f()
}

// late is a step for which no time was left.
func late(name string) Step {
	return Step{Name: name, Status: Failed, Problems: []Problem{{
		Problem: "the check ran out of time before this step",
		Remedy:  "check fewer at a time: one project, or one bucket",
	}}}
}

// bucket checks one of several buckets.
func (v *survey) bucket(ctx context.Context, of member, p *project, name string, limit int) Scope {
	c := v.checker(of.conf.ForBucket(name), limit)
	defer c.closeScope()
	made := v.placed(ctx, StepBucket, func() Step {
		ctx, cancel := context.WithTimeout(ctx, scopeTimeout)
		defer cancel()
		if err := c.open(p); err != nil {
			return failedStep(StepConfig, "", err)
		}
		c.bucketSteps(ctx)
		return Step{}
	})
	if made.Status != "" {
		c.done(made)
	}
	return c.scope(of, name)
}

// found counts the buckets that are done and those that are known, and tells the caller
// of the check.
func (v *survey) found(done, known int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.done, v.known = v.done+done, v.known+known
	if v.of.opts.OnScope != nil {
		v.of.opts.OnScope(v.done, v.known)
	}
}

// checkKeys obtains the keys of a project.
func (c *checker) checkKeys(ctx context.Context) Step {
	if err := c.try(ctx, c.project.source.Test); err != nil {
		return c.failed(StepCredentials, "type "+c.conf.Project.CredentialType(), err)
	}
	c.knowProject()
	return Step{Name: StepCredentials, Status: OK, Found: "type " + c.conf.Project.CredentialType()}
}

// findBuckets finds the buckets of a project that are read, and those that can't be
// because of their names.
func (c *checker) findBuckets(ctx context.Context, of config.Config) (s Step, names, odd []string) {
	s = Step{Name: StepBucket, Status: OK}
	if of.Buckets == nil {
		return s, []string{of.Project.Bucket}, nil
	}
	names, odd, err := c.buckets(ctx, of)
	if err != nil {
		return c.failed(StepBucket, "", err), nil, nil
	}
	if len(names)+len(odd) == 0 {
		s.Found = fmt.Sprintf("no bucket matches %q", of.Buckets)
	}
	return s, names, odd
}

// sumUp is the step that tells of all buckets together.
func sumUp(scopes []Scope) Step {
	s := Step{Name: StepBuckets, Status: OK}
	var buckets, failed, warned int
	matching := int64(0)
	for _, one := range scopes {
		if one.Bucket != "" {
			buckets++
		}
		if one.Sample != nil {
			matching += one.Sample.Due
			for _, l := range one.Sample.LeftOut {
				if l.Rule == leftDelivered || l.Rule == leftParked {
					matching += l.Count
				}
			}
		}
		switch one.Status {
		case Failed:
			failed++
		case Warning:
			warned++
		}
	}
	s.Found = countBuckets(buckets) + " checked"
	switch {
	case failed > 0:
		s.Status = Failed
		s.Problems = []Problem{{Problem: countScopes(scopes, Failed) + " can't be read to the end", Remedy: "see what is wrong with each"}}
	case buckets == 0:
		s.Found = ""
		s.warn(Problem{Field: config.FieldSourcePath, Problem: "there is no bucket that it names, so there is nothing to deliver", Remedy: "compare it with the names in the Dashboard under Storage"})
	case matching == 0:
		s.Found = ""
		s.warn(Problem{Problem: "nothing would be delivered of any of " + countBuckets(buckets), Remedy: "nothing, if objects are still to come; else see what was found in each"})
	case warned > 0:
		s.Status = Warning
		s.Found += fmt.Sprintf(", %d with warnings", warned)
	}
	return s
}

// countScopes counts the buckets of a status, and the projects without one.
func countScopes(scopes []Scope, status Status) string {
	buckets, projects := 0, 0
	for _, s := range scopes {
		switch {
		case s.Status != status:
		case s.Bucket == "":
			projects++
		default:
			buckets++
		}
	}
	var parts []string
	if projects > 0 {
		parts = append(parts, countProjects(projects))
	}
	if buckets > 0 {
		parts = append(parts, countBuckets(buckets))
	}
	return strings.Join(parts, " and ")
}

func countBuckets(n int) string {
	if n == 1 {
		return "1 bucket"
	}
	return fmt.Sprintf("%d buckets", n)
}
