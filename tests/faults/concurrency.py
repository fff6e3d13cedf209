"""What must hold of turns: never more at work than the bound, nobody waits while a place is free.

Executions that were redriven go on without asking. They are counted as soon as the functions know
of them, and then keep others waiting; until then nobody can.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import inside
from .faulty import Call

if TYPE_CHECKING:
    from .stepfunctions import Execution
    from .world import World


class Slots:
    """Watches every place that is given, and every machine that is told.

    Attributes
    ----------
    most : int
        How many were admitted at work at once, at most.
    order : list of str
        Who went on, in order.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._limits = [0]
        self.most = 0
        self.order: list[str] = []
        self.complaints: list[str] = []

    def bound(self, limit: int) -> None:
        """Note the bound that is in force; an earlier one counts while what it let in is there."""
        self._limits = [*self._limits, limit] if any(self._limits) else [limit]

    def went_on(self, execution: Execution) -> None:
        """Check the moment at which an execution goes on to its job."""
        self.order.append(execution.name)
        admitted = [one.name for one in self._world.executions().values() if one.admitted]
        self.most = max(self.most, len(admitted))
        if execution.name not in self._held():
            self.complaints.append(f"{execution.name} went on without a place")
        if self._over(len(admitted)):
            self.complaints.append(f"{len(admitted)} at work at once, the bound {self._limits}")

    def see(self, call: Call) -> None:
        """Check the count right after a place was given to who waited for it."""
        if call.operation == "transact_write_items" and _gives(call.arguments):
            held = len(self._held())
            if self._over(held):
                self.complaints.append(f"{held} places were given, the bound {self._limits}")

    def _over(self, number: int) -> bool:
        if number <= self._limits[-1]:
            self._limits = self._limits[-1:]
        return 0 not in self._limits and number > max(self._limits)

    def _items(self, line: str) -> list[dict[str, Any]]:
        table = self._world.stack.name("ConcurrencyTable")
        return [item for item in inside.items(table) if item["line"] == line]

    def _held(self) -> set[str]:
        return {item["place"] for item in self._items("holding")}

    def violations(self, *, settled: bool) -> Iterator[str]:
        """Say what does not hold."""
        yield from self.complaints
        held = self._held()
        count = next(iter(self._items("count")), {})
        if int(count.get("holding", 0)) != len(held):
            yield f"{len(held)} hold a place, {count.get('holding', 0)} are counted"
        if self._world.machine.waits and settled:
            yield from self._at_rest(held, count)

    def _at_rest(self, held: set[str], count: dict[str, Any]) -> Iterator[str]:
        at_work, in_line = set(self._world.at_work()), set(self._world.in_line())
        yield from (f"{name} is at work without a place" for name in at_work - held)
        yield from (f"{name} keeps a place, and is not at work" for name in held - at_work)
        if count.get("untold"):
            yield f"not told: {sorted(count['untold'])}"
        lined = {item["place"].rpartition("#")[2] for item in self._items("waiting")}
        yield from (f"{name} waits, and is not in line" for name in in_line - lined)
        if len(held) < self._limits[-1]:  # until then a late request may lie there: nobody asked
            yield from (f"{name} is in line, and does not wait" for name in lined - in_line)
        if in_line and len(held) < self._limits[-1]:
            yield f"{len(in_line)} wait while {len(held)} of {self._limits[-1]} places are held"


def _gives(arguments: dict[str, Any]) -> bool:
    """Whether a transaction gives a place to who waited: one that is held, and counted."""
    kinds = [next(iter(write)) for write in arguments["TransactItems"]]
    return {"Put", "Delete", "Update"} <= set(kinds)
