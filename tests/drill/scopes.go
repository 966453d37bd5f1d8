package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

//go:embed scopes.yaml
var scopesConfig string

const (
	// Every restScopesEvery kills, one is of a process that has nothing to do.
	restScopesEvery = 6
	// givenUpAfter is how long nothing may arrive until what is missing counts as lost. A
	// process that waits for a project asks again at least every minute.
	givenUpAfter = 150 * time.Second
)

// scopesDrill kills one process that reads many scopes, again and again.
type scopesDrill struct {
	options
	dir      string
	book     *scopeBook
	world    *scopeWorld
	output   *site
	pipeline *pipeline
	chance   *rand.Rand
	kills    map[ending]int
}

func runScopes(ctx context.Context, o options, dir string) (err error) {
	if o.number < 1 || (o.sabotage != breakNothing && o.sabotage != breakRepeat && o.sabotage != breakLose) {
		return fmt.Errorf("the number of kills is %d and -break %q; write at least one kill, and repeat, lose or nothing", o.number, o.sabotage)
	}
	fmt.Printf("drill: %d kills of a process that reads %d projects with %d buckets each, seed %d\n", o.number, scopeProjects, scopeBuckets, o.seed)
	d := &scopesDrill{options: o, dir: dir, book: newScopeBook(), chance: rand.New(rand.NewPCG(o.seed, 0)), kills: map[ending]int{}}
	defer d.book.commits.close()
	if d.output, err = openSite(ctx, d); err != nil {
		return err
	}
	defer func() { _ = d.output.close() }()
	if d.world, err = openWorld(ctx, d.book, o.seed); err != nil {
		return err
	}
	defer func() { _ = d.world.close() }()
	d.world.quiet = func() bool { return d.output.active.Load() == 0 }
	d.pipeline = &pipeline{binary: o.binary, config: filepath.Join(dir, "scopes.yaml"), log: filepath.Join(dir, "scopes.log")}
	defer d.pipeline.kill()
	began := time.Now()
	for _, play := range []func(context.Context) error{d.oneTime, d.continuous, d.damagedFile, d.damagedCache} {
		if err := play(ctx); err != nil {
			return errors.Join(err, d.book.wrong.err())
		}
	}
	return d.report(os.Stdout, time.Since(began))
}

// ServeHTTP notes a message, and answers a while later.
func (d *scopesDrill) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // cut short by a kill
	}
	h := r.Header
	run, err := strconv.Atoi(h.Get("Drill-Run"))
	if err != nil {
		http.Error(w, "Drill-Run is missing", http.StatusBadRequest)
		return
	}
	place := scope{h.Get("Drill-Project"), h.Get("Drill-Bucket")}.place(h.Get("Drill-Key"))
	var a *arrival
	if h.Get("Drill-Event") == "deleted" {
		a = d.book.deleted(run, place)
	} else {
		a = d.book.delivered(run, place, h.Get("Drill-ETag"), body)
	}
	timer := time.NewTimer(answerAfter)
	defer timer.Stop()
	select {
	case <-timer.C:
		d.book.acked(a)
	case <-r.Context().Done():
	}
}

// open prepares a pipeline with a state of its own and further fields.
func (d *scopesDrill) open(name string, fields ...string) error {
	d.pipeline.state = filepath.Join(d.dir, name+".db")
	d.pipeline.env = []string{
		"DRILL_ORGANIZATION=" + d.world.org.Slug(), "DRILL_ACCESS_TOKEN=" + d.world.org.AccessToken(),
		"DRILL_API_URL=" + d.world.site.url(), "DRILL_ENDPOINT=" + d.world.endpoint(),
		"DRILL_RECORDER=" + d.output.url(), "DRILL_STATE=" + d.pipeline.state, "DRILL_CACHE=" + d.cache(),
	}
	d.book.commits.watch(d.pipeline.state)
	fields = append(fields, "retry: {initial_interval: 20ms, max_interval: 200ms}")
	return os.WriteFile(d.pipeline.config, []byte(withFields(scopesConfig, fields...)), 0o600)
}

// begin starts the pipeline.
func (d *scopesDrill) begin(ctx context.Context) error {
	switch d.sabotage {
	case breakRepeat:
		if err := os.RemoveAll(d.pipeline.state); err != nil {
			return err
		}
	case breakLose:
		scopes := d.world.healthyNow()
		s := scopes[d.chance.IntN(len(scopes))]
		if out, code := d.pipeline.command(ctx, "state", "--project", s.project, "--bucket", s.bucket, "--mark-delivered"); code != 0 {
			return fmt.Errorf("marking as delivered: %s", out)
		}
	}
	return d.pipeline.start(d.book.started())
}

// kill kills the pipeline, and returns when nothing that it sent is under way.
func (d *scopesDrill) kill(ctx context.Context, how ending) error {
	d.book.ends(how, d.world.scopes())
	d.pipeline.kill()
	d.kills[how]++
	return d.drain(ctx)
}

func (d *scopesDrill) drain(ctx context.Context) error {
	ctx, cancel := hanging(ctx, "a connection of a process that is gone stayed open")
	defer cancel()
	return errors.Join(d.world.site.drain(ctx), d.output.drain(ctx))
}

// stop asks the pipeline to end, and waits until it has.
func (d *scopesDrill) stop(ctx context.Context) error {
	ctx, cancel := hanging(ctx, "the pipeline did not end")
	defer cancel()
	_ = d.pipeline.process.Signal(syscall.SIGTERM)
	select {
	case <-d.pipeline.ended:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return d.endedAlone(ctx)
}

// endedAlone notes that the pipeline has ended by itself, and judges its exit code.
func (d *scopesDrill) endedAlone(ctx context.Context) error {
	d.book.ends(endedByItself, d.world.scopes())
	d.kills[endedByItself]++
	d.pipeline.kill()
	if d.pipeline.code != 0 {
		d.book.violated("a run ended with %d; its last words:\n%s", d.pipeline.code, d.pipeline.lastWords())
	}
	return d.drain(ctx)
}

// rest waits until the pipeline has nothing to do in the scopes that can be read, and
// judges what is missing there.
func (d *scopesDrill) rest(ctx context.Context, among func(scope) bool) error {
	ctx, cancel := hanging(ctx, "the pipeline did not come to rest")
	defer cancel()
	d.book.mu.Lock()
	d.book.stir()
	d.book.mu.Unlock()
	missing := func() (undelivered, untold []string) {
		readable := d.world.readable()
		return d.book.missing(func(s scope) bool { return readable(s) && among(s) })
	}
	err := d.pipeline.liveUntil(ctx, func() bool {
		d.book.mu.Lock()
		idle, last := d.book.idle, d.book.last
		d.book.mu.Unlock()
		if time.Since(last) > givenUpAfter {
			return true
		}
		undelivered, untold := missing()
		return idle >= restPasses && len(undelivered)+len(untold) == 0
	})
	if err != nil {
		return err
	}
	undelivered, untold := missing()
	for _, place := range undelivered {
		d.book.violated("%q was not delivered", place)
	}
	for _, place := range untold {
		d.book.violated("nothing told that %q was deleted", place)
	}
	if len(undelivered)+len(untold) > 0 {
		return errors.New("the drill ends here, since something is missing for good")
	}
	return nil
}

func everywhere(scope) bool { return true }
