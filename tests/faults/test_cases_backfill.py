"""Objects that are backfilled, with their events before, after or never: one run a version."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from landrun.models.s3_uri import S3Uri
from landrun_ops.backfilling import object_created
from landrun_ops.local.s3_events import sequencer
from landrun_ops.versions import Versions

from .invariants import placed
from .landed import Landed
from .stack import client
from .world import World

KEY = "incoming/2026/11/22/messages.jsonl"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:landings"


def land(world: World, body: bytes) -> Landed:
    """Put a version, without an event, whose sequencer is of its time as S3's are."""
    at = int(world.clock.advance(0.1).timestamp() * 10**9)

    def timed(detail: dict[str, Any]) -> None:
        detail["object"]["sequencer"] = sequencer(at)

    return world.land(KEY, body, copies=0, change=timed)


def backfill(world: World) -> None:
    """Send what ``landrun backfill`` sends."""
    bucket = world.stack.name("LandingBucket")
    for version in Versions(client("s3")).current(S3Uri(bucket, "incoming/")):
        world.landings.send(json.dumps(object_created(bucket, version, QUEUE)))


def steps(world: World, older: Landed, newer: Landed) -> list[Callable[[], Any]]:
    return [lambda: world.send(older), lambda: world.send(newer), lambda: backfill(world)]


@pytest.mark.case(1, 6)
@pytest.mark.parametrize(
    "order", list(permutations(range(3))), ids=lambda order: "".join(map(str, order))
)
def test_a_backfill_before_between_or_after_the_events_doubles_and_loses_nothing(
    order: tuple[int, ...], new_world: Callable[..., World]
) -> None:
    world = new_world("schedule")
    older, newer = land(world, b"one"), land(world, b"two")
    for step in order:
        steps(world, older, newer)[step]()
        world.drain()
        assert world.tick().ok
    found = placed(world)
    assert len(found[newer]) == 1
    assert len(found[older]) <= 1
    assert world.settle() == []


@pytest.mark.case(1)
@pytest.mark.parametrize("order", [(1, 2), (2, 1)], ids=["event-first", "backfill-first"])
def test_an_object_that_starts_its_run_on_arrival_has_one_however_often_it_is_backfilled(
    order: tuple[int, ...], world: World
) -> None:
    landed = land(world, b"one")
    for step in (*order, 2):
        steps(world, landed, landed)[step]()
        world.drain()
    assert len(world.executions()) == 1
    assert world.settle() == []


@pytest.mark.case(6)
def test_an_event_that_was_lost_is_made_good_though_the_version_before_it_was_read(
    new_world: Callable[..., World],
) -> None:
    """Both landed in one second, of which S3's listing does not tell the parts."""
    world = new_world("schedule")
    older, newer = land(world, b"one"), land(world, b"two")
    world.send(older)
    world.drain()
    world.tick()
    backfill(world)
    world.drain()
    world.tick()
    assert [len(placed(world)[landed]) for landed in (older, newer)] == [1, 1]
    assert world.settle() == []
