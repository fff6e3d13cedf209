"""The calls of AWS that each thing makes: counts that do not wobble.

A count that rises is a larger bill: avoid it, or write the new one down and say why in the commit.
Write down one that falls as well, so that it stays.
"""

from __future__ import annotations

from functools import partial

import pytest

from faults.world import World

RECORD = {"s3:get_object": 1, "s3:list_objects_v2": 2}
START = {"s3:put_object": 1, "stepfunctions:start_execution": 1}
REPEATED = START | {"s3:get_object": 1}
RESUME = {"stepfunctions:send_task_success": 1, "dynamodb:transact_write_items": 3}
TICK = START | {"s3:get_object": 2, "s3:put_object": 2, "dynamodb:query": 16}


def land(world, count=1):
    for number in range(count):
        world.land(f"incoming/{number}.jsonl")
    world.drain("landings")


def landed(world, *, ended=False):
    """Let an object have landed, and perhaps its run have ended; deliver its event again."""
    land(world)
    if ended:
        world.finish(world.running()[0])
    world.send(world.landed[0])


def ended(world, status="SUCCEEDED"):
    land(world)
    world.finish(world.running()[0], status)


def recorded(world):
    ended(world)
    world.drain("statuses")
    world.reconcile(grace=None)


def limited(world, runs):
    world.set_limit(1)
    land(world, runs)


def slot_held(world):
    limited(world, 2)
    world.drain("statuses")
    world.finish(world.processing()[0])


def nothing(_):
    pass


def deliver(world):
    world.drain("landings")


def record(world):
    world.drain("statuses")


@pytest.mark.parametrize(
    ("mode", "before", "act", "calls"),
    [
        pytest.param("arrival", nothing, land, START, id="a landing starts its run"),
        pytest.param("arrival", landed, deliver, REPEATED, id="a landing again, its run running"),
        pytest.param(
            "arrival",
            partial(landed, ended=True),
            deliver,
            REPEATED | {"stepfunctions:describe_execution": 1},
            id="a landing again, its run ended",
        ),
        pytest.param(
            "arrival",
            lambda world: world.land("elsewhere/a.jsonl", expected=False),
            deliver,
            {},
            id="a landing that is ignored",
        ),
        pytest.param(
            "arrival",
            lambda world: world.send_poison("poison"),
            deliver,
            {"sqs:send_message": 1},
            id="a message that is refused",
        ),
        pytest.param(
            "arrival",
            ended,
            record,
            RECORD | {"dynamodb:put_item": 2},
            id="the statuses of a run that succeeds",
        ),
        pytest.param(
            "arrival",
            partial(ended, status="FAILED"),
            record,
            RECORD | {"dynamodb:put_item": 2, "dynamodb:update_item": 1, "sns:publish": 1},
            id="the statuses of a run that fails",
        ),
        pytest.param(
            "arrival",
            recorded,
            lambda world: world.reconcile(grace=None),
            {
                "dynamodb:batch_get_item": 1,
                "dynamodb:get_item": 3,
                "dynamodb:query": 23,
                "dynamodb:update_item": 2,
                "s3:list_objects_v2": 1,
                "stepfunctions:list_executions": 2,
            },
            id="a sweep that finds nothing",
        ),
        pytest.param(
            "arrival",
            partial(limited, runs=1),
            record,
            RESUME | {"dynamodb:get_item": 3, "dynamodb:put_item": 1, "dynamodb:query": 2},
            id="a run acquires a free slot",
        ),
        pytest.param(
            "arrival",
            partial(limited, runs=2),
            record,
            RESUME
            | {"dynamodb:get_item": 5, "dynamodb:put_item": 2, "dynamodb:query": 3}
            | {"dynamodb:transact_write_items": 4},
            id="two runs request one slot",
        ),
        pytest.param(
            "arrival",
            slot_held,
            record,
            RECORD | RESUME | {"dynamodb:get_item": 3, "dynamodb:put_item": 1, "dynamodb:query": 2},
            id="a run ends, and the next acquires its slot",
        ),
        pytest.param("schedule", nothing, land, {"dynamodb:update_item": 1}, id="a landing waits"),
        pytest.param(
            "schedule", landed, deliver, {"dynamodb:update_item": 1}, id="a waiting landing again"
        ),
        pytest.param(
            "schedule",
            nothing,
            World.tick,
            {"dynamodb:query": 16, "s3:get_object": 1},
            id="a tick over nothing",
        ),
        *(
            pytest.param(
                "schedule",
                partial(land, count=count),
                World.tick,
                TICK | {"dynamodb:update_item": 2 * count},
                id=f"a tick over {count} landings",
            )
            for count in (1, 10)
        ),
    ],
)
def test_what_happens_asks_aws_for_no_more_than_is_written_down(mode, before, act, calls):
    with World(start_on=mode) as world:
        before(world)
        world.faults.counts.clear()
        act(world)
        counted = world.faults.counts.items()
        assert {f"{service}:{name}": count for (service, name), count in counted} == calls
