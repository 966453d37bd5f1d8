package input

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/s3"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/keys"
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
	conf   config
	res    *service.Resources
	opts   CheckOptions
	report *CheckReport
	// blocked maps a step that failed, or was skipped for it, to the one whose
	// failure is the reason.
	blocked map[string]string

	source *keys.Source // of what the client signs with
	client *s3.Client
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
	listed   []listing.Stretch
	complete bool
	matching []object.Object
	// dueObjects are those of matching that would be delivered.
	dueObjects []object.Object
}

// run makes the steps in their order.
func (c *checker) run(ctx context.Context, parsed *service.ParsedConfig) {
	c.step(CheckStepConfig, "", func() CheckStep { return c.checkConfig(parsed) })
	c.step(CheckStepHost, CheckStepConfig, func() CheckStep { return c.checkHost(ctx) })
	c.step(CheckStepCredentials, CheckStepHost, func() CheckStep { return c.checkCredentials(ctx) })
	c.step(CheckStepRegion, CheckStepCredentials, func() CheckStep { return c.checkRegion() })
	c.step(CheckStepBucket, CheckStepRegion, func() CheckStep { return c.checkBucket(ctx) })
	c.step(CheckStepPrefix, CheckStepBucket, func() CheckStep { return c.checkPrefix() })
	c.step(CheckStepPatterns, CheckStepPrefix, func() CheckStep { return c.checkPatterns(ctx) })
	// A state needs no server, and is looked at in any case.
	c.step(CheckStepState, CheckStepConfig, func() CheckStep { return c.checkState(ctx) })
	c.step(CheckStepDownload, CheckStepPatterns, func() CheckStep { return c.checkDownload(ctx) })
	if c.blocked[CheckStepBucket] == "" {
		for _, key := range c.opts.Explain {
			c.report.Explained = append(c.report.Explained, c.explainKey(ctx, key))
		}
	}
}

// step makes one step, unless one that it needs did not succeed.
func (c *checker) step(name, needs string, f func() CheckStep) {
	if root := c.blocked[needs]; root != "" {
		c.blocked[name] = root
		c.done(CheckStep{Name: name, Status: CheckSkipped, Found: root + " failed"})
		return
	}
	s := f()
	if s.Status == CheckFailed {
		c.blocked[name] = name
	}
	c.done(s)
}

func (c *checker) done(s CheckStep) {
	c.report.Steps = append(c.report.Steps, s)
	if c.opts.OnStep != nil {
		c.opts.OnStep(s)
	}
}

func (c *checker) finish() *CheckReport {
	c.report.OK = len(c.report.Failed()) == 0
	return c.report
}

func (c *checker) close(ctx context.Context) {
	// Only what was looked at is closed: there is nothing that could be lost.
	if c.client != nil {
		signOut(context.WithoutCancel(ctx), c.source, c.res.Logger())
		c.client.Close()
	}
	if c.ledger != nil {
		_ = c.ledger.Discard()
	}
	if c.conf.scanner != nil {
		_ = c.conf.scanner.Close(context.WithoutCancel(ctx))
	}
}

// checkConfig parses the config as the input does when it is made.
func (c *checker) checkConfig(parsed *service.ParsedConfig) CheckStep {
	conf, err := configFromParsed(parsed)
	if err != nil {
		return failedStep(CheckStepConfig, "", err)
	}
	conf.transport, conf.retry = c.opts.transport, checkPolicy(conf.retry)
	source := newSource(conf, checkPatience, nil)
	opts := conf.clientOptions(source)
	opts.Retry = onceOnly // the attempts are counted here
	client, err := s3.New(opts)
	if err != nil {
		return failedStep(CheckStepConfig, "", err)
	}
	c.conf, c.source, c.client = conf, source, client
	s := CheckStep{Name: CheckStepConfig, Status: CheckOK, Found: fmt.Sprintf("%s, sync_mode %s", conf.where(), conf.syncMode)}
	for _, warning := range conf.project.Warnings {
		s.warn(problemOfText(warning))
	}
	return s
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
	return c.conf.retry.Do(ctx, request, mayPass, nil)
}

// probe asks for the first object with a prefix.
func (c *checker) probe(ctx context.Context, prefix string) (obj object.Object, found bool, err error) {
	err = c.try(ctx, func(ctx context.Context) (err error) {
		obj, found, err = c.client.Probe(ctx, prefix, onceOnly)
		return err
	})
	return obj, found, err
}

// failed makes a failed step of an error of the server.
func (c *checker) failed(name, found string, err error) CheckStep {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		err = errors.New("the check was ended before the server had answered")
	}
	return failedStep(name, found, c.conf.project.Explain(err, c.access.serverRegion))
}
