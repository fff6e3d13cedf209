"""Executions that hold a concurrency slot or wait for one, where MaxConcurrentRuns limits them.

The functions write the table (`landrun.adapters.concurrency_table`); here it is only read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from landrun.adapters.clients import translated
from landrun.adapters.concurrency_table import COUNT, EXECUTION, STATUS_INDEX
from landrun.models.concurrency import SlotStatus

if TYPE_CHECKING:
    from landrun_ops.stack.stack import Stack

PAGES: Final = 5
"""The most pages of waiting executions that are read: some hundred each (1 MB, with tokens)."""

_TH: Final = {1: "st", 2: "nd", 3: "rd"}
_TEENS: Final = (11, 12, 13)


@dataclass(frozen=True, slots=True)
class QueuePosition:
    """Which of the waiting executions one is: 1 is the next of ``of``, and more where ``more``."""

    place: int
    of: int
    more: bool = False

    def __str__(self) -> str:
        """Say it in words.

        >>> str(QueuePosition(3, 12)), str(QueuePosition(1, 900, more=True))
        ('3rd of 12 in line', '1st of at least 900 in line')
        """
        return f"{ordinal(self.place)} of {'at least ' if self.more else ''}{self.of:,} in line"


@dataclass(frozen=True, slots=True)
class WaitingExecution:
    """An execution that waits for a slot, and when it first asked for one."""

    name: str
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class SlotUsage:
    """How many slots are in use, and who waits.

    Attributes
    ----------
    limit : int
        MaxConcurrentRuns; 0 for none.
    in_use : int
        How many executions hold a slot.
    waiting : tuple of WaitingExecution
        Executions that wait for one, the next first.
    more : bool
        Whether there are more, which were not read.
    """

    limit: int
    in_use: int
    waiting: tuple[WaitingExecution, ...] = ()
    more: bool = False

    @property
    def positions(self) -> dict[str, int]:
        """The place of each waiting execution: 1 is the next."""
        return {one.name: place for place, one in enumerate(self.waiting, start=1)}

    @property
    def oldest_request(self) -> datetime | None:
        """When the execution that has waited longest asked for a slot."""
        return min((one.requested_at for one in self.waiting), default=None)

    def position(self, name: str) -> QueuePosition | None:
        """Find an execution; None when it does not wait, or is further back than was read."""
        place = self.positions.get(name)
        return QueuePosition(place, len(self.waiting), self.more) if place else None


class ConcurrencySlots:
    """Reads a stack's concurrency table.

    Parameters
    ----------
    client : DynamoDB client
        boto3's.
    table : str
        The table's name.
    limit : int
        MaxConcurrentRuns.
    """

    def __init__(self, client: Any, table: str, limit: int) -> None:
        self._client, self._table, self._limit = client, table, limit

    def usage(self) -> SlotUsage:
        """Return how many slots are in use, and who waits.

        Raises
        ------
        ServiceError
            When DynamoDB refuses a call or cannot be reached.
        """
        waiting: list[WaitingExecution] = []
        more = False
        for page in islice(self._pages(SlotStatus.WAITING), PAGES):
            waiting += map(_waiting, page["Items"])
            more = "LastEvaluatedKey" in page
        return SlotUsage(self._limit, self.count(), tuple(waiting), more)

    def count(self) -> int:
        """Return how many slots are counted as in use."""
        key = {"item_type": {"S": COUNT}, "name": {"S": COUNT}}
        with translated("dynamodb:GetItem"):
            answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return int(answer.get("Item", {}).get("slots_in_use", {}).get("N", 0))

    def holders(self) -> list[str]:
        """Return the names of the executions that hold a slot, by their own items."""
        held = (SlotStatus.RESUME_PENDING, SlotStatus.RESUMED)
        pages = (page for status in held for page in self._pages(status, ConsistentRead=True))
        return [item["name"]["S"] for page in pages for item in page["Items"]]

    def _pages(self, status: SlotStatus, **options: Any) -> Iterator[dict[str, Any]]:
        """Query the executions of a status in the order of their start, page by page."""
        pages = self._client.get_paginator("query")
        with translated("dynamodb:Query"):
            yield from pages.paginate(
                TableName=self._table,
                IndexName=STATUS_INDEX,
                KeyConditionExpression="item_type = :type"
                " AND begins_with(status_and_start, :status)",
                ProjectionExpression="#name, requested_at",
                ExpressionAttributeNames={"#name": "name"},
                ExpressionAttributeValues={
                    ":type": {"S": EXECUTION},
                    ":status": {"S": f"{status}#"},
                },
                **options,
            )


def max_concurrent_runs(stack: Stack) -> int:
    """Return a stack's MaxConcurrentRuns; 0 for any number."""
    return int(stack.parameters.get("MaxConcurrentRuns") or 0)


def slots_of(stack: Stack, client: Any = None) -> ConcurrencySlots | None:
    """Return the reader of a stack's slots; None for an older stack, which has no such table."""
    table = stack.outputs.get("ConcurrencyTable")
    client = client or stack.client("dynamodb")
    return ConcurrencySlots(client, table, max_concurrent_runs(stack)) if table else None


def queue_position(stack: Stack, name: str) -> QueuePosition | None:
    """Find an execution among those that wait for a slot; None when it does not wait.

    Raises
    ------
    ServiceError
        When DynamoDB refuses a call or cannot be reached.
    """
    slots = slots_of(stack)
    return slots.usage().position(name) if slots else None


def ordinal(number: int) -> str:
    """Return the ordinal of a number.

    >>> [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 21, 112)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '21st', '112th']
    """
    ending = "th" if number % 100 in _TEENS else _TH.get(number % 10, "th")
    return f"{number:,}{ending}"


def _waiting(item: dict[str, Any]) -> WaitingExecution:
    requested_at = datetime.fromisoformat(item["requested_at"]["S"])
    return WaitingExecution(item["name"]["S"], requested_at.astimezone(UTC))
