"""What must hold of concurrency slots: the limit, and that nothing waits while a slot is free.

Redriven executions go on to their job without a request. They are counted as soon as the functions
know of them, and keep others waiting from then on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import inside

if TYPE_CHECKING:
    pass


class Slots:
    """Watches every slot that is acquired, and every execution that is resumed, in this ``order``.

    ``most`` executions had their job at once by a slot that they requested.
    """

    def __init__(self, world):
        self._world = world
        self._limits = [0]
        self.most = 0
        self.order: list[str] = []
        self.complaints: list[str] = []

    def set_limit(self, limit):
        """Note the limit in force; an earlier one counts while executions that it let in run."""
        self._limits = [*self._limits, limit] if any(self._limits) else [limit]

    def resumed(self, execution):
        self.order.append(execution.name)
        processing = [one for one in self._world.executions().values() if one.counts_for_limit]
        self.most = max(self.most, len(processing))
        if execution.name not in self.holders():
            self.complaints.append(f"{execution.name} was resumed without a slot")
        if self._over(len(processing)):
            self.complaints.append(f"{len(processing)} have their job, the limit is {self._limits}")

    def see(self, call):
        if call.operation == "transact_write_items" and _acquires(call.arguments):
            holders = len(self.holders())
            if self._over(holders):
                self.complaints.append(f"{holders} slots are held, the limit is {self._limits}")

    def _over(self, number):
        if number <= self._limits[-1]:
            self._limits = self._limits[-1:]
        return 0 not in self._limits and number > max(self._limits)

    def _table(self):
        """Read the status of each execution in the table, and the number of slots in use."""
        items = inside.items(self._world.stack.name("ConcurrencyTable"))
        statuses = {one["name"]: one["status"] for one in items if one["item_type"] == "execution"}
        counts = [int(one["slots_in_use"]) for one in items if one["item_type"] == "count"]
        return statuses, sum(counts)

    def holders(self):
        return {name for name, status in self._table()[0].items() if status != "waiting"}

    def violations(self, *, settled):
        yield from self.complaints
        statuses, slots_in_use = self._table()
        holders = {name for name, status in statuses.items() if status != "waiting"}
        if slots_in_use != len(holders):
            yield f"{len(holders)} executions hold a slot, {slots_in_use} slots are counted"
        if self._world.machine.limited and settled:
            pending = [name for name, status in statuses.items() if status == "resume-pending"]
            yield from (f"{name} was not resumed" for name in pending)
            yield from self._at_rest(holders, statuses.keys() - holders)

    def _at_rest(self, holders, recorded):
        processing, waiting = set(self._world.processing()), set(self._world.waiting_executions())
        yield from (f"{name} has its job without a slot" for name in processing - holders)
        yield from (f"{name} holds a slot and has no job" for name in holders - processing)
        yield from (f"{name} waits, which is not recorded" for name in waiting - recorded)
        if len(holders) < self._limits[-1]:  # until then the request of an ended one may remain
            yield from (f"{name} is recorded and does not wait" for name in recorded - waiting)
        if waiting and len(holders) < self._limits[-1]:
            yield f"{len(waiting)} wait while {len(holders)} of {self._limits[-1]} slots are in use"


def _acquires(arguments):
    puts = [write["Put"]["Item"] for write in arguments["TransactItems"] if "Put" in write]
    return any(item["status"]["S"] == "resume-pending" for item in puts)
