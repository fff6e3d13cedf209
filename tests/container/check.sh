#!/bin/sh
# The job's container, for real: its image built on a base made from packages, SageMaker's contract,
# the samples in it with the rows of a subprocess, a push to a registry. Needs no network besides
# the mirrors that apt and pip are configured with; on Debian as root it gets what it lacks.
#
#   sh tests/container/check.sh [IMAGE]    IMAGE: test this one, which is here already
#
# Exit status 0 when all is well, 1 when something is not, 3 where no Docker daemon can be had.
set -eu
cd "$(dirname "$0")/../.."

base=landrun-test-base:$(cat tests/container/base.sh src/processing/requirements.txt | sha256sum | cut -c1-12)
image=${1:-landrun-test:latest}
work=$(mktemp -d)
started=$(date +%s)
trap 'rm -rf "$work"; sh tests/docker_daemon.sh stop' EXIT
trap 'exit 130' INT TERM

say() { printf 'container: %s (%s s)\n' "$*" "$(($(date +%s) - started))" >&2; }

# A package of Debian's, without installing it: its files in folder $2.
unpacked() {
    apt-get download -qq "$1" >/dev/null 2>&1 || { apt-get update -qq && apt-get download -qq "$1"; }
    dpkg-deb -x "$1"_*.deb "$2"
}

sh tests/docker_daemon.sh start || exit 3
if [ $# = 0 ] && ! docker image inspect "$base" >/dev/null 2>&1; then
    if ! command -v mmdebstrap >/dev/null; then
        say "apt-get install mmdebstrap"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mmdebstrap >&2
    fi
    say "base $base, of Debian's packages"
    sh tests/container/base.sh "$base"
fi
if [ $# = 0 ]; then
    say "landrun image --base-image $base"
    .venv/bin/landrun image --base-image "$base" --name "$image" >"$work/build.log" 2>&1 ||
        { cat "$work/build.log"; exit 1; }
fi
registry=
if command -v dpkg-deb >/dev/null && command -v apt-get >/dev/null; then
    (cd "$work" && unpacked docker-registry "$work/registry") && registry=$work/registry/usr/bin/docker-registry
fi
[ -n "$registry" ] || say "no docker-registry package here: the push is not tried"
say "tests"
LANDRUN_CONTAINER_IMAGE=$image LANDRUN_DOCKER_REGISTRY=$registry \
    .venv/bin/python -m pytest -q -n 2 tests/container
say "all is well"
