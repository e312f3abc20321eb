# shellcheck shell=bash
# Starts a temporary PostgreSQL server. Sourced by test.sh and other scripts.

# shellcheck source=tests/lib.sh
. tests/lib.sh

# Prints the folder of initdb and postgres. Debian does not have them on PATH, but in one folder for each version.
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

# PostgreSQL refuses to run as root. Its package creates a user for it.
as_owner() {
    if [ "$(id -u)" -ne 0 ]; then "$@"
    elif command -v runuser >/dev/null; then runuser -u postgres -- "$@"
    else
        # shellcheck disable=SC2016 # the inner shell expands these
        su -s /bin/sh -c 'exec "$0" "$@"' -- postgres "$@"
    fi
}

# Starts a server on a free port, as an ordinary user, and exports its URL as KLARNA_WORKER_TEST_POSTGRES.
start_postgres() {
    local port
    programs=$(postgres_programs) || {
        install_package postgresql "PostgreSQL's server"
        programs=$(postgres_programs) || give_up "no initdb found: set KLARNA_WORKER_TEST_PG_BIN to the folder that has it"
    }
    export KLARNA_WORKER_TEST_PG_BIN=$programs
    [ "$(id -u)" -ne 0 ] || id postgres >/dev/null 2>&1 ||
        give_up "root may not run PostgreSQL: add a user named postgres, or run as another user"
    cluster=$(mktemp -d "${TMPDIR:-/tmp}/klarna-worker-test.XXXXXX")
    [ "$(id -u)" -ne 0 ] || chown postgres "$cluster"
    say "starting PostgreSQL from $programs"
    cd "$cluster" # a folder that the owner of the cluster may enter
    as_owner "$programs/initdb" -D "$cluster/data" -U postgres -A trust -E UTF8 --locale=C >"$cluster/initdb.log" 2>&1 || {
        cat "$cluster/initdb.log" >&2
        give_up "initdb failed"
    }
    port=$(try_port || try_port || try_port) || {
        cat "$cluster/log" >&2
        give_up "PostgreSQL did not start"
    }
    cd "$OLDPWD"
    export KLARNA_WORKER_TEST_POSTGRES="postgres://postgres@127.0.0.1:$port/postgres"
    export KLARNA_WORKER_TEST_PGDATA="$cluster/data"
}

try_port() {
    # If the port is in use, the start fails, and another port is tried.
    local port=$((20000 + RANDOM % 20000))
    run_postgres "$port" && echo "$port"
}

# Starts the cluster's server on a port. It mostly creates and drops a database for each test, so it writes as little as
# possible. Options in `postgres_options` come last.
run_postgres() {
    local frugal="-c fsync=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0"
    frugal+=" -c checkpoint_timeout=1h -c max_wal_size=4GB"
    # Tests look for errors in their own database.
    local log="-c log_line_prefix='%m [%p] %d '"
    as_owner "$programs/pg_ctl" -D "$cluster/data" -l "$cluster/log" -w -t 60 \
        -o "-p $1 -c listen_addresses=127.0.0.1 -c unix_socket_directories='$cluster' -c max_connections=1000 $frugal $log ${postgres_options:-}" \
        start >/dev/null 2>&1
}

# Call it when the script ends, in any way.
stop_postgres() {
    [ -n "${cluster:-}" ] || return 0
    as_owner "$programs/pg_ctl" -D "$cluster/data" -m immediate -w stop >/dev/null 2>&1 || true
    rm -rf "$cluster"
}
