"""Executions that hold a concurrency slot, or wait for one (MaxConcurrentRuns)."""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from landrun.adapters.concurrency_table import ConcurrencyTable
from landrun.models.concurrency import SlotStatus
from landrun_ops.stack.stack import Stack

MOST_READ = 2000
"""The most waiting executions that are read."""


@dataclass(frozen=True, slots=True)
class WaitingExecution:
    """An execution that waits for a slot, and when it first asked for one."""

    name: str
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class SlotUsage:
    """Slots in use, the limit (0: none), and the waiting executions, next first.

    ``more`` is True if there are more waiting executions than were read.
    """

    limit: int
    in_use: int
    waiting: tuple[WaitingExecution, ...] = ()
    more: bool = False

    @property
    def oldest_request(self) -> datetime | None:
        """When the execution that has waited longest asked for a slot."""
        return min((one.requested_at for one in self.waiting), default=None)

    def position(self, name: str) -> str:
        """Return a position such as ``2 of 9 in line``; empty if the execution does not wait."""
        names = [one.name for one in self.waiting]
        if name not in names:
            return ""
        least = "at least " if self.more else ""
        return f"{names.index(name) + 1:,} of {least}{len(names):,} in line"


def max_concurrent_runs(stack: Stack) -> int:
    """Return a stack's MaxConcurrentRuns; 0 for any number."""
    return int(stack.parameters.get("MaxConcurrentRuns") or 0)


def slot_usage(stack: Stack) -> SlotUsage:
    """Read how many slots are in use, and which executions wait.

    Raises ServiceError when DynamoDB refuses a call or cannot be reached.
    """
    table = ConcurrencyTable(stack.client("dynamodb"), stack.output("ConcurrencyTable"))
    found = list(islice(table.with_status(SlotStatus.WAITING), MOST_READ + 1))
    waiting = tuple(WaitingExecution(one.name, one.requested_at) for one in found[:MOST_READ])
    limit, in_use = max_concurrent_runs(stack), table.slots_in_use()
    return SlotUsage(limit, in_use, waiting, more=len(found) > MOST_READ)
