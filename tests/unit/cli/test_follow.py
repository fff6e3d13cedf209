"""How a run stands, and what is said of it until it has ended."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from landrun.errors import LandrunError, ServiceError
from landrun.models.run_record import RunRecord
from landrun_ops.cli import follow as following
from landrun_ops.cli.follow import Followed, ending, follow
from landrun_ops.cli.target import Target
from landrun_ops.stack import run_progress
from landrun_ops.stack.history_events import Attempt, HistoryEvent, SlotWait, Wait
from landrun_ops.stack.run_progress import Phase, RunProgress, progress
from landrun_ops.stack.waiting_executions import QueuePosition
from records import record

BEGAN = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
ARN = "arn:aws:states:eu-central-1:123456789012:execution:m:r-1"
RUNNING = {
    "executionArn": ARN,
    "stateMachineArn": "arn:aws:states:eu-central-1:123456789012:stateMachine:m",
    "name": "r-1",
    "status": "RUNNING",
    "startDate": BEGAN,
}
STACK: Any = None


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def attempt(number: int = 1, **more: Any) -> Attempt:
    return Attempt(number, f"r-{number}", "sagemaker:createProcessingJob.sync", 1, at(5), **more)


def ended(status: str, *events: HistoryEvent, **more: Any) -> RunProgress:
    return progress(RUNNING | {"status": status, "stopDate": at(90)} | more, events)


GOOD_END = "SUCCEEDED in 4.2 s"
REFUSED = "for a quota, refused 3 times: 1"
CAUSE = '{"ProcessingJobName": "r-2", "ExitMessage": "no text"}'
FAILED_JOB = attempt(result="failed", ended=at(30), reason="no column")


@pytest.mark.parametrize(
    ("last", "job_began", "phase", "since", "note"),
    [
        (None, None, Phase.QUEUED, 0, ""),
        (attempt(), None, Phase.STARTING, 5, ""),
        (attempt(), at(9), Phase.PROCESSING, 9, ""),
        (FAILED_JOB, None, Phase.RETRYING, 30, "no column"),
        (Attempt(1, "", "lambda:invoke", 1, at(5)), None, Phase.RUNNING, 5, ""),
        (
            Wait(True, 3, at(2), reason="1"),
            None,
            Phase.WAITING,
            2,
            "for a quota, refused 3 times: 1",
        ),
        (Wait(False, 1, at(2), reason="slow"), None, Phase.WAITING, 2, "for SageMaker: slow"),
        (SlotWait(1, at(3)), None, Phase.WAITING_FOR_SLOT, 3, "2nd of 9 in line"),
        (SlotWait(2, at(3), reason="no queue"), None, Phase.WAITING_FOR_SLOT, 3, "no queue"),
        (SlotWait(1, at(3), at(60), acquired=True), None, Phase.QUEUED, 60, ""),
    ],
)
def test_what_a_run_does_is_read_from_its_history(
    last: HistoryEvent | None, job_began: datetime | None, phase: Phase, since: float, note: str
) -> None:
    now = progress(RUNNING, (last,) if last else (), job_began, QueuePosition(2, 9))
    assert (now.phase, now.since, now.note) == (phase, at(since), note)
    assert (now.status, now.reason) == ("RUNNING", "")


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (ended("FAILED", error="States.TaskFailed", cause=CAUSE), "no text"),
        (ended("FAILED", FAILED_JOB), "no column"),
        (ended("ABORTED"), "Step Functions gave no cause"),
        (ended("SUCCEEDED", FAILED_JOB), ""),
    ],
)
def test_the_end_has_its_reason_in_plain_words(end: RunProgress, reason: str) -> None:
    assert (end.phase, end.reason) == (Phase.ENDED, reason)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            {"status": "SUCCEEDED", "summary": {"rows_in": 1234}},
            "SUCCEEDED in 4.2 s: rows 1,234 in",
        ),
        ({"status": "SUCCEEDED"}, GOOD_END),
        ({"status": "FAILED", "cause": "disk full"}, "FAILED after 4.2 s: disk full"),
        ({"status": "ABORTED"}, "ABORTED after 4.2 s: the run gave no reason"),
    ],
)
def test_an_end_is_said_with_its_counts_or_its_reason(row: dict[str, Any], said: str) -> None:
    assert ending(record({"duration_seconds": 4.2, **row})) == said


# ---- Following


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def one_after_the_other(*answers: Any) -> Callable[..., Any]:
    """Answer after answer, errors among them; the last one stays."""
    given = itertools.chain(answers, itertools.repeat(answers[-1]))

    def look(*_: Any) -> Any:
        answer = next(given)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return look


WORKS = progress(RUNNING, (attempt(),), at(9))
ENDED = ended("SUCCEEDED", attempt())
THROTTLED = ServiceError("states:DescribeExecution", "ThrottlingException", "Rate exceeded")
UNKNOWN = ServiceError("states:DescribeExecution", "ExecutionDoesNotExist", "not yet")
EXPIRED = ServiceError("states:DescribeExecution", "ExpiredTokenException", "expired")


@pytest.mark.parametrize("first", [WORKS, THROTTLED, UNKNOWN], ids=["works", "throttled", "new"])
def test_a_run_is_followed_to_its_end_over_what_passes(first: RunProgress | ServiceError) -> None:
    clock, look = Clock(), one_after_the_other(first, WORKS, THROTTLED, ENDED)
    *_, works, end = run_progress.follow(look, clock=clock, sleep=clock.sleep)
    assert (works, end) == (WORKS, ENDED)


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
        list(run_progress.follow(one_after_the_other(*answers), clock=clock, sleep=clock.sleep))
    assert least <= clock.now <= most


def test_the_longer_a_run_takes_the_less_often_it_is_looked_at() -> None:
    clock, look = Clock(), one_after_the_other(*[WORKS] * 80, ENDED)
    times = [clock.now for _ in run_progress.follow(look, clock=clock, sleep=clock.sleep)]
    assert (times[1] - times[0], times[-1] - times[-2]) == (0.5, 5.0)


# ---- What is said


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the execution of every run answer so."""

    def answer(*answers: Any) -> None:
        watcher = SimpleNamespace(look=one_after_the_other(*answers))
        monkeypatch.setattr(following, "Watcher", lambda *_: watcher)

    return answer


ROW = record({"name": "r-1"})
GOOD = record({"name": "r-1", "status": "SUCCEEDED", "duration_seconds": 4})
BAD = record({"name": "r-1", "status": "FAILED", "duration_seconds": 4, "cause": "no\x1b[2J"})
DEV = Target(stack="dev")


def waits(label: str, *rows: RunRecord | BaseException | None, arn: str = "") -> Followed:
    return Followed(label, one_after_the_other(*rows), arn)


def said(
    capsys: pytest.CaptureFixture[str], *followed: Followed, **how: Any
) -> tuple[list[str], list[str]]:
    """Follow, and return the lines on stdout and stderr, without their times."""
    clock = Clock()
    try:
        follow(STACK, followed, **({"target": DEV} | how), clock=clock, sleep=clock.sleep)
    finally:
        lines = [one.splitlines() for one in capsys.readouterr()]
    out, err = ([line.partition(" s  ")[2] or line for line in one] for one in lines)
    return out, err


def test_a_line_is_written_for_each_change_and_stdout_has_the_end(
    looks: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    wait = progress(RUNNING, (Wait(True, 1, at(2), reason="limit\x1b[2J"),))
    looks(WORKS, WORKS, wait, ENDED)
    out, err = said(capsys, waits("a.csv", None, ROW, ROW, ROW, ROW, GOOD))
    assert out == ["a.csv r-1: SUCCEEDED in 4.0 s"]
    assert err == [
        "a.csv r-1: processing (job 1)",
        r"a.csv r-1: waiting: for a quota: limit\x1b[2J",
    ]


def test_a_run_that_failed_is_never_said_to_be_well_and_what_explains_it_is_named(
    looks: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    looks(ended("FAILED", FAILED_JOB))
    one = waits("", ROW, BAD)
    out, err = said(capsys, one)
    assert out == [r"r-1: FAILED after 4.0 s: no\x1b[2J"]
    assert err == ["landrun: why: landrun show r-1 --stack dev"]
    assert (one.ended, one.succeeded) == (True, False)


def test_with_json_stdout_stays_empty_and_a_demo_has_ends_alone(
    looks: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    looks(WORKS)
    assert said(capsys, waits("a", ROW, GOOD), quiet=True)[0] == []
    assert said(capsys, waits("a", ROW, BAD), target=None)[1] == []


def test_a_run_that_reads_several_files_is_said_once_and_many_runs_by_their_rows_alone(
    looks: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    looks(AssertionError("too many to look at"))
    out, err = said(capsys, *(waits(f"{n}.csv", ROW, GOOD) for n in range(20)))
    assert [line.partition("r-1: ")[2] for line in err + out] == [
        "run started",
        "SUCCEEDED in 4.0 s",
    ]


def test_the_runs_table_is_waited_for_but_not_for_long(
    looks: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    looks(ENDED)
    soon, never = waits("", None, None, GOOD, arn=ARN), waits("", None, arn=ARN)
    for one in (soon, never):
        assert said(capsys, one)[0][0].startswith("r-1: SUCCEEDED in")
    assert (soon.recorded, never.recorded, never.succeeded) == (True, False, True)


def test_after_30_seconds_of_silence_doctor_is_named_once_and_then_it_gives_up(
    looks: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    looks(WORKS)
    hint = "no run has started yet: landrun doctor --stack dev"
    assert hint not in said(capsys, waits("a", *[None] * 15, ROW, GOOD), patience=60)[1]
    assert said(capsys, waits("a", *[None] * 50, ROW, GOOD), patience=900)[1].count(hint) == 1
    with pytest.raises(LandrunError, match="no run has started within 60 s"):
        said(capsys, waits("a", None), patience=60)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), EXPIRED], ids=["Ctrl-C", "refused"])
def test_what_ends_the_waiting_does_not_end_the_run(
    error: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(type(error)):
        follow(STACK, [waits("a", error)], DEV)
    line = capsys.readouterr().err
    assert "goes on: landrun runs --stack dev; to end it: landrun stop RUN --stack dev" in line
