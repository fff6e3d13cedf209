"""What a World came to, as the figures of the report: counted from the truth, not from metrics."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from .invariants import FAILED, placed
from .report import Figures
from .stepfunctions import Execution
from .world import Landed, World

KINDS = {
    "killed before": "killed",
    "killed after": "killed",
    "response lost": "answers lost",
    "meanwhile": "interleaved",
    "afterwards": "interleaved",
}


def figures(world: World) -> Figures:
    """Count a World that has come to rest."""
    times = list(_executions(world))
    bodies = {body for queue in ("landings", "statuses") for body, _ in world.dead(queue)}
    return Figures(
        landings=len(times),
        superseded=times.count(None),
        events=_delivered(world),
        executions=Counter(n for n in times if n is not None),
        wrong_rows=sum(_wrong_rows(world)),
        notifications=_notifications(world),
        told_twice=world.history.told_twice_by_crash.total(),
        dead_lettered=len(bodies),
        poison=len(set(world.poison)),
        faults=_faults(world),
    )


def _delivered(world: World) -> int:
    ticks = sum(tick.attempts for tick in world.ticks.values())
    return world.landings.delivered + world.statuses.delivered + ticks


def _executions(world: World) -> Iterator[int | None]:
    """Give of each version that landed how many executions (manifests) it has; None: superseded.

    On arrival by what the executions' inputs say, on schedule by the lists of the manifests.
    """
    count = _by_input(world) if world.start_on == "arrival" else _by_manifest(world)
    newest = {landed.key: landed for landed in _sent(world)}
    for landed in _sent(world):
        superseded = world.start_on == "schedule" and newest[landed.key] is not landed
        yield None if superseded and not count[landed] else count[landed]


def _sent(world: World) -> Iterator[Landed]:
    return (landed for landed in world.landed if landed.expected and landed.sent)


def _by_input(world: World) -> Counter[Landed]:
    landings = {(landed.key, landed.version): landed for landed in world.landed}
    found: Counter[Landed] = Counter()
    for execution in world.executions().values():
        trigger = json.loads(execution.input)["Trigger"]
        version = trigger.get("VersionId") or f"sequencer:{trigger.get('Sequencer')}"
        found[landings[trigger["Key"], version]] += 1
    return found


def _by_manifest(world: World) -> Counter[Landed]:
    return Counter({landed: len(runs) for landed, runs in placed(world).items()})


def _wrong_rows(world: World) -> Iterator[bool]:
    rows = world.rows()
    for name, execution in world.executions().items():
        row = rows.get(name, {})
        said = (row.get("status"), row.get("redrive_count"))
        yield execution.status != "RUNNING" and said != (execution.status, execution.redrive_count)


def _notifications(world: World) -> Counter[int]:
    """Count how often each failure was told, but for those told again for want of a mark."""
    watch = world.history
    found: Counter[int] = Counter()
    for name, execution in world.executions().items():
        due = _failures(world, name, execution)
        told = watch.told[name] - watch.told_twice_by_crash[name]
        each, more = divmod(told, due) if due else (0, 0)
        found += Counter({each: due - more}) + Counter({each + 1: more})
        if told and not due:
            found[told + 1] += 1
    return found


def _failures(world: World, name: str, execution: Execution) -> int:
    """Say how many failures of an execution there are to tell; one that a redrive overtook is not.

    Nobody knows of a failure whose event was lost once the execution goes on.
    """
    if execution.redrive_count:
        return len(world.history.outcomes[name]) - world.history.never_told[name]
    return sum(status in FAILED for _, status in execution.ends)


def _faults(world: World) -> Counter[str]:
    found: Counter[str] = Counter()
    for name, n in world.faults.injected.items():
        found[KINDS.get(name, name)] += n
    return found
