#!/bin/sh
# Refuses images that are named by a tag alone, because a tag can be moved to another image:
#     deploy/by-digest.sh IMAGE...
set -eu
[ "$#" -gt 0 ] || { echo "usage: deploy/by-digest.sh IMAGE..." >&2; exit 2; }
for image; do
    if printf '%s\n' "$image" | grep -Evqx '[a-z0-9._/:-]+@sha256:[0-9a-f]{64}'; then
        echo "'$image' is no image with its digest: write NAME@sha256:… (docs/running.md, \"Images by digest\")" >&2
        exit 1
    fi
done
