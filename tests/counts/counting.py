"""Count the calls of AWS that one landing, tick or run makes."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.append(str(ROOT / "tests"))

from faults.world import World  # noqa: E402

TABLE = HERE / "counts.toml"
Counts = dict[str, int]


def _landed(world, count=1):
    """Land so many objects and let them be taken; give the names of the runs, if there are."""
    for number in range(count):
        world.land(f"incoming/{number}.jsonl")
    world.drain("landings")
    return world.running()


def _counted(world, act):
    world.faults.counts.clear()
    act()
    return {f"{service}:{name}": n for (service, name), n in sorted(world.faults.counts.items())}


def _landing(world):
    return _counted(world, lambda: _landed(world))


def _again(world):
    landed = world.land("incoming/a.jsonl")
    world.drain("landings")
    world.send(landed)
    return _counted(world, lambda: world.drain("landings"))


def _again_after_its_end(world):
    landed = world.land("incoming/a.jsonl")
    world.drain("landings")
    world.finish(world.running()[0])
    world.send(landed)
    return _counted(world, lambda: world.drain("landings"))


def _ignored(world):
    world.land("elsewhere/a.jsonl", expected=False)
    return _counted(world, lambda: world.drain("landings"))


def _refused(world):
    world.send_poison("poison")
    return _counted(world, lambda: world.drain("landings"))


def _statuses(status):
    def recorded(world):
        [name] = _landed(world)
        world.finish(name, status)
        return _counted(world, lambda: world.drain("statuses"))

    return recorded


def _whole_run(world):
    def act():
        [name] = _landed(world)
        world.drain("statuses")
        world.finish(name)
        world.drain("statuses")

    counts = _counted(world, act)
    return {name: count for name, count in counts.items() if name.startswith("dynamodb:")}


def _tick(count):
    def ticked(world):
        _landed(world, count)
        return _counted(world, world.tick)

    return ticked


def _sweep(world):
    [name] = _landed(world)
    world.finish(name)
    world.drain("statuses")
    world.reconcile(grace=None)
    return _counted(world, lambda: world.reconcile(grace=None))


def _free_slot(world):
    world.set_limit(1)
    _landed(world)
    return _counted(world, lambda: world.drain("statuses"))


def _slot_to_wait_for(world):
    world.set_limit(1)
    _landed(world, 2)
    return _counted(world, lambda: world.drain("statuses"))


def _next_slot(world):
    world.set_limit(1)
    _landed(world, 2)
    world.drain("statuses")
    [first] = world.processing()
    world.finish(first)
    return _counted(world, lambda: world.drain("statuses"))


ARRIVAL: dict[str, Callable[[World], Counts]] = {
    "a landing starts its run": _landing,
    "a landing delivered again while its run is running": _again,
    "a landing delivered again after its run has ended": _again_after_its_end,
    "a landing that is ignored": _ignored,
    "a message that is refused": _refused,
    "the statuses of a run that succeeds": _statuses("SUCCEEDED"),
    "the statuses of a run that fails": _statuses("FAILED"),
    "DynamoDB, from a landing to the record of its run": _whole_run,
    "a sweep that finds nothing": _sweep,
    "limited: a run requests a slot, and acquires it": _free_slot,
    "limited: two runs request one slot": _slot_to_wait_for,
    "limited: a run ends, and the next acquires its slot": _next_slot,
}
SCHEDULE: dict[str, Callable[[World], Counts]] = {
    "a landing waits for its tick": _landing,
    "a landing delivered again while it waits": _again,
    "a tick over nothing": _tick(0),
    "a tick over 1 landing": _tick(1),
    "a tick over 10 landings": _tick(10),
}


def calls(case):
    """Let a case happen in a World of its own; give the calls that it made, by service."""
    start_on, cases = ("arrival", ARRIVAL) if case in ARRIVAL else ("schedule", SCHEDULE)
    with World(start_on=start_on) as world:
        return cases[case](world)


def table():
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


def measured():
    lines = ["# What tests/counts holds; `PYTHONPATH=tests python -m counts` writes it anew."]
    for case in (*ARRIVAL, *SCHEDULE):
        lines += ["", f'[calls."{case}"]']
        lines += [f'"{name}" = {count}' for name, count in calls(case).items()]
    return "\n".join(lines) + "\n"
