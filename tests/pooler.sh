#!/usr/bin/env bash
# Plays the store's conformance suite on PostgreSQL through PgBouncer in transaction mode, with PgBouncer's own defaults, as
# a role with odd defaults. Some of its cases are among the usual tests. Arguments go to the test runner.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/postgres.sh
. tests/postgres.sh
[ -x /usr/sbin/pgbouncer ] || install_package pgbouncer "PgBouncer"
finally() { stop_postgres; }
stage pooler
start_postgres
export KLARNA_WORKER_TEST_POOLER=1
# One case counts the server's sessions, which are the pooler's here.
cargo nextest run --workspace --all-features --test it \
    -E "test(conformance::) & test(postgres) - test(a_burst_finds_connections_open_but_never_all_of_a_pool)" "$@"
