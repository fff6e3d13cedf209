#!/bin/sh
# Make .venv-scan hold the scanners and the second engine: `sh tests/scan/install.sh`. Run by make,
# from the project's folder, once .venv is there; a second run installs only what changed.
set -eu

venv=.venv-scan
uv=.venv/bin/uv
python=.venv/bin/python
[ -x "$uv" ] || { echo "scanners: no $uv: make setup first" >&2; exit 2; }

# pip knows registries that uv does not (pip.conf): it is tried when uv fails.
install() { # environment, file, then options
    into=$1 lock=$2
    shift 2
    "$uv" pip install -q --compile-bytecode --python "$into/bin/python" --require-hashes -r "$lock" "$@" && return
    "$python" -m pip --python "$into/bin/python" install -q --disable-pip-version-check --require-hashes -r "$lock" "$@"
}

# Of this machine, and of an interpreter that is still there.
"$venv/bin/python" -c '' 2>/dev/null || { rm -rf "$venv"; "$python" -m venv --without-pip "$venv"; }
install "$venv" requirements/scan.txt
install "$venv" requirements/scan-secrets.txt --target "$venv/secrets"
if ! cmp -s tests/differential/package-lock.json "$venv/differential/package-lock.json"; then
    mkdir -p "$venv/differential"
    cp tests/differential/package.json "$venv/differential/"
    cp tests/differential/package-lock.json "$venv/differential/package-lock.json"
    "$venv/bin/npm" ci --prefix "$venv/differential" --ignore-scripts --no-audit --no-fund --loglevel=error ||
        { rm "$venv/differential/package-lock.json"; exit 1; }
fi
