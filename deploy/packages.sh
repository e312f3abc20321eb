#!/usr/bin/env bash
# Builds the packages into target/packages:
#     deploy/packages.sh [tarball] [deb] [image]        all three if none is named
#
#     klarna-order-worker-VERSION-ARCH-linux.tar.gz   the program, linked statically against musl: for any Linux
#     klarna-order-worker_VERSION-1_ARCH.deb          for Debian 12, Ubuntu 24.04 and newer: also units, user, man pages
#     klarna-order-worker-VERSION-image.tar           the container image, for `podman load` or `docker load`
#     SHA256SUMS
#
# It needs Rust by rustup; for the tarball a C compiler for musl (Debian: musl-tools), for the Debian package cargo-deb and
# dpkg-dev, for the image podman. KLARNA_WORKER_PROFILE names another profile than `dist`, to try the script faster.
# CONTAINER_TOOL names another program than `podman`, with its options.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/lib.sh

name=klarna-order-worker
profile=${KLARNA_WORKER_PROFILE:-dist}
version=$(cargo metadata --locked --no-deps --format-version 1 |
    python3 -c 'import json, sys
print(next(p["version"] for p in json.load(sys.stdin)["packages"] if p["name"] == sys.argv[1]))' "$name")
arch=$(uname -m)
out=$PWD/target/packages
target_folder=${CARGO_TARGET_DIR:-$PWD/target}
folder_of_profile=$profile
[ "$profile" != dev ] || folder_of_profile=debug
# Equal inputs give equal archives: every file in them has the time of the last commit.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
mkdir -p "$out"

native=$target_folder/$folder_of_profile/$name
build_native() {
    [ -z "${native_is_built:-}" ] || return 0
    say "building the program for this machine's C library"
    cargo build --locked --profile "$profile" --bin "$name"
    native_is_built=yes
}

# completions PROGRAM: into target/packages/completions, where Cargo.toml expects them.
completions() {
    local shell
    mkdir -p "$out/completions"
    for shell in bash zsh fish; do "$1" completions "$shell" >"$out/completions/$name.$shell"; done
}

tarball() {
    local target=$arch-unknown-linux-musl folder=$name-$version-$arch-linux stage
    rustup target list --installed | grep -qx "$target" || rustup target add "$target"
    need musl-gcc musl-tools
    say "building the program for $target"
    env "CC_${target//-/_}=musl-gcc" cargo build --locked --profile "$profile" --target "$target" --bin "$name"
    local program=$target_folder/$target/$folder_of_profile/$name
    ! readelf --dynamic "$program" | grep -q NEEDED || give_up "$program is not linked statically"
    completions "$program"
    stage=$(mktemp -d)
    mkdir -p "$stage/$folder/man"
    install -m 755 "$program" "$stage/$folder/$name"
    install -m 644 README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT config.toml "$stage/$folder"
    install -m 644 man/*.1 "$stage/$folder/man"
    cp -r docs examples "$out/completions" "$stage/$folder"
    cp -r deploy/systemd deploy/settings.toml deploy/secrets.env.example "$stage/$folder"
    tar --create --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
        --directory="$stage" "$folder" | gzip -n -9 >"$out/$folder.tar.gz"
    rm -rf "$stage"
    made+=("$folder.tar.gz")
}

deb() {
    need dpkg-shlibdeps dpkg-dev
    cargo_tool deb 3.6.2
    build_native
    completions "$native"
    local package
    package=$(cargo deb --locked --no-build --profile "$profile" --output "$out/" | tail -n 1)
    made+=("$(basename "$package")")
}

image() {
    local tool stage
    read -ra tool <<<"${CONTAINER_TOOL:-podman}"
    need "${tool[0]}" podman
    build_native
    stage=$(mktemp -d)
    # The second stage of the Containerfile, with the files that the first would have made from this program.
    deploy/image.sh "$native" "$stage/image"
    "${tool[@]}" build -q --build-context build="$stage" -f deploy/Containerfile -t "$name:$version" . >/dev/null
    rm -rf "$stage" "$out/$name-$version-image.tar"
    "${tool[@]}" save -q -o "$out/$name-$version-image.tar" "$name:$version"
    made+=("$name-$version-image.tar")
}

made=()
[ "$#" -gt 0 ] || set -- tarball deb image
for package in "$@"; do
    case $package in
        tarball | deb | image) "$package" ;;
        *) give_up "'$package' is none of: tarball deb image" ;;
    esac
done
(cd "$out" && sha256sum "${made[@]}" >SHA256SUMS && ls -l "${made[@]}")
