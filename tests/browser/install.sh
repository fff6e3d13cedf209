#!/bin/sh
# Put Playwright into the folder .venv-browser, to be imported beside the packages of .venv:
# `sh tests/browser/install.sh`. Run by make, from the project's folder; a second run does nothing.
set -eu

folder=.venv-browser
lock=requirements/browser.txt
cmp -s "$lock" "$folder/installed.txt" && exit 0
rm -rf "$folder"

# pip knows registries that uv does not (pip.conf): it is tried when uv fails.
echo "browser: packages of $lock"
.venv/bin/uv pip install -q --python .venv/bin/python --target "$folder" --require-hashes -r "$lock" || {
    echo "browser: uv could not install that; trying the same with pip"
    .venv/bin/python -m pip install -q --disable-pip-version-check --target "$folder" --require-hashes -r "$lock"
}
cp "$lock" "$folder/installed.txt"
