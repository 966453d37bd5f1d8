#!/usr/bin/env sh
# Builds the binary as releases and the image have it, static and without paths
# of this machine:
#
#   sh config/deploy/build.sh FILE
#
# GOOS and GOARCH are the target, and TAGS are build tags: noaws leaves the AWS
# components out. VERSION, COMMIT and DATE are stamps; without them, Go records the
# commit of the clone.
set -eu
stamps="-X 'main.version=${VERSION:-}' -X 'main.commit=${COMMIT:-}' -X 'main.date=${DATE:-}'"
CGO_ENABLED=0 go build -C "$(dirname "$0")/../.." -trimpath -tags "${TAGS:-}" -ldflags "-s -w $stamps" \
  -o "$1" ./cmd/supabase-connect
