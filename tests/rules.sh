#!/usr/bin/env bash
# Removes each rule of the exchange protocol in turn, and expects the tests of that rule to fail.
#
#   tests/rules.sh            # all of them; the crate is built once more than there are
#   tests/rules.sh 3 5        # these
#
# A patch in tests/rules/ removes the rule, in a copy of the working tree under target/. A patch that no longer applies or
# builds, and a test that still passes, are errors.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD
target=${CARGO_TARGET_DIR:-$root/target}
tree=$target/rules
log=$target/rules.log

# The first failing sequence of the model is enough, and need not be shrunk.
export KLARNA_WORKER_MODEL_CASES=40 PROPTEST_MAX_SHRINK_ITERS=0

say() { printf '==> %s\n' "$*" >&2; }
give_up() {
    printf 'rules.sh: %s\n' "$*" >&2
    exit 1
}

patches=()
for rule in "${@:-}"; do
    found=(tests/rules/"$rule"*.patch)
    [ -f "${found[0]}" ] || give_up "no patch takes out rule $rule"
    patches+=("${found[@]}")
done

rm -rf "$tree"
mkdir -p "$tree"
git ls-files -z --cached --others --exclude-standard | tar -c --null --files-from=- --ignore-failed-read | tar -x -C "$tree"
cd "$tree"

# Cargo treats the copy and the working tree as one package and compares only the age of files, so builds of one must not
# be used for the other.
age() { touch "$1/src/lib.rs" "$1/src/main.rs" "$1/tests/it/main.rs"; }
age "$tree"
trap 'age "$root"' EXIT

# The copy lies inside another git repository, whose files must not be patched.
apply() { GIT_CEILING_DIRECTORIES=$target git apply "$@"; }

build() { CARGO_TARGET_DIR=$target cargo test --quiet --test it --no-run >"$log" 2>&1; }

# Prints the named tests with their results: "test NAME ... ok" or "... FAILED".
verdicts() { CARGO_TARGET_DIR=$target cargo test --test it -- --exact "$@" 2>&1 | tee "$log" | grep '^test .* \.\.\. ' || true; }

red_ones() { sed -n 's/^red: //p' "$@" | sort -u; }

say "with every rule in place"
build || give_up "the tests do not build: see $log"
mapfile -t tests < <(red_ones "${patches[@]/#/$root/}")
green=$(verdicts "${tests[@]}")
for test in "${tests[@]}"; do
    grep -qF "test $test ... ok" <<<"$green" || give_up "$test is not green to begin with: see $log"
done
printf '%s tests are green\n' "${#tests[@]}"

wrong=0
for patch in "${patches[@]}"; do
    say "without $(basename "$patch" .patch)"
    apply "$root/$patch" || give_up "$patch no longer applies: write it again"
    build || give_up "$patch no longer builds: see $log"
    mapfile -t tests < <(red_ones "$root/$patch")
    seen=$(verdicts "${tests[@]}")
    for test in "${tests[@]}"; do
        if grep -qF "test $test ... FAILED" <<<"$seen"; then
            printf '  red    %s\n' "$test"
        else
            printf '  GREEN  %s\n' "$test"
            wrong=$((wrong + 1))
        fi
    done
    apply -R "$root/$patch"
done
[ "$wrong" -eq 0 ] || give_up "$wrong tests stay green without the rule that they hold"
say "each rule is held"
