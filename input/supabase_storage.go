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

// newInput makes the input that Benthos runs. Where nacks are replayed,
// Benthos' own wrapper does it: the reader never sees them then.
func newInput(conf config, res *service.Resources) (service.BatchInput, error) {
	r, err := newReader(conf, res)
	if err != nil {
		return nil, err
	}
	if conf.autoReplayNacks {
		return service.AutoRetryNacksBatched(r), nil
	}
	return r, nil
}
