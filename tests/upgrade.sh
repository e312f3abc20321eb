#!/usr/bin/env bash
# Replaces an earlier release by this version under load, side by side on PostgreSQL, one after the other on SQLite, with new
# encryption keys meanwhile: no order fails, and no token is lost. The scenario is tests/e2e/endurance/upgrade.rs.
#
#     tests/upgrade.sh [OLD_PROGRAM]
#
# Without OLD_PROGRAM, the commit that tests/upgrade/from names is built once, below target/upgrade. Common dependencies are
# copied from the build of the tests, so that little more than the crate itself is built.
#
# While there is no release, there is no earlier version that shares a database with this one, and this script does nothing.
# ./test.sh replaces this version by itself, and opens the databases whose dumps are in tests/upgrade/.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=tests/postgres.sh
. tests/postgres.sh

# There is nothing to build it from: said, and no failure.
not_checked() {
    printf '%s: NOT CHECKED: %s\n' "$(basename "$0")" "$*" >&2
    exit 0
}

# Sets $old to the program of the commit.
build_old() {
    local commit target=${CARGO_TARGET_DIR:-$PWD/target}
    commit=$(grep -v '^#' tests/upgrade/from || true)
    [ -n "$commit" ] || not_checked "there is no earlier release yet"
    git rev-parse --git-dir >/dev/null 2>&1 || not_checked "this is no git repository, which would have the earlier release $commit"
    if ! git cat-file -e "$commit^{commit}" 2>/dev/null; then
        [ "$(git rev-parse --is-shallow-repository)" = true ] ||
            give_up "tests/upgrade/from names $commit, which this repository does not have"
        not_checked "this clone is shallow and lacks the earlier release $commit: fetch it (git fetch --unshallow)"
    fi
    [ "$(git rev-parse --is-shallow-repository)" = true ] || git merge-base --is-ancestor "$commit" HEAD ||
        give_up "tests/upgrade/from names $commit, which this version does not come from"
    old=$target/upgrade/$commit
    [ ! -x "$old" ] || return 0
    local build=$target/upgrade/build
    rm -rf "$build"
    mkdir -p "$build/source" "$build/debug"
    say "building the earlier release $commit"
    git archive "$commit" | tar -x -C "$build/source"
    if [ -d "$target/debug/.fingerprint" ]; then
        # Libraries alone: the crate's own and the tests' programs are large, and of no use.
        (cd "$target/debug" && find deps build .fingerprint -type f ! -name '*klarna*' ! -path '*/klarna*' \
            ! \( -path 'deps/*' ! -name '*.rlib' ! -name '*.rmeta' ! -name '*.so' ! -name '*.d' \) -print0 |
            xargs -0 cp -p --parents -t "$build/debug")
    fi
    # As the tests build theirs: the same features of the same libraries.
    (cd "$build/source" && cargo test --locked --all-features --no-run --test cli --target-dir "$build" >&2)
    mv "$build/debug/klarna-order-worker" "$old"
    rm -rf "$build"
}

command -v cargo >/dev/null || give_up "Rust is missing: install it from https://rustup.rs"
if [ $# -gt 0 ]; then old=$(realpath "$1"); else build_old; fi
[ -x "$old" ] || give_up "$old is no program"

finally() { stop_postgres; }
stage upgrade
start_postgres

export KLARNA_WORKER_TEST_OLD_PROGRAM=$old
say "replacing $("$old" --version) by this version"
cargo test --locked --all-features --test e2e -- --nocapture --test-threads 1 endurance::upgrade::
