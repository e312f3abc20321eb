#!/usr/bin/env bash
# Removes each rule of the exchange protocol in turn, and expects the tests of that rule to fail.
#
#   tests/rules.sh            # all; the tests are built once for each, and once more
#   tests/rules.sh 3 5        # these
#   tests/rules.sh 2?         # a group
#
# A patch in tests/rules/ removes the rule, in a copy of the working tree under target/. Its lines "red: NAME" name the
# tests of tests/it that must fail, its lines "red: NAME in TARGET" those of another test target, or of the library
# (lib). A patch that no longer applies or builds, and a test that still passes, are errors.
#
# The number of a patch says what kind of rule it removes:
#    1 to 7     the rule of this number in docs/protocol.md
#    8 and 9    when an answer of a provider is believed
#   10 to 19    who is alive, one token in one row, and sessions of the database
#   20 to 29    merchants, users, bad rows and readers of the log hold nobody up
#   30 to 39    answers, spool and results: nothing that Klarna said is lost
#   40 to 49    connections and locks of the database
#   50 to 59    where a process may begin: folder, machine, database file
#   60 to 69    registered, rejected and cached tokens, names, providers, waits
#   70 to 79    create calls and their results
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
# be used for the other. The libraries are shared with other tests, so the features must be the same.
tests=(cargo test --workspace --all-features)
export CARGO_TARGET_DIR=$target
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
    "${tests[@]}" --quiet "${arguments[@]}" --no-run >"$log" 2>&1
}

# Prints the named tests with their results: "TARGET NAME ... ok" or "... FAILED".
results() {
    local argument names
    : >"$log"
    for argument in $(targets "$@"); do
        mapfile -t names < <(printf '%s\n' "$@" | sed -n "s/^${argument#--*=} //p; s/^${argument#--} //p")
        "${tests[@]}" --no-fail-fast "$argument" -- --exact "${names[@]}" 2>&1 | tee -a "$log" |
            sed -n "s/^test \(.* \.\.\. \)/${argument##*[-=]} \1/p" || true
    done
}

say "with every rule in place"
mapfile -t named < <(red_ones "${patches[@]/#/$root/}")
build "${named[@]}" || give_up "the tests do not build: see $log"
green=$(results "${named[@]}")
for test in "${named[@]}"; do
    grep -qF "$test ... ok" <<<"$green" || give_up "$test is not green to begin with: see $log"
done
printf '%s tests are green\n' "${#named[@]}"

wrong=0
fault() {
    printf '  %s\n' "$*"
    wrong=$((wrong + 1))
}
for patch in "${patches[@]}"; do
    rule=$(basename "$patch" .patch)
    say "without $rule"
    if ! apply "$root/$patch"; then
        fault "WRITE IT AGAIN: the patch no longer applies"
        continue
    fi
    mapfile -t named < <(red_ones "$root/$patch")
    if build "${named[@]}"; then
        seen=$(results "${named[@]}")
        for test in "${named[@]}"; do
            if grep -qF "$test ... FAILED" <<<"$seen"; then
                printf '  red    %s\n' "$test"
            else
                fault "GREEN  $test"
            fi
        done
    else
        cp "$log" "$log.$rule"
        fault "WRITE IT AGAIN: the patch no longer builds: see $log.$rule"
    fi
    apply -R "$root/$patch"
done
[ "$wrong" -eq 0 ] || give_up "$wrong faults: a patch that is of no use, or a test that stays green without its rule"
say "each rule is held"
