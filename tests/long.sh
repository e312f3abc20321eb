#!/usr/bin/env bash
# The long forms of tests that .ci/run runs in short. Run those that your change touches:
#
#     tests/long.sh                    # all, for hours
#     tests/long.sh alerts endurance   # these
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/lib.sh

# Sixteen clients submit orders while the service is killed, stopped, cut off from database or token endpoint, or sweeps.
endurance() {
    cargo build --locked --release
    local run=(./test.sh --test e2e --no-capture)
    export KLARNA_WORKER_TEST_PROGRAM=$PWD/target/release/klarna-order-worker
    KLARNA_WORKER_TEST_ROUNDS=${KLARNA_WORKER_TEST_ROUNDS:-150} "${run[@]}" -E 'test(endurance::stops::) + test(endurance::database::)'
    KLARNA_WORKER_TEST_SILENCE=60 "${run[@]}" -E 'test(endurance::silence::)'
    KLARNA_WORKER_TEST_SWEEP=50000 "${run[@]}" -E 'test(endurance::sweep::)'
    KLARNA_WORKER_TEST_OUTAGE=90 "${run[@]}" -E 'test(outage::)'
    unset KLARNA_WORKER_TEST_PROGRAM
}

# More sequences of the model, with a new seed each time.
model() { KLARNA_WORKER_MODEL_CASES=2000 KLARNA_WORKER_MODEL_SEED=${KLARNA_WORKER_MODEL_SEED:-$RANDOM} ./test.sh model::; }

# A year of the keeper's runs, with many tokens.
year() { KLARNA_WORKER_TEST_YEAR=10000 ./test.sh keeper::year::; }

# The scenes of the protocol's exhaustive model that are too large for the test suite.
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

# The packages, each installed and started.
packages() { as_root env "PATH=$PATH" tests/packages.sh; }

all=(endurance model year protocol pooler rules upgrade alerts requests floods packages)
for part in "${@:-${all[@]}}"; do
    [[ " ${all[*]} " == *" $part "* ]] || give_up "there is no part $part: ${all[*]}"
done
for part in "${@:-${all[@]}}"; do
    begun=$SECONDS
    say "$part"
    "$part"
    say "$part took $((SECONDS - begun)) s"
done
