package checkcmd

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
	"github.com/seed75cbcda6/supabase-storage/input"
)

// steps are the steps of a check, in their order.
var steps = []string{
	input.CheckStepConfig, input.CheckStepHost, input.CheckStepCredentials, input.CheckStepRegion, input.CheckStepBucket,
	input.CheckStepPrefix, input.CheckStepPatterns, input.CheckStepState, input.CheckStepDownload,
}

// progress says what a check is at: a request may take a minute, and the listing as
// long. It is safe for concurrent use.
type progress struct {
	listed atomic.Int64

	mu    sync.Mutex
	name  string
	done  int // of the steps
	began time.Time
	// scopes is how many of several buckets are known, and scopesDone how many are
	// checked.
	scopesDone, scopes int
}

func newProgress() *progress { return &progress{began: time.Now()} }

// begins is called when the check of an input begins. A nil progress hears nothing.
func (p *progress) begins(name string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.name, p.done, p.began = name, 0, time.Now()
	p.scopesDone, p.scopes = 0, 0
	p.listed.Store(0)
}

// stepped is called after each step.
func (p *progress) stepped(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// A check of several buckets opens their state first. The steps that each of them has
	// to itself are not told here.
	if p.done < len(steps) && steps[p.done] == name {
		p.done++
	}
}

// scope is called after each of several buckets.
func (p *progress) scope(done, known int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.scopesDone, p.scopes = done, known
}

// text is what is shown of it.
func (p *progress) text(now time.Time) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := view.Clock(now.Sub(p.began)) + "  checking"
	if p.name != "" {
		text += " " + p.name
	}
	if p.scopes > 0 {
		text += fmt.Sprintf(": %s of %s", view.Count(int64(p.scopesDone)), view.Buckets(int64(p.scopes)))
	} else if p.done < len(steps) {
		text += ": " + steps[p.done]
	}
	if n := p.listed.Load(); n > 0 {
		text += fmt.Sprintf(", %s listed", view.Count(n))
	}
	return text
}
