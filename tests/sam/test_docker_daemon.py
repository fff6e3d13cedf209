"""tests/docker_daemon.sh, with stand-ins for docker and dockerd."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(shutil.which("setsid") is None, reason="it is for Linux")
DOCKER = 'test -e "$UP"'
DOCKERD = 'trap "rm -f $UP; exit" TERM; touch "$UP"; while :; do sleep 0.1; done'


class Machine:
    """A copy of the script in a project of its own, with programs of our own on PATH."""

    def __init__(self, folder: Path, dockerd: str) -> None:
        self.up, self._folder = folder / "up", folder
        (folder / "tests").mkdir()
        shutil.copy(ROOT / "tests" / "docker_daemon.sh", folder / "tests")
        for name, does in (("docker", DOCKER), ("dockerd", dockerd), ("id", "echo 0")):
            program = folder / "bin" / name
            program.parent.mkdir(exist_ok=True)
            program.write_text(f"#!/bin/sh\n{does}\n")
            program.chmod(0o755)
        (folder / "bin" / "apt-get").symlink_to("/bin/false")

    def __call__(self, command: str) -> subprocess.CompletedProcess[str]:
        path = f"{self._folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["sh", "tests/docker_daemon.sh", command],
            capture_output=True,
            text=True,
            check=False,
            cwd=self._folder,
            env={"PATH": path, "UP": str(self.up)},
        )


def test_a_daemon_that_answers_is_used_and_never_stopped(tmp_path: Path) -> None:
    machine = Machine(tmp_path, DOCKERD)
    machine.up.touch()
    assert machine("start").returncode == 0
    assert machine("stop").returncode == 0
    assert machine.up.exists()


def test_a_daemon_that_it_started_is_stopped(tmp_path: Path) -> None:
    machine = Machine(tmp_path, DOCKERD)
    started = machine("start")
    assert (started.returncode, machine.up.exists()) == (0, True), started.stderr
    assert machine("stop").returncode == 0
    assert not machine.up.exists()


def test_a_daemon_that_dies_is_told_of_with_its_last_words(tmp_path: Path) -> None:
    started = Machine(tmp_path, "echo no overlay; exit 1")("start")
    assert started.returncode == 1
    assert "no overlay" in started.stderr
