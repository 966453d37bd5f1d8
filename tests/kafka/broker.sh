# shellcheck shell=bash
# A real Apache Kafka for tests: a single KRaft node on loopback, whose jars come from
# Maven. To be sourced. It needs a JDK (17 or newer) and Maven.
#
#   prepare_broker DIR    writes DIR/start, which becomes the broker when it is run, and
#                         can be run again after it ended; sets broker_port
#
# All that the broker writes is in DIR.

broker_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

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

prepare_broker() {
  local dir=$1 tool controller_port java
  for tool in java mvn; do
    command -v "$tool" >/dev/null || {
      echo "a real Kafka needs '$tool' on the PATH" >&2
      return 1
    }
  done
  mkdir -p "$dir"

  echo "resolving Apache Kafka with Maven"
  timeout 600 mvn --quiet --batch-mode -Dstyle.color=never --file "$broker_here/pom.xml" \
    dependency:build-classpath "-Dmdep.outputFile=$dir/classpath"

  broker_port=$(free_port)
  controller_port=$(free_port)
  while ((controller_port == broker_port)); do
    controller_port=$(free_port)
  done

  cat >"$dir/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller_port
listeners=BROKER://127.0.0.1:$broker_port,CONTROLLER://127.0.0.1:$controller_port
advertised.listeners=BROKER://127.0.0.1:$broker_port
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=BROKER
controller.listener.names=CONTROLLER
log.dirs=$dir/data
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
auto.create.topics.enable=false
PROPERTIES

  java=(java -Xmx512m -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn
    -cp "$(<"$dir/classpath")")
  "${java[@]}" kafka.tools.StorageTool format --config "$dir/server.properties" \
    --cluster-id "$("${java[@]}" kafka.tools.StorageTool random-uuid)" >"$dir/broker.log" 2>&1
  {
    echo '#!/usr/bin/env bash'
    printf 'exec'
    printf ' %q' "${java[@]}" kafka.Kafka "$dir/server.properties"
    printf ' >>%q 2>&1\n' "$dir/broker.log"
  } >"$dir/start"
  chmod +x "$dir/start"
}
