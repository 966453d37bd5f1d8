package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

const (
	// At the start there are so many projects with so many buckets each, and objects in
	// each of these.
	scopeProjects, scopeBuckets, scopeObjects = 8, 3, 40
	// Between these numbers, projects and buckets are made and removed.
	fewestProjects, mostProjects = 6, 10
	mostBuckets                  = 5
	// scopeWriteEvery is the time from one write to the next. The recorder can answer five
	// times as often.
	scopeWriteEvery = 8 * time.Millisecond
	// slowScope is how long the pages of a slow project take.
	slowScope = 300 * time.Millisecond
	// caughtFor is how long the answer is held back that a kill waits for.
	caughtFor = 100 * time.Millisecond
)

// scopeWorld is an organization in which objects, buckets and projects come, change, fail
// and go. Its lock comes before that of the book.
type scopeWorld struct {
	book  *scopeBook
	org   *emulator.Organization
	site  *site
	seed  uint64
	quiet func() bool // nothing is under way

	mu       sync.Mutex
	chance   *rand.Rand
	projects []*scopeProject
	founded  int // projects
	made     int // buckets, keys and versions
	turn     int
	// catch is closed when the next listing begins; nil while nobody waits.
	catch chan struct{}
	// happened counts the events by name.
	happened map[string]int

	stop    chan struct{}
	stopped sync.WaitGroup
}

type scopeProject struct {
	server  *emulator.Server
	ref     string
	buckets []*scopeBucket
	trouble *scopeTrouble // nil without one
	until   int           // the turn in which it ends
	faults  func(emulator.Request) emulator.Fault
}

type scopeBucket struct {
	scope
	keys []string // that are there
}

// scopeTrouble is what may be wrong with a project.
type scopeTrouble struct {
	name       string
	begin, end func(*emulator.Server)
	faults     func(emulator.Request) emulator.Fault
	// hides says that no object of the project can be read; bucket names the one whose
	// objects can't be, "" for none.
	hides  bool
	bucket string
}

func openWorld(ctx context.Context, b *scopeBook, seed uint64) (*scopeWorld, error) {
	w := &scopeWorld{
		book: b, seed: seed, chance: rand.New(rand.NewPCG(seed, 1)), happened: map[string]int{},
		// Each restart asks for all keys, more often than a person restarts.
		org: emulator.NewOrganization(emulator.OrganizationOptions{APIRateLimit: -1}),
	}
	for range scopeProjects {
		w.addProject()
	}
	var err error
	w.site, err = openSite(ctx, w.org)
	return w, err
}

func (w *scopeWorld) close() error {
	w.pause()
	return w.site.close()
}

// endpoint is the S3 endpoint of each project.
func (w *scopeWorld) endpoint() string {
	return strings.Replace(w.org.EndpointTemplate(), w.org.APIURL(), w.site.url(), 1)
}

func (w *scopeWorld) addProject() {
	s := w.org.AddProject(emulator.Options{LogLimit: -1})
	p := &scopeProject{server: s, ref: refOf(s)}
	read := emulator.OpGet
	if w.founded++; w.founded%2 == 0 { // it is read over the Storage REST API
		read = emulator.OpRESTGet
		s.SetProject(func(p *emulator.Project) { p.LegacyKeys = emulator.LegacyDisabled })
	}
	bad := emulator.RandomFaults(w.seed, emulator.Errors(read, badGets, 500), emulator.Cuts(read, badGets))
	p.faults = func(r emulator.Request) emulator.Fault {
		if r.KeyN%2 == 0 { // the second attempt succeeds
			return emulator.Fault{}
		}
		return bad(r)
	}
	s.SetFaults(func(r emulator.Request) emulator.Fault { return w.watch(p, r) })
	w.projects = append(w.projects, p)
	for range scopeBuckets {
		w.addBucket(p)
	}
}

func (w *scopeWorld) addBucket(p *scopeProject) {
	w.made++
	b := &scopeBucket{scope: scope{p.ref, fmt.Sprintf("bucket-%d", w.made)}}
	p.buckets = append(p.buckets, b)
	p.server.CreateBucket(b.bucket)
	for range scopeObjects {
		w.create(p, b)
	}
}

func (w *scopeWorld) create(p *scopeProject, b *scopeBucket) {
	w.made++
	key := fmt.Sprintf("folder-%02d/object-%06d.txt", w.chance.IntN(20), w.made)
	b.keys = append(b.keys, key)
	w.put(p, b, key)
}

// put uploads a body that no other version has.
func (w *scopeWorld) put(p *scopeProject, b *scopeBucket, key string) {
	w.made++
	body := fmt.Appendf(nil, "version %d of %s\n%s", w.made, b.place(key), strings.Repeat("abcdefgh", w.chance.IntN(64)))
	w.book.uploaded(b.scope, key, body)
	p.server.Put(b.bucket, key, body)
}

// watch sees every request to a project.
func (w *scopeWorld) watch(p *scopeProject, r emulator.Request) emulator.Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t := p.trouble; t != nil && t.faults != nil {
		if f := t.faults(r); f.Status != 0 || f.Delay != 0 {
			if f.Status == 0 {
				w.listing(p, r)
			}
			return f
		}
	}
	if w.listing(p, r) && w.catch != nil {
		close(w.catch)
		w.catch = nil
		return emulator.Fault{Delay: caughtFor}
	}
	return p.faults(r)
}

// listing notes that a listing begins, and reports whether one does.
func (w *scopeWorld) listing(p *scopeProject, r emulator.Request) bool {
	if !readRequest(r).begins() {
		return false
	}
	w.book.listing(scope{p.ref, r.Bucket}, w.healthy(), w.quiet())
	return true
}

// caught is closed when the next listing begins.
func (w *scopeWorld) caught() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.catch = make(chan struct{})
	return w.catch
}

// healthy are the scopes that can be read now.
func (w *scopeWorld) healthy() (all []scope) {
	for _, p := range w.projects {
		for _, b := range p.buckets {
			if t := p.trouble; t == nil || !t.hides && t.bucket != b.bucket {
				all = append(all, b.scope)
			}
		}
	}
	return all
}

// healthyNow is healthy for those who do not hold the lock.
func (w *scopeWorld) healthyNow() []scope {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.healthy()
}

// scopes counts all scopes.
func (w *scopeWorld) scopes() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.projects {
		n += len(p.buckets)
	}
	return n
}

// readable reports whether a scope, which may be gone, can be read or be found to be gone.
func (w *scopeWorld) readable() func(scope) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	hidden := map[string]*scopeTrouble{}
	for _, p := range w.projects {
		if p.trouble != nil {
			hidden[p.ref] = p.trouble
		}
	}
	return func(s scope) bool {
		t := hidden[s.project]
		return t == nil || !t.hides && t.bucket != s.bucket
	}
}

// resume begins to write, until pause.
func (w *scopeWorld) resume() {
	stop := make(chan struct{})
	w.stop = stop
	w.stopped.Go(func() {
		tick := time.NewTicker(scopeWriteEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				w.write()
			case <-stop:
				return
			}
		}
	})
}

// pause returns when nothing more is written.
func (w *scopeWorld) pause() {
	if w.stop != nil {
		close(w.stop)
		w.stop = nil
	}
	w.stopped.Wait()
}

func (w *scopeWorld) write() {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.projects[w.chance.IntN(len(w.projects))]
	if len(p.buckets) == 0 {
		return
	}
	b := p.buckets[w.chance.IntN(len(p.buckets))]
	switch c := w.chance.Float64(); {
	case c < 0.35 || len(b.keys) == 0:
		w.create(p, b)
	case c < 0.75:
		w.put(p, b, b.keys[w.chance.IntN(len(b.keys))])
	default:
		i := w.chance.IntN(len(b.keys))
		key := b.keys[i]
		b.keys = slices.Delete(b.keys, i, i+1)
		w.book.gone(b.place(key))
		p.server.Delete(b.bucket, key)
	}
}

// putEverywhere makes an object in each scope.
func (w *scopeWorld) putEverywhere() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.projects {
		for _, b := range p.buckets {
			w.create(p, b)
		}
	}
}
