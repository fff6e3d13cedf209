#!/bin/sh
# Make .venv-bench hold what the job is measured against: pandas, DuckDB and Polars, each version
# and hash pinned in requirements/bench.txt. Run by make bench; a second run changes nothing.
#
#   sh benchmarks/install.sh    needs .venv (make setup), whose uv and Python it uses
set -eu

lock=requirements/bench.txt
venv=.venv-bench

say() { printf 'bench: %s\n' "$*" >&2; }

# pip knows registries that uv does not (pip.conf): it is tried when uv fails.
install() {
    .venv/bin/uv pip install -q --compile-bytecode --python "$venv/bin/python" "$@" && return
    say "uv could not install that; trying the same with pip"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check "$@"
}

[ -x .venv/bin/python ] || { say "no .venv: make setup first"; exit 2; }
cmp -s "$lock" "$venv/installed.txt" && exit 0
"$venv/bin/python" -c '' 2>/dev/null || { rm -rf "$venv"; .venv/bin/python -m venv "$venv"; }
say "packages of $lock"
install --require-hashes -r "$lock"
cp "$lock" "$venv/installed.txt"
