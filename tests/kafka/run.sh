#!/usr/bin/env bash
# Runs the Kafka test against a real Apache Kafka: a single KRaft node on
# loopback, whose jars come from Maven. The broker lives in a temporary
# directory and is gone when the script ends, however it ends.
#
#   bash tests/kafka/run.sh            needs Go, a JDK (17 or newer) and Maven
set -euo pipefail

readonly ready_seconds=90
readonly test_minutes=10

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR
source "$here/broker.sh"
work=$(mktemp -d)
broker_pid=
test_pid=

clean_up() {
  local status=$?
  trap - EXIT
  if [[ -n $test_pid ]]; then
    kill "$test_pid" 2>/dev/null || true
  fi
  if [[ -n $broker_pid ]]; then
    stop_broker
  fi
  if ((status != 0)) && [[ -s $work/broker.log ]]; then
    echo "--- the last lines of the broker's log ---" >&2
    tail -n 40 "$work/broker.log" >&2
  fi
  rm -rf "$work"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

stop_broker() {
  kill "$broker_pid" 2>/dev/null || true
  for _ in {1..100}; do
    kill -0 "$broker_pid" 2>/dev/null || return 0
    sleep 0.2
  done
  kill -KILL "$broker_pid" 2>/dev/null || true
}

command -v go >/dev/null || {
  echo "tests/kafka/run.sh needs 'go' on the PATH" >&2
  exit 1
}
prepare_broker "$work"

echo "starting the broker on 127.0.0.1:$broker_port"
"$work/start" &
broker_pid=$!

# A KRaft broker opens its port only when the cluster lets it serve.
deadline=$((SECONDS + ready_seconds))
until answers "$broker_port"; do
  if ! kill -0 "$broker_pid" 2>/dev/null; then
    echo "the broker ended before it was ready" >&2
    exit 1
  fi
  if ((SECONDS >= deadline)); then
    echo "the broker was not ready within $ready_seconds seconds" >&2
    exit 1
  fi
  sleep 0.5
done

cd "$here"
KAFKA_BROKERS="127.0.0.1:$broker_port" \
  go test -count=1 -v -timeout "${test_minutes}m" -run '^TestRealKafka' . &
test_pid=$!
# In the background, because a signal cuts a wait short, but not a command.
wait "$test_pid"
test_pid=
