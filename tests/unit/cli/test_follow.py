"""What a run does, and the lines that `--wait` writes until it has ended."""

import itertools
from datetime import timedelta
from unittest.mock import Mock

import pytest

from landrun.errors import LandrunError, ServiceError
from landrun_ops.cli import follow as following
from landrun_ops.cli.follow import Followed, follow
from landrun_ops.cli.target import Target
from landrun_ops.stack.history_events import Attempt, SlotWait, Wait
from landrun_ops.stack.run_progress import Phase, progress, repeated
from records import record

from .conftest import EXECUTION

STACK, ARN = None, EXECUTION["executionArn"]


def at(seconds):
    return EXECUTION["startDate"] + timedelta(seconds=seconds)


def attempt(**more):
    return Attempt(1, "r-1", "sagemaker:createProcessingJob.sync", 1, at(5), **more)


REFUSED = "for a quota, refused 3 times: 1"
FAILED_JOB = attempt(result="failed", ended=at(30), reason="no column")


@pytest.mark.parametrize(
    ("last", "job_began", "phase", "since", "note"),
    [
        (attempt(), None, Phase.STARTING, 5, ""),
        (attempt(), at(9), Phase.PROCESSING, 9, ""),
        (FAILED_JOB, None, Phase.RETRYING, 30, "no column"),
        (Wait(True, 3, at(2), reason="1"), None, Phase.WAITING, 2, REFUSED),
        (SlotWait(1, at(3)), None, Phase.WAITING_FOR_SLOT, 3, "2 of 9 in line"),
    ],
)
def test_the_last_event_of_the_history_is_what_a_run_does(last, job_began, phase, since, note):
    now = progress(EXECUTION, (last,), job_began, "2 of 9 in line")
    assert (now.phase, now.since, now.note) == (phase, at(since), note)
    assert (now.status, now.reason) == ("RUNNING", "")


def answers(*given):
    """Answer after answer, errors among them; the last one stays."""
    return Mock(side_effect=itertools.chain(given, itertools.repeat(given[-1])))


WORKS = progress(EXECUTION, (attempt(),), at(9))
ENDED = progress(EXECUTION | {"status": "SUCCEEDED", "stopDate": at(90)}, (attempt(),))
THROTTLED = ServiceError("states:DescribeExecution", "ThrottlingException", "Rate exceeded")
UNKNOWN = ServiceError("states:DescribeExecution", "ExecutionDoesNotExist", "not yet")
EXPIRED = ServiceError("states:DescribeExecution", "ExpiredTokenException", "expired")


def looks(slept, *given):
    return repeated(answers(*given), clock=lambda: sum(slept), sleep=slept.append)


def test_a_run_is_followed_through_errors_that_pass():
    found = looks([], UNKNOWN, WORKS, THROTTLED, ENDED)
    assert list(itertools.islice(found, 2)) == [WORKS, ENDED]


@pytest.mark.parametrize(
    ("given", "least", "most"),
    [((WORKS, THROTTLED), 300, 320), ((UNKNOWN,), 30, 40), ((EXPIRED,), 0, 0)],
    ids=["out of reach", "unknown", "refused"],
)
def test_following_ends_when_errors_do_not_pass(given, least, most):
    slept = []
    with pytest.raises(ServiceError):
        list(looks(slept, *given))
    assert least <= sum(slept) <= most


ROW = record({"name": "r-1"})
ENDS = {"status": "SUCCEEDED", "duration_seconds": 4, "summary": {"rows_in": 1234}}
GOOD = record({"name": "r-1"} | ENDS)


def executed(monkeypatch, *given):
    """Let the execution of every run do this."""
    watcher = Mock(look=answers(*given))
    monkeypatch.setattr(following, "Watcher", lambda *_: watcher)


def waits(label, *rows, arn=""):
    return Followed(label, answers(*rows), arn)


def written(capsys, *followed, **how):
    """Follow, and return the lines on stdout and stderr, without their times."""
    slept, target = [], Target(stack="dev")
    follow(STACK, followed, target, **how, clock=lambda: sum(slept), sleep=slept.append)
    lines = [one.splitlines() for one in capsys.readouterr()]
    out, err = ([line.partition(" s  ")[2] or line for line in one] for one in lines)
    return out, err


def test_of_many_runs_only_the_rows_are_read_and_a_shared_run_is_shown_once(monkeypatch, capsys):
    executed(monkeypatch, AssertionError("too many to look at"))
    out, err = written(capsys, *(waits(f"{n}.csv", ROW, GOOD) for n in range(20)))
    ends = [line.partition("r-1: ")[2] for line in err + out]
    assert ends == ["run started", "SUCCEEDED in 4.0 s: rows 1,234 in"]


def test_the_runs_table_is_waited_for_but_not_for_long(monkeypatch, capsys):
    executed(monkeypatch, ENDED)
    soon, never = waits("", None, None, GOOD, arn=ARN), waits("", None, arn=ARN)
    for one in (soon, never):
        assert written(capsys, one)[0][0].startswith("r-1: SUCCEEDED in")
    assert (soon.recorded, never.recorded, never.succeeded) == (True, False, True)


def test_doctor_is_named_once_without_a_run_until_patience_ends(monkeypatch, capsys):
    executed(monkeypatch, WORKS)
    hint = "no run has started yet: landrun doctor --stack dev"
    assert hint not in written(capsys, waits("a", *[None] * 15, ROW, GOOD), patience=60)[1]
    assert written(capsys, waits("a", *[None] * 50, ROW, GOOD), patience=900)[1].count(hint) == 1
    with pytest.raises(LandrunError, match="no run has started within 60 s"):
        written(capsys, waits("a", None), patience=60)


def test_a_run_goes_on_when_nobody_waits_for_it(capsys):
    with pytest.raises(KeyboardInterrupt):
        follow(STACK, [waits("a", KeyboardInterrupt())], Target(stack="dev"))
    line = capsys.readouterr().err
    assert "started runs go on: landrun runs --stack dev" in line
    assert "to end one: landrun stop RUN --stack dev" in line
