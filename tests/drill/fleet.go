package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// fleet is a bucket that is written to, and the processes that share the work on it.
// They run the configs of config/scale_out as they are.
type fleet struct {
	options
	dir     string
	book    *book
	bucket  *bucketTraffic
	broker  broker    // nil where none is between
	lister  *pipeline // as above
	workers []*worker
	// peak is the most memory that any worker held, in bytes.
	peak int64
}

// worker is one process of the fleet. Its output has a site of its own, so that what a
// killed process had sent has arrived before the next process starts.
type worker struct {
	*pipeline
	name    string
	fixed   []string // the environment that all its processes have
	streams []string // of Redis
	sink    *site
	noted   *recorder
	run     atomic.Int64
	running bool
}

// openFleet makes the bucket. Workers are added with newWorker.
func openFleet(ctx context.Context, o options, dir string) (*fleet, error) {
	f := &fleet{options: o, dir: dir, book: newBook()}
	f.book.order = newOrder(f.book)
	var err error
	if f.bucket, err = openBucket(ctx, f.book, o.seed); err != nil {
		return nil, err
	}
	f.bucket.plain = true // the configs send no user metadata
	return f, nil
}

// process is the binary with one of the configs.
func (f *fleet) process(name, config string, env ...string) *pipeline {
	s := f.bucket.server.Settings()
	return &pipeline{
		binary: f.binary, config: filepath.Join(f.scale.configs, config), log: filepath.Join(f.dir, name+".log"),
		env: append([]string{
			"SUPABASE_S3_ENDPOINT=" + f.bucket.endpoint(), "SUPABASE_REGION=" + s.Region, "SUPABASE_SOURCE_PATH=" + bucketName,
			"SUPABASE_S3_ACCESS_KEY_ID=" + s.AccessKeyID, "SUPABASE_S3_SECRET_ACCESS_KEY=" + s.SecretAccessKey,
			"STATE_PATH=" + filepath.Join(f.dir, name+".db"), "HTTP_ADDRESS=127.0.0.1:0",
			"POLLING_INTERVAL=1s", "SINK_TIMEOUT=1h",
		}, env...),
	}
}

// newWorker makes a worker that is not started yet.
func (f *fleet) newWorker(ctx context.Context, config string, env ...string) (*worker, error) {
	w := &worker{name: fmt.Sprintf("worker-%d", len(f.workers)), noted: &recorder{book: f.book}}
	var err error
	if w.sink, err = openSite(ctx, w); err != nil {
		return nil, err
	}
	w.pipeline = f.process(w.name, config, append(env, "SINK_URL="+w.sink.url())...)
	w.fixed = w.env
	f.workers = append(f.workers, w)
	return w, nil
}

// ServeHTTP notes a message of the worker. Its headers are those of the configs.
func (w *worker) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	for header, name := range map[string]string{
		"Object-Etag": "ETag", "Object-Size": "Size", "Content-Type": "Type", "Object-Event": "Event",
	} {
		r.Header.Set("Drill-"+name, r.Header.Get(header))
	}
	if key, err := url.PathUnescape(r.Header.Get("Object-Key")); err == nil {
		r.Header.Set("Drill-Key", key)
	}
	r.Header.Set("Drill-Run", strconv.FormatInt(w.run.Load(), 10))
	w.noted.ServeHTTP(rw, r)
}

func (f *fleet) close() {
	if f.lister != nil {
		f.lister.kill()
	}
	for _, w := range f.workers {
		w.kill()
		_ = w.sink.close()
	}
	_ = f.bucket.close()
}

func (f *fleet) start(workers ...*worker) error {
	for _, w := range workers {
		run := f.book.started()
		w.run.Store(int64(run))
		f.book.order.began(run)
		if f.broker != nil {
			w.env = slices.Concat(w.fixed, f.broker.environment(w))
		}
		if err := w.pipeline.start(run); err != nil {
			return err
		}
		w.running = true
	}
	return nil
}

// kill ends a worker without a warning, and returns when all that it sent has arrived.
func (f *fleet) kill(ctx context.Context, w *worker, what string) error {
	w.running = false
	w.pipeline.kill()
	return f.gone(ctx, w, what)
}

// stop asks a worker to end, and waits until it has.
func (f *fleet) stop(ctx context.Context, w *worker) error {
	w.running = false
	_ = w.process.Signal(syscall.SIGTERM) // it may be gone
	ctx, cancel := hanging(ctx, "a worker that was asked to end did not")
	defer cancel()
	select {
	case <-w.ended:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	w.pipeline.kill()
	return f.gone(ctx, w, aStop)
}

// gone waits for what an ended worker sent, and asks the broker what it may hand out
// again.
func (f *fleet) gone(ctx context.Context, w *worker, what string) error {
	ctx, cancel := hanging(ctx, "a connection of a process that is gone stayed open")
	defer cancel()
	f.peak = max(f.peak, w.peak)
	run := int(w.run.Load())
	if err := w.sink.drain(ctx); err != nil {
		return err
	}
	f.book.order.ended(run)
	if f.broker == nil {
		return nil
	}
	places, err := f.broker.handed(ctx, w)
	if err != nil {
		return fmt.Errorf("asking what %s had in hand: %w", w.name, err)
	}
	f.book.order.hazard(what, run, places)
	return nil
}

// until waits for a state while all processes run.
func (f *fleet) until(ctx context.Context, reached func() bool) error {
	ctx, cancel := hanging(ctx, "the drill got nowhere")
	defer cancel()
	for !reached() {
		if err := f.alive(); err != nil {
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// alive is an error if a process ended that should run.
func (f *fleet) alive() error {
	running := []*pipeline{}
	if f.lister != nil && f.lister.process != nil {
		running = append(running, f.lister)
	}
	for _, w := range f.workers {
		if w.running {
			running = append(running, w.pipeline)
		}
	}
	for _, p := range running {
		select {
		case <-p.ended:
			return fmt.Errorf("%w; the last words in %s:\n%s", errEnded, p.log, p.lastWords())
		default:
		}
	}
	return nil
}

// runningWorkers are the workers that run.
func (f *fleet) runningWorkers() (workers []*worker) {
	for _, w := range f.workers {
		if w.running {
			workers = append(workers, w)
		}
	}
	return workers
}

// configExists says early where the configs are not found.
func (f *fleet) configExists(name string) error {
	if _, err := os.Stat(filepath.Join(f.scale.configs, name)); err != nil {
		return errors.Join(errors.New("-configs does not name the folder config/scale_out"), err)
	}
	return nil
}
