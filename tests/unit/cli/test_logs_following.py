"""The log of a run is merged by time, followed to its end, and each line of it shown once."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from types import SimpleNamespace

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


def _write(lines, jobs, **how):
    usual = {"json": False, "timestamps": False, "instances": False}
    return command.write(lines, jobs, **(usual | how))


class FakeLogs:
    """FilterLogEvents over events of streams, a page for each two."""

    def __init__(self):
        self.events = []
        self.asked = []
        self.error = ""

    def wrote(self, message, at=0, stream=f"{JOB}/algo-1-17000"):
        event = {"timestamp": AT + at, "message": message, "logStreamName": stream}
        self.events.append(event | {"eventId": str(len(self.events))})

    def get_paginator(self, name):
        return self

    def describe_log_streams(self, **_):
        return next(self.paginate())

    def paginate(self, **asked):
        self.asked.append(asked)
        if self.error:
            raise ClientError({"Error": {"Code": self.error}}, "FilterLogEvents")
        since = asked.get("startTime", 0)
        found = sorted(self.events, key=lambda event: event["timestamp"])
        found = [event for event in found if event["timestamp"] >= since]
        yield from ({"events": found[n : n + 2]} for n in range(0, len(found) or 1, 2))


def test_lines_of_all_instances_and_attempts_come_by_time_and_say_whose_they_are():
    logs = FakeLogs()
    logs.wrote("second", 2, f"{JOB}/algo-2-17000")
    logs.wrote("first", 1)
    logs.wrote("third", 3, f"{OTHER}/algo-1-17001")
    logs.wrote("another run's", 1, "landrun-other-1/algo-1-1")
    assert list(JobLogs(logs).lines(f"{RUN}-")) == [
        Line(TIME.replace(microsecond=121_000), JOB, "algo-1", "first"),
        Line(TIME.replace(microsecond=122_000), JOB, "algo-2", "second"),
        Line(TIME.replace(microsecond=123_000), OTHER, "algo-1", "third"),
    ]


def test_following_shows_each_line_once_even_those_that_come_late():
    logs = FakeLogs()
    logs.wrote("a", 0)

    def pauses():
        yield
        for wrote in ([("b", 20_000), ("late", 19_000)], [("c", 40_000), ("later", 25_500)], []):
            for message, at in wrote:
                logs.wrote(message, at)
            yield

    shown = [line.message for line in JobLogs(logs).follow(f"{RUN}-", pauses())]
    assert sorted(shown) == ["a", "b", "c", "late", "later"]
    assert logs.asked[-1]["startTime"] == AT + 40_000 - OVERLAP


def test_a_log_of_any_length_is_read_page_by_page():
    def paginate(**_):
        for number in itertools.count():
            event = {"timestamp": AT + number, "eventId": str(number), "message": "x"}
            yield {"events": [event | {"logStreamName": f"{JOB}/algo-1-17000"}]}

    endless = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=paginate))
    assert len(list(itertools.islice(JobLogs(endless).follow(f"{RUN}-", [None]), 1000))) == 1000


def test_without_any_log_group_there_is_no_line_and_another_error_is_one():
    logs = FakeLogs()
    logs.error = "ResourceNotFoundException"
    assert list(JobLogs(logs).lines(RUN)) == []
    logs.error = "AccessDeniedException"
    with pytest.raises(ServiceError, match="logs:FilterLogEvents"):
        list(JobLogs(logs).lines(RUN))
    with pytest.raises(ServiceError, match="logs:DescribeLogStreams"):
        JobLogs(logs).tail(JOB, 5)


# The command


def _line(message, job=JOB, instance="algo-1"):
    return Line(TIME, job, instance, message)


TWO = [_line("a"), _line("b", instance="algo-2")]
TRACE = 'Traceback (most recent call last):\n  File "x.py", line 1\n    boom()\nValueError: no'


@pytest.mark.parametrize(
    ("lines", "how", "out"),
    [
        ([_line("a\tb"), _line(""), _line("c")], {}, "a       b\n\nc\n"),
        pytest.param([_line(TRACE)], {}, f"{TRACE}\n", id="a traceback keeps its indentation"),
        (TWO, {"instances": True}, "algo-1  a\nalgo-2  b\n"),
        ([_line("\x1b[2J")], {"timestamps": True}, "2026-11-22 03:00:00.120 \\x1b[2J\n"),
    ],
)
def test_lines_are_written_as(lines, how, out, capsys):
    assert _write(lines, [JOB], **how) == len(lines)
    assert capsys.readouterr() == (out, "")


def test_only_the_log_goes_to_stdout_and_attempts_are_named_on_stderr(capsys):
    lines = [_line("a"), _line("b"), _line("c", OTHER)]
    _write(lines, [JOB, OTHER])
    attempts = f"attempt 1, job {JOB}:\nattempt 2, job {OTHER}:\n"
    assert capsys.readouterr() == ("a\nb\nc\n", attempts)


def test_json_is_an_object_a_line(capsys):
    _write([_line("a\n\x1b"), _line("b", "unknown")], [JOB], json=True)
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    at = "2026-11-22T03:00:00.120+00:00"
    known = {"time": at, "attempt": 1, "job": JOB, "instance": "algo-1"}
    assert first == {**known, "message": "a\n\x1b"}
    assert second["attempt"] == 2


def test_following_says_what_the_run_does_and_ends_a_little_after_it(capsys, monkeypatch):
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
