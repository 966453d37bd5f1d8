package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// Projects say which projects are read, where that is not one.
type Projects struct {
	// Organization is the slug of the organization whose projects are read, "" where
	// Refs names them.
	Organization string
	// Refs are the references of the projects, in the order in which they were
	// written, each once; empty where Organization is set.
	Refs []string
	// Branches says that preview branches are read as well.
	Branches bool
	// RefreshInterval is the time from one look at the list of projects to the next:
	// at least minRefresh.
	RefreshInterval time.Duration
	// MaxActive is how many projects are listed at the same time, at least 1.
	MaxActive int
	// LabelMetrics says that metrics have a label for the project.
	LabelMetrics bool

	include, exclude []*filter.Name
}

// Wanted reports whether a project of this name is one of them. A project that Refs
// names is wanted whether it is a branch or not.
func (p *Projects) Wanted(name string, branch bool) bool {
	matches := func(n *filter.Name) bool { return n.Match(name) }
	switch {
	case branch && !p.Branches && len(p.Refs) == 0:
		return false
	case slices.ContainsFunc(p.exclude, matches):
		return false
	}
	return len(p.include) == 0 || slices.ContainsFunc(p.include, matches)
}

// String names the projects.
func (p *Projects) String() string {
	switch {
	case p.Organization != "":
		return "organization " + p.Organization
	case len(p.Refs) == 1:
		return "project " + p.Refs[0]
	}
	return strconv.Itoa(len(p.Refs)) + " projects"
}

// Several reports whether more than one bucket may be read.
func (c Config) Several() bool { return c.Buckets != nil || c.Projects != nil }

// ForProject returns the configuration of one of the projects, with its endpoint. Its
// error is one of [supabase.Resolve]: the reference is no reference, for example.
func (c Config) ForProject(ref string) (Config, error) {
	c.settings = c.settings.ForProject(ref)
	bucket := c.Project.Bucket
	project, err := supabase.Resolve(c.settings)
	if err != nil {
		return Config{}, err
	}
	project.Bucket = bucket
	c.Project, c.Projects = project, nil
	return c, nil
}

// ForBucket returns the configuration of one of the buckets.
func (c Config) ForBucket(name string) Config {
	c.settings.Bucket, c.Project.Bucket = name, name
	c.Buckets = nil
	return c
}

// namesProjects reports whether projects is written: templates have it with empty
// fields, and Benthos makes one of defaults where it is not written.
func namesProjects(v any) bool {
	conf, _ := v.(map[string]any)
	return valueText(conf[fieldProjectsOrg]) != "" || !isEmptyList(conf[fieldProjectsRefs])
}

func isEmptyList(v any) bool {
	list, isList := v.([]any)
	return isList && len(list) == 0 || valueText(v) == ""
}

// readProjects reads projects.
func (c *Config) readProjects(f *fields) {
	v, err := f.parsed.FieldAny(FieldProjects)
	if f.err != nil || err != nil {
		return // It is not written.
	}
	conf, _ := v.(map[string]any)
	f.checkAll(checkProjects(conf))
	if !namesProjects(conf) {
		return
	}
	c.Projects = &Projects{
		Organization:    f.text(FieldProjects, fieldProjectsOrg),
		Refs:            read(f, parseRefs, FieldProjects, fieldProjectsRefs),
		Branches:        read(f, parseBool, FieldProjects, fieldProjectsBranches),
		RefreshInterval: read(f, parseRefresh, FieldProjects, fieldProjectsRefresh),
		MaxActive:       read(f, parseMaxActive, FieldProjects, fieldProjectsMaxActive),
		LabelMetrics:    read(f, parseBool, FieldProjects, fieldProjectsLabelMetric),
		include:         read(f, parseNames, FieldProjects, fieldProjectsInclude),
		exclude:         read(f, parseNames, FieldProjects, fieldProjectsExclude),
	}
}

// slug is what Supabase makes as the name of an organization in URLs: 20 letters, or
// words with dashes.
var slug = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)

// checkProjects checks what the fields of projects decide together, and the slug.
func checkProjects(conf map[string]any) supabase.Problems {
	org, refs := valueText(conf[fieldProjectsOrg]), !isEmptyList(conf[fieldProjectsRefs])
	const remedy = "write the slug of the organization, the last part of https://supabase.com/dashboard/org/<slug>"
	switch {
	case org != "" && refs:
		return problemsAt(FieldProjects+"."+fieldProjectsRefs, Wrong("is set together with "+fieldProjectsOrg, "keep one of them; include and exclude choose among the projects of an organization"))
	case org != "" && !slug.MatchString(org):
		return problemsAt(FieldProjects+"."+fieldProjectsOrg, Wrong("is not the slug of an organization", remedy))
	case org != "" || refs:
		return nil
	}
	chosen := slices.ContainsFunc([]string{fieldProjectsInclude, fieldProjectsExclude}, func(name string) bool { return !isEmptyList(conf[name]) })
	if branches, err := parseBool(conf[fieldProjectsBranches]); chosen || err == nil && branches {
		return problemsAt(FieldProjects, Wrong("names neither an organization nor projects", remedy+", into "+fieldProjectsOrg+", or the references of the projects into "+fieldProjectsRefs))
	}
	return nil
}

// lintProjects is checkProjects, where no environment variable that is not set may
// still name the projects.
func lintProjects(v any) supabase.Problems {
	conf, _ := v.(map[string]any)
	if org, written := conf[fieldProjectsOrg]; written && valueText(org) == "" && !namesProjects(conf) {
		return nil
	}
	return checkProjects(conf)
}

// parseRefs reads a list of references. Its error names all that are wrong. Whether
// one fits the endpoint, the whole configuration decides.
func parseRefs(v any) ([]string, error) {
	refs, err := parseList(v, "abcdefghijklmnopqrst", checkAnyRef)
	var unique []string
	for _, ref := range refs {
		if !slices.Contains(unique, ref) {
			unique = append(unique, ref)
		}
	}
	return unique, err
}

func checkAnyRef(ref string) error {
	if supabase.IsRef(ref, true) {
		return nil
	}
	return Wrong("is not the reference of a project", "write the 20 lower-case letters in https://<project_ref>.supabase.co")
}

// parseNames reads a list of patterns of names.
func parseNames(v any) ([]*filter.Name, error) {
	texts, err := parseList(v, "prod-*", filter.CheckName)
	if err != nil {
		return nil, err
	}
	var names []*filter.Name
	for _, text := range texts {
		name, err := filter.NewName(text)
		if err != nil {
			return nil, err // It was checked.
		}
		names = append(names, name)
	}
	return names, nil
}

// minRefresh keeps the lists of 1,000 projects, which are 10 pages, within half of the
// 120 requests a minute that the Management API grants.
const minRefresh = 10 * time.Second

// parseRefresh reads projects.refresh_interval.
func parseRefresh(v any) (time.Duration, error) {
	d, err := parseDuration(v)
	if err == nil && d < minRefresh {
		err = Wrong(fmt.Sprintf("%q is less than %v", valueText(v), minRefresh), "write at least that much: the Management API grants 120 requests a minute")
	}
	return d, err
}

// parseMaxActive reads projects.max_active.
func parseMaxActive(v any) (int, error) { return parseInt(v, 1, 10000) }

// checkRefsFit checks that references are those of hosted projects, which are 20
// letters, where no endpoint says otherwise.
func checkRefsFit(refs []string, endpoint string) (all supabase.Problems) {
	for i, ref := range refs {
		if !supabase.IsRef(ref, endpoint != "") {
			all = append(all, problemsAt(fmt.Sprintf("%s.%s[%d]", FieldProjects, fieldProjectsRefs, i),
				Wrong("is no reference of a hosted project", "write the 20 lower-case letters in https://<project_ref>.supabase.co; for self-hosted projects write endpoint with "+supabase.RefPlace+" as well"))...)
		}
	}
	return all
}

// lintRefsFit is checkRefsFit where no endpoint is written; a variable may still set
// one that is.
func lintRefsFit(conf map[string]any) supabase.Problems {
	projects, _ := conf[FieldProjects].(map[string]any)
	refs, err := parseRefs(projects[fieldProjectsRefs])
	if _, written := conf[fieldEndpoint]; written || err != nil {
		return nil //nolint:nilerr // Its own rule says so.
	}
	return checkRefsFit(refs, "")
}
