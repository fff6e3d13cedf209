"""A World under steady bad luck: duplicates, throttles, crashes, lost events, late retries.

20 % of landings and status events come twice, 10 % of status events never. Of the calls that the
functions behind queues make 10 % are throttled; of ticks and reconciles, which make hundreds of
calls each, 10 % are, at one of them. 5 % of all invocations are killed at a call, before or after
it is made. 10 % of ticks overlap, at a call, with a second attempt of the same or with reconcile.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Self

from moto.moto_api._internal import mock_random

from .faulty import Call, Fault, killed_after, killed_before, meanwhile, throttled
from .invariants import FAILED, violations
from .world import Outcome, World

TWICE, LOST, THROTTLED, KILLED, OVERLAPPING = 0.20, 0.10, 0.10, 0.05, 0.10
OVERWRITTEN, POISON, FAILING, REDRIVEN = 0.15, 0.01, 0.10, 0.30
LANDINGS_A_SECOND = 2
TICK_SECONDS, RECONCILE_SECONDS = 60, 900
RETRY_SECONDS = (60, 120)
OBJECTS_PER_RUN = "50"
BEHIND_QUEUES = ("ObjectCreated", "ExecutionStatus")


class Agenda:
    """What is to happen when."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._heap: list[tuple[datetime, int, Callable[[], Any]]] = []
        self._number = itertools.count()

    def add(self, seconds: float, act: Callable[[], Any]) -> None:
        at = self._clock() + timedelta(seconds=seconds)
        heapq.heappush(self._heap, (at, next(self._number), act))

    def due(self) -> Iterator[Callable[[], Any]]:
        while self._heap and self._heap[0][0] <= self._clock():
            yield heapq.heappop(self._heap)[2]


@dataclass
class Invocation:
    """One that is under way: its calls so far, and which of them are hit."""

    hits: dict[int, Fault]
    calls: int = 0


@dataclass(frozen=True)
class Soaked:
    """What a soak came to."""

    landings: int
    executions: int
    notifications: int
    faults: Counter[str]
    violations: list[str]


class UnluckyWorld(World):
    """See the module."""

    def __init__(self, mode: str, seed: int) -> None:
        super().__init__(mode, seed)
        for function in ("Schedule", "Reconcile"):
            self.reconfigure(function, MAX_OBJECTS_PER_RUN=OBJECTS_PER_RUN)
        self.luck = Random(f"{mode} {seed}")
        self.calm = False
        self.agenda = Agenda(self.clock)
        self.lost: Counter[str] = Counter()
        self._typical = dict.fromkeys((*BEHIND_QUEUES, "Schedule", "Reconcile"), 8)
        self._under_way: list[Invocation] = []
        self.faults.add(self._hit)
        self.fate = self._fated
        self.landings.random = self.statuses.random = self.luck

    def __enter__(self) -> Self:
        mock_random.seed(self.luck.random())  # of which moto makes identifiers
        return super().__enter__()

    def happens(self, probability: float) -> bool:
        return self.luck.random() < probability

    # ---- faults ------------------------------------------------------------------------------

    def invoke(self, function: str, event: dict[str, Any]) -> Outcome:
        invocation = Invocation(self._drawn(function, event))
        self._under_way.append(invocation)
        outcome = super().invoke(function, event)
        self._under_way.pop()
        self._typical[function] = max(1, invocation.calls)
        return outcome

    def _drawn(self, function: str, event: dict[str, Any]) -> dict[int, Fault]:
        hits: dict[int, Fault] = {}
        if self.calm:
            return hits

        def at() -> int:
            return self.luck.randrange(self._typical[function])

        if function == "Schedule" and not self._under_way and self.happens(OVERLAPPING):
            hits[at()] = meanwhile(self._overlapping(event))
        if function not in BEHIND_QUEUES and self.happens(THROTTLED):
            hits[at()] = throttled()
        if self.happens(KILLED):
            hits[at()] = self.luck.choice((killed_before, killed_after))()
        return hits

    def _overlapping(self, event: dict[str, Any]) -> Callable[[], Any]:
        again = self.happens(0.5)
        return lambda: self.tick(event["ScheduledTime"]) if again else self.reconcile(None)

    def _hit(self, call: Call) -> Fault | None:
        now = self._under_way[-1]
        now.calls += 1
        fault = now.hits.get(now.calls - 1)
        if fault is None and call.process.function in BEHIND_QUEUES and self.happens(THROTTLED):
            return throttled()
        return fault

    # ---- what happens to events --------------------------------------------------------------

    def _fated(self, event: dict[str, Any]) -> Sequence[float]:
        """Say when the copies of a status event come; and let what starts end some time later."""
        detail = event["detail"]
        name, status = detail["name"], detail["status"]
        if status == "RUNNING":
            self.agenda.add(self.luck.uniform(60, 900), lambda: self._ends(name))
        if self.happens(LOST):
            self.lost["status events lost"] += 1
            return ()
        return [self.luck.choice((0, self.luck.uniform(0, 600))) for _ in range(self._copies())]

    def _copies(self) -> int:
        return 2 if self.happens(TWICE) else 1

    def _ends(self, name: str) -> None:
        failed = self.happens(FAILING)
        self.finish(name, self.luck.choice(FAILED) if failed else "SUCCEEDED")
        if failed and self.happens(REDRIVEN):
            self.agenda.add(self.luck.uniform(60, 1200), lambda: self.redrive(name))

    # ---- a life ------------------------------------------------------------------------------

    def begin(self) -> None:
        self.agenda.add(RECONCILE_SECONDS, self._reconciles)
        if self.start_on == "schedule":
            self.agenda.add(TICK_SECONDS, self._ticks)

    def _reconciles(self) -> None:
        self.agenda.add(RECONCILE_SECONDS, self._reconciles)
        self.reconcile(None)

    def _ticks(self) -> None:
        self.agenda.add(TICK_SECONDS, self._ticks)
        due = f"{self.clock():%Y-%m-%dT%H:%M:%SZ}"
        for _ in range(self._copies()):
            self.agenda.add(self.luck.choice((0, 0, 400)), lambda: self._attempt(due))

    def _attempt(self, due: str) -> None:
        """Make an attempt of a tick; Lambda makes two more of one that fails."""
        attempts = self.ticks[due].attempts if due in self.ticks else 0
        outcome = self.tick(due)
        if not outcome.ok and attempts < len(RETRY_SECONDS):
            self.agenda.add(RETRY_SECONDS[attempts], lambda: self._attempt(due))

    def lands(self) -> None:
        self.clock.advance(self.luck.expovariate(LANDINGS_A_SECOND))
        number = len(self.landed)
        recent = self.landed[-100:]
        again = recent and self.happens(OVERWRITTEN)
        key = self.luck.choice(recent).key if again else f"incoming/{number % 31:02}/{number}.jsonl"
        landed = self.land(key, copies=0)
        for _ in range(self._copies()):
            self.send(landed, delay=self.luck.choice((0, self.luck.uniform(0, 600))))
        if self.happens(POISON):
            queue = self.luck.choice(("landings", "statuses"))
            self.send_poison(f"no event, number {number}", queue)

    def goes_on(self) -> None:
        for act in self.agenda.due():
            act()
        self.drain("landings")
        self.drain("statuses")

    def comes_to_rest(self) -> list[str]:
        """Let all executions end, still without luck; then heal, and say what is wrong."""
        while self.running() or any(queue.messages for queue in (self.landings, self.statuses)):
            self.clock.advance(60)
            self.goes_on()
        self.calm = True
        return self.settle()

    def lived(self, wrong: list[str]) -> Soaked:
        return Soaked(
            landings=len(self.landed),
            executions=len(self.executions()),
            notifications=len(self.published),
            faults=self.faults.injected + self.lost,
            violations=wrong,
        )


def soak(mode: str, landings: int, seed: int) -> Soaked:
    with UnluckyWorld(mode, seed) as world:
        world.begin()
        wrong: list[str] = []
        for number in range(1, landings + 1):
            world.lands()
            if number % 10 == 0:
                world.goes_on()
            if number % max(1, landings // 5) == 0:
                wrong += violations(world)
        return world.lived(wrong + world.comes_to_rest())
