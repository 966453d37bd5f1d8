package input

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
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
func (c *checker) checkDownload(ctx context.Context) CheckStep {
	candidates := c.dueObjects
	if len(candidates) == 0 {
		candidates = c.matching
	}
	if len(candidates) == 0 {
		return CheckStep{Name: CheckStepDownload, Status: CheckSkipped, Found: "nothing would be delivered"}
	}
	// One with content proves more.
	if i := slices.IndexFunc(candidates, func(o bucket.Object) bool { return o.Size > 0 }); i > 0 {
		candidates = candidates[i:]
	}
	var err error
	for _, obj := range candidates[:min(len(candidates), checkDownloads)] {
		var found string
		if found, err = c.download(ctx, obj); err == nil {
			return CheckStep{Name: CheckStepDownload, Status: CheckOK, Found: found}
		}
		if !errors.Is(err, bucket.ErrNotFound) {
			return c.unread(ctx, obj.Key, err)
		}
	}
	return c.unread(ctx, candidates[0].Key, err)
}

// unread is the failed step, or a warning where a run does not need the object.
func (c *checker) unread(ctx context.Context, key string, err error) CheckStep {
	if len(c.dueObjects) > 0 {
		return c.failedDownload(ctx, fmt.Sprintf("the first object that would be delivered, %q, can't be read: a run would leave it undelivered", key), err)
	}
	s := c.failedDownload(ctx, fmt.Sprintf("%q can't be read, which a run would not need to do now, since nothing is due", key), err)
	s.Status = CheckWarning
	return s
}

func (c *checker) failedDownload(ctx context.Context, problem string, err error) CheckStep {
	if errors.Is(err, bucket.ErrDenied) || errors.Is(err, bucket.ErrCredentials) || ctx.Err() != nil {
		s := c.failed(CheckStepDownload, "", err)
		s.Problems[0].Problem = problem + ": " + s.Problems[0].Problem
		return s
	}
	return CheckStep{Name: CheckStepDownload, Status: CheckFailed, Problems: []CheckProblem{{
		Problem: problem, Remedy: "upload it again, delete it, or leave it out with exclude_patterns", Cause: err.Error(),
	}}}
}

// download reads the beginning of an object. Its error is [bucket.ErrNotFound]
// only where the object is gone.
func (c *checker) download(ctx context.Context, obj bucket.Object) (found string, err error) {
	start := time.Now()
	err = c.try(ctx, func(ctx context.Context) error {
		content, err := c.open(ctx, obj)
		if err != nil {
			return err
		}
		defer content.Body.Close()
		n, err := io.Copy(io.Discard, io.LimitReader(content.Body, checkBytes))
		if err == nil {
			found = fmt.Sprintf("%q: read %s", obj.Key, byteCount(n))
			if n < content.Size {
				found += " of " + byteCount(content.Size)
			}
			if content.ContentType != "" {
				found += " (" + content.ContentType + ")"
			}
		}
		return err
	})
	if errors.Is(err, bucket.ErrNotFound) {
		if _, headErr := c.client.Head(ctx, obj.Key); headErr == nil {
			err = &bucket.Error{Op: "reading", Key: obj.Key, Kind: bucket.ErrMissingContent, Err: err}
		}
	}
	return fmt.Sprintf("%s in %s", found, milliseconds(time.Since(start))), err
}

// open asks for no more than is read, where it can: a range is refused for an
// empty object.
func (c *checker) open(ctx context.Context, obj bucket.Object) (*bucket.Content, error) {
	if obj.Size <= checkBytes {
		return c.client.Open(ctx, obj.Key, 0)
	}
	return c.client.OpenRange(ctx, obj.Key, 0, checkBytes)
}
