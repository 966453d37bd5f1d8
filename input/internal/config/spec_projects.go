package config

import "github.com/redpanda-data/benthos/v4/public/service"

func projectsField() *service.ConfigField {
	return service.NewObjectField(FieldProjects,
		service.NewStringField(fieldProjectsOrg).
			Description("The slug of the organization whose projects are read: the last part of `https://supabase.com/dashboard/org/<slug>`. A project that is created joins, and one that is removed is let go.").
			Optional(),
		newProjectList(fieldProjectsRefs).
			Description("The references of the projects, in place of `organization`."),
		newProjectList(fieldProjectsInclude).
			Description("Read only the projects whose name matches one of these patterns; an empty list reads all. `*` and `?` match anything, and the rest is written as in `include_patterns`. Case sensitive.").
			Example([]any{"prod-*"}),
		newProjectList(fieldProjectsExclude).
			Description("Leave out the projects whose name matches one of these patterns, written as in `include`. If both match, the project is left out.").
			Example([]any{"*-staging", "*-test"}),
		service.NewAnyField(fieldProjectsBranches).
			Description("Whether preview branches are read as well. Those that `refs` names always are.").
			Default(false).
			LintRule(lintRule(FieldProjects+"."+fieldProjectsBranches)),
		newDurationField(FieldProjects, fieldProjectsRefresh, "5m").
			Description("How often the list of projects is looked at, at least `10s`. A bare number is seconds."),
		newIntField(FieldProjects, fieldProjectsMaxActive, 64).
			Description("How many projects are listed at the same time, at least 1. While others wait, each has a second at a time, so that none holds up another, whatever its size. Downloads go to the bucket with the fewest under way."),
		service.NewAnyField(fieldProjectsLabelMetric).
			Description("Whether metrics have a label `project`. With many projects, that makes many time series.").
			Default(false).
			LintRule(lintRule(FieldProjects+"."+fieldProjectsLabelMetric)),
	).
		Description("Reads many projects, in place of the one that `project_ref` names: all of an organization, or those of a list. Needs `credentials` of the type `access_token`; the keys, the region and the endpoint of each project come from the Management API, within its limits: in production 120 requests a minute for each project and each organization. The log says how many projects wait for their keys where a limit is reached. Each project and bucket is read on its own: one that is paused, fails or is slow holds back no other. A project without the bucket that `source_path` names is left out until it has one; if none has it, that is an error. `region` and `targets_input` can't be used with it.").
		Optional().
		LintRule(lintRule(FieldProjects))
}

// newProjectList is a list below projects: see newListField.
func newProjectList(name string) *service.ConfigField {
	return service.NewAnyField(name).Default([]any{}).LintRule(lintRule(FieldProjects + "." + name))
}
