"""The log of a run is merged by time, followed to its end, and each line of it shown once."""

from __future__ import annotations

import io
import json
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from landrun.errors import ConfigurationError, ServiceError
from landrun_ops.cli.logs import PAUSE, Ending, Printer, attempt_prefix, common_prefix, why_none
from landrun_ops.stack.history_events import Attempt
from landrun_ops.stack.job_logs import OVERLAP, JobLogs, Line
from landrun_ops.stack.run_details import ExecutionDetails
from landrun_ops.stack.run_progress import Phase, RunProgress
from records import record

RUN = "landrun-50f0421ea8585c9eb9688415b36b93f2"
JOB = f"{RUN}-7d793037"
TIME = datetime(2026, 11, 22, 3, 0, 0, 120_000, tzinfo=UTC)
AT = int(TIME.timestamp() * 1000)


class FakeLogs:
    """FilterLogEvents and DescribeLogStreams over events of streams, a page for each two."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.error = ""

    def wrote(self, message: str, at: int = 0, stream: str = f"{JOB}/algo-1-17000") -> None:
        event = {"timestamp": AT + at, "message": message, "logStreamName": stream}
        self.events.append(event | {"eventId": str(len(self.events))})

    def get_paginator(self, name: str) -> FakeLogs:
        self.operation = name
        return self

    def paginate(self, **asked: Any) -> Any:
        self.asked.append(asked)
        if self.error:
            raise ClientError({"Error": {"Code": self.error}}, self.operation)
        if self.operation == "describe_log_streams":
            names = {event["logStreamName"]: event["timestamp"] for event in self.events}
            streams = [{"logStreamName": one, "creationTime": at} for one, at in names.items()]
            return [{"logStreams": streams}]
        since = asked.get("startTime", 0)
        found = sorted(self.events, key=lambda event: event["timestamp"])
        found = [event for event in found if event["timestamp"] >= since]
        return [{"events": found[n : n + 2]} for n in range(0, len(found) or 1, 2)]


def test_lines_of_all_instances_and_attempts_come_by_time_and_say_whose_they_are() -> None:
    logs = FakeLogs()
    logs.wrote("second", 2, f"{JOB}/algo-2-17000")
    logs.wrote("first", 1)
    logs.wrote("third", 3, f"{RUN}-0a0b0c0d/algo-1-17001")
    logs.wrote("another run's", 1, "landrun-other-1/algo-1-1")
    lines = list(JobLogs(logs).lines(f"{RUN}-"))
    assert [line.message for line in lines] == ["first", "second", "third"]
    assert [line.instance for line in lines] == ["algo-1", "algo-2", "algo-1"]
    assert lines[0].job == JOB
    assert lines[0].time == TIME.replace(microsecond=121_000)


def test_following_shows_each_line_once_even_those_that_come_late() -> None:
    logs = FakeLogs()
    logs.wrote("a", 0)
    looks = iter([[("b", 20_000), ("late", 19_000)], [("c", 40_000), ("later", 20_500)], []])

    def more() -> bool:
        wrote = next(looks, None)
        for message, at in wrote or ():
            logs.wrote(message, at)
        return wrote is not None

    shown = [line.message for line in JobLogs(logs).follow(f"{RUN}-", more)]
    assert sorted(shown) == ["a", "b", "c", "late", "later"]
    assert logs.asked[-1]["startTime"] == AT + 40_000 - OVERLAP


class HugeLogs:
    """Pages of a log that is far larger than memory may grow; each is forgotten once it is read."""

    PAGES, EVENTS = 20, 1_000
    TEXT, GARBAGE = "x" * 5_500, "\x1b[2J" + "\ufffd\x00" * 2_000

    def get_paginator(self, _: str) -> HugeLogs:
        return self

    def paginate(self, **_: Any) -> Any:
        for page in range(self.PAGES):
            numbers = range(page * self.EVENTS, (page + 1) * self.EVENTS)
            yield {"events": [self._event(n) for n in numbers]}

    def _event(self, number: int) -> dict[str, Any]:
        stream = f"{JOB}/algo-1-17000"
        when = AT + number * 10
        return {
            "timestamp": when,
            "message": self.TEXT if number % 100 else self.GARBAGE,
            "logStreamName": stream,
            "eventId": str(number),
        }


class Sink(io.TextIOBase):
    """Counts what is written, and keeps the first line."""

    def __init__(self) -> None:
        self.first, self.written = "", 0

    def write(self, text: str) -> int:
        self.first = self.first or text
        self.written += len(text)
        return len(text)


@pytest.mark.parametrize("follow", [False, True])
def test_a_log_of_100_mb_of_garbage_is_printed_page_by_page(
    follow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink, logs = Sink(), JobLogs(HugeLogs())
    monkeypatch.setattr("sys.stdout", sink)
    printer = Printer([JOB], json=False, timestamps=False, instances=False)
    tracemalloc.start()
    lines = logs.follow(f"{RUN}-", lambda: False) if follow else logs.lines(f"{RUN}-")
    printer.show(lines)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert printer.shown == HugeLogs.PAGES * HugeLogs.EVENTS
    assert sink.written > 100_000_000
    assert peak < 20_000_000
    assert sink.first.removesuffix("\n").isprintable()


def test_the_indentation_of_a_traceback_stays(capsys: Any) -> None:
    trace = 'Traceback (most recent call last):\n  File "x.py", line 1\n    boom()\nValueError: no'
    assert _shown(capsys, _line(trace)).out == f"{trace}\n"


def test_without_any_log_group_there_is_no_line_and_another_error_is_one() -> None:
    logs = FakeLogs()
    logs.error = "ResourceNotFoundException"
    assert list(JobLogs(logs).lines(RUN)) == []
    assert JobLogs(logs).jobs(RUN) == []
    logs.error = "AccessDeniedException"
    with pytest.raises(ServiceError, match="logs:FilterLogEvents"):
        list(JobLogs(logs).lines(RUN))


def test_jobs_are_told_by_their_logs_when_the_history_is_gone() -> None:
    logs = FakeLogs()
    logs.wrote("b", 9, "run-2/algo-1-1")
    logs.wrote("a", 1, "run-1/algo-1-1")
    logs.wrote("a", 2, "run-1/algo-2-1")
    assert JobLogs(logs).jobs("run-") == ["run-1", "run-2"]


# The command


def _line(message: str, job: str = JOB, instance: str = "algo-1") -> Line:
    return Line(TIME, job, instance, message)


def _shown(capsys: Any, *lines: Line, jobs: tuple[str, ...] = (JOB,), **how: bool) -> Any:
    given = {"json": False, "timestamps": False, "instances": False}
    printer = Printer(list(jobs), **(given | how))
    printer.show(lines)
    return capsys.readouterr()


def test_only_the_log_goes_to_stdout_and_attempts_are_told_apart_on_stderr(capsys: Any) -> None:
    other = f"{RUN}-0a0b0c0d"
    said = _shown(capsys, _line("a"), _line("b"), _line("c", other), jobs=(JOB, other))
    assert said.out == "a\nb\nc\n"
    assert said.err == f"attempt 1, job {JOB}:\nattempt 2, job {other}:\n"


def test_one_attempt_of_one_instance_has_nothing_but_its_lines(capsys: Any) -> None:
    said = _shown(capsys, _line("a\tb"), _line("two\nlines"), _line(""))
    assert (said.out, said.err) == ("a       b\ntwo\nlines\n\n", "")


def test_instances_are_named_as_soon_as_there_are_two(capsys: Any) -> None:
    lines = [_line("a"), _line("b", instance="algo-2"), _line("c")]
    assert _shown(capsys, *lines).out == "a\nalgo-2  b\nalgo-1  c\n"
    assert _shown(capsys, *lines, instances=True).out.startswith("algo-1  a\n")


def test_a_line_moves_no_cursor_and_can_begin_with_its_time(capsys: Any) -> None:
    said = _shown(capsys, _line("\x1b[2J\u202ea"), timestamps=True)
    assert said.out == "2026-11-22 03:00:00.120 \\x1b[2J\\u202ea\n"


def test_json_is_an_object_a_line(capsys: Any) -> None:
    said = _shown(capsys, _line("a\n\x1b"), _line("b", "unknown"), json=True)
    first, second = map(json.loads, said.out.splitlines())
    assert first == {
        "time": "2026-11-22T03:00:00.120+00:00",
        "attempt": 1,
        "job": JOB,
        "instance": "algo-1",
        "message": "a\n\x1b",
    }
    assert second["attempt"] == 2


def _progress(phase: Phase, **described: Any) -> RunProgress:
    return RunProgress(phase, TIME, described=described)


def test_following_says_what_the_run_does_and_ends_a_little_after_it() -> None:
    slept: list[float] = []
    failed = _progress(Phase.ENDED, status="FAILED", error="E", cause="why")
    looks = [_progress(Phase.QUEUED), _progress(Phase.QUEUED), failed]
    ending = Ending(iter(looks), slept.append, 1.2)
    news = []
    while ending():
        news.append(ending.news)
    assert news == ["queued", "", "", "", ""]
    assert slept == [PAUSE] * 3
    assert ending.words == "FAILED: E: why"


def test_an_attempt_that_there_is_not_is_refused() -> None:
    assert attempt_prefix(record({"name": RUN}), [JOB], 1) == f"{JOB}/"
    assert attempt_prefix(record({"name": RUN}), [JOB], None) == f"{RUN}-"
    with pytest.raises(ConfigurationError, match="has one attempt"):
        attempt_prefix(record({"name": RUN}), [JOB], 2)


def test_a_machine_that_names_its_jobs_otherwise_is_followed_by_the_last_ones_name() -> None:
    assert common_prefix(record({"name": RUN, "job_name": "nightly-1"})) == "nightly-1/"
    assert common_prefix(record({"name": RUN, "job_name": JOB})) == f"{RUN}-"


@pytest.mark.parametrize(
    ("done", "running", "words"),
    [
        (ExecutionDetails((), "", "waits for a quota", []), True, "no log yet: waits for a quota"),
        (ExecutionDetails(None, "", "", []), True, "no log yet: the run goes on"),
        (ExecutionDetails((), "", "", []), False, "the run had no Processing job: no quota"),
        (
            ExecutionDetails((Attempt(1, JOB, "", 1, TIME),), "", "", []),
            False,
            "the job wrote nothing",
        ),
        (ExecutionDetails(None, "", "", ["x"]), False, "no longer keeps it"),
    ],
)
def test_why_there_is_no_line_is_said(done: ExecutionDetails, running: bool, words: str) -> None:
    assert words in why_none(record({"name": RUN, "error": "no quota"}), done, running=running)
