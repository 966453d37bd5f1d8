package supabase

import "strings"

// RefPlace is what an endpoint has in the place of the reference of a project, where
// one configuration is for many of them.
const RefPlace = "{project_ref}"

// anyRef stands in for the references of the projects, which are not known yet. No
// project has it: it is checked as one, and never asked for.
const anyRef = "qqqqqqqqqqqqqqqqqqqq"

// ResolveFleet checks the settings of many projects, whose references are not known
// yet, as far as they are the same for all: it is [Resolve] without a reference. The
// project has the addresses and the settings of the credentials; Endpoint is "", or
// the one that was written, with [RefPlace] in it.
//
// Each of the projects is resolved by [Resolve] with what [Settings.ForProject] makes
// of the settings.
func ResolveFleet(s Settings) (Project, error) {
	var problems Problems
	if s.ProjectRef != "" {
		problems.add("project_ref", "is set together with projects", "keep one of them")
	}
	if s.Region != "" {
		problems.add("region", "has no effect with projects: the Management API says where each is", "remove it")
	}
	if s.Endpoint != "" && !strings.Contains(s.Endpoint, RefPlace) {
		problems.add("endpoint", "is one address, and projects are many", "write "+RefPlace+" where the reference of each stands, such as https://supabase.example.com/"+RefPlace+s3Path+
			", or remove it for hosted projects")
		s.Endpoint = ""
	}
	if t := s.Credentials.Type; t != TypeAccessToken && fieldsOf[t] != nil {
		problems.add(fieldType, "is "+t+", whose keys are those of one project", "write type: "+TypeAccessToken+" with a personal access token, which opens all projects of its owner, or project_ref in place of projects")
		return Project{auth: s.Credentials}.checked(problems)
	}
	s.Region = ""
	p, err := Resolve(s.ForProject(anyRef))
	found, _ := err.(Problems) //nolint:errorlint // It is the type that Resolve promises.
	for _, e := range found {
		e.Problem = strings.ReplaceAll(e.Problem, anyRef, RefPlace)
		e.Remedy = strings.ReplaceAll(e.Remedy, anyRef, RefPlace)
		problems = append(problems, e)
	}
	if len(problems) > 0 {
		return Project{auth: s.Credentials}.checked(problems)
	}
	for i, e := range p.Warnings {
		shown := *e
		shown.Problem = strings.ReplaceAll(e.Problem, anyRef, RefPlace)
		p.Warnings[i] = &shown
	}
	p.fleet = false
	p.Ref, p.Endpoint = "", strings.TrimRight(s.Endpoint, "/")
	return p, nil
}

// ForProject returns the settings for one of many projects.
func (s Settings) ForProject(ref string) Settings {
	s.ProjectRef, s.fleet = ref, true
	s.Endpoint = strings.ReplaceAll(s.Endpoint, RefPlace, ref)
	return s
}

// OneOfMany reports whether the project is one of many that one configuration reads.
func (p Project) OneOfMany() bool { return p.fleet }

// IsRef reports whether a text may be the reference of a project: of one with an
// endpoint of its own, which may have any short name, or of a hosted one. Whatever is
// one may stand in a URL and in a path.
func IsRef(ref string, ownEndpoint bool) bool {
	if ownEndpoint {
		return tenantPattern.MatchString(ref)
	}
	return refPattern.MatchString(ref)
}
