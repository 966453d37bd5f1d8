package input

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
)

// CheckOptions say how far a check goes.
type CheckOptions struct {
	// Limit is how many objects are listed at most; 10,000 if it is not set.
	Limit int
	// First is how many of the objects that would be delivered the report names;
	// 10 if it is not set.
	First int
	// Explain holds whole keys: for each the report says whether it would be
	// delivered, and why.
	Explain []string
	// StatesOfOthers maps the state.path of other inputs of the same pipeline,
	// cleaned by [path/filepath.Clean], to the names of these: no two can have the
	// same.
	StatesOfOthers map[string]string
	// OnStep, which may be nil, hears of each step as soon as it is done.
	OnStep func(CheckStep)

	// transport replaces the one to the network in tests.
	transport http.RoundTripper
}

// The defaults of [CheckOptions].
const (
	defaultCheckLimit = 10_000
	defaultCheckFirst = 10
)

// CheckStatus is how a step of a check ended.
type CheckStatus string

const (
	// CheckOK means that what was tested is as a run needs it.
	CheckOK CheckStatus = "ok"
	// CheckWarning means that a run would work, and perhaps not do what was
	// meant: it would find nothing to deliver, say.
	CheckWarning CheckStatus = "warning"
	// CheckFailed means that a run would fail.
	CheckFailed CheckStatus = "failed"
	// CheckSkipped means that nothing was tested, because there was nothing to
	// test, or because an earlier step failed.
	CheckSkipped CheckStatus = "skipped"
)

// The names of the steps, in their order.
const (
	CheckStepConfig      = "config"
	CheckStepHost        = "host"
	CheckStepCredentials = "credentials"
	CheckStepRegion      = "region"
	CheckStepBucket      = "bucket"
	CheckStepPrefix      = "prefix"
	CheckStepPatterns    = "patterns"
	CheckStepState       = "state"
	CheckStepDownload    = "download"
)

// checkSteps are all of them.
var checkSteps = []string{
	CheckStepConfig, CheckStepHost, CheckStepCredentials, CheckStepRegion, CheckStepBucket,
	CheckStepPrefix, CheckStepPatterns, CheckStepState, CheckStepDownload,
}

// CheckStep is one thing that was tested. No secret is in it.
type CheckStep struct {
	Name   string      `json:"name"`
	Status CheckStatus `json:"status"`
	// Found says in a line what was found, or why the step was skipped.
	Found string `json:"found,omitempty"`
	// Problems are those of a step that failed, or warns.
	Problems []CheckProblem `json:"problems,omitempty"`
}

// CheckProblem is what is wrong, and what to do about it.
type CheckProblem struct {
	// Field is the path of the field that is the likely cause, empty where there
	// is none.
	Field   string `json:"field,omitempty"`
	Problem string `json:"problem"`
	Remedy  string `json:"remedy,omitempty"`
	// Cause is what the server or the system answered.
	Cause string `json:"cause,omitempty"`
}

// CheckReport is what a check of one input found.
type CheckReport struct {
	// OK says that no step failed. Of the objects a check reads at most one.
	OK    bool        `json:"ok"`
	Steps []CheckStep `json:"steps"`
	// Sample says what a run would deliver; nil where nothing could be listed.
	Sample *CheckSample `json:"sample,omitempty"`
	// Explained has one element for each of [CheckOptions.Explain]; it is empty
	// where the bucket could not be asked.
	Explained []CheckExplanation `json:"explained,omitempty"`
}

// Failed are the names of the steps that failed.
func (r *CheckReport) Failed() []string {
	var names []string
	for _, s := range r.Steps {
		if s.Status == CheckFailed {
			names = append(names, s.Name)
		}
	}
	return names
}

// checkTimeout bounds a whole check. Each request has the time-outs of the
// config, so that it seldom counts.
const checkTimeout = 5 * time.Minute

// Check tests each step that a run of an input depends on, and finds out what
// it would deliver. It delivers nothing, and writes to nothing: a state file is
// looked at in a copy, so that a pipeline may use it meanwhile, and a cache is
// only read.
//
// A pass that would find nothing to deliver is a warning and no failure, as it
// is for a run.
func Check(ctx context.Context, parsed *service.ParsedConfig, res *service.Resources, o CheckOptions) *CheckReport {
	o.Limit, o.First = cmp.Or(max(o.Limit, 0), defaultCheckLimit), cmp.Or(max(o.First, 0), defaultCheckFirst)
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	c := &checker{res: res, opts: o, report: &CheckReport{}, blocked: map[string]string{}}
	defer c.close(ctx)
	c.run(ctx, parsed)
	return c.finish()
}

// FailedCheck is the report on a config that is not good enough for a [Check]
// to begin.
func FailedCheck(err error, onStep func(CheckStep)) *CheckReport {
	c := &checker{opts: CheckOptions{OnStep: onStep}, report: &CheckReport{}, blocked: map[string]string{}}
	for i, name := range checkSteps {
		needs := ""
		if i > 0 {
			needs = CheckStepConfig
		}
		c.step(name, needs, func() CheckStep { return failedStep(name, "", err) })
	}
	return c.finish()
}
