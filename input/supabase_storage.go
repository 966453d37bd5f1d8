package input

import (
	"github.com/redpanda-data/benthos/v4/public/service"
)

func init() {
	service.MustRegisterBatchInput(componentName, Spec(), newFromParsed)
}

func newFromParsed(parsed *service.ParsedConfig, res *service.Resources) (service.BatchInput, error) {
	conf, err := configFromParsed(parsed)
	if err != nil {
		return nil, err
	}
	if err := checkState(conf, res); err != nil {
		return nil, err
	}
	return newInput(conf, res)
}

// newInput makes the input that Benthos runs.
func newInput(conf config, res *service.Resources) (service.BatchInput, error) {
	r, err := newReader(conf, res)
	if err != nil {
		return nil, err
	}
	return withRetries(conf, r), nil
}

// withRetries has Benthos' own wrapper replay nacks, where they are replayed. The
// reader never sees them then, so they are looked at from outside.
func withRetries(conf config, r *reader) service.BatchInput {
	if conf.autoReplayNacks {
		return replayed{service.AutoRetryNacksBatched(r), r.undelivered}
	}
	return r
}
