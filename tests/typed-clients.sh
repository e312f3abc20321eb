#!/usr/bin/env bash
# Generates the clients for TypeScript and Python, installs their packages as a shop would, and uses them against a service
# and the sandbox. Installs the languages if they are missing; needs the package indexes of npm and Python.
#
# KLARNA_WORKER_BIN names a program that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/lib.sh
repository=$PWD

need curl curl
need node nodejs
need npm npm
need python3 python3
python3 -c 'import ensurepip, venv' 2>/dev/null || install_package python3-venv "Python 3 with venv"
program=$(built_program)
packages=$PWD/target/clients
rm -rf "$packages"
clients/build.sh "$packages"

stage typed-clients

read -r sandbox_port api_port <<<"$(free_ports 2)"
sandbox=http://127.0.0.1:$sandbox_port
KLARNA_WORKER_URL=http://127.0.0.1:$api_port
KLARNA_WORKER_API_KEY=$(head -c 24 /dev/urandom | base64)
export KLARNA_WORKER_URL KLARNA_WORKER_API_KEY
printf %s "$KLARNA_WORKER_API_KEY" >"$home/api-key"
sed "s/127\.0\.0\.1:8090/127.0.0.1:$sandbox_port/; s/^#bind = .*/bind = \"127.0.0.1:$api_port\"/" config.toml >"$home/config.toml"
cat >>"$home/config.toml" <<SETTINGS
[[server.api_keys]]
name = "shop"
key_file = "$home/api-key"
scopes = ["orders", "tokens"]
SETTINGS
cd "$home"
"$program" sandbox --bind "127.0.0.1:$sandbox_port" >sandbox.log 2>&1 &
started+=($!)
"$program" serve >serve.log 2>&1 &
started+=($!)
await "$sandbox/stats"
await "$KLARNA_WORKER_URL/readyz"

# Prints the refresh token of a new sign-in.
sign_in() {
    curl -s --fail -d "{\"user\": \"$1\"}" "$sandbox/sandbox/users" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["refresh_token"])'
}

say "TypeScript"
mkdir shop
cd shop
cp "$repository/clients/typescript/test.ts" .
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts "$packages"/*.tgz
typescript=$repository/clients/typescript/node_modules
"$typescript/.bin/tsc" --strict --target ES2022 --module NodeNext --lib ES2022,DOM --typeRoots "$typescript/@types" --types node test.ts
REFRESH_TOKEN=$(sign_in typescript) node test.js
# The example of clients/README.md in a language.
example() { sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" "$repository/clients/README.md" | sed '1d; $d' | sed "s|http://127.0.0.1:8080|$KLARNA_WORKER_URL|"; }
example ts >readme.ts
"$typescript/.bin/tsc" --strict --target ES2022 --module NodeNext --lib ES2022,DOM --typeRoots "$typescript/@types" --types node readme.ts
node readme.js

say "Python"
make_venv "$home/venv"
"$home/venv/bin/pip" install --quiet --disable-pip-version-check "$packages"/*.whl
REFRESH_TOKEN=$(sign_in python) "$home/venv/bin/python" "$repository/clients/python/test.py"
example python | "$home/venv/bin/python" - | grep -q '^submitted <div'
say "the generated clients do what they should"
