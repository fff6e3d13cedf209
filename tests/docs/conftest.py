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

from .project import ROOT

NOT_FOUND = '#!/bin/sh\necho "${0##*/}: landrun does not bring this command" >&2\nexit 127\n'
NOT_BROUGHT = ("aws", "jupyter", "sam", "docker")
"""Commands that this machine may have: a page's block that needs one has to say so."""

IGNORED = shutil.ignore_patterns(
    ".git", ".venv*", ".landrun", ".aws-sam", ".*_cache", ".cache", ".hypothesis", "__pycache__"
)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """``checkout()`` is a new copy of the project, set up as ``make demo`` does it.

    What says that it is set up is the copy's own: make must not set up this one from there.
    """

    def copy() -> Path:
        folder = tmp_path_factory.mktemp("docs") / "landrun"
        shutil.copytree(ROOT, folder, ignore=IGNORED)
        venv = folder / ".venv"
        venv.mkdir()
        for part in ("bin", "lib", "pyvenv.cfg"):
            (venv / part).symlink_to(ROOT / ".venv-ops" / part)
        (venv / ".ops").touch()
        return folder

    return copy


def environment(project: Path, scratch: Path) -> dict[str, str]:
    """Give the environment of somebody who has just opened a terminal, and has landrun only."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "LANDRUN_", "PYTEST_", "PYTHON", "COV_"))
    }
    home, commands = scratch / "home", scratch / "commands"
    for folder in (home, commands):
        folder.mkdir(parents=True, exist_ok=True)
    for name in NOT_BROUGHT:
        (commands / name).write_text(NOT_FOUND, encoding="utf-8")
        (commands / name).chmod(0o755)
    path = f"{project}/.venv/bin:{commands}:{os.environ['PATH']}"
    ours = {"SCRATCH": str(scratch), "BROUGHT": f"{ROOT}/.venv/bin", "NO_COLOR": "1"}
    return kept | ours | {"PATH": path, "HOME": str(home)}


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
    """Land a file that is fine and one that is not; leave a dead letter of each kind."""
    bucket = aws.outputs["LandingBucket"]
    for name, content in (
        ("orders.jsonl", b'{"sender": "ana", "text": "hello"}\n'),
        ("colours.csv", b"colour,size\nred,3\n"),
    ):
        aws.client("s3").put_object(Bucket=bucket, Key=f"incoming/{name}", Body=content)
    sqs = aws.client("sqs")
    sqs.send_message(
        QueueUrl=aws.outputs["LandingDeadLetterQueueUrl"],
        MessageBody='{"cut off',
        MessageAttributes={"Reason": {"DataType": "String", "StringValue": "not JSON"}},
    )
