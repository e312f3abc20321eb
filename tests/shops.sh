#!/usr/bin/env bash
# Plays a shopper in Chromium in each of the example shops, from the sign-in to the paid order, against a service and the
# sandbox, which tests/shops.py also stops and starts. Installs the languages, Chromium and its driver if they are missing.
#
# KLARNA_WORKER_BIN names a program that is built already; KLARNA_WORKER_PICTURES names a folder for screenshots.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/lib.sh
repository=$PWD

need curl curl
need python3 python3
need node nodejs
need php php-cli
need chromedriver chromium-driver
need chromium chromium
program=$(built_program)

stage shops

read -r sandbox_port api_port driver_port node_port python_port php_port payments_port <<<"$(free_ports 7)"
sandbox=http://127.0.0.1:$sandbox_port
export KLARNA_WORKER_URL=http://127.0.0.1:$api_port KLARNA_LOGIN_URL=$sandbox/eu/lp/idp
sed "s/127\.0\.0\.1:8090/127.0.0.1:$sandbox_port/; s/^#bind = .*/bind = \"127.0.0.1:$api_port\"/" config.toml >"$home/config.toml"

start() {
    local name=$1
    shift
    "$@" >"$home/$name.log" 2>&1 &
    started+=($!)
    echo $! >"$home/$name.pid"
}
# Those that tests/shops.py has started again are not this shell's.
finally() {
    local pid
    for pid in $(cat "$home"/*.pid); do
        kill "$pid" 2>/dev/null || true
        while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    done
}
cd "$home"
export PROGRAM=$program
start sandbox "$program" sandbox --bind "127.0.0.1:$sandbox_port"
start serve "$program" serve
start chromedriver chromedriver --port="$driver_port"
start node env PORT="$node_port" node "$repository/examples/shop/shop.mjs"
start python env PORT="$python_port" python3 "$repository/examples/shop/shop.py"
start payments env PORT="$payments_port" KLARNA_API_URL="$sandbox" node "$repository/examples/shop/payments.mjs"
start php php -S "127.0.0.1:$php_port" "$repository/examples/shop/shop.php"
await "$sandbox/stats"
await "$KLARNA_WORKER_URL/readyz"
await "http://127.0.0.1:$driver_port/status"

shop() {
    local name=$1 port=$2
    await "http://127.0.0.1:$port/"
    say "the shop in $name"
    python3 "$repository/tests/shops.py" "http://127.0.0.1:$driver_port" "$sandbox" "$KLARNA_WORKER_URL" "$name" "http://127.0.0.1:$port"
}
shop node "$node_port"
shop python "$python_port"
shop php "$php_port"
shop payments "$payments_port"
say "a shopper can sign in, change the cart and pay in each of the shops, and pay by Klarna Payments, also across restarts"
