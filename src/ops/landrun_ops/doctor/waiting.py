"""What waits: landings for their tick, and messages in the dead-letter queues."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from landrun.adapters.landings_table import INDEX, SHARDS
from landrun.errors import ServiceError
from landrun_ops.doctor.aws_reader import StackReader
from landrun_ops.doctor.findings import Finding, fail, ok, problems, warn
from landrun_ops.stack.dead_letters import DeadLetterQueue, Why
from landrun_ops.stack.queue_depth import depth
from landrun_ops.units import spelled

PEEKED: Final = 100
"""The most dead letters of a queue whose reason is read."""

QUEUES: Final = {
    "landings": "LandingDeadLetterQueueUrl",
    "schedule": "ScheduleDeadLetterQueueUrl",
    "statuses": "StatusDeadLetterQueueUrl",
}
"""The dead-letter queues, by the name that ``landrun redrive --queue`` has for them."""


def landings(aws: StackReader) -> Finding:
    """No landing waits longer for its tick than MaxWaitForTickInSeconds."""
    times = [time for shard in SHARDS if (time := _oldest(aws, shard))]
    if not times:
        return ok("no landing waits for a tick")
    age = (aws.now - datetime.fromisoformat(min(times))).total_seconds()
    if aws.output("StartOn") != "schedule":
        return warn(
            "landings wait for a tick, and StartOn=arrival has none",
            "landrun reconcile runs what was recorded before StartOn changed",
        )
    longest = float(aws.parameter("MaxWaitForTickInSeconds", "93600"))
    if age > longest:
        return fail(
            f"a landing has waited {spelled(age)} for a tick, longer than {spelled(longest)}",
            "landrun explain says why of one object; if ticks are further apart, sam deploy with a"
            " larger MaxWaitForTickInSeconds",
        )
    return ok(f"the oldest landing has waited {spelled(age)} for its tick")


def _oldest(aws: StackReader, shard: str) -> str:
    """Return when the oldest landing in a part of the index was recorded; empty if none waits."""
    answer = aws.ask(
        "dynamodb:Query",
        TableName=aws.output("LandingsTable"),
        IndexName=INDEX,
        KeyConditionExpression="#waiting = :waiting",
        ProjectionExpression="recorded_at",
        ExpressionAttributeNames={"#waiting": "waiting"},
        ExpressionAttributeValues={":waiting": {"S": shard}},
    )
    times = [str(item["recorded_at"]["S"]) for item in answer["Items"]]
    return min(times, default="")


def dead_letters(aws: StackReader) -> list[Finding]:
    """The dead-letter queues are empty."""
    return problems(
        one for name, output in QUEUES.items() for one in _judge_queue(aws, name, output)
    )


def _judge_queue(aws: StackReader, queue: str, output: str) -> Iterator[Finding]:
    url, client = aws.output(output), aws.client("sqs")
    count = depth(client, url)
    if not count:
        return
    why = f"landrun redrive --queue {queue} --dry-run says why"
    try:
        found = DeadLetterQueue(client, url).peek(PEEKED)
    except ServiceError:  # not everybody may receive them
        yield fail(f"{queue}: {count} dead letters", why)
        return
    refused = [one.reason for one in found if one.why is Why.REFUSED]
    if refused:
        yield fail(
            f"{queue}: {len(refused)} of {count} dead letters were refused: {refused[0]}",
            f"landrun redrive --queue {queue} --discard saves them to a file, and deletes them",
        )
    if count > len(refused):
        remedy = f"{why}, and without --dry-run sends them back"
        yield fail(f"{queue}: {count - len(refused)} dead letters", remedy)
