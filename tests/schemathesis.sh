#!/usr/bin/env bash
# Sends requests that are generated from openapi.json to a running service: no answer may be a 5xx or undocumented. Runs
# once on SQLite and once on PostgreSQL, with the sandbox.
#
#     tests/schemathesis.sh [PROGRAM]      # builds one if none is given
#
# Installs Schemathesis (https://schemathesis.io) from PyPI into a folder of its own below target/. SCHEMATHESIS_EXAMPLES
# says how many requests are made for each operation and phase.
set -euo pipefail
cd "$(dirname "$0")/.."

VERSION=4.32.5
examples=${SCHEMATHESIS_EXAMPLES:-10}

# shellcheck source=tests/postgres.sh
. tests/postgres.sh

need python3 python3
venv=$PWD/target/schemathesis-$VERSION
if [ ! -x "$venv/bin/schemathesis" ]; then
    say "installing schemathesis $VERSION into $venv"
    make_venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$VERSION"
fi

[ $# -eq 0 ] || KLARNA_WORKER_BIN=$1
program=$(built_program)

finally() { stop_postgres; }
stage fuzz

# Prints the first line of a program that is ready. Its JSON has the addresses.
first_line() {
    local file=$1
    for _ in $(seq 600); do
        if [ -s "$file" ]; then head -n 1 "$file"; return; fi
        sleep 0.1
    done
    give_up "nothing was ready within a minute: $(cat "$file.log")"
}
member() { python3 -c 'import json, sys; print(json.loads(sys.argv[1])[sys.argv[2]])' "$1" "$2"; }

launch() {
    local name=$1
    shift
    (cd "$home" && exec "$program" --format json "$@") >"$home/$name" 2>"$home/$name.log" &
    started+=($!)
}

say "starting the sandbox"
launch sandbox sandbox --bind 127.0.0.1:0
sandbox=$(first_line "$home/sandbox")
key="a-key-for-the-fuzzer"
hash=$(printf %s "$key" | sha256sum | cut -d' ' -f1)

# Runs the generated requests against a service with a database of its own.
fuzz() {
    local engine=$1 url=$2
    cat >"$home/$engine.toml" <<TOML
installation = "fuzz"
[database]
url = "$url"
[server]
bind = "127.0.0.1:0"
[[server.api_keys]]
name = "fuzzer"
key_sha256 = "$hash"
scopes = ["orders", "tokens", "ops"]
[vault]
instance_dir = "$engine-instance"
[vault.keys.k1]
file = "$engine.key"
$(sandbox_shop "$(member "$sandbox" checkout_url)")
TOML
    (cd "$home" && "$program" --config "$engine.toml" keys generate --out "$engine.key" >&2 && "$program" --config "$engine.toml" migrate >&2)
    launch "$engine" --config "$engine.toml" serve
    local api
    api=$(member "$(first_line "$home/$engine")" api)
    say "fuzzing $api on $engine"
    # No schema can describe the sums of an order, which lists of entity tags HTTP allows, that a user is named beside a
    # merchant, that something chooses the rows of a change, or which merchants have an endpoint for revocations. So requests
    # that fit the description may be refused.
    cat >"$home/schemathesis.toml" <<TOML
base-url = "$api"
headers = { Authorization = "Bearer $key" }
[generation]
max-examples = $examples
[checks]
# 413: a request may break the description and be too large.
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429, "5xx"]
[[operations]]
include-operation-id = ["submit_order", "list_audit", "forget_token", "retry_orders", "cancel_orders", "retry_follow_ups", "resend_webhooks"]
checks.positive_data_acceptance.enabled = false
[[operations]]
# RFC 6585: 428 says that the header If-Match is missing. RFC 9110: 412 says that it names another version. 422: the sums of
# an order, and its target, which decides between the bodies.
include-operation-id = "update_order"
checks.positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 409, 412, 413, 422, "5xx"]
checks.negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 429, "5xx"]
checks.missing_required_header.expected-statuses = [400, 401, 403, 406, 415, 422, 428]
[[operations]]
# What is paused answers other requests with 503, and a process that drains ends.
include-operation-id = ["pause", "drain"]
enabled = false
TOML
    (cd "$home" && "$venv/bin/schemathesis" --config-file schemathesis.toml run "$OLDPWD/openapi.json" \
        --workers 1 --seed "${SCHEMATHESIS_SEED:-1}" --no-color) || {
        say "the service's log:"
        tail -n 20 "$home/$engine.log" >&2
        return 1
    }
    if grep -q '"level":"ERROR"' "$home/$engine.log"; then
        grep '"level":"ERROR"' "$home/$engine.log" | head -n 5 >&2
        give_up "the service logged errors"
    fi
}

fuzz sqlite "sqlite://sqlite.db"
start_postgres
fuzz postgresql "$KLARNA_WORKER_TEST_POSTGRES"
say "no 5xx, and no answer outside the description"
