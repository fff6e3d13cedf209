#!/bin/sh
# Build, from Debian packages and wheels alone, a stand-in for the base image of the job's Dockerfile:
# a Python 3 with pip that finds the wheels of src/processing/requirements.txt inside the image, so
# that building on it needs no network. Hashes are checked then, as ever.
#
#   sh tests/container/base.sh IMAGE    needs root, mmdebstrap (apt), docker, and .venv (make setup)
#
# Packages come from the mirror that apt is configured with, wheels from the indexes of pip's.
set -eu

image=${1:?usage: sh tests/container/base.sh IMAGE}
suite=trixie python=3.13
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { printf 'base: %s\n' "$*" >&2; }

# The origin is known once apt has its lists; before, the address may tell.
mirror() {
    {
        apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian'
        apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -E '/debian/?$'
    } | grep -v security | head -n 1
}

say "wheels for Python $python"
mkdir -p "$work/files/opt/wheels"
"$root/.venv/bin/python" -m pip download -q --disable-pip-version-check --no-deps \
    --require-hashes -r "$root/src/processing/requirements.txt" \
    --only-binary :all: --python-version "$python" --implementation cp \
    --platform "manylinux_2_28_$(uname -m)" --platform "manylinux_2_17_$(uname -m)" \
    --platform "manylinux2014_$(uname -m)" -d "$work/files/opt/wheels"
"$root/.venv/bin/uv" pip install -q --target "$work/files/usr/local/lib/python$python/dist-packages" \
    --python-version "$python" --no-deps pip
printf '[global]\nno-index = true\nfind-links = /opt/wheels\n' >"$work/files/etc-pip.conf"

say "packages of Debian $suite"
# As in the image this stands for, pip may install: Debian's note that it must not is left out.
# shellcheck disable=SC2046  # no mirror known: mmdebstrap's own
mmdebstrap --quiet --variant=essential --include="python$python-minimal,libpython$python-stdlib,passwd,sudo" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt="path-exclude=/usr/lib/python$python/EXTERNALLY-MANAGED" \
    --customize-hook="ln -s python$python \"\$1/usr/bin/python3\"" \
    --customize-hook="copy-in '$work/files/opt' /" \
    --customize-hook="copy-in '$work/files/usr/local' /usr" \
    --customize-hook="upload '$work/files/etc-pip.conf' /etc/pip.conf" \
    "$suite" "$work/base.tar" $(mirror)

say "image $image"
docker import --change 'ENV LANG=C.UTF-8' "$work/base.tar" "$image" >/dev/null
