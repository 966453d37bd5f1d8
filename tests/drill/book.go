package main

import (
	"fmt"
	"sync"
	"time"
)

// book notes what was uploaded, what arrived, and when passes and runs began.
type book struct {
	mu       sync.Mutex
	versions map[id]*version
	visible  map[string]*version // by key
	// lives are the runs from 1 on; 0 is before the first.
	lives []*life
	// passes is how many whole passes were seen, passedFrom when the last one
	// of them began.
	passes     int
	passedFrom time.Time
	// late are the versions that were not delivered at the end of a pass through
	// all of which they were visible.
	late map[*version]bool
	// oldest is how long before its kill a version was delivered, at most, that
	// was repeated because of it.
	oldest time.Duration
	wrong  problems
}

type id struct{ key, etag string }

// version is one upload.
type version struct {
	id
	// It was visible at least from from to to, zero if it is still; from is zero
	// until its upload has returned.
	from, to time.Time
	// runs are those that delivered it, at is when the last of them did.
	runs []int
	at   time.Time
	// owed says that it was visible through a whole pass.
	owed bool
}

// life is one run of the process.
type life struct {
	killedAt time.Time
	resting  bool
	// repeats is how many versions were delivered again because it was killed.
	repeats int
	// pass is when the pass under way began.
	pass time.Time
}

// problems keeps the first few of each kind.
type problems struct {
	count int
	texts []string
}

const keptProblems = 10

func (p *problems) add(format string, args ...any) {
	if p.count++; len(p.texts) < keptProblems {
		p.texts = append(p.texts, fmt.Sprintf(format, args...))
	}
}

func newBook() *book {
	return &book{versions: map[id]*version{}, visible: map[string]*version{}, lives: []*life{{}}, late: map[*version]bool{}}
}

// hidden notes that the version of a key is about to go away.
func (b *book) hidden(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if v := b.visible[key]; v != nil {
		v.to = time.Now()
		delete(b.visible, key)
	}
}

// uploading notes that a version may be visible from now on; it certainly is
// when the result is called.
func (b *book) uploading(key, etag string) (seen func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v := &version{id: id{key, etag}}
	b.versions[v.id] = v
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		v.from = time.Now()
		b.visible[key] = v
	}
}

// started notes that a process is about to be started, and numbers it.
func (b *book) started() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lives = append(b.lives, &life{})
	return len(b.lives) - 1
}

// killed notes that the process is about to be killed.
func (b *book) killed(resting bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.lives[len(b.lives)-1]
	r.killedAt, r.resting = time.Now(), resting
}

// delivered notes a message.
func (b *book) delivered(inRun int, key, etag, sum string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v := b.versions[id{key, etag}]
	switch {
	case v == nil:
		b.wrong.add("run %d delivered %q with the ETag %q, which was never uploaded", inRun, key, etag)
		return
	case sum != etag:
		b.wrong.add("run %d delivered %q with the ETag %q and other bytes", inRun, key, etag)
		return
	}
	if len(v.runs) > 0 {
		b.repeated(v, inRun)
	}
	v.runs = append(v.runs, inRun)
	v.at = time.Now()
}

// repeated charges a repeat to the kill of the run that delivered the version
// last: a version that this kill did not hide from the state would not have
// come again.
func (b *book) repeated(v *version, inRun int) {
	last := v.runs[len(v.runs)-1]
	if last == inRun {
		b.wrong.add("run %d delivered %q a second time, without a kill", inRun, v.key)
		return
	}
	last = min(last, inRun) // what a run sent last may be read after its successor's
	b.lives[last].repeats++
	b.oldest = max(b.oldest, b.lives[last].killedAt.Sub(v.at))
}

// passStarted notes that the pipeline begins to list the bucket, and so that it
// has ended the pass before, if this run made one.
func (b *book) passStarted() {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, now := b.lives[len(b.lives)-1], time.Now()
	if !r.killedAt.IsZero() {
		return // the last request of a process that is gone
	}
	if !r.pass.IsZero() {
		b.passEnded(r.pass, now)
	}
	r.pass = now
}

// passEnded checks that a pass delivered all that was visible during all of it.
func (b *book) passEnded(from, to time.Time) {
	b.passes++
	b.passedFrom = from
	for _, v := range b.versions {
		if v.from.IsZero() || v.from.After(from) || (!v.to.IsZero() && v.to.Before(to)) {
			continue
		}
		v.owed = true
		if len(v.runs) == 0 && !b.late[v] {
			b.late[v] = true
			b.wrong.add("%q with the ETag %q was visible from %s to %s, through a whole pass, and was not delivered", v.key, v.etag, stamp(v.from), stamp(v.to))
		}
	}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "the end"
	}
	return t.Format("15:04:05.000")
}

// passedSince reports whether a whole pass was made since t.
func (b *book) passedSince(t time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.passedFrom.After(t)
}
