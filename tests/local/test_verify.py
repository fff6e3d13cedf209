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

from landrun_ops.cli.verify import failure_of
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


def test_a_stack_that_works_records_a_run_of_the_users_file(
    aws: LocalAws, verify: Callable[..., Any], tmp_path: Path
) -> None:
    mine = tmp_path / "my messages.csv"
    mine.write_text("id,text\n1,hello\n2,bye\n")
    done = verify(aws, "--stack", STACK, str(mine), "--json")
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert (row["status"], row["summary"]["rows_in"]) == ("SUCCEEDED", 2)
    assert row["trigger"]["Key"].startswith("incoming/landrun-verify-")
    landed, *_, ended, last = done.stderr.splitlines()
    assert landed.startswith("landed s3://")
    assert ": SUCCEEDED in " in ended
    assert last == f"what it read and wrote: landrun show {row['name']} --stack {STACK}"


def test_the_run_of_a_tick_is_followed_where_landings_wait(
    laptop: Callable[..., Any], root: Path, tmp_path: Path, verify: Callable[..., Any]
) -> None:
    stack = laptop(root, tmp_path / "state", {"StartOn": "schedule"}).aws
    done = verify(stack, "--stack", STACK)
    assert (done.returncode, done.stdout) == (0, "the stack works\n"), done.stderr
    [run] = stack.client("stepfunctions").list_executions(
        stateMachineArn=stack.outputs["StateMachineArn"]
    )["executions"]
    assert run["name"] in done.stderr


def test_a_run_that_fails_is_the_exit_code_and_a_line(
    laptop: Callable[..., Any], root: Path, tmp_path: Path, verify: Callable[..., Any]
) -> None:
    broken = {"JobEntrypoint": "python3 /opt/program/not-there.py"}
    stack = laptop(root, tmp_path / "state", broken).aws
    done = verify(stack, "--stack", STACK)
    assert done.returncode == 1, done.stderr
    failed, why = done.stderr.splitlines()[-2:]
    assert ": FAILED after " in failed
    assert why.startswith("landrun: why: landrun show landrun-")

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
    assert ": FAILED after " in started.stdout.splitlines()[-1]
    assert "why: landrun show landrun-" in started.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("summary", "recorded", "words"),
    [
        ({"rows_in": 3}, True, ""),
        ({}, True, ""),
        ({"rows_in": 0}, True, "read nothing"),
        ({"rows_in": 3}, False, "runs table does not have its end"),
    ],
)
def test_only_a_recorded_run_that_read_something_shows_that_a_stack_works(
    summary: dict[str, int], recorded: bool, words: str
) -> None:
    run = record({"name": "r", "status": "SUCCEEDED", "summary": summary})
    failure = failure_of(run, recorded=recorded)
    assert (words in failure) if words else not failure


def test_a_file_without_data_starts_no_run_and_is_not_waited_for(
    aws: LocalAws, verify: Callable[..., Any], tmp_path: Path
) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    done = verify(aws, "--stack", STACK, str(empty))
    assert done.returncode == 2
    assert "is no file with data" in done.stderr
