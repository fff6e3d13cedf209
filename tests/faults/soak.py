"""Thousands of landings in each mode, under steady bad luck, through the real handlers.

    PYTHONPATH=tests python -m faults.soak [--landings N] [--seed N]

Exit code 1 when an invariant did not hold. 20 % of landings and status events come twice, 10 % of
status events never. Of the calls that the functions behind queues make 10 % are throttled. Ticks
and reconciles make hundreds of calls each, of which fewer are; `RATES` has those, and how often a
function is killed at a call.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from random import Random

from moto.moto_api._internal import mock_random

from .faulty import killed_after, killed_before, throttled
from .invariants import FAILED, violations
from .world import World

MODES = ("arrival", "schedule")
TWICE, LOST, LATE = 0.20, 0.10, 0.50
OVERWRITTEN, POISON, FAILING = 0.15, 0.01, 0.10
ENDING, REDRIVEN = 0.05, 0.01
"""How many of the running and of the failed executions end, or are redriven, at each turn."""
LANDINGS_A_SECOND, LANDINGS_A_TURN = 2, 10
TICK_SECONDS, RECONCILE_SECONDS = 60, 900
RATES = {
    "ObjectCreated": (0.10, 0.004),
    "ExecutionStatus": (0.10, 0.002),
    "Schedule": (0.001, 0.001),
    "Reconcile": (0.001, 0.001),
}
"""How many of a function's calls are throttled, and how many kill it."""


class UnluckyWorld(World):
    def __init__(self, mode, seed):
        super().__init__(mode, seed, MaxObjectsPerRun="50")
        self.luck = Random(f"{mode} {seed}")
        self.faults.add(self._hit)
        self.fate = lambda _: [] if self.happens(LOST) else self.delays()
        self.landings.random = self.statuses.random = self.luck
        self._last = {"tick": self.clock.now, "reconcile": self.clock.now}

    def __enter__(self):
        mock_random.seed(self.luck.random())  # of which moto makes identifiers
        return super().__enter__()

    def happens(self, probability):
        return self.luck.random() < probability

    def delays(self):
        """Give the delays of one or two copies of an event."""
        copies = 2 if self.happens(TWICE) else 1
        return [self.luck.uniform(0, 600) if self.happens(LATE) else 0 for _ in range(copies)]

    def _hit(self, call):
        throttling, killing = RATES[call.process.function]
        if self.happens(killing):
            return self.luck.choice((killed_before, killed_after))()
        return throttled() if self.happens(throttling) else None

    def lands(self):
        """Let one object land, half a second or so after the one before."""
        self.clock.advance(self.luck.expovariate(LANDINGS_A_SECOND))
        number, recent = len(self.landed), self.landed[-100:]
        again = recent and self.happens(OVERWRITTEN)
        key = self.luck.choice(recent).key if again else f"incoming/{number % 31:02}/{number}.jsonl"
        landed = self.land(key, copies=0)
        for delay in self.delays():
            self.send(landed, delay)
        if self.happens(POISON):
            queue = self.luck.choice(("landings", "statuses"))
            self.send_poison(f"no event, number {number}", queue)

    def goes_on(self):
        """Deliver what is there, do what is due, end and redrive some executions."""
        self.drain("landings")
        self.drain("statuses")
        if self.start_on == "schedule" and self._due("tick", TICK_SECONDS):
            self.retry_ticks()
            due = self.tick().event["ScheduledTime"]
            if self.happens(TWICE):
                self.tick(due)
        if self._due("reconcile", RECONCILE_SECONDS):
            self.reconcile(None)
        for name, execution in self.executions().items():
            if execution.status == "RUNNING" and self.happens(ENDING):
                failed = self.happens(FAILING)
                self.finish(name, self.luck.choice(FAILED) if failed else "SUCCEEDED")
            elif execution.status in FAILED and self.happens(REDRIVEN):
                self.redrive(name)

    def _due(self, what, seconds):
        if (self.clock.now - self._last[what]).total_seconds() < seconds:
            return False
        self._last[what] = self.clock.now
        return True


def soak(mode, landings, seed):
    """Give a sentence on what happened, and what was wrong."""
    with UnluckyWorld(mode, seed) as world:
        wrong: list[str] = []
        for number in range(1, landings + 1):
            world.lands()
            if number % LANDINGS_A_TURN == 0:
                world.goes_on()
            if number % max(1, landings // 5) == 0:
                wrong += violations(world)
        while world.running() or len(world.landings) or len(world.statuses):
            world.clock.advance(60)
            world.goes_on()
        wrong += world.settle()
        faults = sorted(world.faults.injected.items())
        happened = (
            f"{mode}: {landings:,} versions landed, {len(world.executions()):,} executions,"
            f" {len(world.published):,} failures notified; faults:"
            f" {', '.join(f'{count:,} {name}' for name, count in faults)}; {len(wrong)} violations"
        )
        return happened, wrong


def report(happened, wrong):
    """Print what a soak came to; return its exit code."""
    sys.stdout.write("\n    ".join([happened, *wrong[:20]]) + "\n")
    return 1 if wrong else 0


def main():
    """Soak both modes, each in a process of its own; say what happened and what is wrong."""
    parser = argparse.ArgumentParser(prog="soak", description=str(__doc__).splitlines()[0])
    parser.add_argument("--landings", type=int, default=10_000, help="in each mode")
    parser.add_argument("--seed", type=int, default=1, help="the same gives the same, to the call")
    chosen = parser.parse_args()
    live = partial(soak, landings=chosen.landings, seed=chosen.seed)
    with ProcessPoolExecutor(len(MODES), get_context("spawn")) as processes:
        return max(report(*soaked) for soaked in processes.map(live, MODES))


if __name__ == "__main__":
    sys.exit(main())
