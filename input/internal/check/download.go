package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
)

const (
	// checkBytes is how much of an object is read to see that it can be.
	checkBytes = 64 << 10
	// checkDownloads is how many objects are tried where those before were deleted
	// in the meantime.
	checkDownloads = 3
)

// checkDownload reads the beginning of the first object that would be
// delivered.
func (c *checker) checkDownload(ctx context.Context) Step {
	candidates := c.dueObjects
	if len(candidates) == 0 {
		candidates = c.matching
	}
	if len(candidates) == 0 {
		return Step{Name: StepDownload, Status: Skipped, Found: "nothing would be delivered"}
	}
	// One with content proves more.
	if i := slices.IndexFunc(candidates, func(o object.Object) bool { return o.Size > 0 }); i > 0 {
		candidates = candidates[i:]
	}
	var err error
	for _, obj := range candidates[:min(len(candidates), checkDownloads)] {
		var found string
		if _, found, err = c.download(ctx, obj); err == nil {
			return Step{Name: StepDownload, Status: OK, Found: found}
		}
		if !errors.Is(err, object.ErrNotFound) {
			return c.unread(ctx, obj.Key, err)
		}
	}
	return c.unread(ctx, candidates[0].Key, err)
}

// unread is the failed step, or a warning where a run does not need the object.
func (c *checker) unread(ctx context.Context, key string, err error) Step {
	if len(c.dueObjects) > 0 {
		return c.failedDownload(ctx, fmt.Sprintf("the first object that would be delivered, %q, can't be read: a run would leave it undelivered", key), err)
	}
	s := c.failedDownload(ctx, fmt.Sprintf("%q can't be read, which a run would not need to do now, since nothing is due", key), err)
	s.Status = Warning
	return s
}

func (c *checker) failedDownload(ctx context.Context, problem string, err error) Step {
	if errors.Is(err, object.ErrDenied) || errors.Is(err, object.ErrCredentials) || ctx.Err() != nil {
		s := c.failed(StepDownload, "", err)
		s.Problems[0].Problem = problem + ": " + s.Problems[0].Problem
		return s
	}
	return Step{Name: StepDownload, Status: Failed, Problems: []Problem{{
		Problem: problem, Remedy: "upload it again, delete it, or leave it out with exclude_patterns", Cause: err.Error(),
	}}}
}

// download reads an object, or the beginning of a large one, as a run does: it is
// compared with the listing. Its error is [object.ErrNotFound] only where the
// object is no longer listed.
func (c *checker) download(ctx context.Context, obj object.Object) (got object.Content, found string, err error) {
	start := time.Now()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	tried := &trialClaim{}
	f := fetch.New(ctx, fetch.Options{
		Source:       plane.NewProbing(c.client, c.conf.Filter.ListPrefix()),
		MaxDownloads: 1, BufferBytes: c.conf.BufferBytes, CheckUpTo: c.conf.VerifyUpTo,
		Retry: c.conf.Retry, Meter: silent{},
	})
	run := f.Begin(func(yield func(fetch.Item, error) bool) { yield(fetch.Item{Object: obj, Claim: tried}, nil) })
	<-run.Done()
	stop()
	f.Wait()
	if err := cmp.Or(tried.err, run.Err()); err != nil {
		return object.Content{}, "", err
	}
	found = fmt.Sprintf("%q: read %s", obj.Key, object.Bytes(tried.read))
	if tried.read < tried.got.Size {
		found += " of " + object.Bytes(tried.got.Size)
	}
	if tried.got.ContentType != "" {
		found += " (" + tried.got.ContentType + ")"
	}
	return tried.got, fmt.Sprintf("%s in %s", found, milliseconds(time.Since(start))), nil
}

// trialClaim reads the beginning of one object.
type trialClaim struct {
	got  object.Content
	read int64
	err  error
}

// Deliver implements fetch.Claim.
func (t *trialClaim) Deliver(_ context.Context, d *fetch.Download) (err error) {
	t.got = d.Content
	t.read, err = io.Copy(io.Discard, io.LimitReader(d.Body, checkBytes))
	return err
}

// Changed implements fetch.Claim.
func (*trialClaim) Changed(object.Object) bool { return true }

// Fail implements fetch.Claim.
func (t *trialClaim) Fail(f fetch.Failure) { t.err = f.Err }

// Release implements fetch.Claim.
func (*trialClaim) Release() {}

// silent is a fetch.Meter that hears nothing.
type silent struct{}

func (silent) Retried(error)             {}
func (silent) InFlight(int)              {}
func (silent) Buffered(int64)            {}
func (silent) Window(int, int)           {}
func (silent) Down(error)                {}
func (silent) Up()                       {}
func (silent) Noticed(fetch.Peculiarity) {}
