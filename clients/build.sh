#!/usr/bin/env bash
# Generates the clients for TypeScript and Python from openapi.json, and makes their packages: clients/build.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/lib.sh
[ $# -eq 1 ] || give_up "name the folder for the packages"
mkdir -p "$1"
folder=$(realpath "$1")

need node nodejs
need npm npm
need python3 python3
version=$(python3 -c 'import json; print(json.load(open("openapi.json"))["info"]["version"])')

say "the client for TypeScript"
cd clients/typescript
[ "$(node -p 'require("./package.json").version')" = "$version" ] || give_up "write version $version into clients/typescript/package.json"
npm ci --silent --no-audit --no-fund --ignore-scripts
rm -rf dist
npm run --silent build
npm pack --silent --pack-destination "$folder" >&2

say "the client for Python"
cd ../python
venv=$PWD/../../target/clients-venv
make_venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt
rm -rf generated
# It warns of the JSON lines that /v1/orders/batch also takes: the client sends an array.
"$venv/bin/openapi-python-client" generate --path ../../openapi.json --config config.yml --output-path generated >"$venv/log" 2>&1 ||
    { cat "$venv/log" >&2; give_up "the client for Python could not be generated"; }
"$venv/bin/pip" wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir "$folder" ./generated
