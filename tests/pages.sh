#!/usr/bin/env bash
# Tests the operators' pages in Chromium: sign-in, live updates, actions, keyboard, narrow windows, dark colours, and
# accessibility by axe-core. Installs Chromium, its driver and npm if they are missing; needs the package index of npm.
#
# KLARNA_WORKER_BIN names a program that is built already; KLARNA_WORKER_PICTURES names a folder for screenshots.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/lib.sh
repository=$PWD

need curl curl
need python3 python3
need chromedriver chromium-driver
need chromium chromium
need npm npm
program=$(built_program)

axe_core=4.14.1
axe=$PWD/target/axe-core/$axe_core
if [ ! -f "$axe/package/axe.min.js" ]; then
    mkdir -p "$axe"
    (cd "$axe" && npm pack --silent "axe-core@$axe_core" && tar xzf "axe-core-$axe_core.tgz") >&2
fi
echo "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c  $axe/package/axe.min.js" | sha256sum --check --quiet >&2

stage pages

read -r sandbox_port api_port driver_port <<<"$(free_ports 3)"
api=http://127.0.0.1:$api_port
key=$(head -c 24 /dev/urandom | base64)
printf %s "$key" >"$home/api-key"
# The webhook endpoint answers 404.
sed "s/127\.0\.0\.1:8090/127.0.0.1:$sandbox_port/; s/^#bind = .*/bind = \"127.0.0.1:$api_port\"/
    s|^#webhook_url = .*|webhook_url = \"http://127.0.0.1:$sandbox_port/nowhere\"|
    s|^#webhook_secrets = .*|webhook_secrets = [\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=\"]|
    s/^#lost_answer = .*/lost_answer = \"hold\"/" config.toml >"$home/config.toml"
cat >>"$home/config.toml" <<SETTINGS
[[server.api_keys]]
name = "operator"
key_file = "$home/api-key"
scopes = ["orders", "tokens", "ops"]
SETTINGS

start() {
    local name=$1
    shift
    "$@" >"$home/$name.log" 2>&1 &
    started+=($!)
}
cd "$home"
start sandbox "$program" sandbox --bind "127.0.0.1:$sandbox_port"
await "http://127.0.0.1:$sandbox_port/stats"
start serve "$program" serve
start chromedriver chromedriver --port="$driver_port"
await "$api/readyz"
await "http://127.0.0.1:$driver_port/status"

say "the pages in Chromium"
python3 "$repository/tests/pages.py" "http://127.0.0.1:$driver_port" "$api" "http://127.0.0.1:$sandbox_port" "$home/api-key" \
    "$axe/package/axe.min.js"
say "the pages are what they should be"
