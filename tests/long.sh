#!/usr/bin/env bash
# The long forms of tests that .ci/run runs in short. Run those that your change touches:
#
#     tests/long.sh                    # all, for hours
#     tests/long.sh alerts endurance   # these
#     tests/long.sh kills sessions blocked clocks     # the service under load, with its sums at the end
#     KLARNA_WORKER_TEST_ROUNDS=3 tests/long.sh kills # a short form
#     KLARNA_WORKER_TEST_FUZZ=60 tests/long.sh fuzz   # each target for 60 seconds
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/lib.sh

# What the parts found, for the end of the output.
sums=$(mktemp)
tell_sums() {
    [ ! -s "$sums" ] || { say "sums" && cat "$sums"; }
    rm -f "$sums"
}
trap tell_sums EXIT

# under_load TESTS VARIABLE=NUMBER...: runs tests in which sixteen clients submit orders, on a release build, and keeps the
# sums that they print. KLARNA_WORKER_TEST_SEED names other moments and users.
under_load() {
    local tests=$1 output code=0
    shift
    cargo build --locked --release
    output=$(mktemp)
    env KLARNA_WORKER_TEST_PROGRAM="${CARGO_TARGET_DIR:-$PWD/target}/release/klarna-order-worker" "$@" \
        ./test.sh --test e2e --no-capture -E "$tests" 2>&1 | tee "$output" || code=$?
    grep -E ', seed [0-9]+: |torture on ' "$output" >>"$sums" || true
    rm -f "$output"
    return "$code"
}

# rounds_or NUMBER: the number of faults, unless the caller names another.
rounds_or() { echo "KLARNA_WORKER_TEST_ROUNDS=${KLARNA_WORKER_TEST_ROUNDS:-$1}"; }

# The service is killed with SIGKILL 300 times on each engine.
kills() { under_load 'test(kills_at_random)' "$(rounds_or 300)"; }

# 200 database sessions are killed, and the server is stopped at once 50 times.
sessions() {
    local rounds=${KLARNA_WORKER_TEST_ROUNDS:-200}
    under_load 'test(killed_sessions_and_restarts)' "KLARNA_WORKER_TEST_ROUNDS=$rounds" \
        "KLARNA_WORKER_TEST_RESTARTS=$(((rounds + 3) / 4))"
}

# The service gets SIGTERM 50 times on each engine while its database takes no successor.
blocked() { under_load 'test(stops_with_a_blocked_store)' "$(rounds_or 50)"; }

# The database's clock is put forward and back 20 times.
clocks() { under_load 'test(steps_of_the_databases_clock)' "$(rounds_or 20)"; }

# The service gets SIGTERM 150 times, is cut off from database or token endpoint, or sweeps.
endurance() {
    under_load 'test(stops_at_random)' "$(rounds_or 150)"
    under_load 'test(endurance::silence::)' KLARNA_WORKER_TEST_SILENCE=60
    under_load 'test(endurance::sweep::)' KLARNA_WORKER_TEST_SWEEP=50000
    under_load 'test(/^outage::/)' KLARNA_WORKER_TEST_OUTAGE=90 KLARNA_WORKER_TEST_LOAD=1
}

# Many orders at once, also over stops, kills, reloads, new keys and steps of the database's clock.
load() {
    under_load 'test(/^load::/) + test(/^restart::/) + test(/^clock::/) + test(/^keys::/) + test(/credentials_are_rotated/)' \
        KLARNA_WORKER_TEST_LOAD=1
}

# Nobody reads the log of the service for ten minutes, on each engine.
unread() { under_load 'test(endurance::unread::)' "KLARNA_WORKER_TEST_UNREAD=${KLARNA_WORKER_TEST_UNREAD:-600}"; }

# Every case of klarna-sandbox torture, with this program as the client under test.
torture() { under_load 'test(torture_finds_nothing)' KLARNA_WORKER_TEST_TORTURE=all; }

# More sequences of the model, with a new seed each time.
model() { KLARNA_WORKER_MODEL_CASES=2000 KLARNA_WORKER_MODEL_SEED=${KLARNA_WORKER_MODEL_SEED:-$RANDOM} ./test.sh model::; }

# A year of the keeper's runs, with many tokens.
year() { KLARNA_WORKER_TEST_YEAR=10000 ./test.sh keeper::year::; }

# The scenarios of the protocol's exhaustive model that are too large for the test suite.
protocol() { cargo run --locked -p model -- large; }

# The conformance suite through PgBouncer.
pooler() { tests/pooler.sh; }

# Each rule of the protocol is removed in turn, and the tests must fail.
rules() { tests/rules.sh; }

# This version replaces the last release.
upgrade() { tests/upgrade.sh; }

# Every alert fires and ends, and every panel of the dashboard has data.
alerts() { tests/alerts.sh --all; }

# More generated requests.
requests() { SCHEMATHESIS_EXAMPLES=200 SCHEMATHESIS_SEED=${SCHEMATHESIS_SEED:-$RANDOM} tests/schemathesis.sh; }

# Orders and health checks while strangers flood the service.
floods() {
    cargo build --locked --release
    KLARNA_WORKER_BIN=target/release/klarna-order-worker tests/floods.sh
}

# Every fuzz target for ten minutes, with AddressSanitizer. A finding ends the run; its input lies in fuzz/artifacts/.
fuzz() {
    local target seconds=${KLARNA_WORKER_TEST_FUZZ:-600}
    command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz@0.13.2
    # The sanitizer is an option of the nightly compiler, which this one has too if it is told so.
    export RUSTC_BOOTSTRAP=1
    cargo fuzz build -s address
    for target in fuzz/fuzz_targets/*.rs; do
        target=$(basename "$target" .rs)
        mkdir -p "fuzz/corpus/$target"
        cargo fuzz run -s address "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
            "-max_total_time=$seconds" -timeout=10 -rss_limit_mb=4096 -print_final_stats=1 2>&1 |
            tee "fuzz/corpus/$target.log"
        echo "fuzz $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "fuzz/corpus/$target.log") inputs" >>"$sums"
    done
}

# The plain worker in Node that `bench compare` measures beside this program: that it runs and does the job. The server writes
# as little as possible, so the figures mean nothing.
compare() (
    need node nodejs
    need npm npm
    # shellcheck source=tests/postgres.sh
    . tests/postgres.sh
    trap stop_postgres EXIT
    start_postgres
    cargo run --locked --release -p bench -- compare --mock light --turns 1 --orders 1000 --database "$KLARNA_WORKER_TEST_POSTGRES"
)

# The packages, each installed and started.
packages() { as_root env "PATH=$PATH" tests/packages.sh; }

all=(kills sessions blocked clocks endurance load unread torture model year protocol pooler rules upgrade alerts requests floods fuzz compare packages)
for part in "${@:-${all[@]}}"; do
    [[ " ${all[*]} " == *" $part "* ]] || give_up "there is no part $part: ${all[*]}"
done
for part in "${@:-${all[@]}}"; do
    begun=$SECONDS
    say "$part"
    "$part"
    say "$part took $((SECONDS - begun)) s"
done
