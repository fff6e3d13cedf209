#!/bin/sh
# A Docker daemon for the checks that need one: the one that answers already; else, on Debian or
# Ubuntu as root, dockerd of the distribution's own packages.
#
#   sh tests/docker_daemon.sh start    exit status 0 once a daemon answers, 1 when none can be had
#   sh tests/docker_daemon.sh stop     ends the daemon that `start` started, and no other
#
# Packages come from the mirrors that apt is configured with.
set -u

state=$(dirname "$0")/../.landrun/docker
patience=60 # seconds

say() { printf 'docker: %s\n' "$*" >&2; }
answers() { docker info >/dev/null 2>&1; }
can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }

# RUNLEVEL=1 keeps the package from starting a daemon that nobody would stop. The client is a
# package of its own on newer systems.
install() {
    say "apt-get install docker.io"
    packages=docker.io
    [ -z "$(apt-cache search --names-only '^docker-cli$')" ] || packages="$packages docker-cli"
    # shellcheck disable=SC2086  # two words
    apt-get update -qq >&2 &&
        RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends $packages >&2
}

# With a shell of its own, so that a Ctrl-C meant for the checks does not end it before them.
launch() {
    say "starting dockerd, log in $state/log"
    mkdir -p "$state"
    setsid dockerd >"$state/log" 2>&1 </dev/null &
    echo $! >"$state/pid"
    waited=0
    until sleep 1 && answers; do
        waited=$((waited + 1))
        if ! is_ours || [ "$waited" -ge "$patience" ]; then
            say "it does not answer; its last words:"
            tail -n 5 "$state/log" >&2
            stop
            return 1
        fi
    done
}

# Whether the process that we started is still there, and no other under its number.
is_ours() {
    [ -s "$state/pid" ] && [ "$(ps -o comm= -p "$(cat "$state/pid")" 2>/dev/null)" = dockerd ]
}

start() {
    if answers; then
        say "one answers"
        return 0
    fi
    if ! can_install; then
        say "none answers: start Docker (on Debian as root it would be installed and started)"
        return 1
    fi
    command -v dockerd >/dev/null 2>&1 && command -v docker >/dev/null 2>&1 || install || return 1
    launch && say "started"
}

stop() {
    is_ours || return 0
    pid=$(cat "$state/pid")
    kill "$pid"
    waited=0
    while is_ours && [ "$waited" -lt "$patience" ]; do
        sleep 1
        waited=$((waited + 1))
    done
    ! is_ours || kill -9 "$pid"
    rm -f "$state/pid"
    say "stopped"
}

case "${1:-}" in
start | stop) "$1" ;;
*) say "sh tests/docker_daemon.sh start | stop"; exit 2 ;;
esac
