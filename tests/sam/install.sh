#!/bin/sh
# Make .venv-sam hold AWS's SAM CLI, and .landrun/sam a Python 3.13 and, in Docker, Lambda's image:
# `sh tests/sam/install.sh`. Run by make; a second run installs only what changed. Where AWS's registry
# cannot be reached, Python and the image are made from packages, which takes root on Debian.
set -eu

venv=.venv-sam
work=.landrun/sam
uv=.venv/bin/uv
arch=$(uname -m | sed 's/aarch64/arm64/')
aws=public.ecr.aws/lambda/python:3.13-$arch
mkdir -p "$work"


"$venv/bin/python" -c '' 2>/dev/null || { rm -rf "$venv"; .venv/bin/python -m venv "$venv"; }
"$uv" pip install -q --python "$venv/bin/python" --require-hashes -r requirements/sam.txt ||
    "$venv/bin/python" -m pip install -q --require-hashes -r requirements/sam.txt

make_from_packages() {
    command -v mmdebstrap >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends mmdebstrap; }
    PATH="$PWD/$venv/bin:$PATH" sh tests/sam/lambda_runtime.sh "$@"
}

# A Python 3.13 with pip, which `sam build` uses; $work/python says where it is.
found=
for python in python3.13 "$HOME"/.pyenv/versions/3.13.*/bin/python3.13 "$PWD/$work/made/python/bin/python3.13"; do
    found=$("$python" -c 'import pip, ssl, sys; print(sys.executable)' 2>/dev/null) && break
done
if [ -z "$found" ]; then
    make_from_packages python "$work/made" "$(echo "$venv"/lib/*/site-packages/pip)"
    found=$PWD/$work/made/python/bin/python3.13
fi
rm -rf "$work/python"
echo "$found" >"$work/python"

# Lambda's image: AWS's own, or a stand-in of the recipe here.
docker info >/dev/null 2>&1 || { echo "sam: no Docker daemon answers" >&2; exit 3; }
if docker image inspect "$aws" >/dev/null 2>&1 || timeout 900 docker pull -q "$aws" >/dev/null 2>&1; then
    rm -f "$work/image"
    exit 0
fi
image=landrun/lambda-python:$(cat tests/sam/lambda_runtime.sh tests/sam/runtime.txt | sha256sum | cut -c1-12)-$arch
if ! docker image inspect "$image" >/dev/null 2>&1; then
    rm -rf "$work/runtime"
    wheels=$(echo "$arch" | sed 's/arm64/aarch64/')-manylinux_2_28
    "$uv" pip install -q --require-hashes -r tests/sam/runtime.txt --target "$work/runtime" --python-version 3.13 --python-platform "$wheels"
    make_from_packages image "$work/made" "$work/runtime" "$image"
    docker image rm --force "landrun/lambda-python:rapid-$arch" >/dev/null 2>&1 || true  # SAM's own layer on the one before
fi
echo "$image" >"$work/image"
