#!/usr/bin/env bash
# All tests, PostgreSQL's included. Arguments go to the test runner: ./test.sh settings
#
# Installs what is missing where it can, starts a throw-away PostgreSQL on a free port as an ordinary user, runs
# everything and removes it again, however the run ends.
set -euo pipefail
cd "$(dirname "$0")"

. tests/lib.sh

# The folder of initdb and postgres: Debian keeps them off PATH, one folder a version.
postgres_programs() {
    local folder
    for folder in "${KLARNA_WORKER_TEST_PG_BIN:-}" "$(pg_config --bindir 2>/dev/null || true)" \
        /usr/lib/postgresql/*/bin "$(dirname "$(command -v initdb || echo /nowhere/initdb)")"; do
        if [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ]; then
            echo "$folder"
            return
        fi
    done
    return 1
}

command -v cargo >/dev/null || give_up "Rust is missing: install it from https://rustup.rs"
command -v cc >/dev/null || install_package build-essential "a C compiler (cc)"
programs=$(postgres_programs) || {
    install_package postgresql "PostgreSQL's server"
    programs=$(postgres_programs) || give_up "no initdb found: set KLARNA_WORKER_TEST_PG_BIN to the folder that has it"
}
export KLARNA_WORKER_TEST_PG_BIN=$programs

# PostgreSQL refuses to run as root; its own user is there wherever its package is.
if [ "$(id -u)" -eq 0 ]; then
    id postgres >/dev/null 2>&1 || give_up "root may not run PostgreSQL: add a user named postgres, or run as another user"
    if command -v runuser >/dev/null; then as_owner() { runuser -u postgres -- "$@"; }
    else
        # shellcheck disable=SC2016 # the inner shell expands these
        as_owner() { su -s /bin/sh -c 'exec "$0" "$@"' -- postgres "$@"; }
    fi
else
    as_owner() { "$@"; }
fi

cluster=$(mktemp -d "${TMPDIR:-/tmp}/klarna-worker-test.XXXXXX")
remove_cluster() {
    local code=$?
    trap - EXIT
    as_owner "$programs/pg_ctl" -D "$cluster/data" -m immediate -w stop >/dev/null 2>&1 || true
    rm -rf "$cluster"
    exit "$code"
}
trap remove_cluster EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
[ "$(id -u)" -ne 0 ] || chown postgres "$cluster"

start() {
    # A port in use makes the start fail, and another is tried.
    local port=$((20000 + RANDOM % 20000))
    as_owner "$programs/pg_ctl" -D "$cluster/data" -l "$cluster/log" -w -t 60 \
        -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='$cluster' -c max_connections=300 -c fsync=off" \
        start >/dev/null 2>&1 && echo "$port"
}

say "starting PostgreSQL from $programs"
cd "$cluster" # a folder that the owner of the cluster may enter
as_owner "$programs/initdb" -D "$cluster/data" -U postgres -A trust -E UTF8 --locale=C >"$cluster/initdb.log" 2>&1 || {
    cat "$cluster/initdb.log" >&2
    give_up "initdb failed"
}
port=$(start || start || start) || {
    cat "$cluster/log" >&2
    give_up "PostgreSQL did not start"
}
cd "$OLDPWD"

export KLARNA_WORKER_TEST_POSTGRES="postgres://postgres@127.0.0.1:$port/postgres"
export KLARNA_WORKER_TEST_PGDATA="$cluster/data"

if cargo nextest --version >/dev/null 2>&1; then
    say "cargo nextest run --all-features"
    cargo nextest run --all-features "$@"
else
    say "cargo test --all-features"
    cargo test --all-features --all-targets "$@"
fi
say "cargo test --doc"
cargo test --all-features --doc
