// Package configfile finds the supabase_storage inputs of a config, for the
// commands that look at one without running it.
//
//	configfile.go  a config, its inputs and its caches
//	fields.go      files, environment variables, overrides
//	flags.go       the flags that name them
//	unquoted.go    a pattern that YAML reads as something else
package configfile

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"gopkg.in/yaml.v3"

	"github.com/seed75cbcda6/supabase-storage/input"
)

const componentName = "supabase_storage"

// Options say what a config is made of, as for the command run.
type Options struct {
	// Config is the file, Resources and EnvFiles are further ones.
	Config              string
	Resources, EnvFiles []string
	// Set holds overrides of the config, as PATH=VALUE.
	Set []string
	// Label picks one input, by its label or path; "" is all of them.
	Label string
	// JSON asks for one JSON document in place of a text.
	JSON bool
}

// Document is a config as far as such a command needs it.
type Document struct {
	// Path is that of the file, Inputs are in the order of the config.
	Path   string
	Inputs []Input
	// caches are the cache resources, each as YAML with its label.
	caches []string
	// files are where the file outputs stand that add to each file they write.
	files []string
}

// Input is one supabase_storage input.
type Input struct {
	// Label is "" where it has none; Path is where it stands in the config, such
	// as input.broker.inputs.0.
	Label, Path string
	Conf        *service.ParsedConfig
	// whole says that a message is an object, as it is without a scanner.
	whole bool
}

// Name is how the input is called in messages.
func (in Input) Name() string {
	if in.Label == "" {
		return in.Path
	}
	return fmt.Sprintf("%s (%s)", in.Label, in.Path)
}

// Read reads the config as run does: environment variables, resources of
// further files and overrides included, and linted. All lints are in its error,
// one to a line.
func Read(schema *service.ConfigSchema, o Options) (*Document, error) {
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
	d := &Document{Path: o.Config}
	return d, schema.NewStreamConfigWalker().WalkComponentsAny(fields, d.visit)
}

// visit collects inputs and caches.
func (d *Document) visit(w *service.WalkedComponent) error {
	switch {
	case w.ComponentType == "cache" && w.Label != "":
		d.caches = append(d.caches, w.ConfigYAML())
	case w.ComponentType == "output" && w.Name == "file":
		whole, err := w.ConfigAny()
		if err != nil {
			return err
		}
		if addsToFiles(whole) {
			d.files = append(d.files, w.Path)
		}
	case w.ComponentType == "input" && w.Name == componentName:
		in, err := parseInput(w)
		if err != nil {
			return fmt.Errorf("reading %s of %s: %w", w.Path, d.Path, err)
		}
		d.Inputs = append(d.Inputs, in)
	}
	return nil
}

// addsToFiles reports whether a file output writes files of their own, by a path
// that depends on the message, and ends each message with a delimiter. To a file
// that all messages share a delimiter belongs.
func addsToFiles(output any) bool {
	component, _ := output.(map[string]any)
	own, _ := component["file"].(map[string]any)
	path, _ := own["path"].(string)
	codec, _ := own["codec"].(string)
	return strings.Contains(path, "${!") && (codec == "" || codec == "lines" || strings.HasPrefix(codec, "delim:"))
}

// Warnings are what is well-formed and most often not meant. A file output whose
// codec ends each message with a delimiter adds to every file, where an input
// reads whole objects.
func (d *Document) Warnings() []input.CheckProblem {
	whole := slices.ContainsFunc(d.Inputs, func(in Input) bool { return in.whole })
	var warnings []input.CheckProblem
	for _, path := range d.files {
		if whole {
			warnings = append(warnings, input.CheckProblem{
				Field:   path + ".file.codec",
				Problem: "adds a line break, or another delimiter, to each file, so that it is not the object byte for byte",
				Remedy:  "write codec: all-bytes",
			})
		}
	}
	return warnings
}

// ownFields are the fields of an input.
func ownFields(w *service.WalkedComponent) (map[string]any, error) {
	whole, err := w.ConfigAny()
	if err != nil {
		return nil, err
	}
	component, _ := whole.(map[string]any)
	own, _ := component[componentName].(map[string]any)
	return own, nil
}

// parseInput parses the input's own part of its config. The namespace of a state
// is the label where none is written: the parsed config can't tell the label, so
// it is written in.
func parseInput(w *service.WalkedComponent) (Input, error) {
	own, err := ownFields(w)
	if err != nil {
		return Input{}, err
	}
	if state, ok := own["state"].(map[string]any); ok {
		if namespace, _ := state["namespace"].(string); namespace == "" && w.Label != "" {
			state["namespace"] = w.Label
		}
	}
	text, err := yaml.Marshal(own)
	if err != nil {
		return Input{}, err
	}
	scanner, _ := own["scanner"].(map[string]any)
	_, toTheEnd := scanner["to_the_end"]
	conf, err := input.Spec().ParseYAML(string(text), nil)
	return Input{Label: w.Label, Path: w.Path, Conf: conf, whole: len(scanner) == 0 || toTheEnd}, err
}

// Pick returns the inputs with a label or at a path, all where it is "". It
// fails where there are none.
func (d *Document) Pick(label string) ([]Input, error) {
	if len(d.Inputs) == 0 {
		return nil, fmt.Errorf("%s has no %s input", d.Path, componentName)
	}
	if label == "" {
		return d.Inputs, nil
	}
	var picked []Input
	for _, in := range d.Inputs {
		if in.Label == label || in.Path == label {
			picked = append(picked, in)
		}
	}
	if len(picked) == 0 {
		return nil, fmt.Errorf("--%s %s: %s has no such %s input; there are: %s", FlagLabel, label, d.Path, componentName, Names(d.Inputs))
	}
	return picked, nil
}

// Names lists the names of inputs for a message.
func Names(inputs []Input) string {
	var all []string
	for _, in := range inputs {
		all = append(all, in.Name())
	}
	return strings.Join(all, ", ")
}

// Resources makes the caches of the config, if any of the inputs has its state in
// one. The caller calls release, which gives them a while to close.
func (d *Document) Resources(ctx context.Context, picked []Input, closeTimeout time.Duration) (res *service.Resources, release func(), err error) {
	builder := service.NewResourceBuilder()
	builder.DisableLinting()
	// The variables are in place; what looks like one by now is a value.
	builder.SetEnvVarLookupFunc(func(_ context.Context, name string) (string, bool) { return "${" + name + "}", true })
	builder.SetLogger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if slices.ContainsFunc(picked, func(in Input) bool { return in.Conf.Contains("state", "cache") }) {
		for _, cache := range d.caches {
			if err := builder.AddCacheYAML(cache); err != nil {
				return nil, nil, fmt.Errorf("reading the cache resources of %s: %w", d.Path, err)
			}
		}
	}
	res, closeAll, err := builder.BuildSuspended()
	if err != nil {
		return nil, nil, fmt.Errorf("making the cache resources of %s: %w", d.Path, err)
	}
	return res, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		_ = closeAll(ctx) // all that matters was written before
	}, nil
}
