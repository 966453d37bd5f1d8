package check

import (
	"context"
	"fmt"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/discover"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/management"
)

// findProjects finds the projects that are read, with one request for a hundred of an
// organization.
func (v *survey) findProjects(ctx context.Context) Step {
	c := v.of
	v.management = c.conf.Management()
	found, err := c.conf.Directory(v.management).Projects(ctx)
	if err != nil {
		return failedStep(StepProjects, "", c.ended(ctx, err))
	}
	asked := c.opts.Project
	phases := map[management.Phase]int{}
	for _, p := range found {
		name := object.ScopeName{Ref: p.Ref, Project: p.Name}
		if asked != "" && !name.IsProject(asked) {
			continue
		}
		bucket, ok := name.BucketIn(c.typed)
		if !ok {
			continue
		}
		m := member{ref: p.Ref, name: p.Name, err: p.Err, facts: func(context.Context) (management.Project, error) { return p.Facts() }}
		if m.err == nil {
			m.conf, m.err = c.conf.ForProject(p.Ref)
			if c.typed != "" && m.err == nil {
				m.conf = m.conf.ForBucket(bucket)
			}
		}
		phases[p.Status.Phase()]++
		v.members = append(v.members, m)
	}
	s := Step{Name: StepProjects, Status: OK, Found: countProjects(len(v.members))}
	for _, phase := range []struct {
		is   management.Phase
		text string
	}{{management.Starting, "coming up"}, {management.Stopped, "paused"}, {management.Failed, "broken"}, {management.Removed, "removed"}} {
		if n := phases[phase.is]; n > 0 {
			s.Found += fmt.Sprintf(", %d %s", n, phase.text)
		}
	}
	switch {
	case len(v.members) > 0:
		return s
	case asked != "":
		return failedStep(StepProjects, "", &supabase.FieldError{
			Field: config.FieldProjects, Problem: fmt.Sprintf("none of its %s has the reference or the name %q", countProjects(len(found)), asked),
			Remedy: "leave out --project to see all",
		})
	}
	none := Problem{Field: config.FieldProjects, Problem: "there is no such project, so there is nothing to deliver", Remedy: "compare include and exclude with the names in the Dashboard; preview branches are left out unless branches is true"}
	if !c.conf.Plan.Repeats() { // the run fails
		return Step{Name: StepProjects, Status: Failed, Problems: []Problem{none}}
	}
	s.Found = ""
	s.warn(none)
	return s
}

func countProjects(n int) string {
	if n == 1 {
		return "1 project"
	}
	return fmt.Sprintf("%d projects", n)
}

// buckets are those of the project that source_path names, sorted, and those of them that
// can't be read because of their names.
func (c *checker) buckets(ctx context.Context, of config.Config) (names, odd []string, err error) {
	err = c.try(ctx, func(ctx context.Context) (err error) {
		odd = nil
		names, err = discover.Buckets(ctx, discover.Options{
			Client: c.client, Pattern: of.Buckets, Identity: c.project.source.Project().Identity,
			Management: of.ManagedBuckets(c.several.management),
			Odd:        func(name string) { odd = append(odd, name) },
		})
		return err
	})
	return names, odd, err
}

// ended says why there is no answer, where the time was over.
func (c *checker) ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return c.explain(ctx.Err())
	}
	return err
}
