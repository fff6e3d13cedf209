#!/bin/sh
# Make .venv-browser hold what drives the pages in Chromium: `sh tests/browser/install.sh`. Run by make, from
# the project's folder, once .venv is there; a second run installs only what changed.
set -eu

venv=.venv-browser
uv=.venv/bin/uv
python=.venv/bin/python
lock=requirements/browser.txt

say() { printf 'browser: %s\n' "$*"; }

[ -x "$uv" ] || { say "no $uv: make setup first" >&2; exit 2; }

# Of this machine, and of an interpreter that is still there.
"$venv/bin/python" -c '' 2>/dev/null || { rm -rf "$venv"; "$python" -m venv --without-pip "$venv"; }

# pip knows registries that uv does not (pip.conf): it is tried when uv fails.
install() {
    "$uv" pip install -q --compile-bytecode --python "$venv/bin/python" "$@" && return
    say "uv could not install that; trying the same with pip"
    "$python" -m pip --python "$venv/bin/python" install -q --disable-pip-version-check "$@"
}

say "packages of $lock"
install --require-hashes -r "$lock"
install --no-build-isolation --no-deps -e .
