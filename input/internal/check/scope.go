package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// Scope is what was found of one bucket of several.
type Scope struct {
	// Project is the reference of the project, and ProjectName its name; both are
	// empty where all buckets are of one project.
	Project     string `json:"project,omitempty"`
	ProjectName string `json:"project_name,omitempty"`
	// Bucket is empty for a project whose buckets are not known, or that has none that
	// source_path names.
	Bucket string `json:"bucket,omitempty"`
	// Status is the worst of the steps'.
	Status Status `json:"status"`
	// Role is the role that the keys have on the server, such as "service_role". Plane is
	// what requests go over: "S3 protocol" or "Storage REST API". Both are empty where no
	// keys could be obtained.
	Role  string `json:"role,omitempty"`
	Plane string `json:"plane,omitempty"`
	// Steps are those that were made.
	Steps []Step `json:"steps"`
	// Sample says what a run would deliver; nil where nothing could be listed.
	Sample *Sample `json:"sample,omitempty"`
}

// Name is that of the bucket.
func (s Scope) Name() object.ScopeName {
	return object.ScopeName{Ref: s.Project, Project: s.ProjectName, Bucket: s.Bucket}
}

// Problems are those of the steps that failed or, where none did, of those that warn.
func (s Scope) Problems() (problems []Problem) {
	for _, step := range s.Steps {
		if step.Status == s.Status && s.Status != OK {
			problems = append(problems, step.Problems...)
		}
	}
	return problems
}

// Found is what the last step that found something says.
func (s Scope) Found() string {
	for _, step := range slices.Backward(s.Steps) {
		if step.Status == OK && step.Found != "" {
			return step.Found
		}
	}
	return ""
}

// scope is what a checker of one of several buckets has found.
func (c *checker) scope(of member, bucket string) Scope {
	s := Scope{
		Project: of.ref, ProjectName: of.name, Bucket: bucket, Status: OK,
		Role: c.identity.Role, Plane: c.plane, Steps: c.report.Steps, Sample: c.report.Sample,
	}
	for _, step := range s.Steps {
		switch {
		case step.Status == Failed:
			s.Status = Failed
		case step.Status == Warning && s.Status == OK:
			s.Status = Warning
		}
	}
	return s
}

// readSharedState reads what the state that all buckets share knows of this one.
func (c *checker) readSharedState(ctx context.Context) Step {
	s := Step{Name: StepState, Status: OK}
	switch of := c.several; {
	case of.stateUnread:
		c.ledgerUnread = true
		return Step{Name: StepState, Status: Skipped, Found: "the state can't be read"}
	case of.store == nil:
		s.Found = "nothing is remembered yet"
		return s
	default:
		ctx, cancel := context.WithTimeout(ctx, checkStateTimeout)
		defer cancel()
		if err := config.At(c.conf.State.Field(), c.readLedger(ctx, ledger.Shared(of.store), &s)); err != nil {
			c.ledgerUnread = c.ledger == nil
			return failedStep(StepState, s.Found, err)
		}
		return s
	}
}

// choose restricts an input that reads several buckets to those that were asked for.
// The projects of an organization are known later, see narrow.
func (c *checker) choose() error {
	conf, o := &c.conf, &c.opts
	i := strings.IndexByte(o.Bucket, '/')
	if i > 0 && !supabase.IsRef(o.Bucket[:i], false) { // the name of a project may have some
		i = strings.LastIndexByte(o.Bucket, '/')
	}
	if i > 0 && conf.Projects != nil { // as lists show it
		c.typed = o.Bucket
		o.Project, o.Bucket = cmp.Or(o.Project, o.Bucket[:i]), o.Bucket[i+1:]
		read := conf.Project.Bucket == o.Bucket
		if conf.Buckets != nil {
			read = conf.Buckets.Match(o.Bucket)
		}
		if i := strings.LastIndex(o.Bucket, " ("); i > 0 && !read {
			o.Bucket = o.Bucket[:i] // what follows is the name of the project
		}
	}
	if name, ok := (object.ScopeName{Ref: conf.Project.Ref}).BucketIn(o.Bucket); o.Bucket != "" {
		switch {
		case !ok && conf.Projects == nil:
			return &supabase.FieldError{
				Field: "project_ref", Problem: fmt.Sprintf("the bucket %q was asked for, which is of another project", o.Bucket),
				Remedy: "write the name of the bucket alone",
			}
		case conf.Buckets != nil && conf.Buckets.Match(name):
			*conf = conf.ForBucket(name)
		case conf.Buckets != nil || conf.Project.Bucket != name:
			return &supabase.FieldError{
				Field: config.FieldSourcePath, Problem: fmt.Sprintf("it does not read the bucket %q, which was asked for: it reads %s", name, conf.Where()),
				Remedy: "choose another bucket, or change source_path",
			}
		}
	}
	if ref := o.Project; ref != "" && conf.Projects == nil && !(object.ScopeName{Ref: conf.Project.Ref}).IsProject(ref) {
		what := "no project_ref is written"
		if conf.Project.Ref != "" {
			what = fmt.Sprintf("this input reads %q", conf.Project.Ref)
		}
		return &supabase.FieldError{
			Field: "project_ref", Problem: fmt.Sprintf("the project %q was asked for, and %s", ref, what),
			Remedy: "leave out --project",
		}
	}
	if len(o.Explain) == 0 && o.Target == nil {
		return nil
	}
	var missing []string
	if conf.Projects != nil && len(conf.Projects.Refs) != 1 && o.Project == "" {
		missing = append(missing, "--project REF")
	}
	if conf.Buckets != nil {
		missing = append(missing, "--bucket NAME")
	}
	if len(missing) == 0 {
		return nil
	}
	remedy := "add " + missing[0]
	if len(missing) > 1 {
		remedy += " and " + missing[1]
	}
	return &supabase.FieldError{Problem: "a key or a message is explained for one bucket, and this input reads several", Remedy: remedy}
}
