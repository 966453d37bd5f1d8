package checkcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/configfile"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
	"github.com/seed75cbcda6/supabase-storage/input"
)

// closeTimeout bounds how long the caches of a config may take to close.
const closeTimeout = 10 * time.Second

// document is what --json prints.
type document struct {
	// OK says that no step of any input failed.
	OK     bool     `json:"ok"`
	Config string   `json:"config"`
	Inputs []result `json:"inputs"`
	// Warnings are about the other components of the config.
	Warnings []input.CheckProblem `json:"warnings,omitempty"`
}

// result is the check of one input. Where the config can't be read there is
// one, without a label and a path.
type result struct {
	Label string `json:"label"`
	Path  string `json:"path"`
	*input.CheckReport
}

// Run checks the inputs that o asks for and prints what it found to w. It fails
// if a step did.
func Run(ctx context.Context, w io.Writer, schema *service.ConfigSchema, o Options) error {
	p := newPrinter(w, o.JSON)
	doc := document{OK: true, Config: o.Config}
	var failed []string
	outcome := "a run would not deliver everything"
	err := each(ctx, schema, o, p, &doc, func(r result, name string) {
		doc.Inputs = append(doc.Inputs, r)
		p.report(r.CheckReport, o.Limit)
		if !r.OK {
			doc.OK = false
			what := strings.Join(r.Failed(), ", ")
			if partly := onlyBuckets(r.CheckReport); partly != "" {
				what = partly
			} else {
				outcome = "a run would not work"
			}
			failed = append(failed, fmt.Sprintf("%s: %s", name, what))
		}
	})
	if err != nil {
		return err
	}
	if o.JSON {
		text, err := terminal.JSON(doc, "  ")
		if err != nil {
			return err
		}
		p.printf("%s\n", text)
	} else {
		p.verdict(doc)
	}
	if len(failed) > 0 {
		p.fail(fmt.Errorf("%s (%s)", outcome, strings.Join(failed, "; ")))
	}
	return p.err
}

// onlyBuckets says which of several buckets can't be read, where that is all that is
// wrong.
func onlyBuckets(r *input.CheckReport) string {
	if names := r.Failed(); len(names) != 1 || names[0] != input.CheckStepBuckets {
		return ""
	}
	last := r.Steps[len(r.Steps)-1]
	return last.Problems[0].Problem
}

// each checks one input after the other.
func each(ctx context.Context, schema *service.ConfigSchema, o Options, p *printer, out *document, done func(r result, name string)) error {
	opts := input.CheckOptions{Limit: o.Limit, Explain: o.Explain, Target: o.Target, Bucket: o.Bucket, Project: o.Project, OnStep: p.step}
	if o.heard != nil {
		opts.OnStep = func(s input.CheckStep) { o.heard.stepped(s.Name); p.step(s) }
		opts.OnScope = o.heard.scope
		opts.OnListed = o.heard.listed.Store
	}
	unreadable := func(err error) {
		p.heading(o.Config)
		done(result{CheckReport: input.FailedCheck(err, p.step)}, o.Config)
	}
	doc, err := configfile.Read(schema, o.Options)
	if err != nil {
		unreadable(err)
		return nil
	}
	picked, err := doc.Pick(o.Label)
	if err != nil {
		return err
	}
	res, release, err := doc.Resources(ctx, picked, closeTimeout)
	if err != nil {
		unreadable(err)
		return nil
	}
	defer release()
	out.Warnings = doc.Warnings()
	for _, in := range picked {
		p.heading(in.Name())
		o.heard.begins(in.Name())
		opts.StatesOfOthers = statesOfOthers(doc, in)
		done(result{Label: in.Label, Path: in.Path, CheckReport: input.Check(ctx, in.Conf, res, opts)}, in.Name())
		if ctx.Err() != nil {
			return errors.New("the check was interrupted")
		}
	}
	return nil
}

// statesOfOthers finds the state files of all inputs but one.
func statesOfOthers(doc *configfile.Document, this configfile.Input) map[string]string {
	others := map[string]string{}
	for _, in := range doc.Inputs {
		if in.Path == this.Path || !in.Conf.Contains("state", "path") {
			continue
		}
		if path, err := in.Conf.FieldString("state", "path"); err == nil && path != "" {
			others[filepath.Clean(path)] = in.Name()
		}
	}
	return others
}
