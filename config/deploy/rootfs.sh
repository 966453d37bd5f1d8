#!/usr/bin/env sh
# Lays out what the image holds, below a folder with an absolute path:
#
#   sh config/deploy/rootfs.sh FOLDER
#
# FOLDER/root  belongs to root: the binary, certificates, the name of the user
# FOLDER/user  belongs to the user of the image: /data and /tmp
#
# The variables are those of build.sh.
set -eu
out=$1
here=$(cd "$(dirname "$0")" && pwd)

mkdir -p "$out/root/usr/bin" "$out/root/etc/ssl/certs" "$out/root/usr/share/doc/supabase-connect" "$out/user/data" "$out/user/tmp"
sh "$here/build.sh" "$out/root/usr/bin/supabase-connect"
# The authorities that Debian trusts. Time zones are in the binary.
cp /etc/ssl/certs/ca-certificates.crt "$out/root/etc/ssl/certs/"
echo 'nonroot:x:65532:65532:supabase-connect:/data:/sbin/nologin' >"$out/root/etc/passwd"
echo 'nonroot:x:65532:' >"$out/root/etc/group"
cp "$here/../../LICENSE" "$here/../../NOTICE" "$out/root/usr/share/doc/supabase-connect/"
chmod -R u+rwX,go+rX,go-w "$out/root"
