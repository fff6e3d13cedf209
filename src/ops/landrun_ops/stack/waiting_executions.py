"""Executions that hold a concurrency slot or wait for one, where MaxConcurrentRuns limits them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from landrun.adapters.concurrency_table import ConcurrencyTable
from landrun.models.concurrency import SlotStatus
from landrun_ops.stack.stack import Stack

MOST_READ = 2000
"""The most waiting executions that are read."""


@dataclass(frozen=True, slots=True)
class QueuePosition:
    """Which of the waiting executions one is: 1 is the next of ``of``, and more where ``more``."""

    place: int
    of: int
    more: bool = False

    def __str__(self) -> str:
        """Say it in words, such as 3rd of at least 900 in line."""
        return f"{ordinal(self.place)} of {'at least ' if self.more else ''}{self.of:,} in line"


@dataclass(frozen=True, slots=True)
class WaitingExecution:
    """An execution that waits for a slot, and when it first asked for one."""

    name: str
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class SlotUsage:
    """How many slots are in use, of how many (0: any number), and who waits, the next first.

    ``more`` is True if there are more waiting executions than were read.
    """

    limit: int
    in_use: int
    waiting: tuple[WaitingExecution, ...] = ()
    more: bool = False

    @property
    def positions(self) -> dict[str, int]:
        """The position of each waiting execution: 1 is the next."""
        return {one.name: place for place, one in enumerate(self.waiting, start=1)}

    @property
    def oldest_request(self) -> datetime | None:
        """When the execution that has waited longest asked for a slot."""
        return min((one.requested_at for one in self.waiting), default=None)


class ConcurrencySlots:
    """Reads the concurrency table; ``limit`` is MaxConcurrentRuns.

    Raises ServiceError when DynamoDB refuses a call or cannot be reached.
    """

    def __init__(self, client: Any, table: str, limit: int) -> None:
        self._table, self._limit = ConcurrencyTable(client, table), limit

    def usage(self) -> SlotUsage:
        """Return how many slots are in use, and who waits."""
        found = list(islice(self._table.with_status(SlotStatus.WAITING), MOST_READ + 1))
        waiting = (WaitingExecution(one.name, one.requested_at) for one in found[:MOST_READ])
        in_use = self._table.slots_in_use()
        return SlotUsage(self._limit, in_use, tuple(waiting), len(found) > MOST_READ)


def max_concurrent_runs(stack: Stack) -> int:
    """Return a stack's MaxConcurrentRuns; 0 for any number."""
    return int(stack.parameters.get("MaxConcurrentRuns") or 0)


def slots_of(stack: Stack, client: Any = None) -> ConcurrencySlots | None:
    """Return the reader of a stack's slots; None for an older stack, which has no such table."""
    table, client = stack.outputs.get("ConcurrencyTable"), client or stack.client("dynamodb")
    return ConcurrencySlots(client, table, max_concurrent_runs(stack)) if table else None


def queue_position(stack: Stack, name: str) -> QueuePosition | None:
    """Find an execution among those that wait for a slot; None when it does not wait."""
    slots = slots_of(stack)
    usage = slots.usage() if slots else None
    place = usage.positions.get(name) if usage else None
    return QueuePosition(place, len(usage.waiting), usage.more) if usage and place else None


def ordinal(number: int) -> str:
    """Return the ordinal of a number, such as 1st, 2nd, 11th or 21st."""
    is_teen = number // 10 % 10 == 1
    ending = "th" if is_teen else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"
