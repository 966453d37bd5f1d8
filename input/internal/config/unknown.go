package config

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// lintUnknown names the field that was probably meant, for each field that there is
// none of: one that is misspelt, or one that belongs below another. That there is no
// such field, Benthos says too, and no more.
func lintUnknown(conf map[string]any) (lints supabase.Problems) {
	known := fieldNames()
	var walk func(fields map[string]any, parent string)
	walk = func(fields map[string]any, parent string) {
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			full := parent + name
			below := known[full]
			switch child, isObject := fields[name].(map[string]any); {
			case below == nil:
				if near := meant(name, known[strings.TrimSuffix(parent, ".")]); near != "" {
					lints = append(lints, problemsAt(full, Wrong("there is no such field", "did you mean "+near+"?"))...)
				}
			case isObject && len(below) > 0:
				walk(child, full+".")
			}
		}
	}
	walk(conf, "")
	return lints
}

// meant is the field that was probably meant: the nearest of the siblings, or the
// only one elsewhere that has the name. It is "" where none is.
func meant(name string, siblings []string) string {
	if near := nearest(name, siblings); near != "" {
		return near
	}
	var elsewhere []string
	for parent, children := range fieldNames() {
		if parent != "" && slices.Contains(children, name) {
			elsewhere = append(elsewhere, parent+"."+name)
		}
	}
	if len(elsewhere) == 1 {
		return elsewhere[0]
	}
	return ""
}

// fieldNames are the names of all fields: below each full name, and below "" for the
// input itself, those of its children, none for a field that has none.
var fieldNames func() map[string][]string

// The spec has lint rules, and the rules ask for the spec.
func init() { fieldNames = sync.OnceValue(namesOfSpec) }

func namesOfSpec() map[string][]string {
	names := map[string][]string{"": {}}
	env := service.NewEnvironment()
	_ = env.RegisterBatchInput(Name, Spec(), func(*service.ParsedConfig, *service.Resources) (service.BatchInput, error) {
		return nil, errors.ErrUnsupported // it is there for its documentation
	})
	env.WalkInputs(func(name string, view *service.ConfigView) {
		if name != Name {
			return
		}
		docs, err := view.TemplateData()
		if err != nil {
			return // without them, nothing is suggested
		}
		for _, f := range docs.Fields {
			parent, name := "", f.FullName
			if i := strings.LastIndexByte(name, '.'); i >= 0 {
				parent, name = name[:i], name[i+1:]
			}
			names[parent] = append(names[parent], strings.TrimSuffix(name, "[]"))
			if names[f.FullName] == nil {
				names[f.FullName] = []string{}
			}
		}
	})
	return names
}
