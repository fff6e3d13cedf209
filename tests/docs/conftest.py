"""A checkout of its own for the commands of pages, and a stack in which things have happened."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from landrun_ops.local import LocalAws

from .pages import ROOT

# A page's block that needs one of these has to say so, though this machine may have it.
NOT_BROUGHT = ("aws", "jupyter", "sam", "docker")
NOT_FOUND = '#!/bin/sh\necho "${0##*/}: landrun does not bring this command" >&2\nexit 127\n'
IGNORED = shutil.ignore_patterns(
    ".git", ".venv*", ".landrun", ".aws-sam", ".*_cache", ".cache", ".hypothesis", "__pycache__"
)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """``checkout()`` is a new copy of the project, set up as ``make demo`` does it."""

    def copy() -> Path:
        folder = tmp_path_factory.mktemp("docs") / "landrun"
        shutil.copytree(ROOT, folder, ignore=IGNORED)
        (folder / ".venv").mkdir()
        for part in ("bin", "lib", "pyvenv.cfg"):
            (folder / ".venv" / part).symlink_to(ROOT / ".venv-ops" / part)
        (folder / ".venv/.ops").touch()  # make must not set up this project from there
        return folder

    return copy


def environment(project: Path, scratch: Path) -> dict[str, str]:
    """Give the environment of somebody who has just opened a terminal, and has landrun only."""
    ours = ("AWS_", "LANDRUN_", "PYTEST_", "PYTHON", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    home, commands = scratch / "home", scratch / "commands"
    home.mkdir(parents=True, exist_ok=True)
    commands.mkdir(exist_ok=True)
    for name in NOT_BROUGHT:
        (commands / name).write_text(NOT_FOUND, encoding="utf-8")
        (commands / name).chmod(0o755)
    return kept | {
        "PATH": f"{project}/.venv/bin:{commands}:{os.environ['PATH']}",
        "HOME": str(home),
        "SCRATCH": str(scratch),
        "BROUGHT": f"{ROOT}/.venv/bin",
        "NO_COLOR": "1",
    }


@pytest.fixture(scope="session")
def busy(checkout: Callable[[], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A project whose laptop's AWS is up, with runs that succeeded, one that failed, dead letters.

    Gives its folder, and the environment of a terminal in which ``landrun local env`` was read.
    """
    project, scratch = checkout(), tmp_path_factory.mktemp("busy")
    surroundings = environment(project, scratch)
    with (
        (scratch / "up").open("wb") as said,
        subprocess.Popen(
            [".venv/bin/landrun", "local", "up"],
            cwd=project,
            env=surroundings,
            stdout=subprocess.PIPE,
            stderr=said,
        ) as up,
    ):
        try:
            assert up.stdout is not None
            assert up.stdout.readline(), (scratch / "up").read_text(encoding="utf-8")
            aws = LocalAws.attach(project / ".landrun/local")
            _let_things_happen(aws)
            yield project, surroundings | aws.environment()
        finally:
            up.terminate()


def _let_things_happen(aws: LocalAws) -> None:
    files = {
        "orders.jsonl": b'{"sender": "ana", "text": "hello"}\n',
        "colours.csv": b"colour,size\nred,3\n",
    }
    for name, content in files.items():
        aws.client("s3").put_object(
            Bucket=aws.outputs["LandingBucket"], Key=f"incoming/{name}", Body=content
        )
    aws.client("sqs").send_message(
        QueueUrl=aws.outputs["LandingDeadLetterQueueUrl"],
        MessageBody='{"cut off',
        MessageAttributes={"Reason": {"DataType": "String", "StringValue": "not JSON"}},
    )
