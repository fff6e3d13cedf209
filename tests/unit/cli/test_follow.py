"""What a run does, and the lines that `--wait` and `logs --follow` write until it has ended."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from landrun.errors import LandrunError, ServiceError
from landrun_ops.cli import follow as following
from landrun_ops.cli import logs as command
from landrun_ops.cli.follow import Followed, follow
from landrun_ops.cli.target import Target
from landrun_ops.stack.history_events import Attempt, SlotWait, Wait
from landrun_ops.stack.job_logs import OVERLAP, JobLogs, Line
from landrun_ops.stack.run_progress import Phase, RunProgress, progress, repeated
from records import record

from .conftest import EXECUTION

STACK, ARN = None, EXECUTION["executionArn"]


def at(seconds):
    return EXECUTION["startDate"] + timedelta(seconds=seconds)


ATTEMPT = Attempt(1, "r-1", "sagemaker:createProcessingJob.sync", 1, at(5))
FAILED_JOB = replace(ATTEMPT, result="failed", ended=at(30), reason="no column")
REFUSED = "for a quota, refused 3 times: 1"


@pytest.mark.parametrize(
    ("last", "job_began", "phase", "since", "note"),
    [
        (ATTEMPT, None, Phase.STARTING, 5, ""),
        (ATTEMPT, at(9), Phase.PROCESSING, 9, ""),
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


WORKS = progress(EXECUTION, (ATTEMPT,), at(9))
ENDED = progress(EXECUTION | {"status": "SUCCEEDED", "stopDate": at(90)}, (ATTEMPT,))
THROTTLED = ServiceError("states:DescribeExecution", "ThrottlingException", "Rate exceeded")
UNKNOWN = ServiceError("states:DescribeExecution", "ExecutionDoesNotExist", "not yet")
EXPIRED = ServiceError("states:DescribeExecution", "ExpiredTokenException", "expired")


def looks(slept, *given):
    return repeated(answers(*given), clock=lambda: sum(slept), sleep=slept.append)


def test_a_run_is_followed_through_errors_that_pass_and_not_when_they_do_not():
    found = looks([], UNKNOWN, WORKS, THROTTLED, ENDED)
    assert list(itertools.islice(found, 2)) == [WORKS, ENDED]
    for given, least in (((WORKS, THROTTLED), 300), ((UNKNOWN,), 30), ((EXPIRED,), 0)):
        slept = []
        with pytest.raises(ServiceError):
            list(looks(slept, *given))
        assert least <= sum(slept) <= 1.4 * least


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
    go_on, end = "landrun runs --stack dev", "landrun stop RUN --stack dev"
    assert f"started runs go on: {go_on}; to end one: {end}\n" in capsys.readouterr().err


RUN = "landrun-50f0421ea8585c9eb9688415b36b93f2"
JOB, OTHER = f"{RUN}-7d793037", f"{RUN}-0a0b0c0d"


def logs(paginate):
    """Make the reader of CloudWatch Logs that answers FilterLogEvents with these pages."""
    return JobLogs(Mock(get_paginator=lambda _: Mock(paginate=paginate)))


def test_following_shows_each_line_once_even_those_that_come_late():
    written, begins = {"a": 10_000}, []

    def paginate(startTime=0, **_):  # noqa: N803
        begins.append(startTime)
        events = [
            {"logStreamName": f"{RUN}-1/algo-1", "eventId": text, "message": text, "timestamp": at}
            for text, at in written.items()
            if at >= startTime
        ]
        return [{"events": events}]

    def pauses():
        yield
        for new in ({"b": 30_000, "late": 29_000}, {"c": 50_000, "later": 35_500}, {}):
            written.update(new)
            yield

    shown = [line.message for line in logs(paginate).follow(f"{RUN}-", pauses())]
    assert sorted(shown) == ["a", "b", "c", "late", "later"]
    assert begins[-1] == 50_000 - OVERLAP


def test_an_account_without_a_log_group_has_no_lines_and_a_refusal_is_an_error():
    def refused(code):
        return logs(Mock(side_effect=ClientError({"Error": {"Code": code}}, "FilterLogEvents")))

    assert list(refused("ResourceNotFoundException").lines(RUN)) == []
    with pytest.raises(ServiceError, match="logs:FilterLogEvents"):
        list(refused("AccessDeniedException").lines(RUN))


TIME = datetime(2026, 11, 22, 3, 0, 0, 120_000, tzinfo=UTC)
TRACE = 'Traceback (most recent call last):\n  File "x.py", line 1\n    boom()\nValueError: no'


def test_only_the_log_goes_to_stdout_with_the_details_that_are_asked_for(capsys):
    lines = [Line(TIME, JOB, "algo-1", TRACE), Line(TIME, OTHER, "algo-1", "\x1b[2J")]
    command.write(lines, [JOB, OTHER], json=False, timestamps=False, instances=False)
    attempts = f"attempt 1, job {JOB}:\nattempt 2, job {OTHER}:\n"
    assert capsys.readouterr() == (f"{TRACE}\n\\x1b[2J\n", attempts)
    command.write(
        [replace(lines[0], message="a")], [JOB], json=False, timestamps=True, instances=True
    )
    assert capsys.readouterr() == ("2026-11-22 03:00:00.120 algo-1  a\n", "")


def test_following_reports_what_the_run_does_and_ends_a_little_after_it(capsys, monkeypatch):
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    failed = {"status": "FAILED", "error": "E", "cause": "why"}
    looks = [RunProgress(phase, TIME) for phase in (Phase.QUEUED, Phase.QUEUED, Phase.PROCESSING)]
    looks.append(RunProgress(Phase.ENDED, TIME, described=failed))
    assert len(list(command.pauses(RUN, looks, 1.0))) == 5
    assert slept == [command.PAUSE] * 2
    said = capsys.readouterr().err.splitlines()
    assert said == [f"{RUN} is queued", f"{RUN} is processing", f"{RUN} FAILED: E: why"]


def test_log_streams_are_found_by_the_run_or_its_job():
    prefixes = {None: f"{RUN}-", JOB: f"{RUN}-", RUN: f"{RUN}/", "nightly-1": "nightly-1/"}
    for job, prefix in prefixes.items():
        assert command.log_prefix(record({"name": RUN, "job_name": job})) == prefix
