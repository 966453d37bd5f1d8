// Package config holds the example configurations, each of which lints and runs
// in the tests, and gives the binary the one that its quickstart runs.
package config

import _ "embed"

// Quickstart is quickstart.yaml.
//
//go:embed quickstart.yaml
var Quickstart string
