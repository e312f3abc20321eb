#!/usr/bin/env bash
# Measures what each statement costs on PostgreSQL as the tables grow: for each size it fills a new database, lets the service
# do a bit of everything, and reads pg_stat_statements and the plans that auto_explain logged. At the end it prints a table,
# and names the statements that grow with the tables or read a whole one.
#
#     tests/growth.sh                          # 20000, 200000 and 2000000 orders, each with as many tokens
#     tests/growth.sh 20000                    # this size alone
#
# 2000000 orders take about 10 GB in $TMPDIR, and five minutes on two cores. KLARNA_WORKER_BIN names a program that is built already: measure a release build.
# KLARNA_WORKER_GROWTH_RESULTS names a folder for what was measured. Then each size can be measured in a run of its own, and
# `python3 tests/growth.py FOLDER 20000 200000 2000000` prints the table.
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
results=${KLARNA_WORKER_GROWTH_RESULTS:-$home}
mkdir -p "$results"
results=$(realpath "$results")
explain="-c auto_explain.log_min_duration=0 -c auto_explain.log_analyze=on -c auto_explain.log_timing=off"
explain+=" -c shared_buffers=1GB -c auto_explain.log_nested_statements=on -c auto_explain.log_format=json"
# shellcheck disable=SC2034 # tests/postgres.sh reads it
postgres_options="-c shared_preload_libraries=pg_stat_statements,auto_explain -c pg_stat_statements.track=all $explain"
start_postgres
body=$(cat crates/bench/src/order.json)
sql() { "$programs/psql" -XAtq -v ON_ERROR_STOP=1 "$@"; }

# A hundred users with a prefix, who signed in some time ago, and an order of each.
register() { # PREFIX AGE
    curl -sf -d "{\"count\": 100, \"prefix\": \"$1\", \"age\": \"$2\"}" "$sandbox/sandbox/users?merchant=shop" |
        "$program" tokens import - >/dev/null
}
orders_of() { # PREFIX
    local n
    for n in $(seq 100); do printf '{"merchant":"shop","user":"%s","order":%s}\n' "$1$n" "$body"; done |
        "$program" enqueue --wait 2m -
}

measure() { # ORDERS
    local orders=$1 folder=$home/$1 url=${KLARNA_WORKER_TEST_POSTGRES%/*}/growth_$1 sandbox_port api_port receiver_port served path
    mkdir "$folder"
    cd "$folder"
    read -r sandbox_port api_port receiver_port <<<"$(free_ports 3)"
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
$(sandbox_shop "$sandbox")
webhook_url = "http://127.0.0.1:$receiver_port/"
webhook_secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="]
SETTINGS
    sql -c "CREATE DATABASE growth_$orders" "$KLARNA_WORKER_TEST_POSTGRES"
    "$program" migrate >/dev/null
    say "filling $orders orders and tokens"
    sql -v n="$orders" -v body="$body" -f "$repository/tests/growth.sql" "$url" >/dev/null
    sql -c "SELECT pg_stat_statements_reset()" "$url" >/dev/null
    echo "growth_$orders begins" >>"$cluster/log"

    "$program" sandbox --bind "127.0.0.1:$sandbox_port" >"$home/sandbox.log" 2>&1 & started+=($!)
    echo 503 >receiver
    python3 "$repository/tests/alerts/receiver.py" "$receiver_port" receiver >"$home/receiver.log" 2>&1 & started+=($!)
    await "$sandbox/stats"
    "$program" serve >"$home/serve.log" 2>&1 & served=$!
    started+=("$served")
    await "$api/readyz"
    say "orders, exchanges, webhooks, sweeps and retention"
    register new- 0s
    register old- 55d
    orders_of new- >/dev/null
    echo 204 >receiver
    orders_of old- >/dev/null
    say "lists, searches and pages"
    for path in /v1/orders{,?target=payments,?status=failed,"?merchant=shop&error=deadline_exceeded",?q=u-7,?q=ref-7,?user=u-7} \
        /v1/merchants/shop/users{,?state=uncertain,/u-7/token,/u-7/export} /v1/audit "/v1/audit?merchant=shop&user=u-7" \
        / "/?range=30d" /orders{,?status=failed,?status=running,?error=deadline_exceeded,?error=nothing,?duplicates=1,?user=nobody} \
        /users{,?state=uncertain,?user=u-7} "/user?merchant=shop&user=u-7" \
        /webhooks{,?status=failed,?status=pending,?kind=token.recovered,?user=u-7} /audit "/audit?actor=nobody" /metrics; do
        curl -sSf -o /dev/null --max-time 300 "$api$path" || say "$path is not answered"
    done
    "$program" orders retry --error klarna_refused_order --ended-since 1h --yes >/dev/null
    "$program" orders list --user u-9 >/dev/null
    "$program" tokens stats >/dev/null
    "$program" users rename shop u-11 v-11 --yes >/dev/null
    "$program" users erase shop u-12 --yes >/dev/null
    "$program" webhooks resend --merchant shop --status failed --since 2d --yes >/dev/null
    # Retention works for some minutes; its first steps suffice.
    sleep "${KLARNA_WORKER_GROWTH_WATCH:-60}"
    kill "$served"
    wait "$served" || true
    kill "${started[@]}" 2>/dev/null || true
    wait "${started[@]}" || true
    started=()
    sql -c "SELECT coalesce(json_agg(s), '[]') FROM (SELECT query, calls, mean_exec_time AS ms,
            (shared_blks_hit + shared_blks_read)::float / calls AS buffers, rows::float / calls AS rows
        FROM pg_stat_statements JOIN pg_database d ON d.oid = dbid
        WHERE d.datname = current_database() AND query LIKE '%klarna_worker.%') AS s" "$url" >"$results/$orders.json"
    cp "$cluster/log" "$results/$orders.log"
    : >"$cluster/log"
    cd "$repository"
    sql -c "DROP DATABASE growth_$orders WITH (FORCE)" "$KLARNA_WORKER_TEST_POSTGRES"
}

sizes=("$@")
[ $# -gt 0 ] || sizes=(20000 200000 2000000)
for size in "${sizes[@]}"; do measure "$size"; done
python3 tests/growth.py "$results" "${sizes[@]}"
