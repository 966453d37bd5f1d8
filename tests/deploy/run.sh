#!/usr/bin/env bash
# Tests config/deploy; doc_test.go says how. What is missing is installed with apt.
#
#   bash tests/deploy/run.sh [ARGUMENTS OF go test]
set -Eeuo pipefail
packages=()
command -v buildah >/dev/null || packages+=(buildah)
command -v systemd-analyze >/dev/null || packages+=(systemd)
command -v dpkg-deb >/dev/null || packages+=(dpkg)
[[ -s /etc/ssl/certs/ca-certificates.crt ]] || packages+=(ca-certificates)
if ((${#packages[@]})); then
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${packages[@]}"
fi
[[ ${1:-} == --install ]] || exec go test -C "$(dirname "${BASH_SOURCE[0]}")" -count=1 -timeout 20m "$@" ./...
