#!/bin/sh
# Make .venv-docs hold what builds the site, and .venv-ops what `make demo` installs, in which the pages' commands
# run: `sh tests/docs/install.sh`. Run by make, from the project's folder, once .venv is there; a second run installs
# only what changed.
set -eu

venv=.venv-docs
uv=.venv/bin/uv
python=.venv/bin/python
lock=requirements/docs.txt

say() { printf 'documentation: %s\n' "$*"; }

[ -x "$uv" ] || { say "no $uv: make setup first" >&2; exit 2; }

# Of this machine, and of an interpreter that is still there.
"$venv/bin/python" -c '' 2>/dev/null || { rm -rf "$venv"; "$python" -m venv --without-pip "$venv"; }

# pip knows registries that uv does not (pip.conf): it is tried when uv fails.
say "packages of $lock"
"$uv" pip install -q --compile-bytecode --python "$venv/bin/python" --require-hashes -r "$lock" || {
    say "uv could not install that; trying the same with pip"
    "$python" -m pip --python "$venv/bin/python" install -q --disable-pip-version-check --require-hashes -r "$lock"
}

sh requirements/install.sh ops .venv-ops
