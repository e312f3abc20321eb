#!/usr/bin/env bash
# Tests the alert rules and the dashboard in deploy/. A Prometheus watches an installation on PostgreSQL. This script causes
# one problem after another, waits for its alert, does what docs/runbook.md says, and waits until the alert ends. The rules
# have the committed expressions, but their times are shortened to seconds, and waits of a minute to ten seconds.
#
#     tests/alerts.sh          # the rules alone, the first problems, and the dashboard's queries
#     tests/alerts.sh --all    # every alert, in seven minutes, and at the end every panel of the dashboard must have data
#
# KLARNA_WORKER_BIN names a program that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/postgres.sh
repository=$PWD

need curl curl
need python3 python3
if ! command -v promtool >/dev/null || ! command -v prometheus >/dev/null; then
    # Debian's package would start its service, but only the programs are needed.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
        as_root install -m 755 /dev/stdin /usr/sbin/policy-rc.d <<<$'#!/bin/sh\nexit 101'
    fi
    install_package prometheus "Prometheus"
    if [ -n "$(trap -p EXIT)" ]; then
        as_root rm -f /usr/sbin/policy-rc.d
        trap - EXIT
    fi
fi

say "the rules by themselves"
promtool check rules --lint=all --lint-fatal deploy/prometheus/alerts.yaml
promtool test rules deploy/prometheus/alerts.test.yaml
query=$(sed -n 's/^# *metricsQuery: //p' deploy/kubernetes-autoscale/autoscale.yaml)
grep -qF "$query" deploy/prometheus/alerts.test.yaml || give_up "the autoscaler's query is not tested: $query"
promtool check config deploy/prometheus/prometheus.yaml >/dev/null
promtool check config --syntax-only deploy/try/prometheus.yaml >/dev/null

program=$(built_program)
declare -A started
finally() {
    [ "$1" -eq 0 ] || table >&2 || true
    stop_standby
    stop_postgres
}
stage alerts

# A standby of it is the read replica.
postgres_options="-c wal_level=replica -c max_wal_senders=4"
start_postgres
postgres_port=$(sed 's/.*:\([0-9]*\)\/.*/\1/' <<<"$KLARNA_WORKER_TEST_POSTGRES")
# In a folder that the owner of the cluster may enter.
pg() { (cd "$cluster" && "$@"); }
stop_database() { pg as_owner "$programs/pg_ctl" -D "$cluster/data" -m "$1" -w stop >/dev/null; }
start_database() { pg run_postgres "$postgres_port" || give_up "PostgreSQL did not start again"; }
standby() { pg as_owner "$programs/pg_ctl" -D "$cluster/standby" -w "$@" >/dev/null; }
start_standby() {
    standby -l "$cluster/standby.log" \
        -o "-p $standby_port -c listen_addresses=127.0.0.1 -c unix_socket_directories='$cluster' -c max_connections=1000" start
}
stop_standby() {
    [ ! -e "${cluster:-/nowhere}/standby" ] || standby -m immediate stop || true
    rm -rf "${cluster:-/nowhere}/standby"
}
sql() { "$programs/psql" -XAtq -c "$1" "${2:-$KLARNA_WORKER_TEST_POSTGRES}"; }
sql "CREATE DATABASE shop"

ports=$(free_ports 7)
read -r sandbox_port api_port api_probes worker_probes receiver_port prometheus_port standby_port <<<"$ports"
sandbox=http://127.0.0.1:$sandbox_port
api=http://127.0.0.1:$api_port
prometheus=http://127.0.0.1:$prometheus_port
database=postgres://postgres@127.0.0.1:$postgres_port/shop

cd "$home"
for key in k1 k2; do "$program" keys generate --out "$key" >/dev/null; done
cat >config.toml <<SETTINGS
installation = "alerts"
[database]
url = "$database"
max_connections = 4
[server]
bind = "127.0.0.1:$api_port"
[vault]
active_key = "k1"
exchange_timeout = "4s"
replay_after = "2s"
token_patience = "1s"
lost_answer = "hold"
[checkout]
timeout = "12s"
[vault.keys.k1]
file = "k1"
[vault.keys.k2]
file = "k2"
$(sandbox_shop "$sandbox")
discovery = true
webhook_url = "http://127.0.0.1:$receiver_port/"
webhook_secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="]
SETTINGS

schedule=off
serve() { # NAME PROBES ROLES
    KLARNA_WORKER__VAULT__INSTANCE_DIR=$1 KLARNA_WORKER__SERVER__PROBES=127.0.0.1:$2 \
        "$program" serve --roles "$3" >>"$1.log" 2>&1 &
    started[$1]=$!
}
start_api() { serve api "$api_probes" api; await "http://127.0.0.1:$api_probes/readyz"; }
start_worker() { KLARNA_WORKER__KEEPER__SCHEDULE=$schedule serve worker "$worker_probes" worker,keeper; await "http://127.0.0.1:$worker_probes/readyz"; }
stop() { # NAME SIGNAL
    kill "-$2" "${started[$1]}"
    wait "${started[$1]}" 2>/dev/null || true
    unset "started[$1]"
}
tell() { curl -s --fail -o /dev/null -d "$2" "$sandbox/sandbox/$1"; }
# Registers users with a prefix, who signed in some time ago.
users() { curl -s --fail -d "{\"count\": $2, \"prefix\": \"$1\", \"age\": \"$3\"}" "$sandbox/sandbox/users?merchant=shop" | "$program" tokens import - >/dev/null; }
order='"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":100,"order_tax_amount":20,"order_lines":[{"name":"A","quantity":1,"unit_price":100,"tax_rate":2500,"total_amount":100,"total_tax_amount":20}]'
orders() { # PREFIX COUNT: an order of each user
    local n
    for n in $(seq "$2"); do echo "{\"merchant\":\"shop\",\"user\":\"$1$n\",\"order\":{$order}}"; done | "$program" enqueue - >/dev/null
}
uncertain() { "$program" --format json tokens list --state uncertain --limit 1000; }

# When each problem is caused and solved, and when its alert fires and ends.
declare -A cause caused fired mended resolved
names=()
now() { date +%s; }
causes() { # WHAT ALERT…
    local what=$1 name
    shift
    say "$what"
    for name; do names+=("$name"); cause[$name]=$what; caused[$name]=$(now); done
}
mends() { local name; for name; do mended[$name]=$(now); done; }
states() { curl -s --max-time 5 "$prometheus/api/v1/alerts" | python3 -c 'import json, sys
print(*(alert["labels"]["alertname"] for alert in json.load(sys.stdin)["data"]["alerts"] if alert["state"] == "firing"))'; }
fires() { # SECONDS ALERT…
    local name until=$(($(now) + $1))
    shift
    for name; do
        until [[ " $(states) " == *" $name "* ]]; do
            [ "$(now)" -lt "$until" ] || give_up "$name does not fire"
            sleep 0.3
        done
        fired[$name]=$(($(now) - caused[$name]))
    done
}
resolves() { # SECONDS ALERT…
    local name until=$(($(now) + $1))
    shift
    for name; do
        until [[ " $(states) " != *" $name "* ]]; do
            [ "$(now)" -lt "$until" ] || give_up "$name does not end"
            sleep 0.3
        done
        resolved[$name]=$(($(now) - mended[$name]))
    done
}
table() {
    local name
    printf '%-36s  %-58s  %8s  %8s\n' alert "caused by" "fired, s" "over, s"
    for name in "${names[@]}"; do
        printf '%-36s  %-58s  %8s  %8s\n' "$name" "${cause[$name]}" "${fired[$name]:--}" "${resolved[$name]:--}"
    done
}

say "the stage"
"$program" sandbox --bind "127.0.0.1:$sandbox_port" --rotation grace >sandbox.log 2>&1 & started[sandbox]=$!
echo 204 >receiver
python3 "$repository/tests/alerts/receiver.py" "$receiver_port" receiver >receiver.log 2>&1 & started[receiver]=$!
await "$sandbox/stats"
"$program" migrate >/dev/null
users old- 10 55d
# An order that is to begin in an hour; the backup has it.
printf '{"merchant":"shop","user":"later","not_before":"%s","order":{%s}}\n' "$(date -u -d '+1 hour' +%FT%TZ)" "$order" | "$program" enqueue - >/dev/null
stop_database fast
cp -a "$cluster/data" "$cluster/backup"
start_database

sed -E 's/for: [0-9]+[mhd]$/for: 3s/; s/\[10m\]/[20s]/; s/\[1h\]/[30s]/; s/> 60$/> 10/' "$repository/deploy/prometheus/alerts.yaml" >alerts.yaml
sed -E "s/scrape_(interval|timeout): .*/scrape_\1: 4s/; s/targets: .*/targets: [\"127.0.0.1:$api_probes\", \"127.0.0.1:$worker_probes\"]/" \
    "$repository/deploy/prometheus/prometheus.yaml" >prometheus.yaml
printf 'global: {evaluation_interval: 1s}\n' >>prometheus.yaml
start_api
start_worker
prometheus --config.file=prometheus.yaml --storage.tsdb.path=tsdb --web.listen-address="127.0.0.1:$prometheus_port" \
    --log.level=warn >prometheus.log 2>&1 & started[prometheus]=$!
await "$prometheus/-/ready"
# An increase is seen from the first scrape on.
asked() { curl -s --data-urlencode "query=$1" "$prometheus/api/v1/query" | python3 -c 'import json, sys
print(*(sample["value"][1] for sample in json.load(sys.stdin)["data"]["result"]))'; }
becomes() { # QUERY VALUE
    local until=$(($(now) + 120))
    until [ "$(asked "$1")" = "$2" ]; do
        [ "$(now)" -lt "$until" ] || give_up "$1 does not become $2"
        sleep 0.2
    done
}
becomes 'count(klarna_worker_build_info)' 2
# Rules are looked at before the first scrape, too, when nothing is known to be up; the next look, a second later, knows better.
for _ in {1..10}; do
    [[ "$(states)" == *KlarnaWorkerAllDown* ]] || break
    sleep 0.2
done
# The old tokens and the absent keeper are the first troubles, which a slow machine may find out by now.
early=$(states | tr ' ' '\n' | grep -vxE 'KlarnaWorker(KeeperSilent|KeeperLate|TokensExpiring)' || true)
[ -z "$early" ] || give_up "fires before anything has happened: $early"

begun=$(now)
causes "the keeper is off, and tokens are 55 days old" KlarnaWorkerKeeperSilent KlarnaWorkerKeeperLate KlarnaWorkerTokensExpiring
causes "the shop's webhook endpoint answers 500" KlarnaWorkerWebhooksFail
echo 500 >receiver
orders stranger- 10
fires 60 KlarnaWorkerKeeperSilent KlarnaWorkerKeeperLate KlarnaWorkerTokensExpiring KlarnaWorkerWebhooksFail
"$program" refresh >/dev/null
mends KlarnaWorkerKeeperSilent KlarnaWorkerKeeperLate KlarnaWorkerTokensExpiring
echo 204 >receiver
"$program" webhooks resend --merchant shop --status pending --yes >/dev/null
mends KlarnaWorkerWebhooksFail
resolves 60 KlarnaWorkerKeeperSilent KlarnaWorkerKeeperLate KlarnaWorkerTokensExpiring KlarnaWorkerWebhooksFail

if [ "${1:-}" != --all ]; then
    python3 "$repository/tests/alerts/dashboard.py" "$repository/deploy/grafana/klarna-order-worker.json" "$prometheus"
    table
    say "the first alerts fired, and ended"
    exit 0
fi

causes "the token endpoint answers nobody" KlarnaWorkerLostAnswers KlarnaWorkerBreakerOpen KlarnaWorkerOrdersWithoutToken KlarnaWorkerUncertainTokens
causes "Klarna refuses what the shop orders" KlarnaWorkerOrdersFail
users lost- 10 0s
users good- 1 0s
tell options '{"token": {"failure_rate": 1, "failures": ["lost"]}}'
orders lost- 10
fires 60 KlarnaWorkerLostAnswers KlarnaWorkerBreakerOpen KlarnaWorkerOrdersWithoutToken
tell options '{"token": {"failure_rate": 0}, "checkout": {"failure_rate": 1, "failures": ["400"]}}'
orders stranger- 10
fires 60 KlarnaWorkerOrdersFail
tell options '{"checkout": {"failure_rate": 0}}'
"$program" orders retry --merchant shop --error klarna_refused_order --yes >/dev/null
mends KlarnaWorkerOrdersFail
orders good- 1
mends KlarnaWorkerLostAnswers KlarnaWorkerBreakerOpen KlarnaWorkerOrdersWithoutToken
resolves 60 KlarnaWorkerBreakerOpen KlarnaWorkerOrdersWithoutToken KlarnaWorkerOrdersFail
fires 75 KlarnaWorkerUncertainTokens
"$program" tokens resolve --all --retry --yes >/dev/null
mends KlarnaWorkerUncertainTokens
resolves 75 KlarnaWorkerLostAnswers
causes "somebody writes over an encrypted token" KlarnaWorkerUndecryptableTokens
users damaged- 1 0s
sql "UPDATE klarna_worker.tokens SET sealed = '\\x00' WHERE user_id = 'damaged-1'" "$database" >/dev/null
orders damaged- 1
fires 60 KlarnaWorkerUndecryptableTokens
mends KlarnaWorkerUndecryptableTokens
resolves 75 KlarnaWorkerUndecryptableTokens
# A single order, which is in an attempt for most of the time.
causes "Klarna accepts orders' calls and does not answer" KlarnaWorkerOrdersDelayed
tell options '{"checkout": {"failure_rate": 1, "failures": ["stall"]}}'
orders stranger- 1
fires 120 KlarnaWorkerOrdersDelayed
for _ in {1..15}; do
    [[ " $(states) " == *" KlarnaWorkerOrdersDelayed "* ]] || give_up "KlarnaWorkerOrdersDelayed ends during an attempt"
    sleep 1
done
tell options '{"checkout": {"failure_rate": 0}}'
mends KlarnaWorkerOrdersDelayed
resolves 120 KlarnaWorkerOrdersDelayed
say "an operator pauses orders, and nobody is called"
"$program" pause orders --all-merchants --reason "a test" >/dev/null
becomes 'max(klarna_worker_paused_seconds{kind="orders"}) > bool 0' 1
orders stranger- 1
becomes 'max(klarna_worker_orders_oldest_due_seconds) > bool 20' 1
[[ "$(states)" != *KlarnaWorkerOrdersWait* ]] || give_up "KlarnaWorkerOrdersWait fires for paused orders"
"$program" resume orders --all-merchants --yes >/dev/null
causes "an operator forgets a pause for two days" KlarnaWorkerPausedLong
"$program" pause keeper --all-merchants --reason "a test" >/dev/null
sql "UPDATE klarna_worker.pauses SET paused_at = paused_at - interval '2 days'" "$database" >/dev/null
fires 60 KlarnaWorkerPausedLong
"$program" resume keeper --all-merchants >/dev/null
mends KlarnaWorkerPausedLong
resolves 60 KlarnaWorkerPausedLong
# From now on the keeper is in the worker.
schedule="*/2 * * * * *"

echo 500 >receiver
orders stranger- 2
until [ "$("$program" --format json webhooks list --status pending | wc -l)" -eq 2 ]; do sleep 0.1; done
causes "order management was asked for two days in vain" KlarnaWorkerFollowUpsFail
sql "INSERT INTO klarna_worker.follow_ups (kind, merchant, klarna_id, due_at, give_up_at, given_up_at)
     VALUES ('read', 'shop', 'k-1', now(), now(), now())" "$database"
fires 60 KlarnaWorkerFollowUpsFail
sql "DELETE FROM klarna_worker.follow_ups" "$database"
mends KlarnaWorkerFollowUpsFail
resolves 60 KlarnaWorkerFollowUpsFail

causes "the only worker is killed" KlarnaWorkerProcessDown KlarnaWorkerNoWorkerAlive KlarnaWorkerOrdersWait KlarnaWorkerWebhooksWait
stop worker KILL
orders stranger- 5
fires 60 KlarnaWorkerProcessDown KlarnaWorkerNoWorkerAlive
causes "a session locks a table of the database" KlarnaWorkerPoolExhausted
sql "BEGIN; LOCK TABLE klarna_worker.orders IN EXCLUSIVE MODE; SELECT pg_sleep(60)" "$database" >/dev/null 2>&1 & started[lock]=$!
# A statement waits for a lock for a second, and then fails: the callers ask again, as a shop does.
touch blocked
for caller in $(seq 16); do
    while [ -e blocked ]; do
        curl -s -o /dev/null --max-time 10 -H 'content-type: application/json' "$api/v1/orders" -d "{\"merchant\":\"shop\",\"user\":\"stranger-1\",\"order\":{$order}}" || true
    done &
    started[caller-$caller]=$!
done
fires 40 KlarnaWorkerPoolExhausted
rm blocked
sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()" >/dev/null
mends KlarnaWorkerPoolExhausted
resolves 30 KlarnaWorkerPoolExhausted
fires 90 KlarnaWorkerOrdersWait KlarnaWorkerWebhooksWait
resolves 30 KlarnaWorkerUncertainTokens
causes "the shop's webhook endpoint answers 410" KlarnaWorkerWebhookEndpointDisabled
echo 410 >receiver
start_worker
mends KlarnaWorkerProcessDown KlarnaWorkerNoWorkerAlive KlarnaWorkerOrdersWait KlarnaWorkerWebhooksWait
# For the keeper, which the dashboard shows too.
users late- 3 55d
fires 30 KlarnaWorkerWebhookEndpointDisabled
echo 204 >receiver
"$program" webhooks resend --merchant shop --status pending --yes >/dev/null
mends KlarnaWorkerWebhookEndpointDisabled
resolves 60 KlarnaWorkerProcessDown KlarnaWorkerNoWorkerAlive KlarnaWorkerOrdersWait KlarnaWorkerWebhooksWait KlarnaWorkerWebhookEndpointDisabled

causes "PostgreSQL is stopped amid exchanges" KlarnaWorkerDatabaseUnreachable KlarnaWorkerSpoolFiles
users spool- 3 0s
tell options '{"token": {"latency": "3s"}}'
orders spool- 3
until [ "$(sql "SELECT count(*) FROM klarna_worker.exchanges WHERE outcome IS NULL" "$database")" -eq 3 ]; do sleep 0.1; done
stop_database immediate
fires 60 KlarnaWorkerDatabaseUnreachable KlarnaWorkerSpoolFiles
start_database
tell options '{"token": {"latency": "0s"}}'
mends KlarnaWorkerDatabaseUnreachable KlarnaWorkerSpoolFiles
resolves 60 KlarnaWorkerDatabaseUnreachable KlarnaWorkerSpoolFiles

causes "the database is made read-only" KlarnaWorkerDatabaseReadOnly
sql "ALTER SYSTEM SET default_transaction_read_only = on" >/dev/null
sql "SELECT pg_reload_conf()" >/dev/null
fires 60 KlarnaWorkerDatabaseReadOnly
sql "ALTER SYSTEM RESET default_transaction_read_only" >/dev/null
sql "SELECT pg_reload_conf()" >/dev/null
mends KlarnaWorkerDatabaseReadOnly
resolves 60 KlarnaWorkerDatabaseReadOnly

pg as_owner "$programs/pg_basebackup" -h 127.0.0.1 -p "$postgres_port" -U postgres -D "$cluster/standby" -c fast -R
start_standby
replica=postgres://postgres@127.0.0.1:$standby_port/shop
sed -i "s|^max_connections = 4\$|&\nread_url = \"$replica\"|" config.toml
stop api TERM
start_api
causes "the read replica replays nothing" KlarnaWorkerReadReplicaBehind
sql "SELECT pg_wal_replay_pause()" "$replica"
orders stranger- 1
fires 150 KlarnaWorkerReadReplicaBehind
sql "SELECT pg_wal_replay_resume()" "$replica"
mends KlarnaWorkerReadReplicaBehind
resolves 60 KlarnaWorkerReadReplicaBehind
causes "the read replica is stopped" KlarnaWorkerReadReplicaFails
standby -m fast stop
fires 60 KlarnaWorkerReadReplicaFails
start_standby
mends KlarnaWorkerReadReplicaFails
resolves 60 KlarnaWorkerReadReplicaFails
sed -i '/^read_url = /d' config.toml
stop api TERM
start_api
stop_standby

causes "the settings have an error" KlarnaWorkerReloadFailed
cp config.toml good.toml
echo '[nonsense' >>config.toml
kill -HUP "${started[worker]}"
fires 60 KlarnaWorkerReloadFailed
mv good.toml config.toml
kill -HUP "${started[worker]}"
mends KlarnaWorkerReloadFailed
resolves 60 KlarnaWorkerReloadFailed

causes "the table of the audit log cannot be used" KlarnaWorkerAuditLogFails
sql "ALTER TABLE klarna_worker.audit_log RENAME TO audit_log_away" "$database"
curl -s -o /dev/null -X DELETE "$api/v1/merchants/shop/users/nobody/token"
fires 60 KlarnaWorkerAuditLogFails
sql "ALTER TABLE klarna_worker.audit_log_away RENAME TO audit_log" "$database"
mends KlarnaWorkerAuditLogFails
resolves 60 KlarnaWorkerAuditLogFails

causes "the provider rejects the tokens of many users in a row" KlarnaWorkerSuspiciousRejections
users rejected- 12 0s
for n in $(seq 12); do tell revoke "{\"user\": \"rejected-$n\"}"; done
orders rejected- 12
fires 60 KlarnaWorkerSuspiciousRejections
users again- 1 0s
# The next probe would follow five minutes after the last one.
sql "UPDATE klarna_worker.providers SET probe_at = clock_timestamp()" "$database"
"$program" breakers probe --merchant shop --endpoint token >/dev/null
orders again- 1
mends KlarnaWorkerSuspiciousRejections
resolves 60 KlarnaWorkerSuspiciousRejections

causes "the settings name another address than the provider" KlarnaWorkerEndpointsMoved
sed -i "s|^discovery = true\$|&\nrevoke_url = \"$sandbox/eu/lp/idp/oauth2/other\"|" config.toml
stop worker TERM
start_worker
fires 30 KlarnaWorkerEndpointsMoved
sed -i '/^revoke_url = /d' config.toml
stop worker TERM
start_worker
mends KlarnaWorkerEndpointsMoved
resolves 30 KlarnaWorkerEndpointsMoved

causes "every process is stopped" KlarnaWorkerAllDown
stop worker TERM
stop api TERM
stop_database fast
rm -rf "$cluster/data"
mv "$cluster/backup" "$cluster/data"
start_database
fires 30 KlarnaWorkerAllDown
causes "a backup is restored" KlarnaWorkerOrdersHeld
causes "another key is made the active one" KlarnaWorkerOldKey
# What the runbook of a process that does not start leads to.
KLARNA_WORKER__VAULT__INSTANCE_DIR=worker "$program" serve --roles worker >refused.log 2>&1 && give_up "a restored database is served"
grep -q "tokens after-restore" refused.log || give_up "a restored database is not told: $(cat refused.log)"
"$program" tokens after-restore --yes >/dev/null
sed -i 's/^active_key = .*/active_key = "k2"/' config.toml
start_api
start_worker
mends KlarnaWorkerAllDown
fires 60 KlarnaWorkerOrdersHeld KlarnaWorkerOldKey
[ "$(uncertain | wc -l)" -ge 10 ] || give_up "after-restore left tokens that may be spent"
# The sandbox has never seen it, so it may be sent.
"$program" orders retry --merchant shop --error database_restored --yes >/dev/null
"$program" keys rotate >/dev/null
[ "$("$program" --format json keys status | grep -c '"may_be_retired":true')" -eq 1 ] || give_up "after keys rotate the old key is still needed"
"$program" tokens resolve --all --retry --yes >/dev/null
# Remove the old key. With the new settings, each process starts its counters again.
sed -i '/^\[vault.keys.k1\]$/,+1d' config.toml
stop worker TERM
stop api TERM
start_api
start_worker
mends KlarnaWorkerOrdersHeld KlarnaWorkerOldKey
resolves 90 KlarnaWorkerAllDown KlarnaWorkerOrdersHeld KlarnaWorkerOldKey
until [ -z "$(states)" ]; do
    [ "$(now)" -lt $((mended[KlarnaWorkerOldKey] + 90)) ] || give_up "goes on: $(states)"
    sleep 0.3
done

python3 "$repository/tests/alerts/dashboard.py" "$repository/deploy/grafana/klarna-order-worker.json" "$prometheus" $(($(now) - begun))
table
# Every alert has been caused.
left=$(comm -23 <(sed -n 's/^ *- alert: //p' alerts.yaml | sort) <(printf '%s\n' "${names[@]}" | sort))
[ -z "$left" ] || give_up "never fired: $left"
say "each alert fired, and ended"
