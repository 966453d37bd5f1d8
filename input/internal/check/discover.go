package check

import (
	"context"
	"slices"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// buckets are those of the project that source_path names, sorted.
func (c *checker) buckets(ctx context.Context, of config.Config) (names []string, err error) {
	if names, ok := of.Buckets.Names(); ok {
		return names, nil
	}
	err = c.try(ctx, func(ctx context.Context) (err error) {
		names, err = c.client.Buckets(ctx)
		return err
	})
	names = slices.DeleteFunc(names, func(name string) bool { return !of.Buckets.Match(name) })
	slices.Sort(names)
	return names, err
}

// findProjects finds the projects that are read.
func (v *survey) findProjects(ctx context.Context) Step {
	s := Step{Name: StepProjects, Status: OK}
	for _, ref := range v.of.conf.Projects.Refs {
		conf, err := v.of.conf.ForProject(ref)
		v.members = append(v.members, member{ref: ref, conf: conf, err: err})
	}
	s.Found = object.Count(int64(len(v.members)))
	return s
}
