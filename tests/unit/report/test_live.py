"""What the live page and ``landrun watch`` read of a stack: little by little, and part by part."""

from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from landrun.errors import ServiceError
from landrun_ops.stack import activity, dead_letters
from landrun_ops.stack.activity import QUEUES, PendingLandings, next_tick, pending_landings
from landrun_ops.stack.stack import Stack
from landrun_ops.web.ignored import Ignored, IgnoredCount, from_metrics
from landrun_ops.web.live import ALL_AGAIN_AFTER, LiveStack, RunsFeed
from records import create_runs_table, item

NOW = datetime(2026, 12, 1, 0, 20, tzinfo=UTC)
"""Just after the turn of a month: rows lie in two."""
OUTPUTS = {key: key for key in (*QUEUES.values(), *dead_letters.QUEUES.values())}
OUTPUTS |= {"StartOn": "arrival", "RunsTable": "runs", "LandingsTable": "landings"}
THROTTLED = ServiceError("sqs:GetQueueAttributes", "ThrottlingException", "Rate exceeded")


@pytest.fixture
def table():
    """moto's DynamoDB with an empty runs table."""
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_runs_table(client)
        yield client


def stack_of(client):
    return Stack("s", "r", OUTPUTS, {}, client=lambda *_: client)


def put(table, name, status, minutes_ago=30, **more):
    at = (NOW - timedelta(minutes=minutes_ago)).isoformat(timespec="milliseconds")
    row = {"name": name, "status": status, "started_at": at, "month": at[:7]}
    running = status == "RUNNING"
    row |= {"status_rank": 0, "unfinished": "execution"} if running else {"status_rank": 2}
    table.put_item(TableName="runs", Item=item(row | more))


def test_a_read_gives_only_the_runs_that_changed_since_the_one_before(table):
    clock = Mock(return_value=NOW)
    feed = RunsFeed(stack_of(table), timedelta(days=30), clock)

    def read():
        before = feed.version
        feed.read()
        return {run.name: run.status for run in feed.changed(before)}

    put(table, "old", "SUCCEEDED", 3000, summary={"rows_in": 7})
    put(table, "long", "RUNNING", 2000)
    assert read() == {"old": "SUCCEEDED", "long": "RUNNING"}
    assert read() == {}
    put(table, "long", "FAILED", 2000, exit_message="no column")
    put(table, "new", "RUNNING", 0)
    assert read() == {"long": "FAILED", "new": "RUNNING"}

    put(table, "old", "RUNNING", 3000, redrive_count=1)
    assert read() == {"old": "RUNNING"}
    put(table, "old", "FAILED", 3000, redrive_count=1)
    assert read() == {"old": "FAILED"}
    put(table, "old", "RUNNING", 3000, redrive_count=1)  # as an index may still have it
    assert read() == {}

    put(table, "old", "SUCCEEDED", 3000, redrive_count=2)  # redriven, and ended, in the pause
    clock.return_value += ALL_AGAIN_AFTER * 2
    assert read() == {"old": "SUCCEEDED"}


def test_a_part_that_aws_refuses_keeps_its_last_value_and_is_a_note(table, monkeypatch):
    depths = Mock(side_effect=[{"landings": 5}, {"schedule": 1}, THROTTLED, {"schedule": 2}])
    monkeypatch.setattr(activity, "queue_depths", depths)
    put(table, "r", "RUNNING")
    live = LiveStack(stack_of(table), timedelta(days=30), Ignored)
    first = live.update(0)
    assert live.update(0) == first  # several pages share what is read
    live._read_at = float("-inf")
    second = live.update(first["version"])

    assert [run["name"] for run in first["runs"]] == ["r"]
    assert (first["notes"], second["runs"]) == ([], [])
    assert (second["queues"], second["dead_letters"]) == ({"landings": 5}, {"schedule": 2})
    assert second["notes"] == [f"queues: {THROTTLED}"]
    assert (second["slots"], second["pending_landings"], second["next_tick"]) == (None, None, None)


def test_landings_of_every_shard_are_counted():
    def query(**asked):
        shard = asked["ExpressionAttributeValues"][":waiting"]["S"]
        at = {"recorded_at": {"S": f"2026-11-22T18:{int(shard, 16):02}:00.000+00:00"}}
        return {"Items": [at], **({"LastEvaluatedKey": {}} if shard == "f" else {})}

    oldest = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
    found = pending_landings(Stack("s", "r", OUTPUTS, {}, lambda _: Mock(query=query)))
    assert found == PendingLandings(count=16, oldest=oldest, more=True)


DAILY = {"ScheduleExpression": "cron(0 3 * * ? *)"}


@pytest.mark.parametrize(
    ("parameters", "start_on", "at"),
    [
        (DAILY, "schedule", "2026-12-01 03:00:00+00:00"),
        (DAILY | {"ScheduleTimezone": "Europe/Berlin"}, "schedule", "2026-12-01 02:00:00+00:00"),
        ({"ScheduleExpression": "rate(5 minutes)"}, "schedule", "None"),
        ({"ScheduleExpression": "rate(1 day)"}, "arrival", "no tick"),
    ],
)
def test_the_next_tick_follows_from_the_schedule_where_it_can_be_known(parameters, start_on, at):
    tick = next_tick(parameters, start_on, NOW)
    assert (str(tick.at) if tick else "no tick") == at


def test_ignored_landings_come_from_cloudwatch_and_a_refusal_is_named():
    at, refusal = NOW.replace(minute=0), ClientError({"Error": {"Code": "AccessDenied"}}, "")
    result = {"Id": "zero_bytes", "Timestamps": [at, at], "Values": [0.0, 3.0]}
    client = Mock()
    client.get_paginator().paginate.side_effect = [[{"MetricDataResults": [result]}], refusal]

    found, refused = (from_metrics(client, "landrun", NOW, NOW) for _ in range(2))

    assert found.counts == [IgnoredCount(at=at, reason="zero-bytes", count=3)]
    assert client.get_paginator().paginate.call_args.kwargs["StartTime"] == at
    assert "cloudwatch:GetMetricData: AccessDenied" in refused.unknown
