#!/bin/sh
# Make .venv-scan hold the scanners: `sh tests/scan/install.sh`. Run by make, from the project's
# folder, once .venv is there; a second run installs only what changed.
set -eu

venv=.venv-scan
uv=.venv/bin/uv
python=.venv/bin/python

say() { printf 'scanners: %s\n' "$*"; }
fail() { printf 'scanners: %s\n' "$*" >&2; exit 2; }

[ -x "$uv" ] || fail "no $uv: make setup first"

# pip knows registries that uv does not (pip.conf): it is tried when uv fails.
install() { # environment, file, then options
    into=$1 lock=$2
    shift 2
    "$uv" pip install -q --compile-bytecode --python "$into/bin/python" --require-hashes -r "$lock" "$@" && return
    say "uv could not install that; trying the same with pip"
    "$python" -m pip --python "$into/bin/python" install -q --disable-pip-version-check --require-hashes -r "$lock" "$@"
}

# Of this machine, and of an interpreter that is still there.
"$venv/bin/python" -c '' 2>/dev/null || { rm -rf "$venv"; "$python" -m venv --without-pip "$venv"; }

say "packages of requirements/scan.txt"
install "$venv" requirements/scan.txt
say "packages of requirements/scan-secrets.txt"
install "$venv" requirements/scan-secrets.txt --target "$venv/secrets"
# What npm installs: folder of the lock file, then where to.
npm_install() {
    cmp -s "$1/package-lock.json" "$venv/$2/package-lock.json" && [ -d "$venv/$2/node_modules" ] && return
    say "packages of $1/package-lock.json"
    mkdir -p "$venv/$2"
    cp "$1/package.json" "$1/package-lock.json" "$venv/$2/"
    "$venv/bin/npm" ci --prefix "$venv/$2" --ignore-scripts --no-audit --no-fund --loglevel=error
}
"$venv/emulator/bin/python" -c '' 2>/dev/null || "$python" -m venv --without-pip "$venv/emulator"
say "packages of requirements/differential.txt"
install "$venv/emulator" requirements/differential.txt
npm_install tests/scan/asl asl
npm_install tests/differential differential
touch "$venv/.done"
say "done"
