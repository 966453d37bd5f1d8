package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"
)

func TestAMisspeltFieldIsAnsweredWithTheOneThatWasMeant(t *testing.T) {
	for text, want := range map[string][]string{
		"delete_object: true":           {"delete_object: there is no such field; did you mean delete_objects?"},
		"include_pattern: ['*.jpg']":    {"include_pattern: there is no such field; did you mean include_patterns?"},
		"timeouts: {idl: 5s}":           {"timeouts.idl: there is no such field; did you mean idle?"},
		"max_downloads: 4":              {"max_downloads: there is no such field; did you mean concurrency.max_downloads?"},
		"service_role_key: x":           {"service_role_key: there is no such field; did you mean credentials.service_role_key?"},
		"prefetch_count: 5":             nil,
		"tls: {root_cas: x}":            nil,
		"scanner: {lines: {}}":          nil,
		"timeouts: {idle: 5s}":          nil,
		"include_patterns: ['*.jpg']":   nil,
		"retry: 5":                      nil,
		"state: {pth: x, namespace: y}": {"state.pth: there is no such field; did you mean path?"},
	} {
		t.Run(text, func(t *testing.T) {
			var got []string
			for _, lint := range lintFields(t, withFields(text), nil) {
				if strings.Contains(lint.What, "there is no such field") {
					got = append(got, lint.What)
				}
			}
			require.Equal(t, want, got)
		})
	}
}

func TestTheFieldNamesAreThoseOfTheSpec(t *testing.T) {
	require.Equal(t, namesOfSpec(), fieldNames)
}

func namesOfSpec() map[string][]string {
	names := map[string][]string{}
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
		}
	})
	return names
}
