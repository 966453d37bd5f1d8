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

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port prints a port nobody listens on, from below the range that the
# system hands to outgoing connections.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 10000))
    if ! answers "$port"; then
      echo "$port"
      return
    fi
  done
}

for tool in go java mvn; do
  command -v "$tool" >/dev/null || {
    echo "tests/kafka/run.sh needs '$tool' on the PATH" >&2
    exit 1
  }
done

echo "resolving Apache Kafka with Maven"
timeout 600 mvn --quiet --batch-mode -Dstyle.color=never --file "$here/pom.xml" \
  dependency:build-classpath "-Dmdep.outputFile=$work/classpath"

broker_port=$(free_port)
controller_port=$(free_port)
while ((controller_port == broker_port)); do
  controller_port=$(free_port)
done

cat >"$work/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller_port
listeners=BROKER://127.0.0.1:$broker_port,CONTROLLER://127.0.0.1:$controller_port
advertised.listeners=BROKER://127.0.0.1:$broker_port
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=BROKER
controller.listener.names=CONTROLLER
log.dirs=$work/data
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
auto.create.topics.enable=false
PROPERTIES

java=(java -Xmx512m -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn
  -cp "$(<"$work/classpath")")

"${java[@]}" kafka.tools.StorageTool format --config "$work/server.properties" \
  --cluster-id "$("${java[@]}" kafka.tools.StorageTool random-uuid)" >"$work/broker.log" 2>&1

echo "starting the broker on 127.0.0.1:$broker_port"
"${java[@]}" kafka.Kafka "$work/server.properties" >>"$work/broker.log" 2>&1 &
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
