#!/bin/sh
# Make .venv-spark hold Spark as SageMaker's container has it: `sh tests/spark/install.sh`. Run by
# make, from the project's folder, once .venv is there; a second run installs only what changed.
set -eu

venv=.venv-spark
uv=.venv/bin/uv
lock=requirements/spark.txt

say() { printf 'spark: %s\n' "$*"; }
fail() { printf 'spark: %s\n' "$*" >&2; exit 2; }

[ -x "$uv" ] || fail "no $uv: make setup first"
java=$("${JAVA_HOME:+$JAVA_HOME/bin/}java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p') || true
case "$java" in
    17 | 11 | 8) ;;
    *) fail "Spark 3.5 needs Java 17, 11 or 8, and found ${java:-none}; on Debian or Ubuntu: apt install openjdk-17-jre-headless" ;;
esac

# SageMaker's image has Python 3.12; 3.11 does as well, and PySpark 3.5 knows no later ones.
find_python() {
    for candidate in ${SPARK_PYTHON:-python3.12 python3.11 python3 .venv/bin/python}; do
        if "$candidate" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
}

if ! "$venv/bin/python" -c '' 2>/dev/null; then
    python=$(find_python)
    [ -n "$python" ] || fail "no Python 3.12 or 3.11 found; install one, or name it: SPARK_PYTHON=/path/to/python3.12"
    rm -rf "$venv"
    "$python" -m venv --without-pip "$venv"
fi

# pip knows registries that uv does not (pip.conf): it is tried when uv fails.
say "packages of $lock"
"$uv" pip install -q --compile-bytecode --python "$venv/bin/python" --require-hashes -r "$lock" ||
    .venv/bin/python -m pip --python "$venv/bin/python" install -q --disable-pip-version-check --require-hashes -r "$lock"
touch "$venv/.done"
say "done"
