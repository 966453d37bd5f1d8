// Package cmdline reads a command line as people mean it, and rewrites it for
// Benthos, which is stricter.
package cmdline

import (
	"errors"
	"os"
	"slices"
	"strings"
)

// valued are the flags of Benthos that have a value.
var valued = []string{
	"config", "c", "log.level", "set", "s", "resources", "r", "env-file", "e", "templates", "t", "observability", "o",
	"progress",
}

// Rewrite returns a command line for Benthos; configs are the paths of the config
// that it would run where none is named. What differs:
//
//   - Flags may follow the config. Benthos reads no flag after the first argument,
//     so those of run, streams and lint are moved in front of it.
//   - Without any argument, and without a config to run, the help is shown. Benthos
//     would read lines from stdin, and listen on all addresses.
//   - The command run without a config is an error for the same reason.
func Rewrite(args, configs []string) ([]string, error) {
	if len(args) == 0 {
		return args, nil
	}
	program, rest := args[:1], args[1:]
	there := slices.ContainsFunc(configs, func(path string) bool {
		_, err := os.Stat(path)
		return err == nil
	})
	if len(rest) == 0 && !there {
		return append(slices.Clone(program), "--help"), nil
	}
	root, rest := flagsFirst(rest)
	if len(rest) == 0 || !slices.Contains([]string{"run", "streams", "lint"}, rest[0]) {
		return args, nil
	}
	command := rest[0]
	var flags, names []string
	for rest = rest[1:]; len(rest) > 0; {
		var more []string
		more, rest = flagsFirst(rest)
		flags = append(flags, more...)
		if len(rest) > 0 && rest[0] == "--" {
			names = append(names, rest...)
			break
		}
		if len(rest) > 0 {
			names, rest = append(names, rest[0]), rest[1:]
		}
	}
	if command == "run" && len(names)+len(root) == 0 && !there && !slices.ContainsFunc(flags, namesConfigOrHelp) {
		return nil, errors.New("run needs the config of the pipeline: run CONFIG")
	}
	return slices.Concat(program, root, []string{command}, flags, names), nil
}

// flagsFirst splits off the flags at the beginning, with their values.
func flagsFirst(args []string) (flags, rest []string) {
	i := 0
	for i < len(args) && len(args[i]) > 1 && args[i][0] == '-' && args[i] != "--" {
		name, _, hasValue := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		if i++; !hasValue && slices.Contains(valued, name) && i < len(args) {
			i++
		}
	}
	return args[:i], args[i:]
}

// namesConfigOrHelp reports whether a flag makes a config unnecessary: one that
// names it, one that sets its fields, or one that asks for help.
func namesConfigOrHelp(flag string) bool {
	name, _, _ := strings.Cut(strings.TrimLeft(flag, "-"), "=")
	return strings.HasPrefix(flag, "-") && slices.Contains([]string{"config", "c", "set", "s", "help", "h"}, name)
}

// AsksVersion reports whether a command line asks for the version alone.
func AsksVersion(args []string) bool {
	return len(args) == 2 && slices.Contains([]string{"--version", "-version", "--v", "-v"}, args[1])
}
