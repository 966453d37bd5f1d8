package main

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

// book notes what was uploaded, what arrived, and when passes and runs began.
type book struct {
	mu       sync.Mutex
	versions map[id]*version
	visible  map[string]*version // by key
	// since is when a key was created. A deleted key never comes back.
	since map[string]time.Time
	// lives are the runs from 1 on; 0 is the time before the first run.
	lives []*life
	// passes is how many whole passes were seen, and idle how many of them in a
	// row delivered nothing and left nothing under way.
	passes, idle int
	// oldest is the longest time from the delivery of a version to the kill that
	// repeated it.
	oldest time.Duration
	// removed counts the versions that the pipeline deleted, events the deletions
	// that it reported.
	removed, events int
	// unprovoked are repeats that no kill explains; wrong is what must not happen in
	// any drill.
	unprovoked, wrong problems
	// order is set if many workers deliver: each of them may deliver a version again.
	order *order
}

type id struct{ key, etag string }

// version is one upload.
type version struct {
	id
	sum, contentType, author string // sum is the MD5 of the bytes
	size                     int64
	rank                     int // in the order of all uploads
	// It was visible from from until to, which is zero while it is visible.
	from, to time.Time
	// runs are the runs that delivered it; at is the time of the last delivery.
	runs []int
	at   time.Time
	// logged is how much the pipeline had logged when the version was uploaded.
	logged int64
}

// message is what arrived of a version.
type message struct{ key, etag, sum, size, contentType, author string }

// life is one run of the process.
type life struct {
	began, killedAt time.Time
	resting         bool
	// repeats is how many versions were delivered again because it was killed.
	repeats int
	// listed says that it began a pass.
	listed bool
}

// problems counts what must not happen, by kind, and keeps the first few of each.
type problems struct {
	count int
	kinds []*problemKind
}

type problemKind struct {
	format string
	count  int
	texts  []string
}

// keptProblems is how many of a kind are printed: enough to look one up.
const keptProblems = 3

func (p *problems) add(format string, args ...any) {
	p.count++
	i := slices.IndexFunc(p.kinds, func(k *problemKind) bool { return k.format == format })
	if i < 0 {
		i = len(p.kinds)
		p.kinds = append(p.kinds, &problemKind{format: format})
	}
	k := p.kinds[i]
	if k.count++; len(k.texts) < keptProblems {
		k.texts = append(k.texts, fmt.Sprintf(format, args...))
	}
}

func newBook() *book {
	return &book{
		versions: map[id]*version{}, visible: map[string]*version{}, since: map[string]time.Time{},
		lives: []*life{{}},
	}
}

// uploaded calls put to upload a version over the current one of its key. It notes
// no message meanwhile, so a version that is not delivered yet stays undelivered
// until it is overwritten. It reports whether the version was uploaded: mayReplace
// may refuse.
func (b *book) uploaded(v *version, mayReplace func(old *version) bool, put func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.visible[v.key]
	if !mayReplace(old) {
		return false
	}
	if old == nil {
		b.since[v.key] = time.Now()
	} else {
		old.to = time.Now()
	}
	put()
	v.from, v.rank = time.Now(), len(b.versions)+1
	b.versions[v.id], b.visible[v.key] = v, v
	return true
}

// gone calls del to delete a key.
func (b *book) gone(key string, del func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hide(key)
	del()
}

func (b *book) hide(key string) {
	if v := b.visible[key]; v != nil {
		v.to = time.Now()
		delete(b.visible, key)
	}
}

// removing notes that the pipeline is about to delete a key.
func (b *book) removing(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v := b.visible[key]
	if v == nil {
		return
	}
	if len(v.runs) == 0 {
		b.wrong.add("run %d deleted %q with the ETag %q, which was not delivered", len(b.lives)-1, key, v.etag)
	}
	b.removed++
	b.hide(key)
}

// started notes that a process is about to be started, and numbers it.
func (b *book) started() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lives = append(b.lives, &life{began: time.Now()})
	b.idle = 0
	return len(b.lives) - 1
}

// killed notes that the process is about to be killed.
func (b *book) killed(resting bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.lives[len(b.lives)-1]
	r.killedAt, r.resting = time.Now(), resting
}

// delivered notes a message with an object.
func (b *book) delivered(inRun int, m message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.idle = 0
	v := b.versions[id{m.key, m.etag}]
	switch {
	case v == nil:
		b.wrong.add("run %d delivered %q with the ETag %q, which was never uploaded", inRun, m.key, m.etag)
		return
	case m.sum != v.sum:
		b.wrong.add("run %d delivered %q with the ETag %q and other bytes", inRun, m.key, m.etag)
		return
	case m.size != strconv.FormatInt(v.size, 10) || m.contentType != v.contentType || m.author != v.author:
		b.wrong.add("run %d delivered %q with %s bytes, type %q and author %q, and %d, %q and %q were uploaded",
			inRun, m.key, m.size, m.contentType, m.author, v.size, v.contentType, v.author)
		return
	case !v.to.IsZero() && v.to.Before(b.lives[inRun].began):
		b.wrong.add("run %d delivered %q with the ETag %q, which was gone before it began", inRun, m.key, m.etag)
		return
	}
	switch {
	case b.order != nil:
		b.order.note(v.key, v.rank, inRun)
	case len(v.runs) > 0:
		b.repeated(v, inRun)
	}
	v.runs = append(v.runs, inRun)
	v.at = time.Now()
}

// repeated blames the kill of the run that delivered the version last: if the state
// had noted that delivery, the version would not have come again.
func (b *book) repeated(v *version, inRun int) {
	last := v.runs[len(v.runs)-1]
	if last == inRun {
		b.unprovoked.add("run %d delivered %q a second time, without a kill", inRun, v.key)
		return
	}
	last = min(last, inRun) // the last messages of a run may be read after those of the next run
	b.lives[last].repeats++
	b.oldest = max(b.oldest, b.lives[last].killedAt.Sub(v.at))
}

// toldDeleted notes the message that a key is gone. It is wrong if the key existed
// during the whole run.
func (b *book) toldDeleted(inRun int, key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.idle = 0
	b.events++
	if b.order != nil {
		b.order.note(key, deletedRank, inRun)
	}
	if b.visible[key] != nil && b.since[key].Before(b.lives[inRun].began) {
		b.wrong.add("run %d reported %q as deleted, but it existed all the time", inRun, key)
	}
}

// passStarted notes that the pipeline begins to list the bucket. If it began in this
// run before, that listing is complete. quiet says that nothing else is under way.
func (b *book) passStarted(quiet bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.lives[len(b.lives)-1]
	if r.listed {
		b.passes++
		b.idle++
	}
	r.listed = true
	if !quiet {
		b.idle = 0
	}
}

// stir restarts the count of idle passes in a row.
func (b *book) stir() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.idle = 0
}

// rested reports whether that many passes in a row found nothing to do.
func (b *book) rested(passes int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.idle >= passes
}

// undelivered are the visible versions that no run delivered.
func (b *book) undelivered() []*version {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []*version
	for _, v := range b.visible {
		if len(v.runs) == 0 {
			out = append(out, v)
		}
	}
	return out
}
