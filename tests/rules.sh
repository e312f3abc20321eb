#!/usr/bin/env bash
# Removes each rule of the exchange protocol in turn, and expects the tests of that rule to fail.
#
#   tests/rules.sh            # all; the tests are built once for each, and once more
#   tests/rules.sh 3 5        # these
#
# A patch in tests/rules/ removes the rule, in a copy of the working tree under target/. Its lines "red: NAME" name the
# tests of tests/it that must fail, its lines "red: NAME in TARGET" those of another test target, or of the library
# (lib). A patch that no longer applies or builds, and a test that still passes, are errors.
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
for rule in "${@:-*}"; do
    # shellcheck disable=SC2206 # The asterisk stands for all.
    found=(tests/rules/$rule-*.patch)
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

# Prints the tests that must fail, each as "TARGET NAME".
red_ones() { sed -nE 's/^red: (\S+)$/it \1/p; s/^red: (\S+) in (\S+)$/\2 \1/p' "$@" | sort -u; }

# Prints the test targets of such tests, as arguments of cargo.
targets() { printf '%s\n' "$@" | cut -d ' ' -f 1 | sort -u | sed 's/^lib$/--lib/; t; s/^/--test=/'; }

build() {
    local arguments
    mapfile -t arguments < <(targets "$@")
    CARGO_TARGET_DIR=$target cargo test --quiet "${arguments[@]}" --no-run >"$log" 2>&1
}

# Prints the named tests with their results: "TARGET NAME ... ok" or "... FAILED".
verdicts() {
    local argument names
    : >"$log"
    for argument in $(targets "$@"); do
        mapfile -t names < <(printf '%s\n' "$@" | sed -n "s/^${argument#--*=} //p; s/^${argument#--} //p")
        CARGO_TARGET_DIR=$target cargo test "$argument" -- --exact "${names[@]}" 2>&1 | tee -a "$log" |
            sed -n "s/^test \(.* \.\.\. \)/${argument##*[-=]} \1/p" || true
    done
}

say "with every rule in place"
mapfile -t tests < <(red_ones "${patches[@]/#/$root/}")
build "${tests[@]}" || give_up "the tests do not build: see $log"
green=$(verdicts "${tests[@]}")
for test in "${tests[@]}"; do
    grep -qF "$test ... ok" <<<"$green" || give_up "$test is not green to begin with: see $log"
done
printf '%s tests are green\n' "${#tests[@]}"

wrong=0
for patch in "${patches[@]}"; do
    say "without $(basename "$patch" .patch)"
    apply "$root/$patch" || give_up "$patch no longer applies: write it again"
    mapfile -t tests < <(red_ones "$root/$patch")
    build "${tests[@]}" || give_up "$patch no longer builds: see $log"
    seen=$(verdicts "${tests[@]}")
    for test in "${tests[@]}"; do
        if grep -qF "$test ... FAILED" <<<"$seen"; then
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
