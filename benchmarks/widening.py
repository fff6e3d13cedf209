"""What the operator changes: one limit after the other, until a day's objects are done in a day."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from benchmarks import facts
from benchmarks.bills import DAY
from benchmarks.scenario import Outcome, Setup
from benchmarks.simulation import simulate

SPARE = 1.2
"""How much more than it takes is asked for."""

HOURLY = 24
LIMITS = {
    "prefix_writes": "S3's requests to one prefix, of those who upload",
    "event_deliveries": "EventBridge's deliveries",
    "start_functions": "the start function: `MaximumConcurrency` times a batch",
    "manifest_writes": "S3's requests to the manifests' prefix",
    "start_executions": "Step Functions' StartExecution",
    "state_transitions": "Step Functions' state transitions",
    "open_executions": "Step Functions' open executions",
    "instances": "SageMaker's instances",
    "between_tries": "the time between two tries for a job",
    "create_jobs": "SageMaker's CreateProcessingJob",
    "status_functions": "the status function: `MaximumConcurrency` times its speed",
    "month_partition": "DynamoDB: the runs of a month are one key of an index",
    "waiting_partitions": "DynamoDB: what waits is 16 keys of an index",
    "table_writes": "DynamoDB's writes to the landings table",
    "turn_count": "DynamoDB: the turns are counted in one item",
    "tick": "the tick: what one function collects in a second",
    "tick_seconds": "the tick: the 15 minutes of a function, three times over",
}
"""What holds objects back, in words."""

JOBS = ("instances", "create_jobs", "turn_count", "between_tries")
"""What keeps executions open."""

LEAST, STEPS, DOUBLINGS = 2**10, 18, 20


@lru_cache
def outcome(setup: Setup) -> Outcome:
    """Simulate, once for each setup."""
    return simulate(setup)


def limiting(found: Outcome) -> str | None:
    """Name what to widen: where executions are open because jobs are wanting, it is the jobs."""
    worst = found.held.worst()
    if worst != "open_executions":
        return worst
    jobs = {name: found.held.seconds.get(name, 0.0) for name in JOBS}
    held = max(jobs, key=jobs.__getitem__)
    return held if jobs[held] else worst


def until_it_keeps_up(setup: Setup, steps: int = 12) -> tuple[Setup, list[str]]:
    """Widen what holds back most, again and again; say what was changed in the end, in order."""
    changes: dict[str, str] = {}
    for _ in range(steps):
        found = outcome(setup)
        limit = limiting(found)
        if found.keeps_up or limit is None:
            break
        setup, field, change = REMEDIES.get(limit, _stacks)(setup)
        changes.pop(field, None)
        changes[field] = change
    return setup, list(changes.values())


def reach(setup: Setup) -> int:
    """Say up to how many objects a day a setup keeps up, to a tenth of a per mille or so.

    Between a thousand and a thousand million, halving what is left in question.
    """
    low, high = 0.0, float(DOUBLINGS)
    for _ in range(STEPS):
        middle = (low + high) / 2
        number = round(LEAST * 2**middle)
        low, high = (
            (middle, high) if outcome(replace(setup, objects_a_day=number)).keeps_up
            else (low, middle)
        )  # fmt: skip
    return round(LEAST * 2**low)


def runs_a_day(setup: Setup) -> float:
    """Say how many jobs a day's objects take."""
    if setup.mode != "schedule":
        return setup.objects_a_day
    each_tick = setup.objects_a_day / setup.ticks_a_day
    return setup.ticks_a_day * math.ceil(each_tick / setup.month.max_objects)


def peak(setup: Setup) -> float:
    """Give objects a second at the busiest."""
    even = setup.objects_a_day / DAY
    return even if setup.profile == "even" else even / 2 + setup.objects_a_day / 2 / 3600


Change = tuple[Setup, str, str]
"""The setup, what of it was changed, and how that reads."""


def _changed(setup: Setup, field: str, enough: float, says: str, **more: Any) -> Change:
    """Set a bound to what is enough, or one and a half times what it was, if that is more."""
    number = max(math.ceil(enough), math.ceil(1.5 * getattr(setup, field)))
    return replace(setup, **{field: number}, **more), field, says.format(number)


def _instances(setup: Setup) -> Change:
    runs = runs_a_day(setup)
    slots = setup.job_slots(setup.objects_a_day / runs)
    return _changed(setup, "instances", SPARE * runs / DAY * slots * setup.slot,
                    "{:,} instances (quota)")  # fmt: skip


def _functions(setup: Setup) -> Change:
    month, runs = setup.month, runs_a_day(setup) / DAY
    size = facts.stack().batch
    landings = setup.objects_a_day / DAY * month.start_seconds(size) / size
    changes = 2 * runs * month.status_seconds(ended=True)
    return _changed(setup, "at_once", SPARE * max(landings, changes) / setup.stacks,
                    "`MaximumConcurrency` {:,} (template)")  # fmt: skip


def _starts(setup: Setup) -> Change:
    rate = SPARE * runs_a_day(setup) / DAY
    return _changed(setup, "start_executions", rate, "StartExecution {:,} a second (quota)",
                    start_executions_burst=4 * rate)  # fmt: skip


def _transitions(setup: Setup) -> Change:
    rate = SPARE * runs_a_day(setup) / DAY * (facts.stack().states_with_turn + 2)
    return _changed(setup, "state_transitions", rate, "{:,} state transitions a second (quota)")


def _open(setup: Setup) -> Change:
    slots = setup.job_slots(1)
    number = SPARE * runs_a_day(setup) / DAY * slots * setup.slot
    return _changed(setup, "open_executions", number, "{:,} open executions (quota)")


def _creates(setup: Setup) -> Change:
    rate = SPARE * runs_a_day(setup) / DAY
    return _changed(setup, "create_jobs", rate, "CreateProcessingJob {:,} a second (AWS)")


def _prefixes(setup: Setup) -> Change:
    number = SPARE * peak(setup) / setup.prefix_writes
    return _changed(setup, "prefixes", number, "landing keys under {:,} prefixes")


def _deliveries(setup: Setup) -> Change:
    rate = SPARE * peak(setup)
    return _changed(setup, "event_deliveries", rate, "{:,} deliveries of events a second (quota)")


def _writes(setup: Setup) -> Change:
    return _changed(setup, "table_writes", 0, "{:,} write units a second for a table (quota)")


def _tick(setup: Setup) -> Change:
    if setup.ticks_a_day < HOURLY:
        return replace(setup, ticks_a_day=HOURLY), "ticks", "a tick an hour (`ScheduleExpression`)"
    cores = facts.stack().memory["Schedule"] / facts.WHOLE_CORE
    busy = setup.objects_a_day * setup.month.tick_microseconds / 1e6 / cores / DAY
    return _stacks(setup, math.ceil(SPARE * busy))


def _stacks(setup: Setup, enough: int = 0) -> Change:
    number = max(enough, setup.stacks + 1)
    says = f"{number} stacks, a `LandingPrefix` each"
    return replace(setup, stacks=number), "stacks", says


REMEDIES: dict[str, Callable[[Setup], Change]] = {
    "instances": _instances,
    "start_functions": _functions,
    "status_functions": _functions,
    "start_executions": _starts,
    "state_transitions": _transitions,
    "open_executions": _open,
    "create_jobs": _creates,
    "prefix_writes": _prefixes,
    "event_deliveries": _deliveries,
    "table_writes": _writes,
    "tick": _tick,
    "tick_seconds": _tick,
}
"""What widens a limit; where nothing does, a stack more has one of its own."""
