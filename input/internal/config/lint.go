package config

import (
	"fmt"
	"sync"

	"github.com/redpanda-data/benthos/v4/public/bloblang"
)

// lintMethod is a Bloblang method of our own. Lint rules are Bloblang, which
// cannot compile a glob or read a JWT; with it, lint and the constructor check
// with the same code and say the same words.
const lintMethod = "supabase_storage_lint"

// lintWhole names the rule for what several fields decide together.
const lintWhole = "*"

// lintRule is the Bloblang of the rule called name.
func lintRule(name string) string {
	return fmt.Sprintf("root = this.%s(%q)", lintMethod, name)
}

// registerLintMethod makes lintMethod known. Rules are parsed as the spec is
// built, so it comes first.
var registerLintMethod = sync.OnceFunc(func() {
	spec := bloblang.NewPluginSpec().
		Category("Plugin").
		Deprecated(). // Hides it from the documentation.
		Description("Lints one field of the `supabase_storage` input. It serves that input's own lint rules.").
		Param(bloblang.NewStringParam("field").Description("The field to lint."))
	bloblang.MustRegisterMethodV2(lintMethod, spec, func(args *bloblang.ParsedParams) (bloblang.Method, error) {
		name, err := args.GetString("field")
		if err != nil {
			return nil, err
		}
		rule, ok := lintRules[name]
		if !ok {
			return nil, fmt.Errorf("no lint rule for field %q", name)
		}
		return func(v any) (any, error) {
			lints := []any{}
			for _, p := range rule(v) {
				lints = append(lints, p.Error())
			}
			return lints, nil
		}, nil
	})
})
