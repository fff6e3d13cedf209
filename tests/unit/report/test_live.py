"""What the live page is told: read little by little, and part by part."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from landrun_ops.stack.activity import Part
from landrun_ops.stack.stack import Stack
from landrun_ops.web.ignored import Ignored
from landrun_ops.web.live import (
    READ_AT_ONCE,
    UNWATCHED_SECONDS,
    WHOLE_AFTER,
    LiveStack,
    RunsFeed,
)
from records import create_runs_table, item

NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)
KEY = {"Kind": "object-created", "Key": "incoming/a.csv", "Size": 3}


class Table:
    """moto's table of runs, a clock, and the calls that were made."""

    def __init__(self) -> None:
        self.client = boto3.client("dynamodb", region_name="us-east-1")
        self.now = NOW
        self.calls: list[str] = []
        self.client.meta.events.register(
            "provide-client-params.dynamodb.*", lambda model, **_: self.calls.append(model.name)
        )
        create_runs_table(self.client)
        self.stack = Stack("s", "r", {"RunsTable": "runs"}, {}, client=lambda *_: self.client)

    def put(self, name: str, status: str, **more: Any) -> None:
        row: dict[str, Any] = {"name": name, "status": status, "trigger": KEY}
        row["started_at"] = "2026-11-22T17:59:00.000Z"
        if status == "RUNNING":
            row |= {"unfinished": "execution"}
        else:
            row |= {"stopped_at": "2026-11-22T17:59:30.000Z", "duration_seconds": 30}
        self.client.put_item(TableName="runs", Item=item(row | more))


@pytest.fixture
def table() -> Iterator[Table]:
    with mock_aws():
        yield Table()


@pytest.fixture
def feed(table: Table) -> RunsFeed:
    return RunsFeed(table.stack, timedelta(days=30), lambda: table.now)


def changes(feed: RunsFeed, after: int) -> dict[str, str]:
    return {run["name"]: run["status"] for run in feed.changed(after)[1]}


def test_a_look_gives_only_the_runs_that_changed_since_the_one_before(
    table: Table, feed: RunsFeed
) -> None:
    table.put("old", "SUCCEEDED", summary={"rows_in": 7})
    table.put("young", "RUNNING")
    feed.look()
    first, runs = feed.changed(0)
    feed.look()
    same, none = feed.changed(first)

    table.put("young", "FAILED", exit_message="no column")
    table.put("new", "RUNNING")
    feed.look()

    assert {run["name"]: run["rows_in"] for run in runs} == {"old": 7, "young": None}
    assert (same, none) == (first, [])
    assert changes(feed, first) == {"young": "FAILED", "new": "RUNNING"}
    assert "no column" in {run["cause"] for run in feed.changed(first)[1]}


def test_a_redrive_of_a_run_is_seen(table: Table, feed: RunsFeed) -> None:
    table.put("a", "FAILED")
    feed.look()
    version = feed.version
    table.put("a", "RUNNING", redrive_count=1)
    feed.look()

    assert changes(feed, version) == {"a": "RUNNING"}


def test_a_look_when_nothing_has_changed_reads_no_row_again(table: Table, feed: RunsFeed) -> None:
    for number in range(30):
        table.put(f"run-{number}", "SUCCEEDED")
    feed.look()
    table.calls.clear()
    feed.look()

    assert set(table.calls) == {"Query"}
    assert len(table.calls) <= 3


def test_many_changes_are_read_over_several_looks(table: Table, feed: RunsFeed) -> None:
    feed.look()
    for number in range(READ_AT_ONCE + 5):
        table.put(f"run-{number}", "SUCCEEDED")
    feed.look()
    some = len(changes(feed, 0))
    feed.look()

    assert (some, len(changes(feed, 0))) == (READ_AT_ONCE, READ_AT_ONCE + 5)


def test_after_a_long_time_without_a_look_all_runs_are_read_again(
    table: Table, feed: RunsFeed
) -> None:
    table.put("a", "RUNNING")
    feed.look()
    version = feed.version
    table.put("a", "SUCCEEDED")
    for number in range(60):  # more than what ended last that is kept
        table.put(f"run-{number}", "SUCCEEDED", stopped_at="2026-11-22T19:59:30.000Z")
    table.now = NOW + WHOLE_AFTER * 10
    feed.look()

    assert len(changes(feed, version)) == 61
    assert changes(feed, version)["a"] == "SUCCEEDED"


def live_stack(clients: dict[str, Any], **parameters: str) -> LiveStack:
    names = ("RunsTable", "LandingQueueUrl", "StatusQueueUrl", "LandingDeadLetterQueueUrl")
    names += ("ScheduleDeadLetterQueueUrl", "StatusDeadLetterQueueUrl", "ConcurrencyTable")
    outputs = {name: "runs" if name == "RunsTable" else f"https://sqs/{name}" for name in names}
    stack = Stack(
        "s", "r", outputs | {"StartOn": "arrival"}, parameters, lambda name, *_: clients[name]
    )
    return LiveStack(stack, timedelta(days=30), Ignored)


def test_a_part_that_aws_refuses_is_a_note_and_the_rest_is_there(table: Table) -> None:
    sqs = boto3.client("sqs", region_name="us-east-1")
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}"
    table.put("a", "RUNNING", started_at=now, month=now[:7])
    live = live_stack({"dynamodb": table.client, "sqs": sqs})
    with Stubber(sqs) as stubber:
        stubber.add_client_error("get_queue_attributes", "AccessDenied")
        for part in live.parts.values():
            part.once()

    found = live.update(0)

    assert found["notes"] == ["queues: not read yet; sqs:GetQueueAttributes: AccessDenied"]
    assert found["columns"]["name"] == ["a"]
    assert found["loaded"]
    assert found["queues"] is None
    assert found["ignored"] == {"step": 3600, "unknown": None, "counts": []}
    json.dumps(found, allow_nan=False)


def test_a_call_that_does_not_end_is_a_note_as_well(table: Table) -> None:
    live = live_stack({"dynamodb": table.client, "sqs": None})
    assert live.update(0)["notes"] == []
    live._started -= timedelta(seconds=60)

    notes = live.update(0)["notes"]

    assert "runs: not read yet" in notes
    assert "queues: not read yet" in notes


class Stopping:
    """An event that is set when it has been waited for so often; remembers for how long."""

    def __init__(self, waits: int) -> None:
        self.left, self.waited = waits, list[float]()

    def wait(self, seconds: float) -> bool:
        self.waited.append(seconds)
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize(("seconds_ago", "looks"), [(0, 4), (UNWATCHED_SECONDS + 1, 1)])
def test_aws_is_asked_only_while_the_page_is_open(
    table: Table, seconds_ago: float, looks: int
) -> None:
    live = live_stack({"dynamodb": table.client, "sqs": None})
    stopping, asked = Stopping(3), list[int]()
    part = Part("runs", lambda: asked.append(1), 2)
    live._stopping = cast("threading.Event", stopping)
    live._wanted -= seconds_ago

    live._keep(part)

    assert len(asked) == looks
    assert stopping.waited[0] == 2
