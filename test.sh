#!/usr/bin/env bash
# All tests, PostgreSQL's included. Arguments go to the test runner: ./test.sh settings
#
# Installs what is missing where it can, starts a throw-away PostgreSQL on a free port as an ordinary user, runs
# everything and removes it again, however the run ends.
set -euo pipefail
cd "$(dirname "$0")"

# shellcheck source=tests/postgres.sh
. tests/postgres.sh

command -v cargo >/dev/null || give_up "Rust is missing: install it from https://rustup.rs"
command -v cc >/dev/null || install_package build-essential "a C compiler (cc)"

finally() { stop_postgres; }
stage tests
start_postgres

if cargo_tool nextest 0.9.148; then
    say "cargo nextest run --workspace --all-features"
    cargo nextest run --workspace --all-features "$@"
else
    say "cargo test --workspace --all-features"
    cargo test --workspace --all-features --all-targets "$@"
fi
say "cargo test --workspace --doc"
cargo test --workspace --all-features --doc
