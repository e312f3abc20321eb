#!/usr/bin/env bash
# Generates the clients for TypeScript and Python from openapi.json, and makes their packages: clients/build.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf '==> %s\n' "$*" >&2; }
give_up() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }
[ $# -eq 1 ] || give_up "name the folder for the packages"
mkdir -p "$1"
folder=$(realpath "$1")

for program in node npm python3; do
    command -v "$program" >/dev/null || give_up "$program is missing: install it"
done
version=$(python3 -c 'import json; print(json.load(open("openapi.json"))["info"]["version"])')

say "the client for TypeScript: npm installs the generator"
cd clients/typescript
[ "$(node -p 'require("./package.json").version')" = "$version" ] || give_up "write version $version into clients/typescript/package.json"
npm ci --silent --no-audit --no-fund --ignore-scripts
rm -rf dist
npm run --silent build
npm pack --silent --pack-destination "$folder" >&2

say "the client for Python: pip installs the generator, which takes one to two minutes the first time"
cd ../python
venv=$PWD/../../target/clients-venv
[ -x "$venv/bin/pip" ] || python3 -m venv --clear "$venv" || give_up "Python's venv is missing: install it (Debian: python3-venv)"
"$venv/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt
rm -rf generated
# It warns of the JSON lines that /v1/orders/batch also takes: the client sends an array.
"$venv/bin/openapi-python-client" generate --path ../../openapi.json --config config.yml --output-path generated >"$venv/log" 2>&1 ||
    { cat "$venv/log" >&2; give_up "the client for Python could not be generated"; }
"$venv/bin/pip" wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir "$folder" ./generated
