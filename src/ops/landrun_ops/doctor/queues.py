"""What waits, and what nobody could do: queues, dead letters, and landings that wait for a tick."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from landrun.adapters.landings_table import INDEX, SHARDS
from landrun_ops.doctor.aws_reader import Sight
from landrun_ops.doctor.examining import Check
from landrun_ops.doctor.findings import Finding, fail, ok, warn
from landrun_ops.doctor.metrics import metric
from landrun_ops.durations import spelled

AREA: Final = "queues"
RECENTLY: Final = timedelta(minutes=15)
LONGEST_STATUS: Final = 3600.0
"""Seconds that a change of status may wait to be recorded."""

DEAD: Final = {
    "dead landings": ("LandingDeadLetterQueueUrl", "landings", "no run has them"),
    "dead ticks": ("ScheduleDeadLetterQueueUrl", "schedule", "ticks, or calls of reconcile"),
    "dead statuses": ("StatusDeadLetterQueueUrl", "statuses", "reconcile alone records them"),
}
"""The dead-letter queues: output, the name that ``landrun redrive`` has for it, what it means."""


def judge_dead(attributes: Mapping[str, str], name: str, meaning: str) -> Finding:
    """Judge a dead-letter queue by GetQueueAttributes' answer."""
    count = int(attributes["ApproximateNumberOfMessages"])
    hidden = int(attributes.get("ApproximateNumberOfMessagesNotVisible", 0))
    if count + hidden:
        return fail(
            f"{count + hidden} dead letter{'s' if count + hidden != 1 else ''}: {meaning}",
            f"landrun redrive --queue {name} --dry-run says why, and without --dry-run sends back",
        )
    return ok("empty")


def judge_queue(attributes: Mapping[str, str], age: float | None, longest: float) -> Finding:
    """Judge a queue by what waits in it, and for how long.

    Parameters
    ----------
    attributes : Mapping[str, str]
        GetQueueAttributes' answer.
    age : float or None
        Seconds that the oldest message has waited; None when CloudWatch does not know.
    longest : float
        Seconds that it may.
    """
    waiting = int(attributes["ApproximateNumberOfMessages"])
    flying = int(attributes.get("ApproximateNumberOfMessagesNotVisible", 0))
    says = f"{waiting} waiting, {flying} under way" if waiting or flying else "empty"
    if age is not None and age > longest and (waiting or flying):
        return fail(
            f"{says}; the oldest has waited for {spelled(age)}, longer than {spelled(longest)}",
            "is its event source enabled, its function throttled or failing? landrun watch",
        )
    return ok(says if age is None or not waiting else f"{says}, the oldest for {spelled(age)}")


def judge_landings(oldest: Mapping[str, Any] | None, now: datetime, longest: float) -> Finding:
    """Judge the landings that wait for a tick.

    Parameters
    ----------
    oldest : Mapping or None
        The item of the landings table that was recorded first; None when nothing waits.
    longest : float
        Seconds that one may wait.
    """
    if oldest is None:
        return ok("nothing waits for a tick")
    age = (now - datetime.fromisoformat(oldest["recorded_at"]["S"])).total_seconds()
    if age > longest:
        return fail(
            f"a landing has waited for a tick for {spelled(age)}, longer than {spelled(longest)}",
            "is the schedule enabled, and as meant? landrun explain says it of one object; if ticks"
            " are further apart, sam deploy with a larger MaxWaitForTickInSeconds",
        )
    return ok(f"the oldest landing has waited for a tick for {spelled(age)}")


def judge_left(oldest: Mapping[str, Any] | None) -> Finding:
    """Judge what waits for ticks that do not come any more; reconcile gives it its runs."""
    if oldest is None:
        return ok("nothing waits for a tick")
    return warn(
        "landings wait for a tick, and StartOn=arrival has none",
        "landrun reconcile runs what was recorded before StartOn changed",
    )


def checks(sight: Sight, now: datetime) -> list[Check]:
    """Give the checks of queues and of the landings table."""
    landing = float(sight.stack.parameters.get("MaxLandingAgeInSeconds", 3600))
    return [
        Check(AREA, "landings", partial(_queue, sight, "LandingQueueUrl", landing, now)),
        Check(AREA, "statuses", partial(_queue, sight, "StatusQueueUrl", LONGEST_STATUS, now)),
        Check(AREA, "waiting", partial(_landings, sight, now)),
        *(Check(AREA, name, partial(_dead, sight, *about)) for name, about in DEAD.items()),
    ]


def _attributes(sight: Sight, output: str) -> dict[str, str]:
    url = sight.stack.output(output)
    answer = sight.ask("sqs:GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
    attributes: dict[str, str] = answer["Attributes"]
    return attributes


def _dead(sight: Sight, output: str, name: str, meaning: str) -> Finding:
    return judge_dead(_attributes(sight, output), name, meaning)


def _queue(sight: Sight, output: str, longest: float, now: datetime) -> Finding:
    attributes = _attributes(sight, output)
    name = sight.stack.output(output).rpartition("/")[2]
    what = "AWS/SQS ApproximateAgeOfOldestMessage"
    age = metric(sight, what, {"QueueName": name}, "Maximum", (now - RECENTLY, now))
    return judge_queue(attributes, age, longest)


def _landings(sight: Sight, now: datetime) -> Finding:
    found = [item for shard in SHARDS for item in _first(sight, shard)]
    oldest = min(found, key=lambda item: str(item["recorded_at"]["S"]), default=None)
    if sight.stack.output("StartOn") != "schedule":
        return judge_left(oldest)
    longest = float(sight.stack.parameters.get("MaxWaitForTickInSeconds", 93600))
    return judge_landings(oldest, now, longest)


def _first(sight: Sight, shard: str) -> list[dict[str, Any]]:
    """Give what waits in a part of the index: all of it, unless it is more than a page."""
    answer = sight.ask(
        "dynamodb:Query",
        TableName=sight.stack.output("LandingsTable"),
        IndexName=INDEX,
        KeyConditionExpression="#waiting = :waiting",
        ProjectionExpression="recorded_at",
        ExpressionAttributeNames={"#waiting": "waiting"},
        ExpressionAttributeValues={":waiting": {"S": shard}},
    )
    found: list[dict[str, Any]] = answer["Items"]
    return found
