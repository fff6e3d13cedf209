"""A batch of messages: they overlap, and nothing of one gets into another."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from landrun.handlers.batches import BATCH_SIZE, in_order, overlapping, process_batch

from landrun.errors import InvalidEvent, Refused, ServiceError

from .conftest import FakeDeadLetters

LONG = 20  # seconds; nobody waits for them unless something is wrong


def batch(*bodies: str) -> dict[str, Any]:
    return {"Records": [{"messageId": f"id-{body}", "body": body} for body in bodies]}


def failures(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


@pytest.fixture
def dead() -> FakeDeadLetters:
    return FakeDeadLetters()


@pytest.fixture
def process(telemetry, context, dead):
    """Process a batch whose messages overlap; gives the ids of those that failed."""

    def all_of(event, act, mapper=overlapping):
        return failures(process_batch(event, context, act, dead, telemetry, mapper=mapper))

    return all_of


def test_all_messages_of_a_batch_are_under_way_at_the_same_time(process):
    together = threading.Barrier(BATCH_SIZE)
    bodies = [str(number) for number in range(BATCH_SIZE)]
    assert process(batch(*bodies), lambda _: together.wait(LONG) and None) == []


def test_messages_in_order_are_never_under_way_together(process):
    busy, seen = threading.Lock(), []

    def alone(body: str) -> None:
        assert busy.acquire(blocking=False)
        seen.append(body)
        busy.release()

    assert process(batch("a", "b", "c"), alone, in_order) == []
    assert seen == ["a", "b", "c"]


def test_each_message_fails_alone_and_failures_keep_the_order_of_the_batch(process, dead, told):
    late = threading.Event()

    def act(body: str) -> None:
        if body == "slow":
            late.wait(LONG)
            raise ServiceError("s3:PutObject", "SlowDown", "later")
        if body == "poison":
            raise Refused("never")
        if body == "quick":
            late.set()
            raise RuntimeError("soon")

    assert process(batch("slow", "fine", "poison", "quick"), act) == ["id-slow", "id-quick"]
    assert dead.put_there == [("poison", "never")]
    output = told()
    assert output.count("MessagesFailed") == 2
    assert output.count("MessagesRefused") == 1


def test_a_refusal_that_cannot_be_put_away_comes_again(process, dead, told, monkeypatch):
    def full(body: str, reason: str) -> None:
        raise ServiceError("sqs:SendMessage", "RequestThrottled", "later")

    def refuse(body: str) -> None:
        raise Refused("never")

    monkeypatch.setattr(dead, "put", full)
    assert process(batch("poison"), refuse) == ["id-poison"]
    assert told().count("MessagesFailed") == 1


def test_a_runs_name_is_on_its_own_lines_and_on_no_others(process, telemetry, told):
    named = threading.Barrier(BATCH_SIZE)

    def act(body: str) -> None:
        if body != "nameless":
            telemetry.run(f"run-{body}")
        named.wait(LONG)
        telemetry.logger.info("at work", extra={"body": body})

    bodies = [*map(str, range(BATCH_SIZE - 1)), "nameless"]
    for _ in range(2):
        process(batch(*bodies), act)
        lines = {line["body"]: line.get("run") for line in told().logs}
        assert lines == {b: None if b == "nameless" else f"run-{b}" for b in bodies}


def test_a_runs_name_leaves_with_its_message(process, telemetry, told):
    def act(body: str) -> None:
        if body == "first":
            telemetry.run("run-first")
        telemetry.logger.info("at work", extra={"body": body})

    process(batch("first", "second"), act, in_order)
    process(batch("third"), act)
    telemetry.logger.info("outside", extra={"body": "none"})
    names = {line["body"]: line.get("run") for line in told().logs}
    assert names == {"first": "run-first", "second": None, "third": None, "none": None}


def test_counts_of_messages_that_overlap_are_all_there(process, telemetry, told):
    def act(body: str) -> None:
        for _ in range(1000):
            telemetry.count("RunsStarted")
        telemetry.duration("RunDuration", 1)

    process(batch(*map(str, range(BATCH_SIZE))), act)
    output = told()
    assert output.count("RunsStarted") == BATCH_SIZE * 1000
    assert output.count("RunDuration") == BATCH_SIZE


def test_a_process_that_dies_in_a_message_answers_nothing(process):
    class Killed(BaseException):
        pass

    def die(body: str) -> None:
        raise Killed

    for mapper in (in_order, overlapping):
        with pytest.raises(Killed):
            process(batch("a", "b"), die, mapper)


@pytest.mark.parametrize("event", [{}, {"Records": []}, {"Records": "no"}, [], "no", None])
def test_what_is_no_batch_of_a_queue_is_refused_with_the_remedy(process, event):
    with pytest.raises(InvalidEvent, match="let the queue call this"):
        process(json.loads(json.dumps(event)), lambda _: None)


def test_as_many_messages_overlap_as_a_batch_has(root):
    template = (root / "template.yaml").read_text(encoding="utf-8")
    assert f"BatchSize: {BATCH_SIZE}\n" in template
