#!/usr/bin/env bash
# Floods the service with what strangers can send, each flood for a while, and meanwhile submits orders with a key, one by one.
# 99 of 100 orders must be at Klarna's stand-in in under a second, and /livez must answer in under 200 ms.
#
# KLARNA_WORKER_BIN names a program that is built already: take a release build, because the bars are for one.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/lib.sh
repository=$PWD

need curl curl
need python3 python3
program=$(built_program)

stage floods
read -r sandbox_port api_port probes_port <<<"$(free_ports 3)"
key=$(head -c 24 /dev/urandom | base64)
printf %s "$key" >"$home/api-key"
chmod 600 "$home/api-key"
sed "s/127\.0\.0\.1:8090/127.0.0.1:$sandbox_port/; s/^#bind = .*/bind = \"127.0.0.1:$api_port\"/
    s/^#probes = .*/probes = \"127.0.0.1:$probes_port\"/" config.toml >"$home/config.toml"
cat >>"$home/config.toml" <<SETTINGS
[[server.api_keys]]
name = "shop"
key_file = "$home/api-key"
scopes = ["orders", "tokens"]
SETTINGS

cd "$home"
"$program" sandbox --bind "127.0.0.1:$sandbox_port" >sandbox.log 2>&1 & started+=($!)
await "http://127.0.0.1:$sandbox_port/stats"
"$program" serve >serve.log 2>&1 & started+=($!)
await "http://127.0.0.1:$api_port/readyz"
python3 "$repository/tests/floods.py" "$api_port" "$probes_port" "$home/api-key" "${1:-20}" "${started[1]}"
say "orders and /livez are as quick as they must be"
