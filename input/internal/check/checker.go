package check

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

const (
	// A request of a check that may succeed later is made again so often at
	// most, and not after so long: somebody waits for the answer.
	checkAttempts = 3
	checkPatience = 15 * time.Second
	checkPause    = 2 * time.Second
)

// checker makes one check, step by step.
type checker struct {
	conf config.Config
	res  *service.Resources
	opts Options
	// typed is Options.Bucket where the project stands in front of it, as in lists.
	typed  string
	report *Report
	// blocked maps a step that failed, or was skipped for it, to the one whose
	// failure is the reason.
	blocked map[string]string

	// project is what is the same for all buckets of a project.
	project *project
	client  *config.Plane
	// several is nil, except for one of several buckets.
	several *survey
	// plane is the one that requests go over, in words.
	plane string
	// identity is that of the credentials in use.
	identity supabase.Identity
	access   access
	// empty says that nothing is listed; elsewhere is then the first object of
	// the bucket, if that is not empty.
	empty, notEmpty bool
	elsewhere       object.Object
	// ledger is nil where nothing is remembered, or it can't be read;
	// ledgerUnread tells the two apart.
	ledger       *ledger.Ledger
	ledgerUnread bool
	// listed are the stretches of the listing, in order; complete says that they
	// are all, and matching are those of their objects that the filter lets pass.
	listed   []listing.Range
	complete bool
	matching []object.Object
	// dueObjects are those of matching that would be delivered.
	dueObjects []object.Object
}

func newChecker(res *service.Resources, o Options) *checker {
	return &checker{res: res, opts: o, report: &Report{}, blocked: map[string]string{}}
}

// run makes the steps in their order.
func (c *checker) run(ctx context.Context, parsed *service.ParsedConfig) {
	c.step(StepConfig, "", func() Step { return c.checkConfig(parsed) })
	if c.blocked[StepConfig] == "" && c.conf.Several() && !c.narrow(ctx) {
		c.survey(ctx)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	c.step(StepHost, StepConfig, func() Step { return c.checkHost(ctx) })
	c.bucketSteps(ctx)
	if c.blocked[StepBucket] == "" {
		for _, key := range c.opts.Explain {
			c.report.Explained = append(c.report.Explained, c.explainKey(ctx, key))
		}
		if c.opts.Target != nil {
			c.report.Targets = c.explainTargets(ctx, c.opts.Target)
		}
	}
}

// bucketSteps are the steps that a bucket has to itself.
func (c *checker) bucketSteps(ctx context.Context) {
	c.step(StepCredentials, StepHost, func() Step { return c.checkCredentials(ctx) })
	c.step(StepRegion, StepCredentials, func() Step { return c.checkRegion() })
	c.step(StepBucket, StepRegion, func() Step { return c.checkBucket(ctx) })
	c.step(StepPrefix, StepBucket, func() Step { return c.checkPrefix() })
	c.step(StepPatterns, StepPrefix, func() Step { return c.checkPatterns(ctx) })
	// A state needs no server, and is looked at in any case.
	c.step(StepState, StepConfig, func() Step { return c.checkState(ctx) })
	c.step(StepDownload, StepPatterns, func() Step { return c.checkDownload(ctx) })
}

// step makes one step, unless one that it needs did not succeed.
func (c *checker) step(name, needs string, f func() Step) {
	if root := c.blocked[needs]; root != "" {
		c.blocked[name] = root
		c.done(Step{Name: name, Status: Skipped, Found: root + " failed"})
		return
	}
	s := f()
	if s.Status == Failed {
		c.blocked[name] = name
	}
	c.done(s)
}

func (c *checker) done(s Step) {
	c.report.Steps = append(c.report.Steps, s)
	if c.opts.OnStep != nil {
		c.opts.OnStep(s)
	}
}

func (c *checker) finish() *Report {
	c.report.OK = len(c.report.Failed()) == 0
	return c.report
}

func (c *checker) close(ctx context.Context) {
	c.closeScope()
	if c.project != nil {
		c.project.close(ctx, c.res)
	}
	if c.conf.Scanner != nil {
		_ = c.conf.Scanner.Close(context.WithoutCancel(ctx))
	}
}

// closeScope closes what belongs to one bucket. Only what was looked at is closed:
// there is nothing that could be lost.
func (c *checker) closeScope() {
	if c.client != nil {
		c.client.Close()
	}
	if c.ledger != nil {
		_ = c.ledger.Discard()
	}
}

// checkConfig parses the config as the input does when it is made.
func (c *checker) checkConfig(parsed *service.ParsedConfig) Step {
	conf, err := config.Parse(parsed)
	if err != nil {
		return failedStep(StepConfig, "", err)
	}
	conf.Transport, conf.Retry = c.opts.Transport, checkPolicy(conf.Retry)
	c.conf = conf
	if err := c.choose(); err != nil {
		return failedStep(StepConfig, "", err)
	}
	if !c.conf.Several() {
		if err := c.open(newProject(c.conf)); err != nil {
			return failedStep(StepConfig, "", err)
		}
	}
	conf = c.conf
	s := Step{Name: StepConfig, Status: OK, Found: conf.Where() + ", " + c.mode()}
	if conf.DeleteObjects {
		s.Found += ", objects will be deleted after delivery (" + conf.AfterField + ")"
	}
	if conf.MoveTo != "" {
		s.Found += fmt.Sprintf(", objects will be moved to %q after delivery (%s)", conf.MoveTo, conf.AfterField)
	}
	for _, warning := range conf.Project.Warnings {
		s.warn(problemOf(warning))
	}
	return s
}

// open makes the client for the bucket of the config; no request is made.
func (c *checker) open(p *project) error {
	opts := c.conf.PlaneOptions(p.source)
	opts.Retry = retry.Once // the attempts are counted here
	opts.Transport = p.gateway
	if c.several != nil {
		opts.Transport = staysOpen{p.gateway}
	}
	client, err := c.conf.Plane(p.source, opts)
	if err == nil {
		c.project, c.client = p, client
	}
	return err
}

// checkPolicy is a policy for somebody who waits for the answer.
func checkPolicy(p retry.Policy) retry.Policy {
	return retry.Policy{
		MaxAttempts:     min(p.MaxAttempts, checkAttempts),
		InitialInterval: min(p.InitialInterval, checkPause), MaxInterval: min(p.MaxInterval, checkPause),
	}
}

// try makes a request, and makes it again while what fails may pass.
func (c *checker) try(ctx context.Context, request func(context.Context) error) error {
	start := time.Now()
	mayPass := func(err error) bool { return object.Transient(err) && time.Since(start) < checkPatience }
	return c.conf.Retry.Do(ctx, request, mayPass, nil)
}

// probe asks for the first object with a prefix.
func (c *checker) probe(ctx context.Context, prefix string) (obj object.Object, found bool, err error) {
	err = c.try(ctx, func(ctx context.Context) (err error) {
		obj, found, err = c.client.Probe(ctx, prefix, retry.Once)
		return err
	})
	return obj, found, err
}

// failed makes a failed step of an error of the server.
func (c *checker) failed(name, found string, err error) Step {
	return failedStep(name, found, c.explain(err))
}

// explain names the field behind an error of the server, and the remedy.
func (c *checker) explain(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		err = errors.New("the check was ended before the server had answered")
	}
	return c.conf.Project.Explain(err, c.access.serverRegion)
}
