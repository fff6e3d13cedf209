"""The current activity of a stack: queues, pending landings, slots, runs and the next tick."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

from pydantic import BaseModel

from landrun.adapters.clients import translated
from landrun.adapters.landings_table import INDEX, SHARDS
from landrun.clock import utc_now
from landrun.errors import ServiceError
from landrun.models.run_record import RunRecord
from landrun_ops.stack import dead_letters
from landrun_ops.stack.cron import ScheduleError, next_time
from landrun_ops.stack.queue_depth import depth
from landrun_ops.stack.stack import Stack
from landrun_ops.stack.waiting_executions import SlotUsage, max_concurrent_runs, slot_usage

QUEUES = {"landings": "LandingQueueUrl", "statuses": "StatusQueueUrl"}
"""The stack's outputs that name queues, by the kind of their messages."""

SHARD_PAGE = 500
"""The most landings that are counted in each shard of the landings table."""


class PendingLandings(BaseModel):
    """Landings that wait for a tick; there are ``more`` where not all were counted."""

    count: int
    oldest: datetime | None
    more: bool


class Tick(BaseModel):
    """The schedule's expression, and when it fires next; None if that is unknown."""

    expression: str
    at: datetime | None


class Activity(BaseModel):
    """The current activity of a stack. A part that does not exist or was never read is None."""

    stack: str
    region: str
    at: datetime
    queues: dict[str, int] | None = None
    pending_landings: PendingLandings | None = None
    slots: SlotUsage | None = None
    next_tick: Tick | None = None
    dead_letters: dict[str, int] | None = None
    runs: list[RunRecord] = []
    notes: list[str] = []
    """Why a part is not up to date, one line each."""

    @property
    def waiting(self) -> list[str]:
        """The names of the runs that wait for a concurrency slot, the next first."""
        return [one.name for one in self.slots.waiting] if self.slots else []


class ActivityReader:
    """Reads the parts of a stack one after the other; a part that AWS refuses keeps its last value.

    ``read_runs`` returns the runs to show.
    """

    def __init__(self, stack: Stack, read_runs: Callable[[], list[RunRecord]]) -> None:
        self._stack, self._start_on = stack, stack.output("StartOn")
        self._parts: dict[str, Callable[[], Any]] = {
            "queues": partial(queue_depths, stack, QUEUES),
            "dead_letters": partial(queue_depths, stack, dead_letters.QUEUES),
            "runs": read_runs,
        }
        if self._start_on == "schedule":
            self._parts["pending_landings"] = partial(pending_landings, stack)
        if max_concurrent_runs(stack):
            self._parts["slots"] = partial(slot_usage, stack)
        self._values: dict[str, Any] = {}

    def read(self) -> Activity:
        """Read every part once. Raises ServiceError if no part could ever be read."""
        errors: dict[str, ServiceError] = {}
        for name, read in self._parts.items():
            try:
                self._values[name] = read()
            except ServiceError as error:
                errors[name] = error
        if not self._values:
            raise next(iter(errors.values()))
        now = utc_now()
        return Activity(
            stack=self._stack.name,
            region=self._stack.region,
            at=now,
            next_tick=next_tick(self._stack.parameters, self._start_on, now),
            notes=[f"{name.replace('_', ' ')}: {error}" for name, error in errors.items()],
            **self._values,
        )


def queue_depths(stack: Stack, outputs: Mapping[str, str]) -> dict[str, int]:
    """Count the messages of the stack's queues, by the kind of their messages."""
    client = stack.client("sqs")
    return {name: depth(client, stack.output(output)) for name, output in outputs.items()}


def pending_landings(stack: Stack) -> PendingLandings:
    """Count the landings that wait for a tick, in every shard of the landings table."""
    client, recorded, more = stack.client("dynamodb"), list[datetime](), False
    for shard in SHARDS:
        with translated("dynamodb:Query"):
            page = client.query(
                TableName=stack.output("LandingsTable"),
                IndexName=INDEX,
                KeyConditionExpression="#waiting = :waiting",
                ProjectionExpression="recorded_at",
                ExpressionAttributeNames={"#waiting": "waiting"},
                ExpressionAttributeValues={":waiting": {"S": shard}},
                Limit=SHARD_PAGE,
            )
        recorded += [datetime.fromisoformat(item["recorded_at"]["S"]) for item in page["Items"]]
        more = more or "LastEvaluatedKey" in page
    return PendingLandings(count=len(recorded), oldest=min(recorded, default=None), more=more)


def next_tick(parameters: Mapping[str, str], start_on: str, now: datetime) -> Tick | None:
    """Return when the stack's schedule fires next; None if it would start nothing.

    Only EventBridge Scheduler knows when a ``rate(…)`` began, so that its next time is unknown.
    """
    expression = parameters.get("ScheduleExpression", "")
    if not expression or (start_on != "schedule" and not parameters.get("ScheduledInput")):
        return None
    zone, at = parameters.get("ScheduleTimezone") or "UTC", None
    if not expression.startswith("rate"):
        with suppress(ScheduleError):
            at = next_time(expression, zone, now)(now)
    return Tick(expression=expression, at=at)
