"""The calls of AWS that each thing makes: counts that do not wobble.

A count that rises is a larger bill: avoid it, or write the new one down and say why in the commit.
Write down one that falls as well, so that it stays.
"""

from __future__ import annotations

from functools import partial

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


def again(world, ended=False):
    """Let an object have landed, and perhaps its run have ended; send its event again."""
    land(world)
    if ended:
        world.finish(world.running()[0])
    world.send(world.landed[0])


def end(world, status="SUCCEEDED"):
    land(world)
    world.finish(world.running()[0], status)


def end_and_sweep(world):
    end(world)
    world.drain("statuses")
    world.reconcile(None)


def limited(world, runs):
    world.set_limit(1)
    land(world, runs)


def end_of_limited(world):
    limited(world, 2)
    world.drain("statuses")
    world.finish(world.processing()[0])


def nothing(_):
    pass


def ignored(world):
    world.land("elsewhere/a.jsonl", expected=False)


def poison(world):
    world.send_poison("poison")


statuses = partial(World.drain, queue="statuses")
sweep = partial(World.reconcile, grace=None)
CASES = {
    "a landing starts its run": ("arrival", nothing, land, START),
    "a landing again, its run running": ("arrival", again, World.drain, REPEATED),
    "a landing again, its run ended": (
        "arrival",
        partial(again, ended=True),
        World.drain,
        REPEATED | {"stepfunctions:describe_execution": 1},
    ),
    "a landing that is ignored": ("arrival", ignored, World.drain, {}),
    "a message that is refused": ("arrival", poison, World.drain, {"sqs:send_message": 1}),
    "a run that succeeds": ("arrival", end, statuses, RUN_SUCCEEDS),
    "a run that fails": (
        "arrival",
        partial(end, status="FAILED"),
        statuses,
        RECORD | {"dynamodb:put_item": 2, "dynamodb:update_item": 1, "sns:publish": 1},
    ),
    "a sweep that finds nothing": ("arrival", end_and_sweep, sweep, SWEEP),
    "a run acquires a free slot": ("arrival", partial(limited, runs=1), statuses, ONE_SLOT),
    "two runs request one slot": (
        "arrival",
        partial(limited, runs=2),
        statuses,
        TWO_REQUESTS | {"dynamodb:transact_write_items": 4},
    ),
    "the next acquires a slot": ("arrival", end_of_limited, statuses, RECORD | ONE_SLOT),
    "a landing waits for its tick": ("schedule", nothing, land, WAITS),
    "a waiting landing again": ("schedule", again, World.drain, WAITS),
    "a tick over nothing": (
        "schedule",
        nothing,
        World.tick,
        {"dynamodb:query": 16, "s3:get_object": 1},
    ),
    "a tick over 1": ("schedule", land, World.tick, TICK_OVER_ONE),
    "a tick over 10": (
        "schedule",
        partial(land, count=10),
        World.tick,
        TICK | {"dynamodb:update_item": 20},
    ),
}


@pytest.mark.parametrize(("mode", "before", "act", "calls"), CASES.values(), ids=CASES)
def test_what_happens_asks_aws_for_no_more_than_is_written_down(mode, before, act, calls):
    with World(start_on=mode) as world:
        before(world)
        world.faults.counts.clear()
        act(world)
        counted = world.faults.counts.items()
        assert {f"{service}:{name}": count for (service, name), count in counted} == calls
