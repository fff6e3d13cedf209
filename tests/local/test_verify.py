"""`landrun verify`: does a stack work, in one command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from landrun.errors import LandrunError
from landrun.models.run_record import RunRecord
from landrun_ops.cli.verify import nothing_read, verdict, wait_for_run
from landrun_ops.local import LocalAws
from landrun_ops.local.settings import STACK
from records import record

NO_STACK = {"LANDRUN_STACK": "", "LANDRUN_STATE_DIR": "/nowhere"}
LANDRUN = str(Path(sys.executable).with_name("landrun"))


@pytest.fixture
def verify(root: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(aws: LocalAws, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [LANDRUN, "verify", *arguments, "--patience", "60"],
            env=os.environ | aws.environment() | NO_STACK,
            cwd=root,
            capture_output=True,
            text=True,
            timeout=110,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    return run


def test_a_stack_that_works_records_a_run_of_a_file_that_lands(
    aws: LocalAws, verify: Callable[..., Any]
) -> None:
    done = verify(aws, "--stack", STACK, "--json")
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert row["status"] == "SUCCEEDED"
    assert row["trigger"]["Key"].startswith("incoming/landrun-verify-")
    landed, run, *_, last = done.stderr.splitlines()
    assert landed.startswith("landed s3://")
    assert run == f"run {row['name']}: landrun show {row['name']} --stack {STACK}"
    assert last == f"what it read and wrote: landrun show {row['name']} --stack {STACK}"


def test_a_file_of_the_users_is_what_lands(
    aws: LocalAws, verify: Callable[..., Any], tmp_path: Path
) -> None:
    mine = tmp_path / "my messages.csv"
    mine.write_text("id,text\n1,hello\n2,bye\n")
    done = verify(aws, "--stack", STACK, str(mine))
    assert done.returncode == 0, done.stderr
    assert "it works: landrun-" in done.stdout
    assert "rows 2 in, 2 out" in done.stdout


def test_after_30_seconds_of_silence_doctor_is_named_once_and_then_it_gives_up() -> None:
    times, hints = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        times.append(times[-1] + seconds)

    def wait(name_after: float, patience: float) -> str:
        times[:], hints[:] = [0.0], []
        return wait_for_run(
            lambda: "r" if times[-1] >= name_after else "",
            lambda: hints.append(times[-1]),
            patience=patience,
            clock=lambda: times[-1],
            sleep=sleep,
        )

    assert (wait(29, 900), hints) == ("r", [])
    assert (wait(300, 900), hints) == ("r", [30])
    with pytest.raises(LandrunError, match="no run has started within 60 s"):
        wait(300, 60)


def test_the_run_of_a_tick_is_followed_where_landings_wait(
    laptop: Callable[..., Any], root: Path, tmp_path: Path, verify: Callable[..., Any]
) -> None:
    stack = laptop(root, tmp_path / "state", {"StartOn": "schedule"}).aws
    done = verify(stack, "--stack", STACK, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["trigger"]["Kind"] == "schedule"


def test_a_run_that_fails_is_the_exit_code_and_a_line(
    laptop: Callable[..., Any], root: Path, tmp_path: Path, verify: Callable[..., Any]
) -> None:
    broken = {"JobEntrypoint": "python3 /opt/program/not-there.py"}
    stack = laptop(root, tmp_path / "state", broken).aws
    done = verify(stack, "--stack", STACK)
    assert done.returncode == 1, done.stderr
    failed, why = done.stderr.splitlines()[-2:]
    assert "FAILED after " in failed
    assert why.startswith("why: landrun show landrun-")

    # What is waited for fails as what lands does.
    started = subprocess.run(
        [LANDRUN, "start", f"s3://{stack.outputs['LandingBucket']}/incoming/", "--wait"],
        env=os.environ | stack.environment(),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert started.returncode == 1, started.stderr
    assert started.stdout.splitlines()[-1].startswith("FAILED after ")
    assert "landrun logs landrun-" in started.stderr.splitlines()[-1]


def _ended(**row: Any) -> RunRecord:
    return record({"name": "r", "status": "SUCCEEDED", "duration_seconds": 2, **row})


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"summary": {"rows_in": 3}}, "it works: r SUCCEEDED in 2.0 s: rows 3 in"),
        ({"summary": {"files": 1}}, "the run succeeded; what it read is unknown: r"),
        ({}, "the run succeeded; what it read is unknown: r"),
    ],
)
def test_only_a_run_that_says_what_it_read_shows_that_a_stack_works(
    row: dict[str, Any], words: str
) -> None:
    assert nothing_read(_ended(**row)) == ""
    assert verdict(_ended(**row)).startswith(words)


def test_a_run_that_read_nothing_shows_no_stack_that_works() -> None:
    said = nothing_read(_ended(summary={"rows_in": 0, "rows_out": 0}))
    assert said.startswith("the run succeeded, but read nothing: r SUCCEEDED in 2.0 s: rows 0 in")
    assert "landrun doctor" in said
    assert nothing_read(record({"name": "r", "status": "FAILED", "summary": {"rows_in": 0}})) == ""


def test_a_file_without_data_starts_no_run_and_is_not_waited_for(
    aws: LocalAws, verify: Callable[..., Any], tmp_path: Path
) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    done = verify(aws, "--stack", STACK, str(empty))
    assert done.returncode == 2
    assert "is no file with data" in done.stderr


@pytest.mark.parametrize("arguments", [("--stack", "not-there"), ()])
def test_without_a_stack_it_says_how_to_name_one(
    aws: LocalAws, verify: Callable[..., Any], arguments: tuple[str, ...]
) -> None:
    done = verify(aws, *arguments)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert ("no stack 'not-there'" if arguments else "--stack") in done.stderr
