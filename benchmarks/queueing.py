"""Lines, buckets and places: what a simulation in slots of time is made of.

Everything is counted in whole objects, each of which keeps the slot in which it landed: nothing is
lost or made on the way, and how long each has taken is known when it is done.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

Born = tuple[int, int]
"""A slot, and how many objects landed in it."""


class Line:
    """Objects that wait, first come first served."""

    def __init__(self) -> None:
        self._objects: deque[Born] = deque()
        self.length = 0

    def put(self, born: Iterable[Born]) -> None:
        """Let objects join the end."""
        for slot, count in born:
            if count:
                self._objects.append((slot, count))
                self.length += count

    def take(self, most: int) -> list[Born]:
        """Let up to ``most`` leave the front."""
        taken, left = [], min(most, self.length)
        self.length -= left
        while left:
            slot, count = self._objects.popleft()
            if count > left:
                self._objects.appendleft((slot, count - left))
                count = left
            taken.append((slot, count))
            left -= count
        return taken

    def take_older(self, slot: float) -> list[Born]:
        """Let all leave that landed before a slot; they are at the front."""
        taken = []
        while self._objects and self._objects[0][0] < slot:
            taken.append(self._objects.popleft())
            self.length -= taken[-1][1]
        return taken


@dataclass
class Bucket:
    """A token bucket: ``rate`` a second, and ``burst`` at once; full at first."""

    rate: float
    burst: float
    held: float = field(init=False)

    def __post_init__(self) -> None:
        self.held = self.burst

    def refill(self, seconds: float) -> None:
        """Let a slot pass: what flows in during it can be used in it."""
        self.held = min(self.burst, self.held) + self.rate * seconds

    def room(self, cost: float = 1.0) -> int:
        """Say how many calls of this cost there are tokens for."""
        return int(self.held / cost + 1e-9)

    def use(self, tokens: float) -> None:
        """Take tokens, which are there."""
        self.held -= tokens


@dataclass(order=True)
class Job:
    """Runs that have begun together and take as long as each other."""

    until: int
    runs: int = field(compare=False)
    born: list[Born] = field(compare=False)


class Places:
    """Where jobs run: a bounded number at a time."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.busy = 0
        self._jobs: list[Job] = []

    @property
    def free(self) -> int:
        """How many more may begin."""
        return max(0, self.number - self.busy)

    def begin(self, job: Job) -> None:
        """Let runs begin, for which there are places."""
        if job.runs > self.free:
            raise ValueError(f"{job.runs} runs for {self.free} places")
        self.busy += job.runs
        heapq.heappush(self._jobs, job)

    def ended(self, slot: int) -> list[Job]:
        """Give what has ended by this slot."""
        found = []
        while self._jobs and self._jobs[0].until <= slot:
            found.append(heapq.heappop(self._jobs))
            self.busy -= found[-1].runs
        return found

    def objects(self) -> int:
        """Count the objects of the jobs that run."""
        return sum(count for job in self._jobs for _, count in job.born)


@dataclass
class Held:
    """What held objects back: for how many object-seconds, and since when."""

    seconds: dict[str, float] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)

    def note(self, limit: str, objects: float, slot: int, seconds: float) -> None:
        """Note that a limit holds objects back during a slot."""
        if objects > 0:
            self.seconds[limit] = self.seconds.get(limit, 0.0) + objects * seconds
            self.since.setdefault(limit, slot)

    def pass_through(self, wanted: int, rooms: dict[str, int], slot: int, seconds: float) -> int:
        """Let as many through as the narrowest of some limits does, and note which that was."""
        narrowest = min(rooms, key=rooms.__getitem__)
        passed = min(wanted, max(0, rooms[narrowest]))
        self.note(narrowest, wanted - passed, slot, seconds)
        return passed

    def worst(self) -> str | None:
        """Name what held back most; None when nothing did."""
        return max(self.seconds, key=self.seconds.__getitem__, default=None)


def percentile(waits: Counter[int], share: float) -> int | None:
    """Give the wait that this share of all waited at most; None when nobody has."""
    left = share * sum(waits.values())
    for wait in sorted(waits):
        left -= waits[wait]
        if left <= 1e-9:  # noqa: PLR2004 - rounding
            return wait
    return None
