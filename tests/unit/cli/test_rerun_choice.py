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
from landrun_ops.actions.rerun import Choice, Missing, Rerunner, Started, check, choose, missing
from landrun_ops.cli.rerun import choice_text, missing_text
from landrun_ops.stack.inputs import Input
from records import record

MANIFEST = "s3://out/manifests/a.json"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def _run(name: str, status: str = "FAILED", of: str | None = None) -> RunRecord:
    row = {"name": name, "status": status, "input_message": f"s3://out/manifests/{name}.json"}
    return record(row | ({"rerun_of": of} if of else {}))


def _chosen(*newest_first: RunRecord) -> list[str]:
    return [run.name for run in choose(newest_first).runs]


def test_what_failed_is_chosen_the_oldest_first() -> None:
    runs = [_run("d", "ABORTED"), _run("c", "TIMED_OUT"), _run("b", "SUCCEEDED"), _run("a")]
    assert _chosen(*runs) == ["a", "c", "d"]


@pytest.mark.parametrize(
    ("status", "mended", "under_way"), [("SUCCEEDED", 1, 0), ("RUNNING", 0, 1)]
)
def test_what_ran_again_and_succeeded_or_runs_is_left_out(
    status: str, mended: int, under_way: int
) -> None:
    chosen = choose([_run("again", status, of="a"), _run("a")])
    assert (chosen.runs, chosen.mended, chosen.under_way) == ((), mended, under_way)


def test_of_a_run_and_its_reruns_that_all_failed_only_the_newest_runs_again() -> None:
    assert _chosen(_run("c", of="b"), _run("b", of="a"), _run("a")) == ["c"]
    assert _chosen(_run("c", of="a"), _run("b", of="a"), _run("a")) == ["c"]
    assert _chosen(_run("c", of="a"), _run("b", of="a")) == ["c"]


def test_a_success_anywhere_in_a_family_mends_it() -> None:
    assert _chosen(_run("c", "SUCCEEDED", of="b"), _run("b", of="a"), _run("a")) == []


def test_rows_that_go_round_end() -> None:
    assert len(_chosen(_run("a", of="b"), _run("b", of="a"), _run("c", of="c"))) in (2, 3)


def test_a_run_that_still_runs_is_refused_with_the_remedy() -> None:
    with pytest.raises(ConfigurationError, match=r"still RUNNING.*--follow"):
        check([_run("a"), _run("b", "RUNNING")])


def test_a_run_whose_input_is_not_on_record_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="does not say what a read"):
        check([record({"name": "a", "status": "FAILED"})])


def test_a_rerun_reads_the_same_manifest_and_writes_to_its_own_folder() -> None:
    asked: list[ExecutionInput] = []

    class Executions:
        def start(self, run: ExecutionInput) -> Execution:
            asked.append(run)
            return Execution(f"arn:{run.PreprocessingJobName}", NOW)

    rerunner = Rerunner(Executions(), S3Uri("out", "processed/"), "nightly", "ana")  # type: ignore[arg-type]
    first, second = (rerunner.start(_run("a"), MANIFEST) for _ in range(2))
    assert first.name != second.name
    assert first == Started(first.name, "a", f"arn:{first.name}")
    (given, _) = asked
    assert given.PreprocessingJobName.startswith("nightly-")
    assert given.InputMessage == MANIFEST
    assert given.OutputProcessedMessage == f"s3://out/processed/{first.name}/"
    assert given.Trigger == ManualTrigger(StartedBy="ana", RerunOf="a")


def test_a_failure_is_run_again_once_only_where_that_is_asked() -> None:
    starts: list[tuple[str, datetime]] = []

    class Executions:
        def start(self, run: ExecutionInput) -> Execution:
            name = run.PreprocessingJobName
            if name in dict(starts):
                raise AlreadyStarted(name)
            starts.append((name, datetime.now(UTC)))
            return Execution(name, starts[-1][1])

    rerunner = Rerunner(Executions(), S3Uri("out", "processed/"), "nightly", "ana")  # type: ignore[arg-type]
    first = rerunner.start(_run("a"), MANIFEST, once=True)
    with pytest.raises(AlreadyStarted, match=first.name):
        rerunner.start(_run("a"), MANIFEST, once=True)
    redriven = record({**_run("a").attributes, "redrive_count": 1})
    assert rerunner.start(redriven, MANIFEST, once=True).name != first.name
    assert rerunner.start(_run("b"), MANIFEST, once=True).name != first.name


def test_a_rerun_that_another_has_just_started_is_no_new_one() -> None:
    class Executions:
        def start(self, run: ExecutionInput) -> Execution:
            return Execution(run.PreprocessingJobName, datetime.now(UTC) - timedelta(minutes=1))

    rerunner = Rerunner(Executions(), S3Uri("out", "processed/"), "nightly", "ana")  # type: ignore[arg-type]
    with pytest.raises(AlreadyStarted):
        rerunner.start(_run("a"), MANIFEST, once=True)


class FakeInputs:
    def __init__(self, given: Input | None, gone: list[str]) -> None:
        self.given = given
        self.gone_keys = gone

    def of_run(self, _run: RunRecord) -> Input | None:
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
    said = missing_text(_run("a"), missing(_run("a"), inputs))
    assert bool(said) == bool(words)
    if words:
        assert re.search(words, said)


def test_a_prefix_is_not_looked_for_as_a_manifest() -> None:
    inputs: Any = FakeInputs(None, [])
    run = record({"name": "a", "status": "FAILED", "input_message": "s3://b/in/"})
    assert missing(run, inputs) == Missing()


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (Choice(()), "nothing to run again: no run failed since 2026-11-22 00:00 UTC"),
        (Choice((_run("a"),)), "to run again: 1 run of those"),
        (Choice((), 2, 1), "none of those .*left out: 2 ran again and succeeded, 1 run again now"),
    ],
)
def test_how_many_run_again_and_why_others_do_not_is_said(chosen: Choice, words: str) -> None:

    assert re.search(words, choice_text(chosen, NOW))
