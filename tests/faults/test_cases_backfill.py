"""Objects that are backfilled, with their events before, after or never: one run a version."""

from __future__ import annotations

import json

import pytest

from landrun.models.s3_uri import S3Uri
from landrun_ops.actions.backfill import object_created
from landrun_ops.local.moto_patches.s3 import sequencer
from landrun_ops.stack.object_versions import current_versions

from .invariants import placed
from .stack import client

KEY = "incoming/2026/11/22/messages.jsonl"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:landings"
BACKFILL = "backfill"


@pytest.fixture
def versions(any_world):
    """Two versions of an object by name, without events; a sequencer is of its time, as S3's are.

    Both landed in one second, of which S3's listing does not tell the parts.
    """

    def land(body):
        at = int(any_world.clock.advance(0.1).timestamp() * 10**9)
        timed = {"sequencer": sequencer(at)}
        change = lambda detail: detail["object"].update(timed)  # noqa: E731
        return any_world.land(KEY, body, copies=0, change=change)

    return {"older": land(b"one"), "newer": land(b"two")}


def backfill(world):
    """Send what ``landrun backfill`` sends."""
    bucket = world.stack.name("LandingBucket")
    for version in current_versions(client("s3"), S3Uri(bucket, "incoming/")):
        world.landings.send(json.dumps(object_created(bucket, version, QUEUE)))


@pytest.mark.case(1, 6)
@pytest.mark.parametrize(
    "steps",
    [
        (BACKFILL, "older", "newer"),
        ("older", BACKFILL, "newer"),
        ("newer", "older", BACKFILL),
        ("older", BACKFILL, BACKFILL),
        ("newer", BACKFILL, BACKFILL),
    ],
)
def test_a_backfill_before_between_after_or_instead_of_the_events_doubles_and_loses_nothing(
    any_world, versions, steps
):
    for step in steps:
        if step == BACKFILL:
            backfill(any_world)
        else:
            any_world.send(versions[step])
        any_world.start_runs()
    runs = {name: len(placed(any_world)[landed]) for name, landed in versions.items()}
    assert runs["newer"] == 1
    assert runs["older"] <= 1
