#!/usr/bin/env bash
# Measures what each statement costs on PostgreSQL as the tables grow: for each size it fills a new database, lets the service
# do a bit of everything, and reads pg_stat_statements and the plans that auto_explain logged. At the end it prints a table,
# and the statements that read a whole table.
#
#     tests/growth.sh                          # 20000, 200000 and 2000000 orders, each with as many tokens
#     tests/growth.sh 20000                    # this size alone
#
# 2000000 orders take about 20 GB in $TMPDIR. KLARNA_WORKER_BIN names a program that is built already: measure a release build.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/postgres.sh
. tests/postgres.sh
repository=$PWD
need curl curl
need python3 python3
program=$(built_program)
finally() { stop_postgres; }
stage growth
explain="-c auto_explain.log_min_duration=0 -c auto_explain.log_analyze=on -c auto_explain.log_timing=off"
explain+=" -c auto_explain.log_nested_statements=on -c auto_explain.log_format=json"
# shellcheck disable=SC2034 # tests/postgres.sh reads it
postgres_options="-c shared_preload_libraries=pg_stat_statements,auto_explain -c pg_stat_statements.track=all $explain"
start_postgres
sql() { "$programs/psql" -XAtq -v ON_ERROR_STOP=1 "$@"; }

measure() { # ORDERS
    local orders=$1 folder=$home/$1 url=${KLARNA_WORKER_TEST_POSTGRES%/*}/growth_$1 sandbox_port api_port served user
    mkdir "$folder"
    cd "$folder"
    read -r sandbox_port api_port <<<"$(free_ports 2)"
    local api=http://127.0.0.1:$api_port sandbox=http://127.0.0.1:$sandbox_port
    "$program" keys generate --out key >/dev/null
    cat >config.toml <<SETTINGS
installation = "growth"
[database]
url = "$url"
[server]
bind = "127.0.0.1:$api_port"
[vault.keys.k1]
file = "key"
[keeper]
schedule = "*/5 * * * * *"
rate_per_second = 20.0
[merchants.shop]
region = "eu"
environment = "playground"
client_id = "sandbox-client"
api_username = "sandbox"
api_password = "sandbox"
token_url = "$sandbox/eu/lp/idp/oauth2/token"
checkout_url = "$sandbox"
webhook_url = "$sandbox/nowhere"
webhook_secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="]
SETTINGS
    sql -c "CREATE DATABASE growth_$orders" "$KLARNA_WORKER_TEST_POSTGRES"
    "$program" migrate >/dev/null
    say "filling $orders orders and tokens"
    # As `bench pages` fills them. The plans of these statements are not looked at.
    {
        echo "SET auto_explain.log_min_duration = -1;"
        python3 -c 'import sys
orders, fill, body = sys.argv[1], *(open(name).read() for name in sys.argv[2:])
body = body.strip().replace("\x27", "\x27\x27")
print(fill.replace("{orders}", orders).replace("{tokens}", orders).replace("{merchant}", "shop").replace("{body}", body))' \
            "$orders" "$repository/crates/bench/src/fill/postgres.sql" "$repository/crates/bench/src/order.json"
    } | sql "$url" >/dev/null
    sql -c "VACUUM (ANALYZE)" "$url"
    sql -c "CREATE EXTENSION pg_stat_statements" "$url"
    sql -c "SELECT pg_stat_statements_reset()" "$url" >/dev/null
    echo "growth_$orders begins" >>"$cluster/log"

    "$program" sandbox --bind "127.0.0.1:$sandbox_port" >sandbox.log 2>&1 & started+=($!)
    await "$sandbox/stats"
    "$program" serve >serve.log 2>&1 & served=$!
    started+=("$served")
    await "$api/readyz"
    say "orders, exchanges, webhooks, sweeps and retention"
    curl -sf -d '{"count": 100, "prefix": "new-"}' "$sandbox/sandbox/users?merchant=shop" | "$program" tokens import - >/dev/null
    for user in $(seq 100); do
        printf '{"merchant":"shop","user":"new-%s","order":%s}\n' "$user" "$(head -c -1 "$repository/crates/bench/src/order.json")"
    done | "$program" enqueue --wait 2m - >/dev/null || true
    say "lists, searches and pages"
    local path
    for path in "/v1/orders" "/v1/orders?target=payments" "/v1/orders?status=failed" "/v1/orders?merchant=shop&token=uncertain" \
        "/v1/orders?q=u-7" "/v1/orders?user=u-7" "/v1/merchants/shop/users" "/v1/merchants/shop/users?state=uncertain" \
        "/" "/?range=30d" "/orders" "/orders?status=failed" "/orders?error=deadline_passed" "/orders?duplicates=1" \
        "/users" "/users?state=uncertain" "/user?merchant=shop&user=u-7" "/webhooks" "/webhooks?user=u-7" "/audit" "/metrics"; do
        curl -sf -o /dev/null --max-time 120 "$api$path" || say "$path is not answered"
    done
    "$program" orders retry --error klarna_refused_order --ended-since 1h --yes >/dev/null || true
    "$program" tokens stats >/dev/null
    # Retention works for some minutes; its first steps suffice.
    sleep "${KLARNA_WORKER_GROWTH_WATCH:-60}"
    kill "$served"
    wait "$served" || true
    sql -c "SELECT coalesce(json_agg(s), '[]') FROM (SELECT query, calls, mean_exec_time AS ms,
            (shared_blks_hit + shared_blks_read)::float / calls AS buffers, rows::float / calls AS rows
        FROM pg_stat_statements JOIN pg_database d ON d.oid = dbid
        WHERE d.datname = current_database() AND query LIKE '%klarna_worker.%') AS s" "$url" >"$home/$orders.json"
    cp "$cluster/log" "$home/$orders.log"
    : >"$cluster/log"
    cd "$repository"
    sql -c "DROP DATABASE growth_$orders WITH (FORCE)" "$KLARNA_WORKER_TEST_POSTGRES"
}

sizes=("$@")
[ $# -gt 0 ] || sizes=(20000 200000 2000000)
for size in "${sizes[@]}"; do measure "$size"; done
python3 tests/growth.py "$home" "${sizes[@]}"
