// Package dashboard is the source of config/monitoring/dashboard.json.
//
//	dashboard.go  what Grafana wants: variables, rows, panels
//	panels.go     which panels there are, and what they ask
//
// Every query of a metric of the input is limited by all variables. A label that a
// series lacks is the empty string, which ".*" matches: so the same queries work with
// streams mode's label "stream" and without it, and for inputs without a label.
//
// After a change:
//
//	go test ./tests/monitoring -run DashboardIsCurrent -update
package dashboard
