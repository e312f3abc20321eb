#!/usr/bin/env bash
# Runs the JavaScript of docs/shops.md and the shop clients in examples/shop/ and examples/access-token/ against a service
# and the sandbox, and compares their orders with the sandbox's record. Installs the languages if they are missing.
#
# KLARNA_WORKER_BIN names a program that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/lib.sh
repository=$PWD

need curl curl
need python3 python3
need node nodejs
need php php-cli
program=$(built_program)

stage clients

ports=$(free_ports 7)
read -r sandbox_port api_port node_port python_port php_port payments_port webhook_port <<<"$ports"
sandbox=http://127.0.0.1:$sandbox_port
api=http://127.0.0.1:$api_port
key=$(head -c 24 /dev/urandom | base64)
printf %s "$key" >"$home/api-key"

# config.toml with other addresses, and with an API key.
sed "s/127\.0\.0\.1:8090/127.0.0.1:$sandbox_port/; s/^#bind = .*/bind = \"127.0.0.1:$api_port\"/" config.toml >"$home/config.toml"
cat >>"$home/config.toml" <<SETTINGS
[[server.api_keys]]
name = "shop"
key_file = "$home/api-key"
scopes = ["orders", "tokens", "tokens:vend"]
SETTINGS

is() { [ "$2" = "$3" ] || give_up "$1: expected $3, found $2"; }
# A value of the JSON on standard input, by its pointer.
json() { python3 -c 'import functools, json, sys
def member(value, name): return value[int(name) if isinstance(value, list) else name]
print(functools.reduce(member, sys.argv[1].split("/")[1:], json.load(sys.stdin)))' "$1"; }
curl() { command curl --fail-with-body --silent --max-time 60 -H "authorization: Bearer $key" -H 'content-type: application/json' "$@"; }

cd "$home"
say "the service and the sandbox"
"$program" sandbox --bind "127.0.0.1:$sandbox_port" --users 3 --tokens-file data/tokens.jsonl >sandbox.log 2>&1 &
started+=($!)
export WEBHOOK_SECRET
WEBHOOK_SECRET=whsec_$(head -c 32 /dev/urandom | base64)
env KLARNA_WORKER__MERCHANTS__SHOP__WEBHOOK_URL="http://127.0.0.1:$webhook_port/klarna/events" \
    KLARNA_WORKER__MERCHANTS__SHOP__WEBHOOK_SECRETS="[\"$WEBHOOK_SECRET\"]" "$program" serve >serve.log 2>&1 &
started+=($!)
await "$api/readyz"
await "$sandbox/stats"

say "a token and an order"
token=$(head -n 1 data/tokens.jsonl | json /refresh_token)
curl -X PUT "$api/v1/merchants/shop/users/u-1/token" -d "{\"refresh_token\": \"$token\"}"
is "import" "$("$program" tokens import data/tokens.jsonl)" "2 registered, 1 already known, 0 older than the user's last sign-in, 0 refused"
order=$(curl "$api/v1/orders" -d @"$repository/examples/order.json" | json /id)
answer=$(curl "$api/v1/orders/$order?wait=25s")
is "the first order" "$(json /status <<<"$answer") $(json /token <<<"$answer")" "submitted fresh"

say "docs/shops.md: from the sign-in to the paid order"
KLARNA_WORKER_API_KEY=$key node "$repository/tests/tutorial.mjs" "$api" "$sandbox" "$webhook_port"

# As a browser: with the cookies of one shopper.
browse() { command curl -s --max-time 60 -b "$jar" -c "$jar" "$@"; }
# What the stand-in for Klarna has recorded of a shopper, or of an order.
record() {
    command curl -s "$sandbox/sandbox/record" | python3 -c 'import json, sys
print([event["event"] + ":" + event.get("recognition", event.get("outcome") or "") for event in json.load(sys.stdin)
       if sys.argv[1] in (event["user"], event.get("klarna_id"))])' "$1"
}

# A round as a browser makes it: the page with the button, a forged sign-in, a sign-in, the checkout page and its reload.
round() {
    local name=$1 shop=http://127.0.0.1:$2 jar=$home/$1.cookies user=$1-shopper token state page
    await "$shop/"
    token=$(command curl -s --fail -d "{\"user\": \"$user\"}" "$sandbox/sandbox/users" | json /refresh_token)
    state=$(browse "$shop/" | sed -n 's/.*data-state="\([^"]*\)".*/\1/p')
    signed_in() { browse -o /dev/null -w '%{http_code}' -H 'content-type: application/json' -d "{\"state\": \"$1\", \"refresh_token\": \"$token\"}" "$shop/klarna/signed-in"; }
    is "$name: a forged sign-in" "$(signed_in forged)" 403
    is "$name: registered by it" "$(command curl -s -o /dev/null -w '%{http_code}' -H "authorization: Bearer $key" "$api/v1/merchants/shop/users/$user/token")" 404
    is "$name: a sign-in" "$(signed_in "$state")" 204
    page=$(browse --fail "$shop/checkout")
    [[ $page == *klarna-checkout-container* ]] || give_up "$name: no snippet on the checkout page: $page"
    is "$name: the page loaded again" "$(browse "$shop/checkout")" "$page"
    is "$name: at the sandbox" "$(record "$user")" "['signed_in:', 'presented:rotated', 'order:recognised']"
}

# The answers of the service to a changed cart: done, not now, Klarna's refusal, and that the order is too old for it.
answers() {
    local name=$1 shop=http://127.0.0.1:$2 jar=$home/$1.cookies first failure
    fails() { command curl -s --fail -d "[$(printf '{"endpoint": "checkout", "failure": "%s"},' "$@" | sed 's/,$//')]" "$sandbox/sandbox/fail"; }
    cart() { is "$name: the cart" "$(browse -o /dev/null -w '%{http_code}' -d "quantity=$1" "$shop/cart")" 303; }
    # The status of the checkout page, and Klarna's order in it or what it says.
    checkout() { browse -w '\n%{http_code}\n' "$shop/checkout" | sed -n 's/.*data-order-id="\([^"]*\)".*/\1/p; s/.*<p>\([A-Z][^.]*\)\..*/\1/p; /^[0-9]*$/p' | tr '\n' ' '; }
    first=$(checkout)
    cart 2
    fails 503
    is "$name: tried again after a 503" "$(checkout)" "$first"
    cart 3
    fails 503 503 503
    is "$name: after three of them" "$(checkout)" "Your order is not ready yet 202 "
    is "$name: later" "$(checkout)" "$first"
    cart 4
    fails 422
    is "$name: refused by Klarna" "$(checkout)" "Klarna does not take this order 502 "
    is "$name: taken the next time" "$(checkout)" "$first"
    is "$name: the changes" "$(record "${first%% *}")" "['updated:', 'updated:', 'updated:']"
    cart 5
    # What retention does after `retention.bodies`.
    python3 -c 'import sqlite3, sys
with sqlite3.connect("data/worker.db", timeout=60) as database:
    database.execute("UPDATE orders SET body = NULL, result = NULL WHERE user_id = ?", [sys.argv[1]])' "$name-shopper"
    second=$(checkout)
    [[ $second == *" 200 " && $second != "$first" ]] || give_up "$name: no new order for the old one, but $second"
}

export KLARNA_WORKER_URL=$api KLARNA_WORKER_API_KEY=$key
client() {
    local name=$1 port=$2
    shift 2
    say "examples/shop: $name"
    PORT=$port SHOP_USER=$name-shopper "$@" >"$home/$name.log" 2>&1 &
    started+=($!)
    round "$name" "$port"
    answers "$name" "$port"
}
client node "$node_port" node "$repository/examples/shop/shop.mjs"
client python "$python_port" python3 "$repository/examples/shop/shop.py"
client php "$php_port" php -S "127.0.0.1:$php_port" "$repository/examples/shop/shop.php"

say "examples/shop: payments"
PORT=$payments_port SHOP_USER=node-shopper KLARNA_API_URL=$sandbox KLARNA_API_USERNAME=shop KLARNA_API_PASSWORD=secret \
    node "$repository/examples/shop/payments.mjs" >"$home/payments.log" 2>&1 &
started+=($!)
payments=http://127.0.0.1:$payments_port jar=$home/payments.cookies
await "$payments/"
page=$(browse --fail "$payments/checkout")
issued=$(command curl -s --fail "$sandbox/sandbox/issued" | json /client_tokens/0)
[[ $page == *"client_token: \"$issued\""* ]] || give_up "payments: no client token on the checkout page: $page"
is "payments: the page loaded again" "$(browse "$payments/checkout")" "$page"
# Every address of the page has an answer.
is "payments: its addresses" "$(grep -o '"/[a-z-]*"' <<<"$page" | sort -u | tr '\n' ' ')" '"/" "/cart" "/checkout" "/place-order" "/thanks" '
status() { browse -o /dev/null -w '%{http_code}' "$@"; }
is "payments: thanks for nothing" "$(status "$payments/thanks")" 404
# What the page's script sends when the shopper has authorised the payment.
place() { status -d "{\"cart\": \"$1\", \"authorization_token\": \"$2\"}" "$payments/place-order"; }
cart_of() { sed -n 's/.*cart: "\([^"]*\)".*/\1/p'; }
cart=$(cart_of <<<"$page")
is "payments: not authorised" "$(place "$cart" forged)" 502
authorized=$(command curl -s --fail -d "$issued" "$sandbox/sandbox/payments/authorize" | json /authorization_token)
is "payments: another cart" "$(place other "$authorized")" 409
is "payments: placed" "$(place "$cart" "$authorized")" 204
is "payments: placed before" "$(place "$cart" "$authorized")" 409
placed=$(command curl -s --fail -u any:any "$sandbox/ordermanagement/v1/orders/$(browse --fail "$payments/thanks" | sed -n 's/.*Klarna.s order \([-0-9a-f]*\)\..*/\1/p')")
is "payments: the order that the thanks name" "$(json /status <<<"$placed") $(json /order_amount <<<"$placed")" "AUTHORIZED 50000"
[[ $(browse --fail "$payments/checkout") != "$page" ]] || give_up "payments: the paid session is shown again"
# Klarna does not answer the shop, so perhaps the order is placed: the session says that it is not.
nobody=http://127.0.0.1:$(free_ports 1) away_port=$(free_ports 1) jar=$home/away.cookies
PORT=$away_port SHOP_USER=node-shopper KLARNA_API_URL=$nobody node "$repository/examples/shop/payments.mjs" >"$home/away.log" 2>&1 &
started+=($!)
payments=http://127.0.0.1:$away_port
await "$payments/"
cart=$(browse --fail "$payments/checkout" | cart_of)
is "payments: no answer of Klarna" "$(place "$cart" any)" 202
is "payments: no second payment before it is known" "$(status "$payments/checkout")" 303
[[ $(browse --fail "$payments/thanks") == *"The order was not placed."* ]] || give_up "payments: nothing is said of the order"
is "payments: and then again" "$(status "$payments/checkout")" 200

say "examples/shop: what they say when something is wrong"
# What a shop prints until it ends, or for as long as it takes to say it.
says() {
    local what=$1 log=$home/wrong.log
    shift
    "$@" >"$log" 2>&1 &
    started+=($!)
    for _ in $(seq 600); do
        ! grep -qF "$what" "$log" || return 0
        sleep 0.1
    done
    give_up "$* does not say $what, but: $(cat "$log")"
}
spare_port=$(free_ports 1)
nowhere=http://127.0.0.1:$spare_port
for shop in "node $repository/examples/shop/shop.mjs" "python3 $repository/examples/shop/shop.py"; do
    says "Port $node_port is taken" env PORT="$node_port" $shop
    says "The service refuses this API key" env PORT="$spare_port" KLARNA_WORKER_API_KEY= $shop
    kill "${started[-1]}"
    wait "${started[-1]}" || true
    says "GET $nowhere/v1/orders" env PORT=0 KLARNA_WORKER_URL="$nowhere" $shop
    # At an https address, browsers must send the shop's cookie by https alone.
    PORT=$spare_port SHOP_URL=https://shop.example $shop >"$home/https.log" 2>&1 &
    started+=($!)
    await "$nowhere/"
    command curl -s -o /dev/null -D "$home/head" "$nowhere/"
    grep -qi '^set-cookie: .*; Secure;' "$home/head" || give_up "$shop: the cookie is not Secure: $(cat "$home/head")"
    kill "${started[-1]}"
    wait "${started[-1]}" || true
done
says "Port $payments_port is taken" env PORT="$payments_port" node "$repository/examples/shop/payments.mjs"

say "examples/access-token"
vended=$(curl -X POST "$api/v1/merchants/shop/users/u-3/access-token" | json /access_token)
is "access-token: node" "$(node --input-type=module -e "import { accessToken } from '$repository/examples/access-token/shop.mjs'; console.log(await accessToken('u-3'), await accessToken('nobody'))")" "$vended undefined"
# WordPress' functions as the hook uses them, by PHP's own HTTP.
cat >"$home/wordpress.php" <<'WORDPRESS'
<?php
define('KLARNA_WORKER_URL', getenv('KLARNA_WORKER_URL'));
define('KLARNA_WORKER_API_KEY', getenv('KLARNA_WORKER_API_KEY'));
function add_filter($name, $hook) { $GLOBALS[$name] = $hook; }
function get_current_user_id() { return $GLOBALS['user']; }
function is_user_logged_in() { return $GLOBALS['user'] !== 0; }
function wp_remote_post($url, $request) {
    $header = array_map(fn ($name, $value) => "$name: $value", array_keys($request['headers']), $request['headers']);
    $context = stream_context_create(['http' => ['method' => 'POST', 'header' => $header, 'timeout' => $request['timeout'], 'ignore_errors' => true]]);
    return ['body' => file_get_contents($url, false, $context), 'code' => (int) explode(' ', $http_response_header[0])[1]];
}
function wp_remote_retrieve_response_code($answer) { return $answer['code'] ?? ''; }
function wp_remote_retrieve_body($answer) { return $answer['body']; }
require $argv[1];
foreach (['u-3', 'nobody', 0] as $user) {
    echo json_encode($GLOBALS['kp_get_customer_type'](['type' => 'person', 'klarna_access_token' => 'old'])), "\n";
}
WORDPRESS
is "access-token: woocommerce" "$(php "$home/wordpress.php" "$repository/examples/access-token/woocommerce.php" | tr '\n' ' ')" \
    "{\"type\":\"person\",\"klarna_access_token\":\"$vended\"} {\"type\":\"person\"} {\"type\":\"person\"} "

stats=$(command curl -s --fail "$sandbox/stats")
is "sessions at the sandbox" "$(json /sessions/total <<<"$stats") $(json /sessions/recognised <<<"$stats")" "3 3"
is "orders at the sandbox" "$(json /orders/total <<<"$stats")" 11
is "orders created twice" "$(json /orders/duplicates <<<"$stats")" 0
is "shoppers recognised" "$(json /orders/recognised <<<"$stats")" 9
is "spent tokens presented" "$(json /exchanges/spent_presented <<<"$stats")" 0
for client in "$repository"/examples/shop/*; do
    lines=$(wc -l <"$client")
    [ "$lines" -lt 280 ] || give_up "$client has $lines lines: keep it below 280"
done
say "the clients in Node, Python and PHP do what they should"
