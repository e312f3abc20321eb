#!/usr/bin/env bash
# Builds the packages, and installs and starts each of them once: the tarball in an empty folder, the Debian package in a new
# Debian system, the image as a container. Needs root and the network. It builds the program twice with link-time optimisation, which
# takes long: KLARNA_WORKER_PROFILE=release takes less.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/lib.sh

[ "$(id -u)" -eq 0 ] || give_up "it installs a package into a folder and starts containers: run it as root"
need curl curl
need podman podman
need runc runc
need debootstrap debootstrap

stage packages
chmod 711 "$home"
name=klarna-order-worker
repository=$PWD
packages=$repository/target/packages
CONTAINER_TOOL="podman --log-level error --root $home/storage --runroot $home/run --runtime runc"
export CONTAINER_TOOL
read -ra podman <<<"$CONTAINER_TOOL"
root=$home/debian
finally() {
    [ ! -d "$home/storage" ] || "${podman[@]}" system reset --force >/dev/null 2>&1 || true
    ! mountpoint -q "$root/proc" || umount "$root/proc"
}

containers=yes
"${podman[@]}" info >/dev/null 2>&1 || containers=
rm -rf "$packages"
deploy/packages.sh tarball deb ${containers:+image}
(cd "$packages" && sha256sum -c --quiet SHA256SUMS)
only() { [ "$#" -eq 1 ] && [ -e "$1" ] || give_up "expected one file: $*"; echo "$1"; }

# Each package has to run the demo, and then the service with settings of its own.
settings() {
    local port=$1
    cat <<SETTINGS
installation = "packages-test"
[server]
bind = "127.0.0.1:$port"
[vault.keys.k1]
env = "KLARNA_WORKER_VAULT_KEY"
[merchants.shop]
region = "eu"
environment = "playground"
client_id = "a-client-id"
checkout_provider = "kustom"
api_username_env = "KLARNA_API_USERNAME"
api_password_env = "KLARNA_API_PASSWORD"
SETTINGS
}

say "the tarball, in an empty folder and an empty environment"
mkdir "$home/tarball"
tar -x -C "$home/tarball" -f "$(only "$packages"/*-linux.tar.gz)"
program=$(only "$home"/tarball/*/"$name")
(cd "$home/tarball" && env -i PATH=/nowhere "$program" demo >"$home/demo.log" 2>&1) || give_up "the tarball's demo failed"
key=$("$program" keys generate)
read -r port deb_port image_port <<<"$(free_ports 3)"
settings "$port" >"$home/tarball/settings.toml"
variables=("KLARNA_WORKER_VAULT_KEY=$key" KLARNA_API_USERNAME=sandbox KLARNA_API_PASSWORD=sandbox)
(cd "$home/tarball" && exec env -i "${variables[@]}" KLARNA_WORKER__DATABASE__URL=sqlite://worker.db \
    "$program" serve --config settings.toml) >"$home/tarball.log" 2>&1 &
started+=($!)
await "http://127.0.0.1:$port/readyz"
kill "${started[0]}"
wait "${started[0]}" || give_up "the tarball's program did not stop well"
started=()
# musl's own resolver has to find the hosts that the C library of this machine finds.
(cd "$home/tarball" && env -i "${variables[@]}" KLARNA_WORKER__DATABASE__URL=sqlite://worker.db \
    "$program" doctor --config settings.toml) >"$home/doctor.log" 2>&1 || true
cat "$home/doctor.log" >&2
if getent hosts login.playground.klarna.com >/dev/null; then
    grep -q 'merchants.shop.token_url' "$home/doctor.log" || give_up "doctor did not look for the hosts"
    ! grep -q 'the host name cannot be resolved' "$home/doctor.log" ||
        give_up "the tarball's program finds no hosts"
else
    say "the tarball's resolver: NOT CHECKED: this machine finds no hosts of Klarna"
fi

say "the Debian package, in a fresh Debian"
suite=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME" || echo bookworm)
debootstrap --variant=minbase --include=ca-certificates,systemd-standalone-sysusers "$suite" "$root" >"$home/debootstrap.log"
cp "$(only "$packages"/*.deb)" "$root/package.deb"
mount -t proc proc "$root/proc"
chroot "$root" dpkg -i /package.deb >"$home/dpkg.log" 2>&1 || { cat "$home/dpkg.log" >&2; give_up "dpkg -i failed"; }
for file in usr/bin/$name usr/share/man/man1/$name.1.gz usr/share/bash-completion/completions/$name \
    usr/share/zsh/vendor-completions/_$name usr/share/fish/vendor_completions.d/$name.fish \
    usr/lib/systemd/system/$name.service usr/lib/systemd/system/$name-migrate.service usr/lib/systemd/system/$name-refresh.timer \
    usr/lib/systemd/system/klarna-order-.service.d/common.conf usr/share/doc/$name/copyright; do
    [ -s "$root/$file" ] || give_up "the Debian package lacks /$file"
done
[ "$(stat -c %a "$root/etc/$name/secrets.env")" = 600 ] || give_up "secrets.env can be read by others"
grep -qx "/etc/$name/settings.toml" "$root/var/lib/dpkg/info/$name.conffiles" || give_up "the settings are no conffile"
chroot "$root" id "$name" >/dev/null || give_up "the package made no user"
settings "$deb_port" >"$root/etc/$name/settings.toml"
printf '%s\n' "${variables[@]}" KLARNA_WORKER__DATABASE__URL=sqlite://worker.db >"$root/etc/$name/secrets.env"
# What systemd would do: the folder and the environment of klarna-order-.service.d, then the units' own commands as their user.
chroot "$root" install -d -o "$name" -g "$name" -m 700 "/var/lib/$name"
unit() { # UNIT: runs its command
    local command
    command=$(sed -n 's/^ExecStart=//p' "$root/usr/lib/systemd/system/$1.service")
    exec chroot "$root" env -i PATH=/usr/bin sh -c "set -a; . /etc/$name/secrets.env; cd /var/lib/$name;
        exec setpriv --reuid $name --regid $name --clear-groups $command"
}
(unit "$name-migrate") >"$home/deb-migrate.log" 2>&1 || give_up "the Debian package's unit does not migrate"
(unit "$name") >"$home/deb.log" 2>&1 &
started+=($!)
await "http://127.0.0.1:$deb_port/readyz"
kill "${started[0]}"
wait "${started[0]}" || give_up "the Debian package's program did not stop well"
started=()
# An upgrade keeps what the operator wrote; a removal keeps the state.
cp "$root/etc/$name/settings.toml" "$home/settings.before"
chroot "$root" dpkg -i /package.deb >/dev/null 2>&1 </dev/null || give_up "the package cannot be installed over itself"
cmp -s "$root/etc/$name/settings.toml" "$home/settings.before" || give_up "an upgrade replaced the operator's settings"
chroot "$root" dpkg --purge "$name" >/dev/null 2>&1 || give_up "the package cannot be purged"
[ ! -e "$root/etc/$name/secrets.env" ] || give_up "a purge leaves secrets.env"
[ -e "$root/var/lib/$name/worker.db" ] || give_up "a purge deletes the database"

if [ -z "$containers" ]; then
    say "the image: NOT CHECKED: this machine starts no containers"
    exit 0
fi
say "the image, as a container"
"${podman[@]}" load -q -i "$(only "$packages"/*-image.tar)" >/dev/null
settings "$image_port" >"$home/image.toml"
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
code=0
"${podman[@]}" run --detach --name worker --network host --read-only --cap-drop all --security-opt no-new-privileges \
    --ulimit nofile=4096:4096 --ulimit nproc=4096:4096 --volume "$home/image.toml:/etc/$name/settings.toml:ro" \
    "${variables[@]/#/--env=}" --env KLARNA_WORKER__DATABASE__URL=sqlite://worker.db "$name:$version" >/dev/null || code=$?
case $code in
    0) ;;
    125 | 126) say "the image: NOT CHECKED: this machine starts no containers"; exit 0 ;;
    *) give_up "the container did not start: $code" ;;
esac
await "http://127.0.0.1:$image_port/readyz"
"${podman[@]}" stop --time 75 worker >/dev/null
say "the packages install and start"
