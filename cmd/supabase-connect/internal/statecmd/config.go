package statecmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/redpanda-data/benthos/v4/public/service"
	"gopkg.in/yaml.v3"

	"github.com/seed75cbcda6/supabase-storage/input"
)

const componentName = "supabase_storage"

// document is a config as far as this command needs it.
type document struct {
	path   string
	inputs []target
	// caches are the cache resources, each as YAML with its label.
	caches []string
}

// target is one supabase_storage input.
type target struct {
	// label is "" where it has none; path is where it stands in the config.
	label, path string
	conf        *service.ParsedConfig
}

// name is how the target is called in messages.
func (t target) name() string {
	if t.label == "" {
		return t.path
	}
	return fmt.Sprintf("%s (%s)", t.label, t.path)
}

// readDocument reads the config as run does: environment variables, resources
// of further files and overrides included, and linted.
func readDocument(schema *service.ConfigSchema, o Options) (*document, error) {
	for _, name := range o.EnvFiles {
		if err := applyEnvFile(name); err != nil {
			return nil, err
		}
	}
	fields, err := readConfig(schema, o.Config, len(o.Set) > 0)
	if err != nil {
		return nil, err
	}
	for _, name := range o.Resources {
		resources, err := readConfig(schema, name, false)
		if err != nil {
			return nil, err
		}
		addResources(fields, resources)
	}
	for _, pair := range o.Set {
		if err := override(fields, pair); err != nil {
			return nil, err
		}
	}
	d := &document{path: o.Config}
	return d, schema.NewStreamConfigWalker().WalkComponentsAny(fields, d.visit)
}

// applyEnvFile sets the variables of a dotenv file.
func applyEnvFile(name string) error {
	content, err := readFile(name)
	if err != nil {
		return err
	}
	vars, err := service.ParseEnvFile(content)
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	for key, value := range vars {
		if err := os.Setenv(key, value); err != nil {
			return fmt.Errorf("setting %s of %s: %w", key, name, err)
		}
	}
	return nil
}

func readFile(name string) ([]byte, error) {
	content, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file %s; name the config that the pipeline runs with", name)
	}
	return content, err
}

// The fields of a config in which inputs and caches are.
const (
	fieldInput          = "input"
	fieldInputResources = "input_resources"
	fieldCacheResources = "cache_resources"
)

// readConfig reads and lints one file, and returns those of its fields that
// matter here, with the environment's variables in place. What an override may
// set is not missed in a file that will be overridden.
func readConfig(schema *service.ConfigSchema, name string, overridden bool) (map[string]any, error) {
	content, err := readFile(name)
	if err != nil {
		return nil, err
	}
	lints, err := schema.NewStreamConfigLinter().LintYAML(content)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	var errs []error
	for _, lint := range lints {
		if lint.Type == service.LintMissingEnvVar || !overridden {
			errs = append(errs, fmt.Errorf("%s%w", name, lint))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	// A schema that takes these fields as they are: the full one would leave out
	// the secrets, and a YAML parser knows no environment variables.
	plain := &service.ConfigSchema{}
	names := []string{fieldInput, fieldInputResources, fieldCacheResources}
	for _, field := range names {
		plain.Field(service.NewAnyField(field).Optional())
	}
	file, err := plain.NewConfigQuerier().ParseYAML(string(content))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	fields := map[string]any{}
	for _, field := range names {
		parsed, err := file.FieldAtPath(field)
		if err != nil {
			continue // it is not in the file
		}
		if fields[field], err = parsed.FieldAny(); err != nil {
			return nil, fmt.Errorf("reading %s of %s: %w", field, name, err)
		}
	}
	return fields, nil
}

// addResources adds the resources of one config to another.
func addResources(to, from map[string]any) {
	for _, field := range []string{fieldInputResources, fieldCacheResources} {
		more, _ := from[field].([]any)
		have, _ := to[field].([]any)
		if all := slices.Concat(have, more); len(all) > 0 {
			to[field] = all
		}
	}
}

// override applies one PATH=VALUE.
func override(fields map[string]any, pair string) error {
	path, text, ok := strings.Cut(pair, "=")
	if !ok || path == "" || text == "" {
		return fmt.Errorf("--%s %s: write it as PATH=VALUE, such as %s.%s.source_path=photos", flagSet, path, fieldInput, componentName)
	}
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return fmt.Errorf("--%s %s: its value is no YAML", flagSet, path)
	}
	steps := strings.Split(path, ".")
	if err := setAt(fields, steps, value); err != nil {
		return fmt.Errorf("--%s %s: %w", flagSet, path, err)
	}
	return nil
}

// setAt sets the field at a path, and makes what is missing on the way.
func setAt(in any, steps []string, value any) error {
	last := len(steps) == 1
	switch node := in.(type) {
	case map[string]any:
		if last {
			node[steps[0]] = value
			return nil
		}
		if node[steps[0]] == nil {
			node[steps[0]] = map[string]any{}
		}
		return setAt(node[steps[0]], steps[1:], value)
	case []any:
		i, err := strconv.Atoi(steps[0])
		if err != nil || i < 0 || i >= len(node) {
			return fmt.Errorf("%q is no position in a list of %d", steps[0], len(node))
		}
		if last {
			node[i] = value
			return nil
		}
		return setAt(node[i], steps[1:], value)
	default:
		return fmt.Errorf("there is no field %q: what it should be in has no fields", steps[0])
	}
}

// visit collects inputs and caches.
func (d *document) visit(w *service.WalkedComponent) error {
	switch {
	case w.ComponentType == "cache" && w.Label != "":
		d.caches = append(d.caches, w.ConfigYAML())
	case w.ComponentType == "input" && w.Name == componentName:
		conf, err := parseInput(w)
		if err != nil {
			return fmt.Errorf("reading %s of %s: %w", w.Path, d.path, err)
		}
		d.inputs = append(d.inputs, target{label: w.Label, path: w.Path, conf: conf})
	}
	return nil
}

// parseInput parses the input's own part of its config. The namespace of a state
// is the label where none is written: the parsed config can't tell the label, so
// it is written in.
func parseInput(w *service.WalkedComponent) (*service.ParsedConfig, error) {
	whole, err := w.ConfigAny()
	if err != nil {
		return nil, err
	}
	component, _ := whole.(map[string]any)
	own, _ := component[componentName].(map[string]any)
	if state, ok := own["state"].(map[string]any); ok {
		if namespace, _ := state["namespace"].(string); namespace == "" && w.Label != "" {
			state["namespace"] = w.Label
		}
	}
	text, err := yaml.Marshal(own)
	if err != nil {
		return nil, err
	}
	return input.Spec().ParseYAML(string(text), nil)
}

// pick returns the inputs that are asked for.
func (d *document) pick(o Options) ([]target, error) {
	if len(d.inputs) == 0 {
		return nil, fmt.Errorf("%s has no %s input, so there is no state to show", d.path, componentName)
	}
	picked := d.inputs
	if o.Label != "" {
		picked = nil
		for _, t := range d.inputs {
			if t.label == o.Label || t.path == o.Label {
				picked = append(picked, t)
			}
		}
	}
	switch {
	case len(picked) == 0:
		return nil, fmt.Errorf("--%s %s: %s has no such %s input; there are: %s", flagLabel, o.Label, d.path, componentName, names(d.inputs))
	case len(picked) > 1 && o.changes():
		return nil, fmt.Errorf("%s has %d %s inputs; say which one's state is to change with --%s LABEL: %s", d.path, len(picked), componentName, flagLabel, names(picked))
	}
	return picked, nil
}

func names(targets []target) string {
	var all []string
	for _, t := range targets {
		all = append(all, t.name())
	}
	return strings.Join(all, ", ")
}

// resources builds the caches of the config, if any input has its state in one.
func (d *document) resources(picked []target) (*service.ResourceBuilder, error) {
	builder := service.NewResourceBuilder()
	builder.DisableLinting()
	// The variables are in place; what looks like one by now is a value.
	builder.SetEnvVarLookupFunc(func(_ context.Context, name string) (string, bool) { return "${" + name + "}", true })
	builder.SetLogger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	for _, t := range picked {
		if !t.conf.Contains("state", "cache") {
			continue
		}
		for _, cache := range d.caches {
			if err := builder.AddCacheYAML(cache); err != nil {
				return nil, fmt.Errorf("reading the cache resources of %s: %w", d.path, err)
			}
		}
		break
	}
	return builder, nil
}
