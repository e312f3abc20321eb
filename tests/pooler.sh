#!/usr/bin/env bash
# Plays the store's conformance suite on PostgreSQL through PgBouncer in transaction mode, with PgBouncer's own defaults,
# while server and role have other defaults than the usual ones. Arguments go to the test runner.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/postgres.sh
. tests/postgres.sh
[ -x /usr/sbin/pgbouncer ] || install_package pgbouncer "PgBouncer"
finally() { stop_postgres; }
stage pooler
start_postgres
for setting in "default_transaction_isolation = 'serializable'" "search_path = 'pg_temp'" "timezone = 'Asia/Tokyo'" \
    "standard_conforming_strings = off" "escape_string_warning = off"; do
    "$KLARNA_WORKER_TEST_PG_BIN/psql" -qX "$KLARNA_WORKER_TEST_POSTGRES" -c "ALTER ROLE postgres SET $setting"
done
export KLARNA_WORKER_TEST_POOLER=1
# These end connections of the server itself, or count them.
not='test(pools_recover) | test(a_burst_finds) | test(a_claim_dies_with) | test(kill)'
cargo nextest run --workspace --all-features --test it -E "test(conformance::) & test(postgres) - ($not)" "$@"
