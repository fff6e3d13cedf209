#!/bin/sh
# Make .venv, or the folder that is named, hold what one use needs: `sh requirements/install.sh ops` or
# `dev`. Run by make, from the project's folder; a second run installs only what changed.
set -eu

use=$1
lock=requirements/$use.txt
venv=${2:-.venv}

say() { printf 'set-up: %s\n' "$*"; }
fail() { printf 'set-up: %s\n' "$*" >&2; exit 2; }

# Exit status 0 when command $1 is a Python between 3.$2 and 3.$3.
is_python() {
    command -v "$1" >/dev/null 2>&1 &&
        "$1" -c "import sys; sys.exit(not (3, $2) <= sys.version_info[:2] <= (3, $3))" 2>/dev/null
}

# Tested versions first; a newer one is better than none.
find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if is_python "$candidate" 11 13; then command -v "$candidate"; return; fi
    done
    for candidate in ${PYTHON:-python3}; do
        if is_python "$candidate" 14 99; then command -v "$candidate"; return; fi
    done
}

make_venv() {
    python=$(find_python)
    [ -n "$python" ] || fail "no Python 3.11 or later found (tried ${PYTHON:-python3, python3.13, python3.12, python3.11}); install one, or name it: make setup PYTHON=/path/to/python3"
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "Python $version at $python cannot make virtual environments; on Debian or Ubuntu: apt install python$version-venv"
    say "virtual environment $venv with Python $version ($python)"
    rm -rf "$venv"
    "$python" -m venv "$venv"
}

# uv is pinned and hashed in dev.txt, like everything else.
install_uv() {
    awk '/^[^ #]/ { found = /^uv==/ } found' requirements/dev.txt >"$venv/uv.txt"
    want=$(sed -n 's/^uv==\([^ ]*\).*/uv \1/p' "$venv/uv.txt")
    case "$("$venv/bin/uv" --version 2>/dev/null)" in "$want" | "$want "*) return ;; esac
    say "$want"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r "$venv/uv.txt"
}

# pip knows registries that uv does not (pip.conf): it is tried when uv fails. Both compile: some
# packages' sources warn when they are compiled, which is better over before anything runs.
install() {
    "$venv/bin/uv" pip install -q --compile-bytecode --python "$venv/bin/python" "$@" && return
    say "uv could not install that; trying the same with pip"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check "$@"
}

"$venv/bin/python" -c '' 2>/dev/null || make_venv
install_uv
say "packages of $lock"
install --require-hashes -r "$lock"
install --no-build-isolation --no-deps -e .
touch "$venv/.$use"
say "done"
