"""The calls of AWS that each thing makes: counts that do not wobble.

A count that rises is a larger bill: avoid it, or write the new one down and say why in the commit.
Write down one that falls as well, so that it stays.
"""

import pytest

from faults.world import World

from .calls import ONE_SLOT, RECORD, RUN_SUCCEEDS, START, SWEEP, TICK, TICK_OVER_ONE, WAITS


def land(world, count=1):
    for number in range(count):
        world.land(f"incoming/{number}.jsonl")
    world.drain()


def ended(world, status="SUCCEEDED"):
    land(world)
    world.finish(world.running()[0], status)


def recorded(world):
    ended(world)
    world.drain("statuses")
    world.reconcile(None)


def limited(world, runs=1):
    world.set_limit(1)
    land(world, runs)


def one_waits(world):
    limited(world, 2)
    world.drain("statuses")
    world.finish(world.processing()[0])


def record(world):
    world.drain("statuses")


FAILURE = {"dynamodb:put_item": 2, "dynamodb:update_item": 1, "sns:publish": 1}
ON_ARRIVAL = {
    "a landing starts its run": (World.drain, land, START),
    "a run that succeeds": (ended, record, RUN_SUCCEEDS),
    "a run that fails": (lambda world: ended(world, "FAILED"), record, RECORD | FAILURE),
    "a sweep that finds nothing": (recorded, lambda world: world.reconcile(None), SWEEP),
    "a run acquires a free slot": (limited, record, ONE_SLOT),
    "the next acquires a slot": (one_waits, record, RECORD | ONE_SLOT),
}
IN_TICKS = {
    "a landing waits for its tick": (World.drain, land, WAITS),
    "a tick over nothing": (World.drain, World.tick, {"dynamodb:query": 16, "s3:get_object": 1}),
    "a tick over 1": (land, World.tick, TICK_OVER_ONE),
    "a tick over 9": (
        lambda world: land(world, 9),
        World.tick,
        TICK | {"dynamodb:update_item": 18},
    ),
}


@pytest.mark.parametrize("what", ON_ARRIVAL | IN_TICKS)
def test_what_happens_asks_aws_for_no_more_than_is_written_down(what):
    before, act, calls = (ON_ARRIVAL | IN_TICKS)[what]
    with World("arrival" if what in ON_ARRIVAL else "schedule") as world:
        before(world)
        world.faults.counts.clear()
        act(world)
        counted = world.faults.counts.items()
        assert {f"{service}:{name}": count for (service, name), count in counted} == calls
