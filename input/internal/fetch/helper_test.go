package fetch

import (
	"context"
	"iter"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// takers is a Claim that calls functions.
type takers struct {
	deliver  func(ctx context.Context, d *Download) error
	changed  func(now object.Object) bool
	failed   func(Failure)
	released func()
}

func (t *takers) Deliver(ctx context.Context, d *Download) error { return t.deliver(ctx, d) }
func (t *takers) Changed(now object.Object) bool                 { return t.changed == nil || t.changed(now) }
func (t *takers) Fail(f Failure)                                 { t.failed(f) }
func (t *takers) Release() {
	if t.released != nil {
		t.released()
	}
}

// runTo makes a run of its own with one claim for all objects, and waits for it.
func runTo(ctx context.Context, opts Options, objs iter.Seq2[object.Object, error], c Claim) error {
	ctx, stop := context.WithCancel(ctx)
	f := New(ctx, opts)
	r := f.Begin(items(objs, c))
	<-r.Done()
	stop()
	f.Wait()
	return r.Err()
}

// run is runTo with what a claim does most.
func run(ctx context.Context, opts Options, objs iter.Seq2[object.Object, error], deliver func(context.Context, *Download) error, failed func(Failure)) error {
	return runTo(ctx, opts, objs, &takers{deliver: deliver, failed: failed})
}

func items(objs iter.Seq2[object.Object, error], c Claim) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for o, err := range objs {
			if !yield(Item{Object: o, Claim: c}, err) {
				return
			}
		}
	}
}
