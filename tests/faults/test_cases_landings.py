"""What is delivered again, at the same time, late or out of order: one run for each version."""

from __future__ import annotations

import json

import pytest

from landrun.models.s3_uri import S3Uri
from landrun_ops.actions.backfill import object_created
from landrun_ops.local.moto_patches.s3 import sequencer
from landrun_ops.stack.object_versions import current_versions

from .faulty import meanwhile, throttled
from .invariants import placed, violations
from .stack import client
from .thorough import DEATHS, at_each_call
from .world import World

KEY = "incoming/2026/11/22/messages.jsonl"
NOTHING_FAILED = {"batchItemFailures": []}


def runs_of(world):
    """Bring the World to rest with nothing wrong; give the number of runs."""
    assert world.settle() == []
    assert world.manifests().keys() == world.executions().keys()
    return len(world.executions())


@pytest.mark.case(1)
def test_same_event_many_times_in_sequence_starts_one_execution(any_world):
    landed = any_world.land(KEY)
    for _ in range(3):
        any_world.start_runs()
        any_world.send(landed)
    assert runs_of(any_world) == 1


@pytest.mark.case(2, 27)
@pytest.mark.parametrize("at", [0, 1])
def test_same_event_twice_at_once_starts_one_execution_however_they_interleave(any_world, at):
    any_world.land(KEY, copies=2)
    [first] = any_world.landings.receive(1)
    any_world.faults.at(at, meanwhile(World.drain), function="ObjectCreated")
    assert any_world.hand("landings", [first]).answer == NOTHING_FAILED
    any_world.start_runs()
    assert runs_of(any_world) == 1


@pytest.mark.case(3)
def test_duplicate_after_the_run_has_closed_succeeds_and_starts_no_second(any_world):
    landed = any_world.land(KEY)
    any_world.start_runs()
    any_world.finish(any_world.running()[0])
    any_world.clock.advance(86_400)
    landed.event["time"] = "2026-11-22T09:00:00Z"
    any_world.send(landed)
    assert [outcome.answer for outcome in any_world.start_runs()] == [NOTHING_FAILED]
    assert any_world.metrics["DuplicateDeliveries", ""] == 1
    assert any_world.metrics["InputMismatches", ""] == 0
    assert runs_of(any_world) == 1


@pytest.mark.case(4)
@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize(("prefix", "mismatches"), [("elsewhere/", 1), ("processed/", 0)])
def test_duplicate_after_a_configuration_change_finds_the_same_run_and_counts_the_mismatch(
    world, closed, prefix, mismatches
):
    landed = world.land(KEY)
    world.drain()
    [run] = world.running()
    if closed:
        world.finish(run)
    before = world.executions()[run].input
    world.reconfigure("ObjectCreated", OUTPUT_PREFIX=prefix)
    world.send(landed)
    assert [outcome.answer for outcome in world.drain()] == [NOTHING_FAILED]
    assert world.metrics["InputMismatches", ""] == mismatches
    assert world.executions()[run].input == before
    assert runs_of(world) == 1


@pytest.mark.case(4)
def test_input_that_cannot_be_compared_is_no_mismatch_and_no_error(world):
    landed = world.land(KEY)
    world.drain()
    world.finish(world.running()[0])
    world.reconfigure("ObjectCreated", OUTPUT_PREFIX="elsewhere/")
    world.send(landed)
    world.faults.when("stepfunctions", "describe_execution", throttled())
    assert [outcome.answer for outcome in world.drain()] == [NOTHING_FAILED]
    assert world.metrics["InputMismatches", ""] == 0


def test_the_log_lines_of_a_message_name_its_run(world):
    logged = {"POWERTOOLS_LOG_LEVEL": "INFO", "POWERTOOLS_SERVICE_NAME": "landrun-logged"}
    world.reconfigure("ObjectCreated", **logged)
    world.land(KEY)
    world.drain()
    assert {line["run"] for line in world.functions.logs} == {*world.executions()}


@pytest.mark.case(5, 6)
@pytest.mark.parametrize("late", [False, True])
def test_key_overwritten_before_the_tick_is_processed_once_and_newest(collecting, late):
    versions = [collecting.land(KEY, body, copies=0) for body in (b"one", b"two", b"three")]
    for landed in reversed(versions) if late else versions:
        collecting.send(landed)
        collecting.drain()
    collecting.tick()
    assert [len(runs) for runs in placed(collecting).values()] == [0, 0, 1]
    assert collecting.metrics["LandingsSuperseded", ""] == 2
    assert runs_of(collecting) == 1


@pytest.mark.case(5, 6)
@pytest.mark.parametrize(
    ("mode", "late", "runs"),
    [
        ("arrival", False, [1, 1]),
        ("arrival", True, [1, 1]),
        ("schedule", False, [1, 1]),
        ("schedule", True, [0, 1]),
    ],
)
def test_overwritten_key_has_two_runs_unless_the_older_event_comes_after_the_newers_tick(
    new_world, mode, late, runs
):
    world = new_world(mode)
    versions = [world.land(KEY, body, copies=0) for body in (b"one", b"two")]
    for landed in reversed(versions) if late else versions:
        world.send(landed)
        world.start_runs()
    assert [len(placed(world)[landed]) for landed in versions] == runs
    assert runs_of(world) == sum(runs)


@pytest.mark.case(9, 10)
@pytest.mark.parametrize("mode", ["arrival", "schedule"])
@pytest.mark.parametrize("death", DEATHS)
def test_function_that_dies_at_any_call_of_a_batch_leaves_no_doubles_and_nothing_lost(mode, death):
    for world in at_each_call(lambda: World(mode), death(), "ObjectCreated"):
        landings = [world.land(f"incoming/{number}.jsonl") for number in range(2)]
        world.drain()
        assert violations(world) == []
        world.later()
        world.start_runs()
        assert [len(placed(world)[landed]) for landed in landings] == [1, 1]


# ---- Backfills


def backfill(world):
    """Send what ``landrun backfill`` sends."""
    bucket, queue = world.stack.name("LandingBucket"), "arn:aws:sqs:us-east-1:123456789012:landings"
    for version in current_versions(client("s3"), S3Uri(bucket, "incoming/")):
        world.landings.send(json.dumps(object_created(bucket, version, queue)))


@pytest.mark.case(1, 6)
@pytest.mark.parametrize(
    "steps",
    [
        ("backfill", "older", "newer"),
        ("older", "backfill", "newer"),
        ("newer", "older", "backfill"),
        ("newer", "backfill", "backfill"),
    ],
)
def test_a_backfill_before_between_after_or_instead_of_the_events_doubles_and_loses_nothing(
    any_world, steps
):
    """Both versions landed in one second, of which S3's listing does not tell the parts."""

    def land(body):
        timed = sequencer(int(any_world.clock.advance(0.1).timestamp() * 10**9))
        change = lambda detail: detail["object"].update(sequencer=timed)  # noqa: E731
        return any_world.land(KEY, body, copies=0, change=change)

    versions = {"older": land(b"one"), "newer": land(b"two")}
    for step in steps:
        if step == "backfill":
            backfill(any_world)
        else:
            any_world.send(versions[step])
        any_world.start_runs()
    runs = {name: len(placed(any_world)[landed]) for name, landed in versions.items()}
    assert runs["newer"] == 1
    assert runs["older"] <= 1
