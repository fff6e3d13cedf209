"""`landrun start --wait`: how a run stands, and what is said of it."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from landrun.errors import ServiceError
from landrun.models.run_record import RunRecord
from landrun_ops.cli import follow as waiting
from landrun_ops.cli import start
from landrun_ops.cli.target import Target
from landrun_ops.stack.history_events import Attempt, HistoryEvent, SlotWait, Wait
from landrun_ops.stack.run_progress import Phase, RunProgress, follow, progress, recorded
from landrun_ops.stack.waiting_executions import QueuePosition
from records import record

BEGAN = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
RUNNING = {"status": "RUNNING", "startDate": BEGAN}


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def attempt(number: int = 1, **more: Any) -> Attempt:
    return Attempt(number, f"r-{number}", "sagemaker:createProcessingJob.sync", 1, at(5), **more)


@pytest.mark.parametrize(
    ("events", "job_began", "phase", "since", "note"),
    [
        ((), None, Phase.QUEUED, 0, ""),
        ((attempt(),), None, Phase.STARTING, 5, ""),
        ((attempt(),), at(9), Phase.PROCESSING, 9, ""),
        (
            (Wait(True, 3, at(2), reason="the limit is 1"),),
            None,
            Phase.WAITING,
            2,
            "for a quota, refused 3 times: the limit is 1",
        ),
        ((Wait(False, 1, at(2), reason="slow"),), None, Phase.WAITING, 2, "for SageMaker: slow"),
        (
            (attempt(result="failed", ended=at(30), reason="no column"),),
            None,
            Phase.RETRYING,
            30,
            "no column",
        ),
        ((SlotWait(1, at(3)),), None, Phase.WAITING_FOR_SLOT, 3, ""),
        ((SlotWait(2, at(3), reason="no queue"),), None, Phase.WAITING_FOR_SLOT, 3, "no queue"),
        ((SlotWait(1, at(3), at(60), acquired=True),), None, Phase.QUEUED, 60, ""),
        ((Attempt(1, "", "lambda:invoke", 1, at(5)),), None, Phase.RUNNING, 5, ""),
    ],
)
def test_what_a_run_does_is_read_from_its_history(
    events: tuple[HistoryEvent, ...],
    job_began: datetime | None,
    phase: Phase,
    since: float,
    note: str,
) -> None:
    now = progress(RUNNING, events, job_began)
    assert (now.phase, now.since, now.note) == (phase, at(since), note)
    assert (now.status, now.seconds, now.reason) == ("RUNNING", None, "")


def test_a_run_in_line_is_said_to_wait_for_a_slot_with_its_place() -> None:
    now = progress(RUNNING, (SlotWait(1, at(3)),), None, QueuePosition(2, 9))
    assert waiting.progress_text(now, at(15)) == (
        "waiting for a concurrency slot for 12.0 s",
        "2nd of 9 in line",
    )


def test_the_end_has_its_time_and_the_reason_in_plain_words() -> None:
    failed = {"status": "FAILED", "stopDate": at(90), "error": "States.TaskFailed"}
    end = progress(
        RUNNING
        | failed
        | {"cause": '{"ProcessingJobName": "r-2", "ExitMessage": "no text column"}'},
        (attempt(result="failed", ended=at(88)), attempt(2, result="failed", ended=at(89))),
        None,
    )
    assert (end.phase, end.seconds, end.attempt, end.job) == (Phase.ENDED, 90, 2, "r-2")
    assert end.reason == "no text column"
    assert waiting.ending(end, None) == "FAILED after 1 min 30 s: no text column"


def test_a_run_that_was_stopped_says_so_without_a_cause() -> None:
    end = progress(RUNNING | {"status": "ABORTED", "stopDate": at(1)}, (), None)
    assert end.reason == "Step Functions gave no cause"


def test_the_counts_of_the_ledger_are_part_of_a_good_end() -> None:
    end = progress(RUNNING | {"status": "SUCCEEDED", "stopDate": at(4)}, (), None)
    row = record({"status": "SUCCEEDED", "duration_seconds": 4.2, "summary": {"rows_in": 1234}})
    assert waiting.ending(end, row) == "SUCCEEDED in 4.2 s: rows 1,234 in"
    assert waiting.ending(end, None) == "SUCCEEDED in 4.0 s"
    assert waiting.outcome(record({"status": "SUCCEEDED", "duration_seconds": 4.2})) == (
        "SUCCEEDED in 4.2 s"
    )


# ---- Following


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def looks(*answers: RunProgress | ServiceError) -> Callable[[], RunProgress]:
    """One answer after the other; the last one stays."""
    given = itertools.chain(answers, itertools.repeat(answers[-1]))

    def look() -> RunProgress:
        answer = next(given)
        if isinstance(answer, ServiceError):
            raise answer
        return answer

    return look


WORKS = progress(RUNNING, (attempt(),), at(9))
ENDED = progress(RUNNING | {"status": "SUCCEEDED", "stopDate": at(4)}, (attempt(),), None)
THROTTLED = ServiceError("states:DescribeExecution", "ThrottlingException", "Rate exceeded")


UNKNOWN = ServiceError("states:DescribeExecution", "ExecutionDoesNotExist", "not yet")
EXPIRED = ServiceError("states:DescribeExecution", "ExpiredTokenException", "expired")


@pytest.mark.parametrize("first", [WORKS, THROTTLED, UNKNOWN], ids=["works", "throttled", "new"])
def test_a_run_is_followed_to_its_end_over_what_passes(first: RunProgress | ServiceError) -> None:
    clock = Clock()
    *_, works, ended = follow(looks(first, WORKS, ENDED), clock=clock, sleep=clock.sleep)
    assert (works.phase, ended.phase) == (Phase.PROCESSING, Phase.ENDED)
    assert ended.trouble == ""


def test_throttling_is_shown_beside_what_was_known() -> None:
    clock = Clock()
    _, shown, _ = follow(looks(WORKS, THROTTLED, ENDED), clock=clock, sleep=clock.sleep)
    assert shown.phase is Phase.PROCESSING
    assert "ThrottlingException" in shown.trouble


@pytest.mark.parametrize(
    ("answers", "least", "most"),
    [((WORKS, THROTTLED), 300, 320), ((UNKNOWN,), 30, 40), ((EXPIRED,), 0, 0)],
    ids=["out of reach", "unknown", "refused"],
)
def test_the_waiting_ends_when_nothing_more_can_be_seen(
    answers: tuple[RunProgress | ServiceError, ...], least: float, most: float
) -> None:
    clock = Clock()
    with pytest.raises(ServiceError):
        list(follow(looks(*answers), clock=clock, sleep=clock.sleep))
    assert least <= clock.now <= most


def test_the_longer_a_run_takes_the_less_often_it_is_looked_at() -> None:
    clock = Clock()
    looked = follow(looks(*[WORKS] * 80, ENDED), clock=clock, sleep=clock.sleep)
    times = [clock.now for _ in looked]
    assert (times[1] - times[0], times[-1] - times[-2]) == (0.5, 5.0)


class Ledger:
    def __init__(self, *answers: RunRecord | None) -> None:
        self._answers = itertools.chain(answers, itertools.repeat(answers[-1]))

    def recorded(self, name: str) -> RunRecord | None:
        return next(self._answers)


def test_the_ledger_is_waited_for_but_not_for_long() -> None:
    clock, row = Clock(), record({"status": "SUCCEEDED"})
    soon: Any = Ledger(None, None, row)
    assert recorded(soon, "r", clock=clock, sleep=clock.sleep) is row
    never: Any = Ledger(None)
    assert recorded(never, "r", clock=clock, sleep=clock.sleep) is None
    assert clock.now < 20


# ---- What is said


def test_lines_are_written_for_changes_only(capsys: pytest.CaptureFixture[str]) -> None:
    show = waiting._lines()
    wait = progress(RUNNING, (Wait(True, 1, at(2), reason="limit\x1b[2J"),), None)
    for one in (WORKS, WORKS, wait, ENDED):
        show(one)
    first, second = capsys.readouterr().err.splitlines()
    assert "processing for" in first
    assert "(job 1)" in first
    assert "waiting for" in second
    assert second.endswith(r"for a quota: limit\x1b[2J")


@pytest.mark.parametrize("json", [False, True])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), THROTTLED], ids=["Ctrl-C", "unreachable"])
def test_what_ends_the_waiting_does_not_end_the_run(
    error: BaseException,
    json: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(waiting, "wait_for", interrupted)
    monkeypatch.setattr("landrun_ops.stack.run_progress.Watcher", lambda *_: None)
    report = {"name": "r-1", "execution_arn": "arn", "status": "RUNNING"}
    stack: Any = None
    with contextlib.suppress(ServiceError):
        assert start._waited(stack, report, json=json, target=Target(stack="dev")) == 130
        assert isinstance(error, KeyboardInterrupt)
    said = capsys.readouterr()
    for command in ("show", "stop"):
        assert f": landrun {command} r-1 --stack dev" in said.err
    assert ('"name": "r-1"' in said.out) is json


def test_the_display_says_what_a_run_does_and_why_it_waits() -> None:
    line, note = waiting.progress_text(WORKS, at(80))
    assert (line, note) == ("processing for 1 min 11 s (job 1)", "")
    waits = progress(RUNNING, (Wait(True, 2, at(0), reason="the limit is 1"),), None)
    line, note = waiting.progress_text(waits, at(80))
    assert line == "waiting for 1 min 20 s"
    assert note == "for a quota, refused 2 times: the limit is 1"
