# Functions that the scripts share. Source it with bash, in the project's folder.
# shellcheck shell=bash

say() { printf '==> %s\n' "$*" >&2; }
give_up() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else give_up "not root, and no sudo here: run '$*' as root first"
    fi
}

# Installs a package with apt. On other systems it says what to install.
install_package() {
    local package=$1 what=$2
    command -v apt-get >/dev/null || give_up "$what is missing: install it, and put its programs on PATH"
    say "installing $package"
    # One script after another: apt's own locks do not cover everything that it does. A server that it starts does not
    # get this one.
    (
        flock 9
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 update -q >&2 9>&- &&
            as_root env DEBIAN_FRONTEND=noninteractive \
                apt-get -o DPkg::Lock::Timeout=600 install -y -q --no-install-recommends "$package" >&2 9>&-
    ) 9>"${TMPDIR:-/tmp}/klarna-worker-install.$(id -u)"
}

# need PROGRAM PACKAGE: installs the package if the program is missing.
need() { command -v "$1" >/dev/null || install_package "$2" "$1"; }

# Python compiles what it loads, which is a small part of what pip installs.
export PIP_NO_COMPILE=1

# make_venv FOLDER: creates a virtual environment for Python.
make_venv() {
    python3 -c 'import ensurepip, venv' 2>/dev/null || install_package python3-venv "Python 3 with venv"
    [ -x "$1/bin/pip" ] || python3 -m venv --clear "$1"
}

# cargo_tool deny 0.20.2: puts a cargo tool on PATH. Uses the installed one, or a prebuilt one from PyPI, or builds it.
cargo_tool() {
    local name=cargo-$1 version=$2 tools=$PWD/target/tools
    ! command -v "$name" >/dev/null || return 0
    if [ ! -x "$tools/bin/$name" ]; then
        say "installing $name $version into $tools"
        need python3 python3
        make_venv "$tools"
        "$tools/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
            "astral-dev-toolchain-$name==$version" ||
            cargo install --locked --root "$tools" "$name@$version" || return 1
    fi
    export PATH=$tools/bin:$PATH
}

# Prints the path of the program that the tests have built, so that nothing is built twice.
built_program() {
    if [ -n "${KLARNA_WORKER_BIN:-}" ]; then
        realpath "$KLARNA_WORKER_BIN"
        return
    fi
    command -v cargo >/dev/null || give_up "Rust is missing: install it from https://rustup.rs"
    # With the options of test.sh: other packages or targets would build the libraries again, with other features.
    cargo test --locked --workspace --all-features --no-run --test cli >&2
    echo "${CARGO_TARGET_DIR:-$PWD/target}/debug/klarna-order-worker"
}

# free_ports N: prints N free ports of this machine, on one line.
free_ports() {
    python3 -c 'import socket, sys
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(socket.getsockname()[1] for socket in sockets))' "$1"
}

# Waits until the address answers.
await() {
    local tries
    for tries in $(seq 150); do
        command curl -s -o /dev/null --max-time 2 --fail "$1" && return
        sleep 0.1
    done
    give_up "$1 does not answer after $tries tries"
}

# sandbox_shop ADDRESS: prints the settings of a merchant `shop` at the sandbox with this address. A script can add to them.
sandbox_shop() {
    cat <<SETTINGS
[merchants.shop]
region = "eu"
environment = "playground"
client_id = "sandbox-client"
api_username = "sandbox"
api_password = "sandbox"
token_url = "$1/eu/lp/idp/oauth2/token"
checkout_url = "$1"
SETTINGS
}

# stage NAME: creates a temporary folder, $home, for a script that starts processes. The script adds their process ids to
# `started`, and writes their logs to $home. When the script ends, in any way, the processes are ended, the script's own
# function `finally` is called with the exit code, and the folder is removed. After a failure, the end of the logs is shown.
stage() {
    home=$(mktemp -d "${TMPDIR:-/tmp}/klarna-worker-$1.XXXXXX")
    started=()
    trap strike EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

strike() {
    local code=$?
    trap - EXIT
    # A child that ends before it has become the program still has the traps.
    [ "$BASHPID" -eq $$ ] || exit "$code"
    if [ "$code" -ne 0 ] && compgen -G "$home/*.log" >/dev/null; then tail -n 20 "$home"/*.log >&2 || true; fi
    [ "${#started[@]}" -eq 0 ] || kill "${started[@]}" 2>/dev/null || true
    wait
    if declare -F finally >/dev/null; then finally "$code"; fi
    rm -rf "$home"
    exit "$code"
}
