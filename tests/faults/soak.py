"""Thousands of landings in each mode, under steady bad luck, through the real handlers.

    PYTHONPATH=tests python -m faults.soak [--landings N] [--seed N]

Exit code 1 when an invariant did not hold. 20 % of landings and status events come twice, 10 % of
status events never. Of the calls that the functions behind queues make 10 % are throttled. Ticks
and reconciles make hundreds of calls each, of which fewer are; `RATES` has those, and how often a
function is killed at a call, or a tick overlaps there with another attempt of it or with reconcile.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from multiprocessing import get_context
from random import Random
from typing import Any, NamedTuple

from moto.moto_api._internal import mock_random

from .faulty import killed_after, killed_before, meanwhile, throttled
from .invariants import FAILED, violations
from .world import World

MODES = ("arrival", "schedule")
TWICE, LOST = 0.20, 0.10
OVERWRITTEN, POISON, FAILING, REDRIVEN = 0.15, 0.01, 0.10, 0.30
LANDINGS_A_SECOND = 2
TICK_SECONDS, RECONCILE_SECONDS = 60, 900
RETRY_SECONDS = (60, 120)


class Rates(NamedTuple):
    """How many of a function's calls are hit by what."""

    throttled: float
    killed: float
    overlapping: float = 0


RATES = {
    "ObjectCreated": Rates(throttled=0.10, killed=0.004),
    "ExecutionStatus": Rates(throttled=0.10, killed=0.002),
    "Schedule": Rates(throttled=0.001, killed=0.001, overlapping=0.002),
    "Reconcile": Rates(throttled=0.001, killed=0.001),
}


@dataclass(frozen=True)
class Soaked:
    """What a soak came to."""

    landings: int
    executions: int
    notifications: int
    faults: Counter[str]
    violations: list[str]


class UnluckyWorld(World):
    def __init__(self, mode, seed):
        super().__init__(mode, seed)
        for function in ("Schedule", "Reconcile"):
            self.reconfigure(function, MAX_OBJECTS_PER_RUN="50")
        self.luck = Random(f"{mode} {seed}")
        self.lost: Counter[str] = Counter()
        self._agenda: list[tuple[datetime, int, Callable[[], Any]]] = []
        self._number = itertools.count()
        self._overlapping = False
        self.faults.add(self._hit)
        self.fate = self._fated
        self.landings.random = self.statuses.random = self.luck

    def __enter__(self):
        mock_random.seed(self.luck.random())  # of which moto makes identifiers
        return super().__enter__()

    def happens(self, probability):
        return self.luck.random() < probability

    def copies(self):
        return 2 if self.happens(TWICE) else 1

    def after(self, seconds, act):
        at = self.clock() + timedelta(seconds=seconds)
        heapq.heappush(self._agenda, (at, next(self._number), act))

    # ---- faults

    def _hit(self, call):
        rates = RATES[call.process.function]
        if self.happens(rates.killed):
            return self.luck.choice((killed_before, killed_after))()
        if self.happens(rates.throttled):
            return throttled()
        if not self._overlapping and self.happens(rates.overlapping):
            return meanwhile(self._overlap)
        return None

    def _overlap(self):
        self._overlapping = True
        if self.happens(0.5):
            self.tick([*self.ticks][-1])
        else:
            self.reconcile(None)
        self._overlapping = False

    # ---- what happens

    def _fated(self, event):
        """Say when the copies of a status event come; and let what starts end some time later."""
        name = event["detail"]["name"]
        if event["detail"]["status"] == "RUNNING":
            self.after(self.luck.uniform(60, 900), lambda: self._ends(name))
        if self.happens(LOST):
            self.lost["status events lost"] += 1
            return ()
        return [self.luck.choice((0, self.luck.uniform(0, 600))) for _ in range(self.copies())]

    def _ends(self, name):
        failed = self.happens(FAILING)
        self.finish(name, self.luck.choice(FAILED) if failed else "SUCCEEDED")
        if failed and self.happens(REDRIVEN):
            self.after(self.luck.uniform(60, 1200), lambda: self.redrive(name))

    def reconciles(self):
        self.after(RECONCILE_SECONDS, self.reconciles)
        self.reconcile(None)

    def ticks_on(self):
        self.after(TICK_SECONDS, self.ticks_on)
        due = self.utc()
        for _ in range(self.copies()):
            self.after(self.luck.choice((0, 0, 400)), lambda: self._attempt(due))

    def _attempt(self, due):
        """Make an attempt of a tick; Lambda makes two more of one that fails."""
        attempts = len(self.ticks[due])
        if not self.tick(due).ok and attempts < len(RETRY_SECONDS):
            self.after(RETRY_SECONDS[attempts], lambda: self._attempt(due))

    def lands(self):
        """Let one object land, half a second or so after the one before."""
        self.clock.advance(self.luck.expovariate(LANDINGS_A_SECOND))
        number, recent = len(self.landed), self.landed[-100:]
        again = recent and self.happens(OVERWRITTEN)
        key = self.luck.choice(recent).key if again else f"incoming/{number % 31:02}/{number}.jsonl"
        landed = self.land(key, copies=0)
        for _ in range(self.copies()):
            self.send(landed, delay=self.luck.choice((0, self.luck.uniform(0, 600))))
        if self.happens(POISON):
            queue = self.luck.choice(("landings", "statuses"))
            self.send_poison(f"no event, number {number}", queue)

    def goes_on(self):
        """Do what is due, and deliver what is there."""
        while self._agenda and self._agenda[0][0] <= self.clock():
            heapq.heappop(self._agenda)[2]()
        self.drain("landings")
        self.drain("statuses")


def soak(mode, landings, seed):
    with UnluckyWorld(mode, seed) as world:
        world.after(RECONCILE_SECONDS, world.reconciles)
        if mode == "schedule":
            world.after(TICK_SECONDS, world.ticks_on)
        wrong: list[str] = []
        for number in range(1, landings + 1):
            world.lands()
            if number % 10 == 0:
                world.goes_on()
            if number % max(1, landings // 5) == 0:
                wrong += violations(world)
        while world.running() or len(world.landings) or len(world.statuses):
            world.clock.advance(60)
            world.goes_on()
        wrong += world.settle()
        faults = world.faults.injected + world.lost
        return Soaked(landings, len(world.executions()), len(world.published), faults, wrong)


def report(mode, lived):
    """Print what a soak came to; return its exit code."""
    faults = ", ".join(f"{count:,} {name}" for name, count in sorted(lived.faults.items()))
    sys.stdout.write(
        f"{mode}: {lived.landings:,} versions landed, {lived.executions:,} executions,"
        f" {lived.notifications:,} failures notified; faults: {faults};"
        f" {len(lived.violations)} violations\n"
    )
    for violation in lived.violations[:20]:
        sys.stdout.write(f"    {violation}\n")
    return 1 if lived.violations else 0


def main():
    """Soak both modes, each in a process of its own; say what happened and what is wrong."""
    parser = argparse.ArgumentParser(prog="soak", description=str(__doc__).splitlines()[0])
    parser.add_argument("--landings", type=int, default=10_000, help="in each mode")
    parser.add_argument("--seed", type=int, default=1, help="the same gives the same, to the call")
    chosen = parser.parse_args()
    live = partial(soak, landings=chosen.landings, seed=chosen.seed)
    with ProcessPoolExecutor(len(MODES), get_context("spawn")) as processes:
        return max(map(report, MODES, processes.map(live, MODES)))


if __name__ == "__main__":
    sys.exit(main())
