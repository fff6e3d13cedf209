"""What goes on in a stack: queues, pending landings and runs, each read on its own.

A part that cannot be read, because AWS throttles for example, keeps its last values and says why.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from landrun.adapters.clients import translated
from landrun.adapters.landings_table import INDEX, SHARDS
from landrun.clock import utc_now
from landrun.errors import LandrunError, ServiceError
from landrun.sanitize import one_line
from landrun_ops.stack.cron import ScheduleError, next_time

if TYPE_CHECKING:
    from landrun_ops.stack.stack import Stack

T = TypeVar("T")

QUEUES = {"landings": "LandingQueueUrl", "statuses": "StatusQueueUrl"}
DEAD = {
    "landings": "LandingDeadLetterQueueUrl",
    "ticks": "ScheduleDeadLetterQueueUrl",
    "statuses": "StatusDeadLetterQueueUrl",
}
"""The stack's outputs that name queues and dead-letter queues, by what is in them."""

SHARD_PAGE = 500
"""Landings to count in each of the sixteen parts of the table: more are "at least" so many."""

LONGEST_PAUSE = 60.0
"""Longest pause between two reads in seconds, however often reading failed."""

SHARE = 4
"""A pause is so many times as long as the read took: a busy stack is not loaded more."""


@dataclass(frozen=True, slots=True)
class Depth:
    """About how many messages a queue has: ``visible`` wait, ``in_flight`` are being processed."""

    visible: int
    in_flight: int


@dataclass(frozen=True, slots=True)
class Queues:
    """Queues by what is in them, and the number of dead letters of each kind."""

    depths: Mapping[str, Depth]
    dead: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Backlog:
    """Landings that wait for a tick.

    Attributes
    ----------
    count : int
        How many.
    claimed : int
        How many of them a tick is processing.
    oldest : datetime or None
        When the oldest of them was recorded.
    more : bool
        Whether there are more, which were not counted.
    """

    count: int
    claimed: int = 0
    oldest: datetime | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    """The schedule's expression, and its next time if that can be known."""

    expression: str
    at: datetime | None


def queue_reader(stack: Stack) -> Callable[[], Queues]:
    """Return what counts the messages in a stack's queues; it raises `ServiceError`."""
    client = stack.client("sqs")
    urls = {name: stack.output(key) for name, key in QUEUES.items()}
    dead_urls = {name: stack.output(key) for name, key in DEAD.items()}

    def depth(url: str) -> Depth:
        wanted = [f"ApproximateNumberOfMessages{name}" for name in ("", "NotVisible", "Delayed")]
        with translated("sqs:GetQueueAttributes"):
            found = client.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)
        visible, in_flight, delayed = (int(found["Attributes"].get(one, 0)) for one in wanted)
        return Depth(visible + delayed, in_flight)

    def read() -> Queues:
        dead = {name: depth(url) for name, url in dead_urls.items()}
        return Queues(
            {name: depth(url) for name, url in urls.items()},
            {name: one.visible + one.in_flight for name, one in dead.items()},
        )

    return read


def backlog_reader(stack: Stack) -> Callable[[], Backlog]:
    """Return what counts the landings that wait for a tick; it raises `ServiceError`."""
    client, table = stack.client("dynamodb"), stack.output("LandingsTable")

    def page(shard: str) -> dict[str, Any]:
        with translated("dynamodb:Query"):
            found: dict[str, Any] = client.query(
                TableName=table,
                IndexName=INDEX,
                KeyConditionExpression="#waiting = :waiting",
                ProjectionExpression="recorded_at, claimed_by",
                ExpressionAttributeNames={"#waiting": "waiting"},
                ExpressionAttributeValues={":waiting": {"S": shard}},
                Limit=SHARD_PAGE,
            )
        return found

    def read() -> Backlog:
        pages = [page(shard) for shard in SHARDS]
        items = [item for one in pages for item in one["Items"]]
        return Backlog(
            count=len(items),
            claimed=sum("claimed_by" in item for item in items),
            oldest=min((_recorded_at(item) for item in items), default=None),
            more=any("LastEvaluatedKey" in one for one in pages),
        )

    return read


def _recorded_at(item: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(item["recorded_at"]["S"])


def next_tick(parameters: Mapping[str, str], start_on: str, now: datetime) -> Tick | None:
    """Return when the stack's schedule fires next; None when it would start nothing.

    Only EventBridge Scheduler knows when a ``rate(…)`` began: its next time is not given.
    """
    expression = parameters.get("ScheduleExpression", "")
    if not expression or (start_on != "schedule" and not parameters.get("ScheduledInput")):
        return None
    if expression.startswith("rate"):
        return Tick(expression, None)
    zone = parameters.get("ScheduleTimezone") or "UTC"
    try:
        return Tick(expression, next_time(expression, zone, now)(now))
    except ScheduleError:
        return Tick(expression, None)


class Part(Generic[T]):
    """One part of what goes on, read again and again.

    Parameters
    ----------
    name : str
        What to call it when it cannot be read.
    read : Callable
        Reads it.
    interval : float
        Shortest pause between two reads, in seconds.
    clock, now : Callable
        A monotonic clock in seconds, and the time.

    Attributes
    ----------
    value : object or None
        What was read last; None before the first time.
    seen : datetime or None
        When that was.
    trouble : str
        Why it is not up to date; empty when it is.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[], T],
        interval: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.name = name
        self.value: T | None = None
        self.seen: datetime | None = None
        self.trouble = ""
        self.error: LandrunError | None = None
        self._read, self._interval, self._clock, self._now = read, interval, clock, now
        self._failures = 0

    def once(self) -> float:
        """Read once; return the seconds to pause before the next time."""
        began = self._clock()
        try:
            self.value, self.seen, self.trouble, self.error = self._read(), self._now(), "", None
            self._failures = 0
        except ServiceError as error:  # an operation and a code name the permission to ask for
            self._failed(f"{error.operation}: {error.code}" if error.code else str(error), error)
        except LandrunError as error:
            self._failed(str(error), error)
        except Exception as error:  # otherwise the screen would stand still, and mislead
            self._failed(one_line(f"{type(error).__name__}: {error}"), None)
        took = self._clock() - began
        slower = 2.0 ** min(self._failures, 10) - 1
        return min(LONGEST_PAUSE, max(self._interval, took * SHARE, slower))

    def _failed(self, why: str, error: LandrunError | None) -> None:
        self._failures += 1
        self.trouble, self.error = why, error

    def until(self, stopping: threading.Event) -> None:
        """Read again and again until the event is set."""
        while not stopping.wait(self.once()):
            pass


def keep_reading(parts: Sequence[Part[Any]], stopping: threading.Event) -> None:
    """Read each part in a thread of its own; none keeps the process from ending."""
    for part in parts:
        threading.Thread(target=part.until, args=(stopping,), name=part.name, daemon=True).start()


def read_once(parts: Sequence[Part[Any]]) -> None:
    """Read every part once, at the same time."""
    threads = [threading.Thread(target=part.once, name=part.name, daemon=True) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
