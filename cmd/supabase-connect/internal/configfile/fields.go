package configfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/redpanda-data/benthos/v4/public/service"
	"gopkg.in/yaml.v3"

	"github.com/seed75cbcda6/supabase-storage/input"
)

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

// The fields of a config in which inputs, caches and outputs are.
const (
	fieldInput           = "input"
	fieldOutput          = "output"
	fieldInputResources  = "input_resources"
	fieldCacheResources  = "cache_resources"
	fieldOutputResources = "output_resources"
)

// resourceFields are lists, to which further files add.
var resourceFields = []string{fieldInputResources, fieldCacheResources, fieldOutputResources}

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
		return nil, errors.Join(unquoted(name, string(content)), fmt.Errorf("reading %s: %w", name, err))
	}
	fields, err := readFields(string(content))
	var errs []error
	if err != nil { // it is no YAML, and the linter says no more
		errs = append(errs, unquoted(name, string(content)))
	}
	known := fieldErrors(schema, fields)
	for _, lint := range lints {
		switch typed := known[lint.What]; {
		case overridden && lint.Type != service.LintMissingEnvVar:
		case typed != nil:
			errs = append(errs, fmt.Errorf("%s(%d,%d) %w", name, lint.Line, lint.Column, typed))
		default:
			errs = append(errs, fmt.Errorf("%s%w", name, lint))
		}
	}
	if joined := errors.Join(errs...); joined != nil {
		return nil, joined
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return fields, nil
}

// readFields reads the fields that matter here, by a schema that takes them as they
// are: the full one would leave out the secrets, and a YAML parser knows no
// environment variables.
func readFields(content string) (map[string]any, error) {
	plain := &service.ConfigSchema{}
	names := slices.Concat([]string{fieldInput, fieldOutput}, resourceFields)
	for _, field := range names {
		plain.Field(service.NewAnyField(field).Optional())
	}
	file, err := plain.NewConfigQuerier().ParseYAML(content)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{}
	for _, field := range names {
		parsed, err := file.FieldAtPath(field)
		if err != nil {
			continue // it is not in the file
		}
		if fields[field], err = parsed.FieldAny(); err != nil {
			return nil, fmt.Errorf("%s: %w", field, err)
		}
	}
	return fields, nil
}

// fieldErrors are the errors of which the lints of the inputs are the texts.
func fieldErrors(schema *service.ConfigSchema, fields map[string]any) map[string]error {
	errs := map[string]error{}
	// What can't be walked has lints that are not the input's own.
	_ = schema.NewStreamConfigWalker().WalkComponentsAny(fields, func(w *service.WalkedComponent) error {
		if w.ComponentType != "input" || w.Name != componentName {
			return nil
		}
		if own, err := ownFields(w); err == nil {
			for _, err := range input.Lint(own) {
				errs[err.Error()] = err
			}
		}
		return nil
	})
	return errs
}

// addResources adds the resources of one config to another.
func addResources(to, from map[string]any) {
	for _, field := range resourceFields {
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
