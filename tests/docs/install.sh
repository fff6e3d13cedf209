#!/bin/sh
# Make .venv-docs hold what builds the site, and .venv-ops what `make demo` installs, in which the pages' commands
# run: `sh tests/docs/install.sh`. Run by make, from the project's folder, once .venv is there; a second run installs
# only what changed.
set -eu

uv=.venv/bin/uv
python=.venv/bin/python

say() { printf 'documentation: %s\n' "$*"; }

[ -x "$uv" ] || { say "no $uv: make setup first" >&2; exit 2; }

# pip knows registries that uv does not (pip.conf): it is tried when uv fails.
install() { # environment, then options
    venv=$1
    shift
    "$uv" pip install -q --python "$venv/bin/python" "$@" && return
    say "uv could not install that; trying the same with pip"
    "$python" -m pip --python "$venv/bin/python" install -q --disable-pip-version-check "$@"
}

for use in docs ops; do
    # Of this machine, and of an interpreter that is still there.
    ".venv-$use/bin/python" -c '' 2>/dev/null || { rm -rf ".venv-$use"; "$python" -m venv --without-pip ".venv-$use"; }
    say "packages of requirements/$use.txt"
    install ".venv-$use" --require-hashes -r "requirements/$use.txt"
done
install .venv-ops --no-build-isolation --no-deps -e .
