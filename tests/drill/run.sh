#!/usr/bin/env bash
# Runs the real binary against a bucket under constant uploads, overwrites and
# deletes, and checks by a book of all versions what it delivered.
#
#   bash tests/drill/run.sh kills [KILLS [FLAGS...]]     kills it again and again; 50 take three minutes
#   bash tests/drill/run.sh lies [SECONDS [FLAGS...]]    behind a gateway that lies; 20 s and the time to settle
#   bash tests/drill/run.sh scale [KILLS [FLAGS...]]     a lister and workers on a real broker; two minutes
#   bash tests/drill/run.sh organization [PROJECTS [FLAGS...]]  many projects in one process; two minutes
#   bash tests/drill/run.sh scopes [KILLS [FLAGS...]]    an organization in one process, killed again and again; 60 take four minutes
#   bash tests/drill/run.sh organization 1000 --mode rest --interval 1m [FLAGS...]  what it costs at rest; five minutes
#   bash tests/drill/run.sh storm [WEBHOOKS [FLAGS...]]  webhooks, doubled and out of order
#
# All need Go; scale needs a JDK and Maven as tests/kafka does, or redis-server with
# --broker redis. Its --share 0.1 lets the gateway lie as well, and --outage 30s stops the
# broker for a while. --plane rest (kills, lies) reads over the Storage REST API in place
# of the S3 protocol. -seed N repeats the chances of an earlier run. Of kills and scopes,
# -break repeat and -break lose work against the pipeline, and must make it fail. Of lies,
# -kinds A,B,… tells these alone, -share 0.5 more of them, and -trickle 2s lets
# large bodies trickle as well. Of organization, --mode rest prints the requests, CPU time
# and memory of a minute in which nothing happens, and fails where the process asks for
# more than each poll needs, logs a line or writes its state; -tls gives each project
# a host of its own behind TLS, -api-limit 120 has the Management API count the requests for
# all projects together, -api-delay 150ms delays its answers, and -profile DIR keeps
# profiles. -binary in FLAGS takes the place of the binary without the AWS components.
set -euo pipefail

drill=${1:-kills}
shift $(($# < 1 ? $# : 1))
number=
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
  number=$1
  shift
fi
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [[ $drill == scale && " $* " != *" redis "* && " $* " != *=redis\ * ]]; then
  # shellcheck source=../kafka/broker.sh
  source tests/kafka/broker.sh
  prepare_broker "$work/kafka"
  set -- "$@" -kafka-start "$work/kafka/start" -kafka-address "127.0.0.1:$broker_port"
fi

# Without the aws components, which nothing here needs and which triple the time
# that linking takes.
go build -tags noaws -o "$work/supabase-connect" ./cmd/supabase-connect
go build -o "$work/drill" ./tests/drill
"$work/drill" "$drill" -binary "$work/supabase-connect" ${number:+-n "$number"} "$@"
