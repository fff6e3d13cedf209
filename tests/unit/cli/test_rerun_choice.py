"""What failed runs again once, under a new name that is linked to the old."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from landrun.adapters.step_functions import Started as Execution
from landrun.errors import AlreadyStarted, ConfigurationError
from landrun.models.run import ExecutionInput, ManualTrigger
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun_ops import cli
from landrun_ops.actions.rerun import Choice, Missing, Rerunner, Started, check, choose, missing
from landrun_ops.cli.rerun import choice_text, missing_text
from landrun_ops.stack.inputs import Input
from records import record

MANIFEST = "s3://out/manifests/a.json"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


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
    found = choose(newest_first)
    assert [one.name for one in found.runs] == chosen
    assert (found.repaired, found.under_way, found.stopped) == left_out


def test_what_somebody_stopped_runs_again_if_that_is_asked() -> None:
    found = choose([run("b", "ABORTED"), run("a")], aborted=True)
    assert ([one.name for one in found.runs], found.stopped) == (["a", "b"], 0)


def test_reruns_in_a_circle_come_to_an_end() -> None:
    assert len(choose([run("a", of="b"), run("b", of="a")]).runs) in (1, 2)


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


def rerunner(executions: Any) -> Rerunner:
    return Rerunner(executions, S3Uri("out", "processed/"), "nightly", "ana")


def test_a_rerun_reads_the_same_manifest_and_writes_to_its_own_folder() -> None:
    executions = Executions()
    first, second = (rerunner(executions).start(run("a"), MANIFEST) for _ in range(2))
    assert first.name != second.name
    assert first == Started(first.name, "a", f"arn:{first.name}")
    given = executions.asked[0]
    assert re.fullmatch(r"nightly-[0-9a-f]{32}", given.PreprocessingJobName)
    assert given.InputMessage == MANIFEST
    assert given.OutputProcessedMessage == f"s3://out/processed/{first.name}/"
    assert given.Trigger == ManualTrigger(StartedBy="ana", RerunOf="a")


def test_a_failure_is_run_again_only_once_where_that_is_asked() -> None:
    again = rerunner(Executions())
    first = again.start(run("a"), MANIFEST, once=True)
    with pytest.raises(AlreadyStarted, match=first.name):
        again.start(run("a"), MANIFEST, once=True)
    for other in (run("a", redrive_count=1), run("b")):
        assert again.start(other, MANIFEST, once=True).name != first.name


def test_a_rerun_that_another_has_just_started_is_no_new_one() -> None:
    with pytest.raises(AlreadyStarted):
        rerunner(Executions(timedelta(minutes=1))).start(run("a"), MANIFEST, once=True)


class FakeInputs:
    def __init__(self, given: Input | None, gone: list[str]) -> None:
        self.given, self.gone_keys = given, gone

    def of_run(self, _: RunRecord) -> Input | None:
        return self.given

    def gone(self, _given: Input, _most: int) -> list[str]:
        return self.gone_keys


@pytest.mark.parametrize(
    ("given", "gone", "words"),
    [
        (None, [], "what it read, s3://out/manifests/a.json, is gone"),
        (Input("b", ("x", "y")), [], ""),
        (Input("b", ("x", "y")), ["x"], "what a reads is no longer .* 1 of 2 objects gone: x$"),
        (Input("b", tuple("vwxyz")), list("vwxy"), ": v, w, x and 1 more$"),
    ],
)
def test_what_a_rerun_would_not_find_is_said(
    given: Input | None, gone: list[str], words: str
) -> None:
    inputs: Any = FakeInputs(given, gone)
    said = missing_text(run("a"), missing(run("a"), inputs))
    assert re.search(words, said) if words else not said


def test_a_prefix_is_not_looked_for_as_a_manifest() -> None:
    inputs: Any = FakeInputs(None, [])
    assert missing(run("a", input_message="s3://b/in/"), inputs) == Missing()


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (Choice(()), "nothing to run again: no run failed since 2026-11-22 00:00 UTC"),
        (Choice((run("a"),)), "to run again: 1 run of those"),
        (
            Choice((), 2, 1, 3),
            r"left out: 2 ran again and succeeded, 1 run again now, 3 stopped .*--aborted",
        ),
    ],
)
def test_how_many_run_again_and_why_others_do_not_is_said(chosen: Choice, words: str) -> None:
    assert re.search(words, choice_text(chosen, NOW))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name runs, or give --failed"),
        (["a", "--failed"], "give one of both"),
        (["a", "--since", "1d"], "--since is about --failed"),
        (["a", "--aborted"], "--aborted is about --failed"),
    ],
)
def test_what_is_to_run_again_has_to_be_clear(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["rerun", *arguments]) == 2
    assert words in capsys.readouterr().err
