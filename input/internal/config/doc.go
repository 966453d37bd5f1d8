// Package config is the configuration of the input: its spec, its lint rules, and
// the one checked struct that a parsed configuration becomes.
//
//	spec*.go           the fields: descriptions, defaults, examples
//	lint.go, rules.go  the lint rules, and how Benthos comes to run them
//	config.go, sync.go, scanner.go, source.go
//	                   a parsed configuration becomes a Config
//	buckets.go, projects.go
//	                   several buckets, several projects, and the Config of each
//	fields.go          fields are read, and errors get the field they are about
//	filter.go          the fields of what the filter and the metadata are asked for
//	values.go, enum.go parsers of single values, which rules and Parse share
//	clients.go, clients_fleet.go
//	                   the clients that a Config describes
//
// # Invariants
//
//   - What a lint rule says, Parse says in the same words: both call the same
//     parsers and checks. Only what has no effect is a lint and no error.
//   - Every error is data: a supabase.FieldError with field, problem and remedy.
//     Its text is made once, where it is shown.
//   - A variable of the environment that is not set is no fault of a
//     configuration: lint leaves it to Benthos, which reports it.
//   - No error holds the value of a secret field.
package config
