#!/usr/bin/env bash
# Runs the tests of config/monitoring with a real Prometheus, which must be
# installed (apt-get install prometheus), and skips none of them.
#
#   bash tests/monitoring/run.sh [go test flags]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

for program in prometheus promtool; do
  command -v "$program" >/dev/null || {
    echo "tests/monitoring/run.sh needs '$program' on the PATH: apt-get install prometheus" >&2
    exit 1
  }
done
MONITORING_MUST_RUN=1 go test -count=1 -timeout 10m "$@" .
