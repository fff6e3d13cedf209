"""Runs that run, and those of the last hour: the ledger, read little by little.

The first look reads what may have ended within the hour. Later ones read what has started since,
what the index ``by-unfinished`` says still runs, and the rows of those that it no longer has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from landrun.adapters.clients import translated
from landrun.adapters.dynamodb_items import from_item
from landrun.adapters.runs_table import INDEX
from landrun.clock import utc_now
from landrun.models.run_record import EXECUTION_RUNNING, RunRecord

if TYPE_CHECKING:
    from landrun_ops.stack.stack import Stack

HOUR = timedelta(hours=1)
OVERLAP = timedelta(minutes=2)
"""How much is read again: an index is late, and so are events."""

FIRST_ROWS = 5000
"""Rows that the first look reads at most."""

RUNNING_ROWS = 1000
"""Runs that run, the oldest first, that a look reads at most."""

LOOKED_UP = 500
"""Rows that a look fetches by their names at most; the rest is for the next."""

KEPT_ENDED = 50
"""Runs that ended last and are kept even when that was over an hour ago."""

LONGEST_RUN = timedelta(days=1)
"""How long before the hour a run may have started, to be among those that the first look finds."""

_BATCH = 100
_NEEDED = (
    "name", "execution_arn", "state_machine_arn", "status", "redrive_count", "status_rank", "month",
    "started_at", "stopped_at", "duration_seconds", "trigger", "error", "exit_message",
)  # fmt: skip
_ATTRIBUTES = {f"#{name}": name for name in _NEEDED}
_PROJECTED: dict[str, Any] = {
    "ProjectionExpression": ", ".join(_ATTRIBUTES),
    "ExpressionAttributeNames": _ATTRIBUTES,
}


@dataclass(frozen=True, slots=True)
class Rate:
    """How many runs started, and ended well or not, within some minutes."""

    started: int
    succeeded: int
    failed: int


@dataclass(frozen=True, slots=True)
class Activity:
    """What the ledger says of the last hour.

    Attributes
    ----------
    running : tuple of RunRecord
        What runs, the longest first.
    more_running : bool
        Whether there are more, which were not read.
    ended : tuple of RunRecord
        What ended, the latest first.
    started : tuple of datetime
        When the runs of the last hour started, in no order.
    whole : bool
        Whether the ledger was read back far enough to know all that ended within the hour.
    """

    running: tuple[RunRecord, ...]
    more_running: bool
    ended: tuple[RunRecord, ...]
    started: tuple[datetime, ...]
    whole: bool

    def rate(self, now: datetime, span: timedelta) -> Rate:
        """Count what happened in the span that ends now."""
        since = now - span
        ended = [one for one in self.ended if one.stopped and one.stopped > since]
        succeeded = sum(one.status == "SUCCEEDED" for one in ended)
        started = sum(moment > since for moment in self.started)
        return Rate(started, succeeded, len(ended) - succeeded)


class Recent:
    """Reads the ledger of a stack, each time only what may have changed.

    Parameters
    ----------
    stack : Stack
        Whose.
    now : Callable
        Tells the time in UTC.
    """

    def __init__(self, stack: Stack, now: Callable[[], datetime] = utc_now) -> None:
        self._client = stack.client("dynamodb")
        self._table = stack.output("RunsTable")
        self._now = now
        self._running: dict[str, RunRecord] = {}
        self._ended: dict[str, RunRecord] = {}
        self._started: dict[str, datetime] = {}
        self._newest: datetime | None = None
        self._whole = True

    def look(self) -> Activity:
        """Read what is new and say how things stand.

        Raises
        ------
        ServiceError
            When DynamoDB refuses a call or cannot be reached; the next look makes it up.
        """
        now = self._now()
        if self._newest is None:
            first = list(islice(self._since(now - HOUR - LONGEST_RUN, now), FIRST_ROWS + 1))
            self._whole = len(first) <= FIRST_ROWS
            self._note(first)
        else:
            self._note(self._since(self._newest - OVERLAP, now))
        self._newest = now
        more = self._see_what_runs()
        self._forget(now)
        return Activity(
            running=tuple(sorted(self._running.values(), key=lambda one: one.started)),
            more_running=more,
            ended=tuple(sorted(self._ended.values(), key=_stopped, reverse=True)),
            started=tuple(self._started.values()),
            whole=self._whole,
        )

    def _since(self, since: datetime, now: datetime) -> Iterator[RunRecord]:
        """Give the runs that started since, the newest first."""
        for month in _months(since, now):
            yield from self._query(
                IndexName="by-month",
                KeyConditionExpression="#month = :month AND #started_at >= :since",
                ExpressionAttributeNames={**_ATTRIBUTES, "#month": "month"},
                ExpressionAttributeValues={
                    ":month": {"S": month},
                    ":since": {"S": _spelled(since)},
                },
                ScanIndexForward=False,
            )

    def _see_what_runs(self) -> bool:
        """Bring what runs up to date; tell whether there is more than was read."""
        rows = self._query(
            IndexName=INDEX,
            KeyConditionExpression="#unfinished = :running",
            ExpressionAttributeNames={**_ATTRIBUTES, "#unfinished": "unfinished"},
            ExpressionAttributeValues={":running": {"S": EXECUTION_RUNNING}},
        )
        found = {one.name: one for one in islice(rows, RUNNING_ROWS + 1)}
        more = len(found) > RUNNING_ROWS
        last = max((one.started for one in found.values()), default=None)
        gone = [
            name
            for name, one in self._running.items()
            if name not in found and not (more and last and one.started >= last)
        ]
        self._note(found.values())
        self._look_up(gone[:LOOKED_UP])
        return more

    def _look_up(self, names: list[str]) -> None:
        """Bring runs up to date by their names; one whose row is gone is no longer known."""
        for first in range(0, len(names), _BATCH):
            asked = names[first : first + _BATCH]
            rows, unasked = self._by_name(asked)
            self._note(rows)
            for name in {*asked} - {row.name for row in rows} - unasked:
                self._running.pop(name, None)

    def _note(self, found: Iterable[RunRecord]) -> None:
        for one in found:
            self._started[one.name] = one.started
            before = self._ended.get(one.name)
            if one.finished:
                self._running.pop(one.name, None)
                self._ended[one.name] = one
            elif before is None or not _is_late(one, before):
                self._running[one.name] = one
                self._ended.pop(one.name, None)

    def _forget(self, now: datetime) -> None:
        """Keep what the screen shows: memory stays the same however long one watches."""
        hour = now - HOUR
        latest = sorted(self._ended.values(), key=_stopped, reverse=True)
        self._ended = {
            one.name: one
            for place, one in enumerate(latest)
            if place < KEPT_ENDED or _stopped(one) > hour
        }
        self._started = {name: at for name, at in self._started.items() if at > hour}

    def _query(self, **asked: Any) -> Iterator[RunRecord]:
        pages = self._client.get_paginator("query")
        with translated("dynamodb:Query"):
            for page in pages.paginate(TableName=self._table, **{**_PROJECTED, **asked}):
                yield from map(from_item, page["Items"])

    def _by_name(self, names: list[str]) -> tuple[list[RunRecord], set[str]]:
        """Fetch rows as they stand now, and the names that DynamoDB left for another call."""
        keys = [{"name": {"S": name}} for name in names]
        asked = {self._table: {"Keys": keys, "ConsistentRead": True, **_PROJECTED}}
        with translated("dynamodb:BatchGetItem"):
            answer = self._client.batch_get_item(RequestItems=asked)
        rows = list(map(from_item, answer["Responses"].get(self._table, ())))
        left = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", ())
        return rows, {key["name"]["S"] for key in left}


def _is_late(running: RunRecord, ended: RunRecord) -> bool:
    """Whether a row that runs is only what an index has not forgotten yet."""
    return running.redrive_count <= ended.redrive_count


def _stopped(one: RunRecord) -> datetime:
    return one.stopped or one.started


def _spelled(time: datetime) -> str:
    """Spell a time as ``started_at`` has it."""
    utc = time.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='milliseconds')}Z"


def _months(since: datetime, now: datetime) -> Iterator[str]:
    """Give the months of a span as the table has them, the newest first."""
    first, month = f"{since.astimezone(UTC):%Y-%m}", (now + timedelta(hours=1)).astimezone(UTC)
    while f"{month:%Y-%m}" >= first:
        yield f"{month:%Y-%m}"
        month = month.replace(day=1) - timedelta(days=1)
