#!/usr/bin/env bash
# Runs the commands of README.md as a reader would: in order, in one shell, in a new checkout. Compares their output with
# the output that README.md shows.
#
# The blocks marked `sh` are run, except those behind `<!--not-run-->`: `./test.sh` runs beside this script in `.ci/run`,
# `doctor` needs Klarna, and the last blocks need PostgreSQL and several machines. `cargo` builds nothing here: the
# program that the tests have built is used. KLARNA_WORKER_BIN names another one.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/lib.sh

need curl curl
need python3 python3
program=$(built_program)

stage readme

git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$home" 2>/dev/null || true
[ -e "$home/README.md" ] || give_up "this is no git repository, whose files could be copied"
mkdir "$home/bin"
ln -s "$program" "$home/bin/klarna-order-worker"
cat >"$home/bin/cargo" <<'CARGO'
#!/usr/bin/env bash
case "$*" in
"build --release") ;;
"run --release -- "*) shift 3; exec klarna-order-worker "$@" ;;
*) echo "tests/readme.sh does not know: cargo $*" >&2; exit 1 ;;
esac
CARGO
chmod +x "$home/bin/cargo"

for port in 8080 8090; do # those of config.toml
    ! command curl -s -o /dev/null --max-time 2 "http://127.0.0.1:$port/" || give_up "port $port is taken: README.md's commands need it"
done

say "the commands of README.md"
cd "$home"
PATH="$home/bin:$PATH" python3 tests/readme.py README.md
say "README.md's commands print what it says"
