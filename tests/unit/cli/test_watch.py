"""`landrun watch` reads each part on its own; its screen fits, and obeys no text of a run."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from rich.cells import cell_len

from landrun.errors import ServiceError
from landrun.models.run_record import RunRecord
from landrun_ops.cli import watch
from landrun_ops.cli.console import console
from landrun_ops.cli.watch import View, document, ended_list, layout, line, running_list
from landrun_ops.stack.activity import (
    DEAD,
    LONGEST_PAUSE,
    QUEUES,
    Backlog,
    Depth,
    Part,
    Queues,
    Tick,
    backlog_reader,
    keep_reading,
    next_tick,
    queue_reader,
    read_once,
)
from landrun_ops.stack.recent_runs import Activity
from landrun_ops.stack.stack import Stack
from landrun_ops.stack.waiting_executions import SlotUsage, WaitingExecution
from records import record

NOW = datetime(2026, 11, 22, 19, 54, 32, tzinfo=UTC)
THROTTLED = ServiceError("sqs:GetQueueAttributes", "ThrottlingException", "Rate exceeded")
CAUSE = "no column is called text, which one is it?"
KEY = "incoming/2026/11/22/a rather long folder/messages of the day {}.jsonl"


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


# ---- Reading


class Read:
    """Answers, or raises, one after the other; the last again and again. Each takes so long."""

    def __init__(self, *answers: Any, seconds: float = 0) -> None:
        self.answers, self.seconds, self.clock = list(answers), seconds, 0.0

    def __call__(self) -> Any:
        self.clock += self.seconds
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def part(self) -> Part[Any]:
        return Part("queues", self, 2, clock=lambda: self.clock, now=lambda: NOW)


def test_what_was_read_stays_while_aws_throttles() -> None:
    part = Read(1, THROTTLED, 2).part()
    part.once()
    assert (part.value, part.trouble, part.seen) == (1, "", NOW)
    part.once()
    assert (part.value, part.error) == (1, THROTTLED)
    assert part.trouble == "sqs:GetQueueAttributes: ThrottlingException"
    assert (
        watch.trouble(part, NOW + timedelta(seconds=14)) == f"queues as of 14 s ago: {part.trouble}"
    )
    part.once()
    assert (part.value, part.trouble, part.error) == (2, "", None)


def test_the_more_often_it_fails_the_longer_it_pauses_and_then_it_is_quick_again() -> None:
    part = Read(*[THROTTLED] * 8, 1).part()
    pauses = [part.once() for _ in range(9)]
    assert (pauses[:4], pauses[7:]) == ([2, 3, 7, 15], [LONGEST_PAUSE, 2])


@pytest.mark.parametrize(("seconds", "pause"), [(0.1, 2), (3, 12), (100, LONGEST_PAUSE)])
def test_a_read_that_takes_long_is_made_less_often(seconds: float, pause: float) -> None:
    assert Read(1, seconds=seconds).part().once() == pause


def test_a_row_that_cannot_be_read_is_shown_and_does_not_end_the_watch() -> None:
    part = Read(KeyError("started_at\x1b[2J")).part()
    part.once()
    assert watch.trouble(part, NOW).startswith("queues not seen: KeyError: ")
    assert part.trouble.isprintable()


def test_parts_are_read_until_asked_to_stop_or_once() -> None:
    stopping, seen = threading.Event(), threading.Event()
    part: Part[Any] = Part("p", seen.set, 60)
    keep_reading([part], stopping)
    assert seen.wait(30)
    stopping.set()
    parts = [Read(n).part() for n in range(3)]
    read_once(parts)
    assert [part.value for part in parts] == [0, 1, 2]


def test_when_nothing_at_all_can_be_read_that_is_the_error() -> None:
    reader: Any = SimpleNamespace(parts=[Read(THROTTLED).part(), Read(THROTTLED).part()])
    with pytest.raises(ServiceError, match="ThrottlingException"):
        watch._once(reader, json=True)


def test_queues_and_dead_letters_are_counted_with_what_is_in_flight() -> None:
    def get_queue_attributes(QueueUrl: str, AttributeNames: list[str]) -> Any:  # noqa: N803
        counts = dict.fromkeys(AttributeNames, "0")
        if QueueUrl == "LandingQueueUrl":
            counts = dict(zip(AttributeNames, ("5", "2", "1"), strict=True))
        if QueueUrl == "StatusDeadLetterQueueUrl":
            counts["ApproximateNumberOfMessagesNotVisible"] = "3"
        return {"Attributes": counts}

    client = SimpleNamespace(get_queue_attributes=get_queue_attributes)
    urls = {key: key for key in (*QUEUES.values(), *DEAD.values())}
    found = queue_reader(Stack("s", "r", urls, {}, lambda *_: client))()
    assert found.depths == {"landings": Depth(6, 2), "statuses": Depth(0, 0)}
    assert found.dead == {"landings": 0, "ticks": 0, "statuses": 3}


def test_landings_that_wait_are_counted_in_every_part_of_the_table() -> None:
    def query(**asked: Any) -> Any:
        shard = asked["ExpressionAttributeValues"][":waiting"]["S"]
        at = {"recorded_at": {"S": f"2026-11-22T18:{int(shard, 16):02}:00.000+00:00"}}
        taken = {"claimed_by": {"S": "r"}} if shard == "3" else {}
        return {"Items": [at | taken], **({"LastEvaluatedKey": {}} if shard == "f" else {})}

    client = SimpleNamespace(query=query)
    found = backlog_reader(Stack("s", "r", {"LandingsTable": "t"}, {}, lambda *_: client))()
    oldest = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
    assert found == Backlog(count=16, claimed=1, oldest=oldest, more=True)


DAILY = {"ScheduleExpression": "cron(0 3 * * ? *)"}


@pytest.mark.parametrize(
    ("parameters", "start_on", "at"),
    [
        (DAILY, "schedule", "2026-11-23T03:00:00+00:00"),
        (
            DAILY | {"ScheduleTimezone": "Europe/Berlin"},
            "schedule",
            "2026-11-23T02:00:00+00:00",
        ),
        (
            {"ScheduleExpression": "at(2026-12-01T00:00:00)", "ScheduledInput": "d/"},
            "arrival",
            "2026-12-01T00:00:00+00:00",
        ),
        ({"ScheduleExpression": "rate(5 minutes)"}, "schedule", None),
        ({"ScheduleExpression": "at(2020-12-01T00:00:00)"}, "schedule", None),
        ({"ScheduleExpression": "cron(what)"}, "schedule", None),
        ({"ScheduleExpression": "rate(1 day)"}, "arrival", "no tick"),
        ({}, "arrival", "no tick"),
    ],
)
def test_the_next_tick_is_told_where_there_is_one_and_it_can_be_known(
    parameters: dict[str, str], start_on: str, at: str | None
) -> None:
    tick = next_tick(parameters, start_on, NOW)
    found = (tick.at.isoformat() if tick.at else None) if tick else "no tick"
    assert found == at


# ---- The screen


def run(
    n: int, status: str, started: float, stopped: float | None = None, **more: Any
) -> RunRecord:
    trigger = {"Kind": "object-created", "Key": KEY.format(n)}
    name = f"landrun-{n:032x}"
    row = {"trigger": trigger, "duration_seconds": 3.5, "name": name, "status": status, **more}
    times = {"started_at": ago(started).isoformat()}
    if stopped is not None:
        times["stopped_at"] = ago(stopped).isoformat()
    return record(row | times)


def activity(running: Iterable[RunRecord] = (), ended: Iterable[RunRecord] = ()) -> Activity:
    runs, ends = tuple(running), tuple(ended)
    return Activity(runs, False, ends, tuple(one.started for one in (*runs, *ends)), whole=True)


def view(**more: Any) -> View:
    depths = {"landings": Depth(0, 0), "statuses": Depth(0, 0)}
    quiet = Queues(depths, dict.fromkeys(("landings", "ticks", "statuses"), 0))
    given = {"queues": quiet, "backlog": None, "activity": activity()} | more
    return View("landrun-prod", "eu-central-1", "arrival", NOW, **given)


def drawn(of: View, width: int = 80, height: int = 24) -> list[str]:
    file = io.StringIO()
    screen = console(file=file, width=width, height=height)
    screen.print(layout(of, height, "q ends"))
    return [text.rstrip() for text in file.getvalue().splitlines()]


BUSY = view(
    queues=Queues(
        {"landings": Depth(1200, 30), "statuses": Depth(4, 0)},
        {"landings": 1, "ticks": 0, "statuses": 3},
    ),
    backlog=Backlog(8000, 20, ago(65), more=True),
    backlog_seen=ago(40),
    scheduled=True,
    tick=Tick("cron(0 3 * * ? *)", datetime(2026, 11, 23, 3, tzinfo=UTC)),
    activity=activity(
        [run(n, "RUNNING", 4000 - n) for n in range(40)],
        [run(100, "FAILED", 50, 9, exit_message=CAUSE)]
        + [run(101 + n, "SUCCEEDED", 400 + n, 100 + n) for n in range(40)],
    ),
    troubles=("queues as of 12 s ago: ThrottlingException",),
)
UNSEEN = view(queues=None, activity=None, scheduled=True, tick=Tick("rate(5 minutes)", None))
WAITERS = (
    WaitingExecution(f"landrun-{3:032x}", ago(60)),
    WaitingExecution(f"landrun-{4:032x}", ago(50)),
)
LINED = view(
    bounded=True,
    line=SlotUsage(2, 2, WAITERS),
    activity=activity([run(n, "RUNNING", 100 - n) for n in range(1, 5)]),
)
PART = replace(activity([run(1, "RUNNING", 10)]), whole=False, more_running=True)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (132, 24), (200, 50)])
@pytest.mark.parametrize("of", [BUSY, view(), UNSEEN, LINED])
def test_it_fits_the_screen(of: View, width: int, height: int) -> None:
    lines = drawn(of, width, height)
    assert len(lines) == height
    assert max(map(cell_len, lines)) <= width
    assert lines[-1] == "q ends"


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (
            BUSY,
            [
                "! queues as of 12 s ago: ThrottlingException",
                "landed        1,200 on their way, 30 being processed",
                "waiting       at least 8,000 landings, the oldest for 1 min 05 s, 20 being",
                "next tick     Mon 03:00 UTC, in 7 h 05 min",
                "to record     4 changes",
                "dead letters  1 landing, 3 statuses: landrun redrive",
                "running 40, the longest first",
                "1 h 06 min  messages of the day 0.jsonl  incoming/2026",
                f"9 s ago  ✗ FAILED  messages of the day 100.jsonl: {CAUSE[:9]}",
            ],
        ),
        (
            view(),
            ["landed        nothing on its way", "dead letters  none", "none in the last hour"],
        ),
        (UNSEEN, ["next tick     rate(5 minutes)", "waiting       …", "landed        …"]),
        (view(activity=PART), ["≥ 1", "running 1 or more"]),
        (
            LINED,
            [
                "slots         2 of 2 in use, 2 runs wait, the oldest for 1 min 00 s",
                "running 4, 2 of them waiting",
                "waits for a slot  messages of the day 3.jsonl",
            ],
        ),
        (view(bounded=True), ["slots         …"]),
        (view(bounded=True, line=SlotUsage(5, 3)), ["slots         3 of 5 in use, no run waits"]),
        (
            view(bounded=True, line=SlotUsage(1, 1, (WaitingExecution("r", ago(60)),), more=True)),
            ["at least 1 run"],
        ),
    ],
)
def test_the_screen_says_how_a_stack_stands(of: View, words: list[str]) -> None:
    text = "\n".join(drawn(of, 80, 30))
    assert [one for one in words if one not in text] == []
    assert ("slots" in text) is of.bounded
    assert ("next tick" in text) is (of.tick is not None)
    assert of is not UNSEEN or ("nothing" not in text and "none" not in text)


def test_counts_and_the_rate_are_of_the_right_spans() -> None:
    ended = [run(n, "SUCCEEDED", 200, 100) for n in range(10)] + [run(99, "ABORTED", 3000, 2000)]
    lines = drawn(view(activity=activity([run(200, "RUNNING", 10)], ended)))
    rows = {words[0]: words[1:] for words in map(str.split, lines) if len(words) == 4}
    assert rows == {
        "started": ["11", "12", "2.2"],
        "succeeded": ["10", "10", "2.0"],
        "failed": ["0", "1", "0"],
    }


@pytest.mark.parametrize("width", [80, 200])
def test_no_text_of_a_run_reaches_the_terminal_as_it_is(width: int) -> None:
    evil = "a\x1b[2Jb\u202ec\nd"
    ended = [run(2, "FAILED", 9, 5, exit_message=evil)]
    running = [run(1, "RUNNING", 5, trigger={"Kind": "object-created", "Key": evil})]
    of = view(activity=activity(running, ended), troubles=(f"runs: {evil}",))
    out = io.StringIO()
    console(file=out, width=width).print(running_list(of, 9), ended_list(of, 9))
    text = "\n".join(drawn(of, width)) + out.getvalue()
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.count(r"a\x1b[2Jb\u202ec\nd") >= 4


# ---- Elsewhere than on a screen


def test_json_has_all_of_it_and_null_for_what_is_not_known() -> None:
    found = json.loads(json.dumps(document(BUSY)))
    assert found["landings"] == {"visible": 1200, "in_flight": 30}
    assert found["dead_letters"] == {"landings": 1, "ticks": 0, "statuses": 3}
    assert found["waiting"]["at_least"] is True
    assert found["waiting"]["oldest"] == "2026-11-22T19:53:27.000Z"
    assert found["next_tick"]["at"] == "2026-11-23T03:00:00.000Z"
    assert (len(found["running"]), len(found["ended"])) == (40, 20)
    assert found["running"][0]["seconds"] == 4000
    assert found["last"]["5min"] == {"started": 1, "succeeded": 40, "failed": 1}
    nothing = document(view(queues=None, activity=None))
    names = ("landings", "running", "last", "waiting", "next_tick", "slots", "more_running")
    assert {nothing[name] for name in names} == {None}


def test_json_has_the_slots_and_the_places_of_runs_that_wait() -> None:
    found = document(LINED)
    assert found["slots"] == {
        "limit": 2,
        "in_use": 2,
        "waiting": 2,
        "at_least": False,
        "oldest": "2026-11-22T19:53:32.000Z",
    }
    assert [one.get("place_in_line") for one in found["running"]] == [None, None, 1, 2]


def test_a_line_stays_the_same_while_nothing_changes() -> None:
    older = (BUSY.troubles[0].replace("12", "14"),)
    assert line(BUSY) == line(replace(BUSY, now=NOW + timedelta(seconds=2), troubles=older))
    assert line(view()) == "landed 0; running 0; last hour 0 succeeded, 0 failed; dead letters none"
    assert "queues not up to date: ThrottlingException" in line(BUSY)
    assert "waiting at least 8,000" in line(BUSY)
    assert "waiting for a slot 2; running 4" in line(LINED)
