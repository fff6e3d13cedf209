"""The calls of AWS that each thing makes: counts that do not wobble.

A count that rises is a larger bill: avoid it, or write the new one down and say why in the commit.
Write down one that falls as well, so that it stays.
"""

from __future__ import annotations

import pytest

from faults.world import World

from .calls import (
    ONE_SLOT,
    RECORD,
    REPEATED,
    RUN_SUCCEEDS,
    START,
    SWEEP,
    TICK,
    TICK_OVER_ONE,
    TWO_REQUESTS,
    WAITS,
)


def land(world, count=1):
    for number in range(count):
        world.land(f"incoming/{number}.jsonl")
    world.drain()


def again(world):
    land(world)
    world.send(world.landed[0])


def end(world, status="SUCCEEDED"):
    land(world)
    world.finish(world.running()[0], status)


def ended_again(world):
    end(world)
    world.send(world.landed[0])


def end_and_sweep(world):
    end(world)
    world.drain("statuses")
    world.reconcile(None)


def limited(world, runs=1):
    world.set_limit(1)
    land(world, runs)


def end_of_limited(world):
    limited(world, 2)
    world.drain("statuses")
    world.finish(world.processing()[0])


def nothing(world):
    pass


def statuses(world):
    world.drain("statuses")


def sweep(world):
    world.reconcile(None)


FAILS = RECORD | {"dynamodb:put_item": 2, "dynamodb:update_item": 1, "sns:publish": 1}
ON_ARRIVAL = {
    "a landing starts its run": (nothing, land, START),
    "a landing again, its run running": (again, World.drain, REPEATED),
    "a landing again, its run ended": (
        ended_again,
        World.drain,
        REPEATED | {"stepfunctions:describe_execution": 1},
    ),
    "a message that is refused": (
        lambda world: world.send_poison("poison"),
        World.drain,
        {"sqs:send_message": 1},
    ),
    "a run that succeeds": (end, statuses, RUN_SUCCEEDS),
    "a run that fails": (lambda world: end(world, "FAILED"), statuses, FAILS),
    "a sweep that finds nothing": (end_and_sweep, sweep, SWEEP),
    "a run acquires a free slot": (limited, statuses, ONE_SLOT),
    "two runs request one slot": (
        lambda world: limited(world, 2),
        statuses,
        TWO_REQUESTS | {"dynamodb:transact_write_items": 4},
    ),
    "the next acquires a slot": (end_of_limited, statuses, RECORD | ONE_SLOT),
}
IN_TICKS = {
    "a landing waits for its tick": (nothing, land, WAITS),
    "a waiting landing again": (again, World.drain, WAITS),
    "a tick over nothing": (nothing, World.tick, {"dynamodb:query": 16, "s3:get_object": 1}),
    "a tick over 1": (land, World.tick, TICK_OVER_ONE),
    "a tick over 10": (
        lambda world: land(world, 10),
        World.tick,
        TICK | {"dynamodb:update_item": 20},
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
