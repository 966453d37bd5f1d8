#!/usr/bin/env bash
# Kills a pipeline again and again, under constant uploads, overwrites and
# deletes, and checks that nothing is lost and repeats stay within their bound.
#
#   bash tests/drill/run.sh [KILLS [FLAGS...]]    needs Go; 50 kills take two minutes
#
# -seed N repeats the chances of an earlier run. -break repeat and -break lose
# work against the pipeline, and must make it fail.
set -euo pipefail

kills=${1:-50}
shift || true
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Without the aws components, which nothing here needs and which triple the time
# that linking takes.
go build -tags noaws -o "$work/supabase-connect" ./cmd/supabase-connect
go build -o "$work/drill" ./tests/drill
"$work/drill" -binary "$work/supabase-connect" -kills "$kills" "$@"
