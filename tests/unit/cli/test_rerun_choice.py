"""What failed runs again once, under a new name that is linked to the old."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from landrun.adapters.step_functions import Started as Execution
from landrun.errors import AlreadyStarted, ConfigurationError
from landrun.models.run import ExecutionInput, ManualTrigger
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun_ops import cli
from landrun_ops.cli.rerun import (
    LEFT_STOPPED,
    REPAIRED,
    UNDER_WAY,
    _failed,
    check,
    choose,
    start_again,
)
from records import record

MANIFEST = "s3://out/manifests/a.json"


def run(name: str, status: str = "FAILED", of: str | None = None, **more: Any) -> RunRecord:
    row = {"name": name, "status": status, "input_message": f"s3://out/manifests/{name}.json"}
    return record(row | ({"rerun_of": of} if of else {}) | more)


@pytest.mark.parametrize(
    ("newest_first", "chosen", "left_out"),
    [
        ([run("c", "TIMED_OUT"), run("b", "SUCCEEDED"), run("a")], ["a", "c"], (0, 0, 0)),
        ([run("b", "SUCCEEDED", of="a"), run("a")], [], (1, 0, 0)),
        ([run("b", "RUNNING", of="a"), run("a")], [], (0, 1, 0)),
        ([run("b", "ABORTED"), run("a")], ["a"], (0, 0, 1)),
        ([run("b", "ABORTED", of="a"), run("a")], [], (0, 0, 1)),
        ([run("b", of="a"), run("a", "ABORTED")], ["b"], (0, 0, 0)),
        ([run("c", of="b"), run("b", of="a"), run("a")], ["c"], (0, 0, 0)),
        ([run("c", of="a"), run("b", of="a")], ["c"], (0, 0, 0)),
        ([run("c", "SUCCEEDED", of="b"), run("b", of="a"), run("a")], [], (1, 0, 0)),
        ([run("c", of="c")], ["c"], (0, 0, 0)),
    ],
)
def test_of_a_run_and_its_reruns_the_newest_runs_again_unless_left_out(
    newest_first: list[RunRecord], chosen: list[str], left_out: tuple[int, int, int]
) -> None:
    found, others = choose(newest_first)
    assert [one.name for one in found] == chosen
    assert tuple(others[why] for why in (REPAIRED, UNDER_WAY, LEFT_STOPPED)) == left_out


def test_what_somebody_stopped_runs_again_if_that_is_asked() -> None:
    found, others = choose([run("b", "ABORTED"), run("a")], aborted=True)
    assert ([one.name for one in found], others.total()) == (["a", "b"], 0)


def test_how_many_run_again_and_why_others_do_not_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = [run("c", "ABORTED"), run("b", "RUNNING", of="a"), run("a"), run("d")]
    where: Any = SimpleNamespace(runs_reader=lambda: SimpleNamespace(newest=lambda *_, **__: found))
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert [one.name for one in _failed(where, now, now, aborted=False)] == ["d"]
    assert capsys.readouterr().err == (
        "to run again: 1 failure since 2026-11-22 00:00 UTC; left out:"
        f" 1 {LEFT_STOPPED}, 1 {UNDER_WAY}\n"
    )


def test_reruns_in_a_circle_come_to_an_end() -> None:
    assert len(choose([run("a", of="b"), run("b", of="a")])[0]) in (1, 2)


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ([run("a"), run("b", "RUNNING")], r"still RUNNING.*--follow.*landrun stop"),
        ([record({"name": "a", "status": "FAILED"})], "does not say what a read"),
    ],
)
def test_what_cannot_run_again_is_refused(runs: list[RunRecord], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        check(runs)


class Executions:
    """Starts each name once."""

    def __init__(self, age: timedelta = timedelta()) -> None:
        self.asked: list[ExecutionInput] = []
        self._age = age

    def start(self, given: ExecutionInput) -> Execution:
        name = given.PreprocessingJobName
        if name in [one.PreprocessingJobName for one in self.asked]:
            raise AlreadyStarted(name)
        self.asked.append(given)
        return Execution(f"arn:{name}", datetime.now(UTC) - self._age)


def stack(executions: Any) -> Any:
    return SimpleNamespace(
        output={"JobNamePrefix": "nightly"}.__getitem__,
        processed=S3Uri("out", "processed/"),
        executions=lambda: executions,
    )


def test_a_rerun_reads_the_same_manifest_and_writes_to_its_own_folder() -> None:
    executions = Executions()
    first, second = (start_again(stack(executions), run("a"), MANIFEST, "ana") for _ in range(2))
    name = first["name"]
    assert name != second["name"]
    assert first == {"name": name, "rerun_of": "a", "execution_arn": f"arn:{name}"}
    given = executions.asked[0]
    assert re.fullmatch(r"nightly-[0-9a-f]{32}", given.PreprocessingJobName)
    assert given.InputMessage == MANIFEST
    assert given.OutputProcessedMessage == f"s3://out/processed/{name}/"
    assert given.Trigger == ManualTrigger(StartedBy="ana", RerunOf="a")


def test_a_failure_is_run_again_only_once_where_that_is_asked() -> None:
    where = stack(Executions())
    first = start_again(where, run("a"), MANIFEST, "ana", once=True)["name"]
    with pytest.raises(AlreadyStarted, match=first):
        start_again(where, run("a"), MANIFEST, "ana", once=True)
    for other in (run("a", redrive_count=1), run("b")):
        assert start_again(where, other, MANIFEST, "ana", once=True)["name"] != first


def test_a_rerun_that_another_has_just_started_is_no_new_one() -> None:
    with pytest.raises(AlreadyStarted):
        start_again(stack(Executions(timedelta(minutes=1))), run("a"), MANIFEST, "ana", once=True)


@pytest.mark.parametrize(
    "arguments", [[], ["a", "--failed"], ["a", "--since", "1d"], ["a", "--aborted"]], ids=" ".join
)
def test_what_is_to_run_again_has_to_be_clear(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["rerun", *arguments]) == 2
    assert "name runs, or give --failed" in capsys.readouterr().err
