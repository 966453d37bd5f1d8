package check

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

// Options say how far a check goes.
type Options struct {
	// Limit is how many objects are listed at most; 10,000 if it is not set.
	Limit int
	// First is how many of the objects that would be delivered the report names;
	// 10 if it is not set.
	First int
	// Explain holds whole keys: for each the report says whether it would be
	// delivered, and why.
	Explain []string
	// Target is a message of targets_input: the report says what would become of
	// it. Nil asks for nothing.
	Target []byte
	// Bucket and Project restrict the check of an input that reads several to one
	// bucket, and to one project by its reference or its name, as they are typed: see
	// [object.ScopeName]. "" restricts nothing.
	Bucket, Project string
	// StatesOfOthers maps the state.path of other inputs of the same pipeline,
	// cleaned by [path/filepath.Clean], to the names of these: no two can have the
	// same.
	StatesOfOthers map[string]string
	// OnStep, which may be nil, hears of each step as soon as it is done.
	OnStep func(Step)
	// OnListed, which may be nil, hears after each page how many objects were listed.
	OnListed func(n int64)
	// OnScope, which may be nil, hears after each of several buckets how many are done,
	// of those that are known by then.
	OnScope func(done, known int)

	// Transport replaces the one to the network in tests; nil elsewhere.
	Transport http.RoundTripper
	// OpenCache opens the state that a config keeps in a cache. Nothing is written
	// to what it returns.
	OpenCache func(ctx context.Context, conf config.Config, res *service.Resources) (ledger.Store, error)
	// LongestPause is that of parked objects.
	LongestPause time.Duration
}

// The defaults of [Options].
const (
	defaultLimit = 10_000
	defaultFirst = 10
)

// Status is how a step of a check ended.
type Status string

const (
	// OK means that what was tested is as a run needs it.
	OK Status = "ok"
	// Warning means that a run would work, and perhaps not do what was
	// meant: it would find nothing to deliver, say.
	Warning Status = "warning"
	// Failed means that a run would fail.
	Failed Status = "failed"
	// Skipped means that nothing was tested, because there was nothing to
	// test, or because an earlier step failed.
	Skipped Status = "skipped"
)

// The names of the steps, in their order.
const (
	StepConfig = "config"
	// StepProjects and StepBuckets are there only where several projects or buckets are
	// read. The second sums up what stands in Scopes.
	StepProjects = "projects"
	StepBuckets  = "buckets"

	StepHost        = "host"
	StepCredentials = "credentials"
	StepRegion      = "region"
	StepBucket      = "bucket"
	StepPrefix      = "prefix"
	StepPatterns    = "patterns"
	StepState       = "state"
	StepDownload    = "download"
)

// StepNames are those of a bucket.
var StepNames = []string{
	StepConfig, StepHost, StepCredentials, StepRegion, StepBucket,
	StepPrefix, StepPatterns, StepState, StepDownload,
}

// Step is one thing that was tested. No secret is in it.
type Step struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	// Found says in a line what was found, or why the step was skipped.
	Found string `json:"found,omitempty"`
	// Problems are those of a step that failed, or warns.
	Problems []Problem `json:"problems,omitempty"`
}

// Problem is what is wrong, and what to do about it.
type Problem struct {
	// Field is the path of the field that is the likely cause, empty where there
	// is none.
	Field   string `json:"field,omitempty"`
	Problem string `json:"problem"`
	Remedy  string `json:"remedy,omitempty"`
	// Cause is what the server or the system answered.
	Cause string `json:"cause,omitempty"`
}

// Report is what a check of one input found.
type Report struct {
	// OK says that no step failed: a run would work.
	OK    bool   `json:"ok"`
	Steps []Step `json:"steps"`
	// Scopes are the buckets of an input that reads several; nil for one. Sample,
	// Explained and Targets are nil with them.
	Scopes []Scope `json:"scopes,omitempty"`
	// Sample says what a run would deliver; nil where nothing could be listed.
	Sample *Sample `json:"sample,omitempty"`
	// Explained has one element for each of [Options.Explain]; it is empty
	// where the bucket could not be asked.
	Explained []Explanation `json:"explained,omitempty"`
	// Targets says what would become of [Options.Target]. It is nil where none was
	// given, or the bucket could not be asked.
	Targets *Targets `json:"targets,omitempty"`
}

// Failed are the names of the steps that failed.
func (r *Report) Failed() []string {
	var names []string
	for _, s := range r.Steps {
		if s.Status == Failed {
			names = append(names, s.Name)
		}
	}
	return names
}

// Timeout bounds a whole check of one bucket. Each request has the time-outs of the
// config, so that it seldom counts.
const Timeout = 5 * time.Minute

// Run tests each step that a run of an input depends on, and finds out what
// it would deliver. It delivers nothing, and writes to nothing: a state file is
// looked at in a copy, so that a pipeline may use it meanwhile, and a cache is
// only read.
//
// A pass that would find nothing to deliver is a warning and no failure, as it
// is for a run.
func Run(ctx context.Context, parsed *service.ParsedConfig, res *service.Resources, o Options) *Report {
	o.Limit, o.First = cmp.Or(max(o.Limit, 0), defaultLimit), cmp.Or(max(o.First, 0), defaultFirst)
	c := newChecker(res, o)
	defer c.close(ctx)
	c.run(ctx, parsed)
	return c.finish()
}

// Unfit is the report on a config that is not good enough for a check to begin.
func Unfit(err error, onStep func(Step)) *Report {
	c := newChecker(nil, Options{OnStep: onStep})
	for i, name := range StepNames {
		needs := ""
		if i > 0 {
			needs = StepConfig
		}
		c.step(name, needs, func() Step { return failedStep(name, "", err) })
	}
	return c.finish()
}
