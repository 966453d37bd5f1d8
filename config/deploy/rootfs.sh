#!/usr/bin/env sh
# Lays out what the image holds, below a folder with an absolute path:
#
#   sh config/deploy/rootfs.sh FOLDER
#
# FOLDER/rootfs  belongs to root: the binary, certificates, the name of the user
# FOLDER/user    belongs to the user of the image: /data and /tmp
#
# The variables are those of build.sh.
set -eu
out=$1
here=$(cd "$(dirname "$0")" && pwd)

mkdir -p "$out/rootfs/usr/bin" "$out/rootfs/etc/ssl/certs" "$out/rootfs/usr/share/doc/supabase-connect" "$out/user/data" "$out/user/tmp"
sh "$here/build.sh" "$out/rootfs/usr/bin/supabase-connect"
# The authorities that Debian trusts. Time zones are in the binary.
cp /etc/ssl/certs/ca-certificates.crt "$out/rootfs/etc/ssl/certs/"
echo 'nonroot:x:65532:65532:supabase-connect:/data:/sbin/nologin' >"$out/rootfs/etc/passwd"
echo 'nonroot:x:65532:' >"$out/rootfs/etc/group"
cp "$here/../../LICENSE" "$here/../../NOTICE" "$out/rootfs/usr/share/doc/supabase-connect/"
chmod -R u+rwX,go+rX,go-w "$out/rootfs"
