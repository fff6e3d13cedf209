"""What is delivered again, at the same time, late or out of order: one run for each version."""

import json

import pytest

from landrun.models.s3_uri import S3Uri
from landrun_ops.actions.backfill import object_created
from landrun_ops.local.moto_patches.s3 import sequencer
from landrun_ops.stack.object_versions import current_versions

from .faulty import DEATHS, at_each_call, meanwhile, throttled
from .invariants import placed, violations
from .stack import client
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


@pytest.mark.case(3, 4)
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
    assert world.metrics["DuplicateDeliveries", ""] == (closed or mismatches)
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
    world.land(KEY)
    world.drain()
    assert {line["run"] for line in world.functions.logs} == {*world.executions()}


def deliver(world, versions, step):
    """Deliver the event of a version, or what ``landrun backfill`` sends, or make a tick."""
    if step == "tick":
        world.tick()
    elif step == "backfill":
        bucket, queue = world.stack.name("LandingBucket"), world.stack.arn("LandingQueue")
        for version in current_versions(client("s3"), S3Uri(bucket, "incoming/")):
            world.landings.send(json.dumps(object_created(bucket, version, queue)))
    else:
        world.send(versions[step])
    world.drain()


@pytest.mark.case(1, 5, 6)
@pytest.mark.parametrize(
    ("mode", "steps", "runs"),
    [
        ("arrival", "older backfill newer", [1, 1]),
        ("arrival", "newer older backfill", [1, 1]),
        ("arrival", "newer backfill backfill", [0, 1]),
        ("schedule", "older tick newer tick", [1, 1]),
        ("schedule", "newer tick older tick", [0, 1]),
        ("schedule", "backfill tick older newer tick", [0, 1]),
        ("schedule", "older tick backfill tick newer tick", [1, 1]),
        ("schedule", "newer older backfill tick", [0, 1]),
        ("schedule", "newer tick backfill tick backfill tick", [0, 1]),
    ],
)
def test_each_version_has_one_run_unless_a_tick_has_a_newer_one_in_whatever_order_they_come(
    new_world, mode, steps, runs
):
    """Both landed in one second, of which S3's listing does not tell the parts."""
    world = new_world(mode)

    def land(body):
        timed = sequencer(int(world.clock.advance(0.1).timestamp() * 10**9))
        change = lambda detail: detail["object"].update(sequencer=timed)  # noqa: E731
        return world.land(KEY, body, copies=0, change=change)

    versions = {"older": land(b"one"), "newer": land(b"two")}
    for step in steps.split():
        deliver(world, versions, step)
    assert [len(placed(world)[landed]) for landed in versions.values()] == runs
    superseded = mode == "schedule" and "older" in steps and runs == [0, 1]
    assert world.metrics["LandingsSuperseded", ""] == superseded


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
