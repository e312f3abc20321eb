#!/usr/bin/env bash
# Runs the commands of README.md as a reader would: in order, in one shell, in a new checkout. Compares their output with
# the output that README.md shows.
#
# The blocks marked `sh` are run, except `./test.sh`, which is behind `<!--not-run-->` because it runs beside this script in
# `.ci/run`. Those for PostgreSQL get a temporary server. `cargo` builds nothing here: the program that the tests have
# built is used. KLARNA_WORKER_BIN names another one.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/postgres.sh

need curl curl
need python3 python3
program=$(built_program)

finally() { stop_postgres; }
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

start_postgres

say "the commands of README.md"
cd "$home"
# The settings that the page shows there, as variables.
use_postgres="export KLARNA_WORKER__DATABASE__URL=$KLARNA_WORKER_TEST_POSTGRES
export KLARNA_WORKER__VAULT__KEYS__K1__ENV=KLARNA_WORKER_VAULT_KEY
export KLARNA_WORKER__VAULT__INSTANCE_DIR=data/postgres"
PATH="$home/bin:$PATH" python3 tests/readme.py README.md "Use PostgreSQL" "$use_postgres"
say "README.md's commands print what it says"
