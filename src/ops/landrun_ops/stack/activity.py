"""What goes on in a stack: queues, landings that wait, runs; each looked at on its own.

A part that cannot be looked at, as when AWS throttles, keeps what was seen last and says so.
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

QUEUES = {
    "landings": "LandingQueueUrl",
    "statuses": "StatusQueueUrl",
}
DEAD = {
    "landings": "LandingDeadLetterQueueUrl",
    "ticks": "ScheduleDeadLetterQueueUrl",
    "statuses": "StatusDeadLetterQueueUrl",
}
"""The stack's outputs that name queues and dead-letter queues, by what is in them."""

SHARD_PAGE = 500
"""Landings counted in each of the sixteen parts of the table: more are "at least" so many."""

LONGEST_PAUSE = 60.0
"""Seconds between two looks at most, however often looking failed."""

SHARE = 4
"""Looking pauses for so many times as long as it took: a stack under load is not loaded more."""


@dataclass(frozen=True, slots=True)
class Depth:
    """Messages in a queue: ``visible`` wait, ``in_flight`` are being dealt with. Both about."""

    visible: int
    in_flight: int


@dataclass(frozen=True, slots=True)
class Queues:
    """Queues by what is in them, and how many dead letters there are of each kind."""

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
        How many of them a tick is taking just now.
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
    """The schedule: what it says, and when it ticks next where that can be known."""

    expression: str
    at: datetime | None


def quick_client(stack: Stack, service: str) -> Any:
    """Give the stack's client, which soon says that it gets no answer."""
    return stack.client(service)


class QueueDoor:
    """Looks at a stack's queues."""

    def __init__(self, stack: Stack) -> None:
        self._client = quick_client(stack, "sqs")
        self._urls = {name: stack.output(key) for name, key in QUEUES.items()}
        self._dead = {name: stack.output(key) for name, key in DEAD.items()}

    def look(self) -> Queues:
        """Count what is in them.

        Raises
        ------
        ServiceError
            When SQS refuses a call or cannot be reached.
        """
        dead = {name: self._depth(url) for name, url in self._dead.items()}
        return Queues(
            {name: self._depth(url) for name, url in self._urls.items()},
            {name: depth.visible + depth.in_flight for name, depth in dead.items()},
        )

    def _depth(self, url: str) -> Depth:
        names = ("", "NotVisible", "Delayed")
        wanted = [f"ApproximateNumberOfMessages{name}" for name in names]
        with translated("sqs:GetQueueAttributes"):
            found = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)
        visible, in_flight, delayed = (int(found["Attributes"].get(one, 0)) for one in wanted)
        return Depth(visible + delayed, in_flight)


class BacklogDoor:
    """Looks at the landings that wait for a tick."""

    def __init__(self, stack: Stack) -> None:
        self._client = quick_client(stack, "dynamodb")
        self._table = stack.output("LandingsTable")

    def look(self) -> Backlog:
        """Count them, up to 500 in each part of the table.

        Raises
        ------
        ServiceError
            When DynamoDB refuses a call or cannot be reached.
        """
        pages = [self._page(shard) for shard in SHARDS]
        items = [item for page in pages for item in page["Items"]]
        return Backlog(
            count=len(items),
            claimed=sum("claimed_by" in item for item in items),
            oldest=min(map(_recorded_at, items), default=None),
            more=any("LastEvaluatedKey" in page for page in pages),
        )

    def _page(self, shard: str) -> dict[str, Any]:
        with translated("dynamodb:Query"):
            page: dict[str, Any] = self._client.query(
                TableName=self._table,
                IndexName=INDEX,
                KeyConditionExpression="#waiting = :waiting",
                ProjectionExpression="recorded_at, claimed_by",
                ExpressionAttributeNames={"#waiting": "waiting"},
                ExpressionAttributeValues={":waiting": {"S": shard}},
                Limit=SHARD_PAGE,
            )
        return page


def _recorded_at(item: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(item["recorded_at"]["S"])


def next_tick(parameters: Mapping[str, str], start_on: str, now: datetime) -> Tick | None:
    """Say when the stack's schedule ticks next; None when there is nothing for it to start.

    When a ``rate(…)`` began is known to EventBridge Scheduler alone: its next time is not given.
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


def _in_short(error: LandrunError) -> str:
    """Name what AWS refused, and with which code: all that a permission is asked for by."""
    if isinstance(error, ServiceError) and error.code:
        return f"{error.operation}: {error.code}"
    return str(error)


class Part(Generic[T]):
    """One part of what goes on, looked at again and again.

    Parameters
    ----------
    name : str
        What it is called when it cannot be looked at.
    look : Callable
        Looks.
    interval : float
        Seconds between two looks at least.
    clock, now : Callable
        Seconds that never go back, and the time.

    Attributes
    ----------
    value : object or None
        What was seen last; None before anything was.
    seen : datetime or None
        When that was.
    trouble : str
        Why it is not up to date; empty when it is.
    """

    def __init__(
        self,
        name: str,
        look: Callable[[], T],
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
        self._look, self._interval, self._clock, self._now = look, interval, clock, now
        self._failures = 0

    def once(self) -> float:
        """Look once; give the seconds to pause before looking again."""
        began = self._clock()
        try:
            self.value, self.seen, self.trouble, self.error = self._look(), self._now(), "", None
            self._failures = 0
        except LandrunError as error:
            self._failed(_in_short(error), error)
        except Exception as error:  # else the screen would stand still, and mislead
            self._failed(one_line(f"{type(error).__name__}: {error}"), None)
        took = self._clock() - began
        slower = 2.0 ** min(self._failures, 10) - 1
        return min(LONGEST_PAUSE, max(self._interval, took * SHARE, slower))

    def _failed(self, why: str, error: LandrunError | None) -> None:
        self._failures += 1
        self.trouble, self.error = why, error

    def again_and_again(self, stopping: threading.Event) -> None:
        """Look until asked to stop."""
        while not stopping.wait(self.once()):
            pass


def looking(parts: Sequence[Part[Any]], stopping: threading.Event) -> None:
    """Look at each part in a thread of its own; none keeps the process from ending."""
    for part in parts:
        _thread(part, part.again_and_again, stopping).start()


def look_once(parts: Sequence[Part[Any]]) -> None:
    """Look at every part once, at the same time."""
    threads = [_thread(part, part.once) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _thread(part: Part[Any], work: Callable[..., Any], *arguments: Any) -> threading.Thread:
    return threading.Thread(target=work, args=arguments, name=part.name, daemon=True)
