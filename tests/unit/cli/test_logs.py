"""The log of a run is merged by time, followed to its end, and each line of it shown once."""

from datetime import UTC, datetime
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from landrun.errors import ServiceError
from landrun_ops.cli import logs as command
from landrun_ops.stack.job_logs import OVERLAP, JobLogs, Line
from landrun_ops.stack.run_progress import Phase, RunProgress
from records import record

RUN = "landrun-50f0421ea8585c9eb9688415b36b93f2"
JOB, OTHER = f"{RUN}-7d793037", f"{RUN}-0a0b0c0d"
TIME = datetime(2026, 11, 22, 3, 0, 0, 120_000, tzinfo=UTC)
AT = int(TIME.timestamp() * 1000)


def event(message, at=0):
    about = {"logStreamName": f"{JOB}/algo-1-17000", "eventId": message}
    return {"timestamp": AT + at, "message": message, **about}


def logs(paginate):
    """Make the reader of CloudWatch Logs that answers FilterLogEvents with these pages."""
    return JobLogs(Mock(get_paginator=lambda _: Mock(paginate=paginate)))


def test_following_shows_each_line_once_even_those_that_come_late():
    written, begins = [event("a")], []

    def paginate(startTime=0, **_):  # noqa: N803
        begins.append(startTime)
        return [{"events": [one for one in written if one["timestamp"] >= startTime]}]

    def pauses():
        yield
        for new in ([("b", 20_000), ("late", 19_000)], [("c", 40_000), ("later", 25_500)], []):
            written.extend(event(*one) for one in new)
            yield

    shown = [line.message for line in logs(paginate).follow(f"{RUN}-", pauses())]
    assert sorted(shown) == ["a", "b", "c", "late", "later"]
    assert begins[-1] == AT + 40_000 - OVERLAP


def test_an_account_without_a_log_group_has_no_lines_and_a_refusal_is_an_error():
    def refused(code):
        return logs(Mock(side_effect=ClientError({"Error": {"Code": code}}, "FilterLogEvents")))

    assert list(refused("ResourceNotFoundException").lines(RUN)) == []
    with pytest.raises(ServiceError, match="logs:FilterLogEvents"):
        list(refused("AccessDeniedException").lines(RUN))


def line(message, job=JOB):
    return Line(TIME, job, "algo-1", message)


TRACE = 'Traceback (most recent call last):\n  File "x.py", line 1\n    boom()\nValueError: no'


def test_only_the_log_goes_to_stdout_with_the_details_that_are_asked_for(capsys):
    lines = [line(TRACE), line("\x1b[2J", OTHER)]
    command.write(lines, [JOB, OTHER], json=False, timestamps=False, instances=False)
    attempts = f"attempt 1, job {JOB}:\nattempt 2, job {OTHER}:\n"
    assert capsys.readouterr() == (f"{TRACE}\n\\x1b[2J\n", attempts)
    command.write([line("a")], [JOB], json=False, timestamps=True, instances=True)
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


@pytest.mark.parametrize(
    ("job", "prefix"),
    [(None, f"{RUN}-"), (JOB, f"{RUN}-"), (RUN, f"{RUN}/"), ("nightly-1", "nightly-1/")],
)
def test_log_streams_are_found_by_the_run_or_its_job(job, prefix):
    assert command.log_prefix(record({"name": RUN, "job_name": job})) == prefix
