#!/usr/bin/env bash
# Runs all tests, on SQLite and PostgreSQL. Arguments go to the test runner: ./test.sh settings
#
# Installs what is missing if it can. Starts a temporary PostgreSQL server on a free port, as an ordinary user, and
# removes it at the end in any case.
set -euo pipefail
cd "$(dirname "$0")"

# shellcheck source=tests/postgres.sh
. tests/postgres.sh

command -v cargo >/dev/null || give_up "Rust is missing: install it from https://rustup.rs"
command -v cc >/dev/null || install_package build-essential "a C compiler (cc)"

[ -e /usr/lib/"$(uname -m)"-linux-gnu/faketime ] || ! command -v apt-get >/dev/null || install_package libfaketime "libfaketime"
command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ] || install_package pgbouncer "PgBouncer"

finally() { stop_postgres; }
stage tests
start_postgres

# The examples in the docs are compiled beside the tests.
if [ $# -eq 0 ]; then
    say "cargo test --workspace --doc"
    cargo test --workspace --all-features --doc >"$home/docs.log" 2>&1 &
    docs=$!
    started+=("$docs")
fi
if cargo_tool nextest 0.9.148; then
    say "cargo nextest run --workspace --all-features"
    # .config/nextest.toml says how many of these places a test takes. The PostgreSQL server has connections for 128.
    places=$((8 * $(nproc)))
    NEXTEST_TEST_THREADS=${NEXTEST_TEST_THREADS:-$((places < 128 ? places : 128))} cargo nextest run --workspace --all-features "$@"
else
    say "cargo test --workspace --all-features"
    cargo test --workspace --all-features --all-targets "$@"
fi
if [ $# -eq 0 ]; then
    wait "$docs" || give_up "the examples in the docs do not hold"
    grep 'test result' "$home/docs.log"
fi
