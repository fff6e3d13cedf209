"""The parts of a stack that `landrun watch` looks at, each on its own."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from landrun.errors import ServiceError
from landrun_ops.cli import watch
from landrun_ops.stack.activity import (
    DEAD,
    LONGEST_PAUSE,
    QUEUES,
    Backlog,
    BacklogDoor,
    Depth,
    Part,
    QueueDoor,
    look_once,
    looking,
    next_tick,
)
from landrun_ops.stack.stack import Stack

NOW = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)
THROTTLED = ServiceError("sqs:GetQueueAttributes", "ThrottlingException", "Rate exceeded")


class Look:
    """Answers, or raises, one after the other; the last again and again. Each takes so long."""

    def __init__(self, *answers: Any, seconds: float = 0) -> None:
        self.answers, self.seconds, self.clock = list(answers), seconds, 0.0

    def __call__(self) -> Any:
        self.clock += self.seconds
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def part(self, interval: float = 2) -> Part[Any]:
        return Part("queues", self, interval, clock=lambda: self.clock, now=lambda: NOW)


def test_what_was_seen_stays_while_aws_throttles() -> None:
    part = Look(1, THROTTLED, 2).part()
    part.once()
    assert (part.value, part.trouble, part.seen) == (1, "", NOW)
    part.once()
    assert (part.value, part.error) == (1, THROTTLED)
    assert part.trouble == "sqs:GetQueueAttributes: ThrottlingException"
    part.once()
    assert (part.value, part.trouble, part.error) == (2, "", None)


def test_the_oftener_it_fails_the_longer_it_pauses_and_then_it_is_quick_again() -> None:
    part = Look(*[THROTTLED] * 8, 1).part()
    pauses = [part.once() for _ in range(9)]
    assert pauses[:4] == [2, 3, 7, 15]
    assert pauses[7] == LONGEST_PAUSE
    assert pauses[8] == 2


def test_a_look_that_takes_long_is_made_less_often() -> None:
    assert Look(1, seconds=0.1).part().once() == 2
    assert Look(1, seconds=3).part().once() == 12
    assert Look(1, seconds=100).part().once() == LONGEST_PAUSE


def test_a_row_that_cannot_be_read_is_shown_and_does_not_end_the_watch() -> None:
    part = Look(KeyError("started_at\x1b[2J")).part()
    part.once()
    assert part.trouble.startswith("KeyError: ")
    assert "\x1b" not in part.trouble


def test_parts_are_looked_at_until_asked_to_stop() -> None:
    stopping, seen = threading.Event(), threading.Event()

    def look() -> int:
        seen.set()
        return 1

    part: Part[int] = Part("p", look, 60)
    looking([part], stopping)
    assert seen.wait(30)
    stopping.set()


def test_all_parts_are_looked_at_once() -> None:
    parts = [Look(n).part() for n in range(3)]
    look_once(parts)
    assert [part.value for part in parts] == [0, 1, 2]


# ---- What is looked at


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
    found = QueueDoor(Stack("s", "r", urls, {}, lambda *_: client)).look()
    assert found.depths == {"landings": Depth(6, 2), "statuses": Depth(0, 0)}
    assert found.dead == {"landings": 0, "ticks": 0, "statuses": 3}


def test_landings_that_wait_are_counted_in_every_part_of_the_table() -> None:
    def query(**asked: Any) -> Any:
        shard = asked["ExpressionAttributeValues"][":waiting"]["S"]
        at = {"recorded_at": {"S": f"2026-11-22T18:{int(shard, 16):02}:00.000+00:00"}}
        taken = {"claimed_by": {"S": "r"}} if shard == "3" else {}
        return {"Items": [at | taken], **({"LastEvaluatedKey": {}} if shard == "f" else {})}

    client = SimpleNamespace(query=query)
    found = BacklogDoor(Stack("s", "r", {"LandingsTable": "t"}, {}, lambda *_: client)).look()
    oldest = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
    assert found == Backlog(count=16, claimed=1, oldest=oldest, more=True)


@pytest.mark.parametrize(
    ("parameters", "start_on", "at"),
    [
        ({"ScheduleExpression": "cron(0 3 * * ? *)"}, "schedule", "2026-11-23T03:00:00+00:00"),
        (
            {"ScheduleExpression": "cron(0 3 * * ? *)", "ScheduleTimezone": "Europe/Berlin"},
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
    ],
)
def test_the_next_tick_is_told_where_it_can_be_known(
    parameters: dict[str, str], start_on: str, at: str | None
) -> None:
    tick = next_tick(parameters, start_on, NOW)
    assert tick is not None
    assert (tick.at.isoformat() if tick.at else None) == at


@pytest.mark.parametrize("parameters", [{"ScheduleExpression": "rate(1 day)"}, {}])
def test_without_anything_to_start_there_is_no_tick(parameters: dict[str, str]) -> None:
    assert next_tick(parameters, "arrival", NOW) is None


# ---- Once


def sights(*looks: Look) -> Any:
    return SimpleNamespace(parts=[look.part() for look in looks])


def test_when_nothing_at_all_can_be_seen_that_is_the_error() -> None:
    with pytest.raises(ServiceError, match="ThrottlingException"):
        watch._once(sights(Look(THROTTLED), Look(THROTTLED)), json=True)


def test_a_part_that_is_not_seen_is_named_with_its_age() -> None:
    look = Look(1, THROTTLED)
    part = look.part()
    part.once()
    part.once()
    later = datetime(2026, 11, 22, 19, 0, 14, tzinfo=UTC)
    assert (
        watch._trouble(part, later)
        == "queues as of 14 s ago: sqs:GetQueueAttributes: ThrottlingException"
    )
    never = Look(THROTTLED).part()
    never.once()
    assert (
        watch._trouble(never, later)
        == "queues not seen: sqs:GetQueueAttributes: ThrottlingException"
    )
