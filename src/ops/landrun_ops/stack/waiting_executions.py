"""The line of runs that wait for a turn, where MaxConcurrentRuns bounds how many have one.

The functions write the table (`landrun.adapters.concurrency_table`); here it is only read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from landrun.adapters.clients import translated
from landrun.adapters.concurrency_table import COUNT, EXECUTION, STATUS_INDEX
from landrun.models.concurrency import SlotStatus

if TYPE_CHECKING:
    from landrun_ops.stack.stack import Stack

PAGES: Final = 5
"""Pages of a line that a look reads at most: some hundred runs each (1 MB, with their tokens)."""

_TH: Final = {1: "st", 2: "nd", 3: "rd"}
_TEENS: Final = (11, 12, 13)


@dataclass(frozen=True, slots=True)
class InLine:
    """A place in the line: 1 is the next; ``of`` are in it, and more where ``more``."""

    place: int
    of: int
    more: bool = False

    def __str__(self) -> str:
        """Say it in words.

        >>> str(InLine(3, 12)), str(InLine(1, 900, more=True))
        ('3rd of 12 in line', '1st of at least 900 in line')
        """
        return f"{ordinal(self.place)} of {'at least ' if self.more else ''}{self.of:,} in line"


@dataclass(frozen=True, slots=True)
class Waiter:
    """A run in the line, and when it first asked for its turn."""

    name: str
    asked: datetime | None


@dataclass(frozen=True, slots=True)
class Line:
    """How turns stand.

    Attributes
    ----------
    bound : int
        MaxConcurrentRuns; 0 for none.
    holding : int
        How many runs have a turn.
    waiters : tuple of Waiter
        Those that wait for one, the next first.
    more : bool
        Whether there are more, which were not read.
    """

    bound: int
    holding: int
    waiters: tuple[Waiter, ...] = ()
    more: bool = False

    @property
    def places(self) -> dict[str, int]:
        """Which runs wait, each with its place: 1 is the next."""
        return {one.name: place for place, one in enumerate(self.waiters, start=1)}

    @property
    def oldest(self) -> datetime | None:
        """When who has waited longest asked."""
        return min((one.asked for one in self.waiters if one.asked), default=None)

    def place(self, name: str) -> InLine | None:
        """Find a run; None when it is not in the line, or further back than was read."""
        found = self.places.get(name)
        return InLine(found, len(self.waiters), self.more) if found else None


class Lines:
    """Looks at a stack's table of turns.

    Parameters
    ----------
    client : DynamoDB client
        boto3's.
    table : str
        The table's name.
    bound : int
        MaxConcurrentRuns.
    """

    def __init__(self, client: Any, table: str, bound: int) -> None:
        self._client, self._table, self._bound = client, table, bound

    def look(self) -> Line:
        """Say how turns stand.

        Raises
        ------
        ServiceError
            When DynamoDB refuses a call or cannot be reached.
        """
        waiters: list[Waiter] = []
        more = False
        for number, page in enumerate(self._pages(SlotStatus.WAITING), start=1):
            waiters += map(_waiter, page["Items"])
            more = "LastEvaluatedKey" in page
            if number == PAGES:
                break
        return Line(self._bound, self.counted(), tuple(waiters), more)

    def counted(self) -> int:
        """Give how many runs have a turn, as they are counted."""
        key = {"item_type": {"S": COUNT}, "name": {"S": COUNT}}
        with translated("dynamodb:GetItem"):
            answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return int(answer.get("Item", {}).get("slots_in_use", {}).get("N", 0))

    def holders(self) -> list[str]:
        """Name the runs that have a turn, by its own items."""
        held = (SlotStatus.RESUME_PENDING, SlotStatus.RESUMED)
        pages = (page for status in held for page in self._pages(status, ConsistentRead=True))
        return [item["name"]["S"] for page in pages for item in page["Items"]]

    def _pages(self, status: SlotStatus, **how: Any) -> Iterator[dict[str, Any]]:
        """Read the executions of a status in the order of their start, page by page."""
        asked = {
            "TableName": self._table,
            "IndexName": STATUS_INDEX,
            "KeyConditionExpression": "item_type = :type"
            " AND begins_with(status_and_start, :status)",
            "ProjectionExpression": "#name, requested_at",
            "ExpressionAttributeNames": {"#name": "name"},
            "ExpressionAttributeValues": {
                ":type": {"S": EXECUTION},
                ":status": {"S": f"{status}#"},
            },
            **how,
        }
        pages = self._client.get_paginator("query")
        with translated("dynamodb:Query"):
            yield from pages.paginate(**asked)


def bound_of(stack: Stack) -> int:
    """Give how many runs of a stack may have a turn at a time; 0 for any number."""
    return int(stack.parameters.get("MaxConcurrentRuns") or 0)


def lines_of(stack: Stack, client: Any = None) -> Lines | None:
    """Give the door to a stack's turns; None for one that was deployed before there were any."""
    table = stack.outputs.get("ConcurrencyTable")
    return Lines(client or stack.client("dynamodb"), table, bound_of(stack)) if table else None


def place_of(stack: Stack, name: str) -> InLine | None:
    """Find the place of a run in the line of its stack; None when it is not there.

    Raises
    ------
    ServiceError
        When DynamoDB refuses a call or cannot be reached.
    """
    lines = lines_of(stack)
    return lines.look().place(name) if lines else None


def ordinal(number: int) -> str:
    """Spell which one of several.

    >>> [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 21, 112)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '21st', '112th']
    """
    ending = "th" if number % 100 in _TEENS else _TH.get(number % 10, "th")
    return f"{number:,}{ending}"


def _waiter(item: dict[str, Any]) -> Waiter:
    requested_at = datetime.fromisoformat(item["requested_at"]["S"])
    return Waiter(item["name"]["S"], requested_at.astimezone(UTC))
