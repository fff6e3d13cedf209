"""Days of a stack, in slots of a minute: what lands, what AWS lets through, what is done.

A queueing model of the whole path, with the times that the handlers take (measured, or assumed:
`benchmarks.bills.Month`), the template's own bounds, and AWS's published quotas (``quotas.toml``).
It knows no failures: the fault suite is about those.
"""

from __future__ import annotations

from collections import deque
from functools import cached_property

from benchmarks import facts, usage
from benchmarks.bills import DAY
from benchmarks.queueing import Born, Bucket, Job, Line, Places
from benchmarks.scenario import Outcome, Setup

TICK_AT = 3 * 3600
"""As the template's ScheduleExpression has it: 3 o'clock."""
ATTEMPTS = 3
"""Lambda tries a tick again twice; each attempt goes on where the last one stopped."""
SHARDS = 16
"""Keys of the index by-waiting (landrun.waiting.SHARDS)."""


class Simulation:
    """One run of a `Setup`; both modes share the way in and the jobs."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.outcome = Outcome(setup)
        self.outside, self.bus, self.queue = Line(), Line(), Line()
        self.events = 0
        self.places = Places(int(setup.instances))
        self.starts = Bucket(setup.start_executions, setup.start_executions_burst)
        self.transitions = Bucket(setup.state_transitions, setup.state_transitions)
        self.creates = Bucket(setup.create_jobs, setup.create_jobs)
        stack = facts.stack()
        self.states = (stack.states_with_turn if setup.mode == "turns" else stack.states) + 2
        self.batch = stack.batch

    def run(self) -> Outcome:
        """Let the days pass."""
        a_day = round(DAY / self.setup.slot)
        for slot in range(self.setup.slots):
            self._step(slot)
            if (slot + 1) % a_day == 0:
                self.outcome.inside_by_day.append(self.inside())
        self.outcome.inside = self.inside()
        return self.outcome

    def inside(self) -> int:
        """Count what is on its way."""
        lines = (self.outside, self.bus, self.queue)
        return sum(line.length for line in lines) + self.places.objects() + self._waiting()

    def _step(self, slot: int) -> None:
        for bucket in (self.starts, self.transitions, self.creates):
            bucket.refill(self.setup.slot)
        self._end(slot)
        self._land(slot)
        self._function(slot)
        self._begin(slot)
        self._record(slot)
        peaks = self.outcome.peaks
        found = {"queue": self.queue.length, "jobs": self.places.busy, "events": self.events}
        for what, number in found.items():
            peaks[what] = max(peaks[what], number)

    def _rooms(self, **rates: float) -> dict[str, int]:
        """Turn rates a second into room in a slot."""
        return {name: int(rate * self.setup.slot + 1e-9) for name, rate in rates.items()}

    def _through(self, line: Line, rooms: dict[str, int], slot: int) -> list[Born]:
        if not line.length:
            return []
        held = self.outcome.held
        return line.take(held.pass_through(line.length, rooms, slot, self.setup.slot))

    @cached_property
    def _prefixes(self) -> dict[str, int]:
        prefixes = max(self.setup.prefixes, self.setup.stacks)
        return self._rooms(prefix_writes=self.setup.prefix_writes * prefixes)

    @cached_property
    def _deliveries(self) -> dict[str, int]:
        return self._rooms(event_deliveries=self.setup.event_deliveries)

    @cached_property
    def _changes(self) -> dict[str, int]:
        """How many changes of status are recorded: two events a run, and the turn."""
        setup, month = self.setup, self.setup.month
        both = month.status_seconds(ended=False) + month.status_seconds(ended=True)
        each = (both + month.turn_seconds()) / 3 if setup.mode == "turns" else both / 2
        by_month = max(1.0, usage.used("run").index_units["month"] / 2)
        return self._rooms(
            status_functions=setup.at_once * setup.stacks / each,
            month_partition=setup.partition_writes * setup.stacks / by_month,
        )

    def _land(self, slot: int) -> None:
        setup = self.setup
        count = setup.landed_by(slot + 1) - setup.landed_by(slot)
        self.outcome.landed += count
        self.outside.put([(slot, count)])
        self.bus.put(self._through(self.outside, self._prefixes, slot))
        self.queue.put(self._through(self.bus, self._deliveries, slot))

    def _end(self, slot: int) -> None:
        last_day = slot >= self.setup.slots - DAY / self.setup.slot
        for job in self.places.ended(slot):
            self.events += job.runs
            for born, count in job.born:
                self.outcome.done += count
                self.outcome.waits[slot - born] += count
                if last_day:
                    self.outcome.last_waits[slot - born] += count

    def _started(self, runs: int, objects: float, slot: int, born: list[Born]) -> None:
        """Let jobs begin for runs of so many objects each."""
        until = slot + self.setup.job_slots(objects)
        self.places.begin(Job(until, runs, born))
        self.outcome.runs += runs
        self.outcome.job_seconds += runs * self.setup.month.job_billed(objects)

    def _record(self, slot: int) -> None:
        """Let the ledger take what changed status."""
        held = self.outcome.held
        self.events -= held.pass_through(self.events, self._changes, slot, self.setup.slot)

    def _waiting(self) -> int:
        raise NotImplementedError

    def _function(self, slot: int) -> None:
        raise NotImplementedError

    def _begin(self, slot: int) -> None:
        raise NotImplementedError


class Arrival(Simulation):
    """A run for each object: with ``turns`` admitted in order, else whoever tries in time."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.executions = Line()
        self.new, self.fraction = 0, 0.0

    def _waiting(self) -> int:
        return self.executions.length

    @cached_property
    def _functions(self) -> dict[str, int]:
        setup, seconds = self.setup, self.setup.month.start_seconds(self.batch)
        return self._rooms(
            start_functions=setup.at_once * setup.stacks * self.batch / seconds,
            manifest_writes=setup.prefix_writes * setup.stacks,
        )

    @cached_property
    def _count(self) -> dict[str, int]:
        """How many turns are given: places are counted in one item.

        Two units when one is given and when it is taken back, in transactions both, and one for the
        note that the machine was told.
        """
        return self._rooms(turn_count=self.setup.partition_writes * self.setup.stacks / 5)

    def _function(self, slot: int) -> None:
        setup = self.setup
        open_now = self.executions.length + self.places.busy
        rooms = self._functions | {
            "start_executions": self.starts.room(),
            "state_transitions": self.transitions.room(self.states),
            "open_executions": int(setup.open_executions) - open_now,
        }
        started = self._through(self.queue, rooms, slot)
        self.new = sum(count for _, count in started)
        self.starts.use(self.new)
        self.transitions.use(self.new * self.states)
        self.executions.put(started)
        self.events += self.new * (2 if setup.mode == "turns" else 1)
        self.outcome.peaks["open"] = max(self.outcome.peaks["open"], open_now + self.new)

    def _begin(self, slot: int) -> None:
        setup, held = self.setup, self.outcome.held
        tries = self._asking(slot)
        called = min(tries, self.creates.room())
        begun = min(called, self.places.free, self.executions.length)
        self.creates.use(called if setup.mode == "arrival" else begun)
        self.outcome.tries += tries - begun if setup.mode == "arrival" else 0
        limit = "create_jobs" if called < tries else "between_tries"
        limit = "instances" if begun == self.places.free else limit
        if limit != "between_tries" or setup.mode == "arrival":
            held.note(limit, self.executions.length - begun, slot, setup.slot)
        if begun:
            self._started(begun, 1, slot, self.executions.take(begun))
        if setup.mode == "arrival":
            self._give_up(slot)

    def _asking(self, slot: int) -> int:
        """Say how many ask for a job in this slot."""
        setup = self.setup
        if setup.mode == "turns":
            wanted = min(self.executions.length, self.places.free)
            return self.outcome.held.pass_through(wanted, self._count, slot, setup.slot)
        old = self.executions.length - self.new
        tries = self.fraction + old * setup.slot / facts.stack().retry["mean"]
        self.fraction = tries % 1
        self.transitions.use(min(int(tries), max(0, self.transitions.room())))
        return self.new + int(tries)

    def _give_up(self, slot: int) -> None:
        """Let those fail that have tried for as long as the definition says: about a day."""
        oldest = slot - facts.stack().retry["total"] / self.setup.slot
        failed = sum(count for _, count in self.executions.take_older(oldest))
        self.outcome.failed += failed
        self.events += failed


class Schedule(Simulation):
    """Landings wait; each tick makes runs of what waits."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.landings, self.due = Line(), Line()
        self.work = 0.0
        self.chunk: list[Born] = []
        self.runs: deque[list[Born]] = deque()
        self.every = DAY / setup.ticks_a_day

    def _waiting(self) -> int:
        chunks = [self.chunk, *self.runs]
        made = sum(count for chunk in chunks for _, count in chunk)
        return self.landings.length + self.due.length + made

    @cached_property
    def _functions(self) -> dict[str, int]:
        setup, seconds = self.setup, self.setup.month.record_seconds(self.batch)
        units = usage.used("waits")
        keys = setup.partition_writes * SHARDS * setup.stacks
        return self._rooms(
            start_functions=setup.at_once * setup.stacks * self.batch / seconds,
            waiting_partitions=keys / units.index_units["waiting"],
            table_writes=setup.table_writes * setup.stacks / units.write_units,
        )

    @cached_property
    def _collects(self) -> dict[str, int]:
        cores = facts.stack().memory["Schedule"] / facts.WHOLE_CORE
        each = self.setup.month.tick_microseconds / 1e6 / cores
        return self._rooms(tick=self.setup.stacks / each)

    def _function(self, slot: int) -> None:
        self.landings.put(self._through(self.queue, self._functions, slot))
        self._tick(slot)

    def _tick(self, slot: int) -> None:
        setup = self.setup
        if self._due(slot):
            self.due.put(self.landings.take(self.landings.length))
            self.work = facts.quotas()["function_seconds"].value * ATTEMPTS
        if self.work <= 0:
            held = self.outcome.held
            held.note("tick_seconds", self.due.length, slot, setup.slot)
            return
        self.work -= setup.slot
        for born, count in self._through(self.due, self._collects, slot):
            self._collect(born, count)
        if not self.due.length:
            self._commit()
            self.work = 0.0

    def _due(self, slot: int) -> bool:
        before = ((slot - 1) * self.setup.slot - TICK_AT) // self.every
        return before != (slot * self.setup.slot - TICK_AT) // self.every

    def _collect(self, born: int, count: int) -> None:
        most = self.setup.month.max_objects
        while count:
            room = most - sum(n for _, n in self.chunk)
            self.chunk.append((born, min(count, room)))
            count -= min(count, room)
            if sum(n for _, n in self.chunk) == most:
                self._commit()

    def _commit(self) -> None:
        if self.chunk:
            self.runs.append(self.chunk)
            self.chunk = []

    def _begin(self, slot: int) -> None:
        begun = min(len(self.runs), self.places.free, self.creates.room(), self.starts.room())
        self.creates.use(begun)
        self.starts.use(begun)
        self.events += begun
        for _ in range(begun):
            chunk = self.runs.popleft()
            self._started(1, sum(count for _, count in chunk), slot, chunk)
        left = sum(count for chunk in self.runs for _, count in chunk)
        limit = "create_jobs" if self.places.free else "instances"
        self.outcome.held.note(limit, left, slot, self.setup.slot)


def simulate(setup: Setup) -> Outcome:
    """Run one setup.

    Raises
    ------
    ValueError
        When nothing lands, or slots do not fit into a day.
    """
    if setup.objects_a_day < 1 or DAY % setup.slot:
        raise ValueError("objects must land, and a day must be of whole slots")
    kind = Schedule if setup.mode == "schedule" else Arrival
    return kind(setup).run()
