package input

import (
	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
)

func init() {
	if err := Register(service.GlobalEnvironment()); err != nil {
		panic(err)
	}
}

// Spec is the configuration of the input: its fields with their defaults,
// documentation, lint rules and examples.
func Spec() *service.ConfigSpec { return config.Spec() }

// Register adds the input to an environment, under the name supabase_storage. It
// replaces an input of this name. Importing the package registers the input in
// [service.GlobalEnvironment], of which [service.NewEnvironment] makes a copy: call
// Register for an environment that has other inputs, or none.
func Register(env *service.Environment) error {
	return env.RegisterBatchInput(config.Name, config.Spec(), newFromParsed)
}

func newFromParsed(parsed *service.ParsedConfig, res *service.Resources) (service.BatchInput, error) {
	conf, err := config.Parse(parsed)
	if err != nil {
		return nil, err
	}
	if err := conf.CheckResources(res); err != nil {
		return nil, err
	}
	return newInput(conf, res)
}

// newInput makes the input that Benthos runs.
func newInput(conf config.Config, res *service.Resources) (service.BatchInput, error) {
	if conf.Several() {
		s := newSeveral(conf, res)
		return withRetries(conf, s, s.undelivered), nil
	}
	r, err := newReader(conf, res)
	if err != nil {
		return nil, err
	}
	if err := r.openTargets(); err != nil {
		r.client.Close()
		return nil, config.At(config.FieldTargetsInput, err)
	}
	return withRetries(conf, r, r.undelivered), nil
}

// withRetries has nacks replayed, where that is asked for.
func withRetries(conf config.Config, r service.BatchInput, u *emit.Undelivered) service.BatchInput {
	if conf.AutoReplayNacks {
		return emit.Replayed(r, u)
	}
	return r
}
