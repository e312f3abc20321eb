#!/usr/bin/env bash
# Writes dumps of databases of this version: tests/upgrade/NAME.sqlite.sql and NAME.postgresql.sql, with tokens, orders,
# ledger and webhooks. tests/e2e/dumps.rs loads each dump and continues with the tested program. Run this once for each release, and commit the files:
#
#     tests/upgrade/dump.sh NAME
#
# KLARNA_WORKER_BIN names a program that is built already.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/postgres.sh
. tests/postgres.sh
repository=$PWD

[ $# -eq 1 ] || give_up "name the dump"
name=$1
need curl curl
need python3 python3
need sqlite3 sqlite3
program=$(built_program)
finally() { stop_postgres; }
stage dump
start_postgres

# A key for these dumps alone.
[ -e tests/upgrade/key ] || "$program" keys generate --out tests/upgrade/key >/dev/null

# The one member of the JSON on standard input.
json() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
order='{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}'

fill() { # ENGINE URL
    local folder=$home/$1 sandbox_port api_port sandbox api
    mkdir "$folder"
    cd "$folder"
    cp "$repository/tests/upgrade/key" key
    read -r sandbox_port api_port <<<"$(free_ports 2)"
    sandbox=http://127.0.0.1:$sandbox_port
    api=http://127.0.0.1:$api_port
    cat >config.toml <<SETTINGS
installation = "e2e"
[database]
url = "$2"
[server]
bind = "127.0.0.1:$api_port"
[vault]
lost_answer = "hold"
exchange_timeout = "2s"
replay_after = "1s"
[vault.keys.k1]
file = "key"
[keeper]
schedule = "off"
$(sandbox_shop "$sandbox")
webhook_url = "http://127.0.0.1:1/"
webhook_secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="]
SETTINGS
    "$program" sandbox --bind "127.0.0.1:$sandbox_port" >"$home/$1-sandbox.log" 2>&1 & started+=($!)
    "$program" migrate >&2
    "$program" serve >"$home/$1-serve.log" 2>&1 & started+=($!)
    local served=$!
    await "$sandbox/stats"
    await "$api/readyz"

    post() { curl -sf -H 'content-type: application/json' "$@"; }
    sign_in() { # USER
        local token
        token=$(post -d "{\"user\": \"$1\"}" "$sandbox/sandbox/users" | json refresh_token)
        post -X PUT -d "{\"refresh_token\": \"$token\"}" "$api/v1/merchants/shop/users/$1/token"
    }
    submit() { # USER KEY [MORE]: its id
        post -H "idempotency-key: $2" -d "{\"merchant\":\"shop\",\"user\":\"$1\",${3:-}\"order\":$order}" "$api/v1/orders" | json id
    }
    ends() { # ID STATUS TOKEN
        local told
        told=$(curl -sf "$api/v1/orders/$1?wait=30s")
        [ "$(json status <<<"$told") $(json token <<<"$told")" = "$2 $3" ] || give_up "expected $2 $3: $told"
    }
    fail() { post -o /dev/null -d "{\"endpoint\": \"$1\", \"failure\": \"$2\"}" "$sandbox/sandbox/fail"; }

    for user in alma bo revoked lost; do sign_in "$user"; done
    ends "$(submit alma cart-1)" submitted fresh
    ends "$(submit alma cart-2)" submitted fresh
    ends "$(submit never cart-3)" submitted not_registered
    post -o /dev/null -d '{"user": "revoked"}' "$sandbox/sandbox/revoke"
    ends "$(submit revoked cart-4)" submitted reauth_required
    fail token lost
    ends "$(submit lost cart-5)" submitted uncertain
    fail checkout 400
    ends "$(submit never cart-6)" failed not_registered
    submit alma cart-7 '"not_before":"2099-01-01T00:00:00Z",' >/dev/null
    "$program" orders cancel --yes "$(submit alma cart-8 '"not_before":"2099-01-01T00:00:00Z",')" >&2
    kill "$served"
    wait "$served" || true
    cd "$repository"
}

fill sqlite "sqlite://worker.db"
sqlite3 "$home/sqlite/worker.db" .dump >"tests/upgrade/$name.sqlite.sql"

"$programs/psql" -Xqc "CREATE DATABASE dump" "$KLARNA_WORKER_TEST_POSTGRES"
url=${KLARNA_WORKER_TEST_POSTGRES%/*}/dump
fill postgres "$url"
# Without what only some versions of psql know.
"$programs/pg_dump" --inserts --no-owner "$url" | grep -vE '^\\(un)?restrict|^SET transaction_timeout' >"tests/upgrade/$name.postgresql.sql"
say "tests/upgrade/$name.sqlite.sql and $name.postgresql.sql are written"
