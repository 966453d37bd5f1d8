// Package meter is the input's metrics: counters, gauges and timers of Benthos, as each
// part of an input sees them.
//
//	set.go       all metrics by name, and what is told of single objects
//	passes.go    how far a pass is, when the next is due, and what fails
//	series.go    one metric as the parts of an input see it: a project, a scope
//	times.go     the earliest of the times of all parts
//	gatherer.go  what changes with every object is gathered, and then sent
//
// # Invariants
//
//  1. A metric is made once for an input, however many parts set it. A gauge without
//     labels shows the sum of what its parts have, or the earliest of their times; where
//     an input reads several scopes, the object counters and the gauges of the ledger have
//     a series for each.
//  2. What one object costs is an addition under a lock: an exporter, which looks a metric
//     up by its labels at each call, gets the sums every tenth of a second.
//  3. What a part has set is taken out when it is gone.
package meter
