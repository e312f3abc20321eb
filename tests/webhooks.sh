#!/usr/bin/env bash
# Sends webhooks to a Python receiver that fails half of the time and verifies every signature with the reference library.
# It must receive every event. Needs Python with venv, and a package index for the library.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/lib.sh
repository=$PWD
orders=20

need python3 python3
python=$PWD/target/webhooks-tools
if ! "$python/bin/python" -c 'import standardwebhooks' 2>/dev/null; then
    make_venv "$python"
    "$python/bin/pip" install --quiet --disable-pip-version-check standardwebhooks==1.1.0
fi
program=$(built_program)
stage webhooks
cd "$home"


# Waits until a command prints something.
until_said() { for _ in $(seq 200); do [ -s "$1" ] && return; sleep 0.1; done; give_up "$1 stayed empty"; }

secret=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=
"$python/bin/python" "$repository/tests/webhooks/receiver.py" "$secret" 4711 >received & started+=($!)
until_said received
"$program" --format json sandbox --bind 127.0.0.1:0 >sandbox 2>sandbox.log & started+=($!)
until_said sandbox
field() { python3 -c 'import json, sys; print(json.loads(open(sys.argv[1]).readline())[sys.argv[2]])' "$1" "$2"; }
cat >config.toml <<SETTINGS
installation = "webhooks"
[server]
bind = "127.0.0.1:0"
$(sandbox_shop "$(field sandbox checkout_url)")
webhook_url = "$(head -1 received)"
webhook_secrets = ["$secret"]
SETTINGS
"$program" --format json serve >served 2>served.log & started+=($!)
until_said served

order='"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":100,"order_tax_amount":20'
order="$order"',"order_lines":[{"name":"A","quantity":1,"unit_price":100,"tax_rate":2500,"total_amount":100,"total_tax_amount":20}]'
for n in $(seq "$orders"); do
    echo "{\"merchant\":\"shop\",\"user\":\"u-$n\",\"order\":{$order}}"
done | "$program" enqueue - --wait 60s >/dev/null

# A failed webhook is due again in five seconds, then in a minute; `webhooks resend` is faster.
for _ in $(seq 60); do
    left=$("$program" --format json webhooks list --status pending | wc -l)
    [ "$left" -eq 0 ] && break
    "$program" webhooks resend --merchant shop --status pending --yes >/dev/null
    sleep 1
done
delivered=$("$program" --format json webhooks list --status delivered --limit 1000 | wc -l)
python3 - received "$orders" "$delivered" <<'CHECK'
import json, sys
requests = [json.loads(line) for line in open(sys.argv[1]).readlines()[1:]]
taken = {request["id"] for request in requests if request["taken"]}
failed = sum(not request["taken"] for request in requests)
print(f"{len(requests)} requests, {failed} failed on purpose, {len(taken)} events taken, every signature verified")
assert len(taken) == int(sys.argv[2]) == int(sys.argv[3]), (len(taken), sys.argv)
assert failed > len(requests) / 4, failed
CHECK
