#!/usr/bin/env bash
# Makes the files of a release: archives, packages for Debian and RPM, a list of
# components (SBOM, CycloneDX) for each binary, and checksums.
#
#   bash config/deploy/release.sh                        all targets, into dist/
#   bash config/deploy/release.sh --out DIR linux/amd64  one target
#
# It needs Linux and Go, and zip for the archives for Windows; nfpm and
# cyclonedx-gomod are tools of the Go module in config/deploy/release. The same
# commit and version of Go give the same bytes, in any folder and on any day.
#
# VERSION (v1.2.3) defaults to the tag of the commit, or else names the commit.
# TAGS are build tags: noaws leaves the AWS components out.
set -Eeuo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=$source/dist
targets=()

while (($#)); do
  case $1 in
    --out) mkdir -p "$2" && out=$(cd "$2" && pwd) && shift ;;
    -*) sed -n '2,/^set/{/^#/s/^# \?//p}' "${BASH_SOURCE[0]}" && exit 2 ;;
    */*) targets+=("$1") ;;
    *) echo "$1 is no target: write OS/ARCHITECTURE, such as linux/amd64" >&2 && exit 2 ;;
  esac
  shift
done
((${#targets[@]})) || targets=(
  linux/amd64 linux/arm64 linux/386 linux/arm
  darwin/amd64 darwin/arm64
  windows/amd64 windows/arm64
)

in_source() { git -C "$source" "$@"; }
COMMIT=$(in_source rev-parse HEAD)
SOURCE_DATE_EPOCH=$(in_source log -1 --format=%ct)
DATE=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
if [[ -z ${VERSION:-} ]]; then
  VERSION=$(in_source describe --tags --exact-match --match 'v[0-9]*' 2>/dev/null ||
    date -u -d "@$SOURCE_DATE_EPOCH" "+v0.0.0-%Y%m%d%H%M%S-${COMMIT:0:12}")
fi
if [[ -n $(in_source status --porcelain) ]]; then
  echo "the clone has changes that are not committed: the release would not be what the commit says" >&2
  [[ -n ${ALLOW_CHANGES:-} ]] || exit 1
  COMMIT+=", with changes"
fi
# Stamps name the commit, and not what Go finds in the clone: a build of the same
# sources elsewhere is the same.
export COMMIT DATE VERSION SOURCE_DATE_EPOCH GOFLAGS="${GOFLAGS:-} -buildvcs=false"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Without paths of this machine: the list of components has the tool's checksum.
tool() { GOFLAGS='-trimpath -buildvcs=false' go -C "$source/config/deploy/release" tool "$@"; }

# package TYPE ARCH BINARY FILE
package() {
  SOURCE=$source BINARY=$3 ARCH=$2 fill "$source/config/deploy/nfpm.yaml" >"$work/nfpm.yaml"
  tool nfpm package --config "$work/nfpm.yaml" --packager "$1" --target "$4"
}

# fill FILE prints the file with its variables filled in; nfpm does so in some
# fields alone.
fill() {
  local text name
  text=$(<"$1")
  for name in SOURCE BINARY ARCH VERSION; do
    text=${text//"\${$name}"/${!name}}
  done
  printf '%s\n' "$text"
}

for target in "${targets[@]}"; do
  os=${target%/*} arch=${target#*/}
  name=supabase-connect-$VERSION-$os-$arch
  echo "$name"
  mkdir -p "$work/$name"
  binary=$work/$name/supabase-connect
  [[ $os == windows ]] && binary+=.exe
  GOOS=$os GOARCH=$arch GOARM=7 sh "$source/config/deploy/build.sh" "$binary"
  cp "$source"/{LICENSE,NOTICE,README.md,CHANGELOG.md} "$work/$name/"
  chmod 0755 "$work/$name" "$binary"
  chmod 0644 "$work/$name"/{LICENSE,NOTICE,README.md,CHANGELOG.md}
  find "$work/$name" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +

  if [[ $os == windows ]]; then
    rm -f "$out/$name.zip"
    (cd "$work" && find "$name" -type f | sort | TZ=UTC zip -q -X -9 "$out/$name.zip" -@)
  else
    tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -cf - "$name" |
      gzip -9n >"$out/$name.tar.gz"
  fi
  if [[ $os == linux ]]; then
    package deb "$arch" "$binary" "$out/$name.deb"
    package rpm "$arch" "$binary" "$out/$name.rpm"
  fi
  tool cyclonedx-gomod bin -json -noserial -notimestamp -version "$VERSION" -output "$out/$name.cdx.json" "$binary"
done

(cd "$out" && sha256sum supabase-connect-"$VERSION"-* >checksums.txt)
echo "checksums: $out/checksums.txt"
