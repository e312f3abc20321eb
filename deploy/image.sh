#!/bin/sh
# Prepares the files of a container image: deploy/image.sh PROGRAM FOLDER [NAME]
#     FOLDER/root     the image's root: program, libraries, certificate authorities
#     FOLDER/state    the part of /var/lib that belongs to the image's user
set -eu
program=$1 root=$2/root name=${3:-klarna-order-worker}

install -D -m 755 "$program" "$root/usr/local/bin/$name"
# The dynamic loader and the libraries, at the paths where the loader looks for them.
ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
    install -D -m 755 "$library" "$root$library"
done
install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
echo "$name:x:65532:65532::/var/lib/$name:/sbin/nologin" >"$root/etc/passwd"
echo "$name:x:65532:" >"$root/etc/group"
install -d -m 700 "$2/state/$name"
