#!/usr/bin/env bash
# Measures the supabase_storage input next to the aws_s3 input, s5cmd, rclone and
# obstore, on the same work, against a synthetic S3 endpoint on this machine, and
# against a Supabase Storage where the environment names one.
#
#   bash tests/bench/run.sh [FLAGS...]          all rows; about half an hour
#   bash tests/bench/run.sh --all --rounds 5    and all variants; writes RESULTS.md
#   bash tests/bench/run.sh --rows small,medium --rounds 5
#   bash tests/bench/run.sh --write             and writes tests/bench/RESULTS.md
#   bash tests/bench/run.sh --help              all flags
#   bash tests/bench/run.sh --tools supabase_storage --compare OTHER_BINARY
#                                               two builds of it in the same rounds
#   bash tests/bench/run.sh serve --help        the endpoint alone
#
# It needs Go. s5cmd, rclone and obstore are run when they are on the PATH or where
# their installation puts them, otherwise it says how to install them. Leave the
# machine alone meanwhile: all figures are those of one machine.
#
# The rows real-... need SUPABASE_TEST_ENDPOINT, _REGION, _ACCESS_KEY_ID,
# _SECRET_ACCESS_KEY and _SERVICE_ROLE_KEY, as tests/conformance does. They make
# buckets whose names begin with bench-real-, and remove them afterwards. Use a
# project that nothing else depends on.
#
# SUPABASE_CONNECT names a binary to run in place of the one of this checkout.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if [[ ${1:-} == --help || ${1:-} == -h ]]; then
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' tests/bench/run.sh
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

go build -o "$work/bench" ./tests/bench
case ${1:-} in
  --help | -h | serve)
    "$work/bench" "$@"
    exit
    ;;
esac
binary=${SUPABASE_CONNECT:-$work/supabase-connect}
commit=
if [[ -z ${SUPABASE_CONNECT:-} ]]; then
  go build -o "$binary" ./cmd/supabase-connect # with aws_s3: not -tags noaws
  commit=$(git describe --tags --always --dirty 2>/dev/null || true)
fi
"$work/bench" -binary "$binary" -commit "$commit" "$@"
