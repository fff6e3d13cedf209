"""What is delivered again, at the same time, late or out of order: one run for each version."""

from __future__ import annotations

import pytest

from .faulty import response_lost, throttled
from .invariants import placed, violations
from .thorough import BETWEEN, DEATHS, at_each_call
from .world import World

KEY = "incoming/2026/11/22/messages.jsonl"
NOTHING_FAILED = {"batchItemFailures": []}
MODES = ("arrival", "schedule")


def all_processed(world, runs):
    """Whether so many runs, with one execution each, and nothing else came of it all."""
    assert world.settle() == []
    return len(world.manifests()) == len(world.executions()) == runs


@pytest.mark.case(1)
def test_same_event_many_times_in_sequence_starts_one_execution(any_world):
    landed = any_world.land(KEY)
    for _ in range(5):
        assert [outcome.ok for outcome in any_world.drain()] == [True]
        any_world.send(landed)
    any_world.start_runs()
    any_world.send(landed)
    any_world.start_runs()
    assert len(any_world.executions()) == 1
    assert all_processed(any_world, runs=1)


@pytest.mark.case(2)
@pytest.mark.parametrize("when", BETWEEN)
@pytest.mark.parametrize("at", [0, 1])
def test_same_event_twice_at_once_starts_one_execution_however_they_interleave(any_world, when, at):
    any_world.land(KEY, copies=2)
    [first] = any_world.landings.receive(1)
    any_world.faults.at(at, when(any_world.drain), function="ObjectCreated")
    assert any_world.hand("landings", [first]).answer == NOTHING_FAILED
    any_world.start_runs()
    assert len(any_world.executions()) == 1
    assert all_processed(any_world, runs=1)


@pytest.mark.case(3)
def test_duplicate_after_the_run_has_closed_succeeds_and_starts_no_second(any_world):
    landed = any_world.land(KEY)
    any_world.start_runs()
    [run] = any_world.running()
    any_world.finish(run)
    any_world.clock.advance(86_400)
    any_world.send(landed)
    assert [outcome.answer for outcome in any_world.start_runs()] == [NOTHING_FAILED]
    assert any_world.metrics["DuplicateDeliveries", ""] == 1
    assert all_processed(any_world, runs=1)


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
    assert all_processed(world, runs=1)


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
    world.reconfigure("ObjectCreated", OUTPUT_PREFIX="processed/")


@pytest.mark.case(4)
def test_duplicate_that_says_another_time_is_no_mismatch(world):
    landed = world.land(KEY)
    world.drain()
    landed.event["time"] = "2026-11-22T09:00:00Z"
    world.send(landed)
    world.drain()
    assert world.metrics["DuplicateDeliveries", ""] == 1
    assert world.metrics["InputMismatches", ""] == 0


@pytest.mark.case(5)
def test_overwritten_key_has_two_runs(any_world):
    landings = []
    for body in (b"one", b"two"):
        landings.append(any_world.land(KEY, body))
        any_world.start_runs()
    found = placed(any_world)
    assert [len(found[landed]) for landed in landings] == [1, 1]
    assert all_processed(any_world, runs=2)


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
    assert all_processed(collecting, runs=1)


@pytest.mark.case(6)
@pytest.mark.parametrize(("mode", "runs"), [("arrival", [1, 1]), ("schedule", [0, 1])])
def test_events_out_of_order_start_both_runs_or_supersede_the_older_version(new_world, mode, runs):
    world = new_world(mode)
    older, newer = (world.land(KEY, body, copies=0) for body in (b"one", b"two"))
    for landed in (newer, older):
        world.send(landed)
        world.start_runs()
    assert [len(placed(world)[landed]) for landed in (older, newer)] == runs
    assert all_processed(world, runs=sum(runs))


@pytest.mark.case(6)
def test_sequencers_compare_padded_on_the_right_and_not_as_numbers(collecting):
    def sequenced(sequencer):
        return lambda detail: detail["object"].update(sequencer=sequencer)

    older = collecting.land(KEY, b"one", change=sequenced("006B02A4A2C5F96E7500AA"))
    newer = collecting.land(KEY, b"two", change=sequenced("006B02A4A2C5F96E76"))
    collecting.start_runs()
    assert [len(placed(collecting)[landed]) for landed in (older, newer)] == [0, 1]


@pytest.mark.case(9)
def test_response_of_start_execution_lost_is_found_again_by_the_next_delivery(world):
    world.land(KEY)
    world.faults.when("stepfunctions", "start_execution", response_lost())
    [failed] = world.drain()
    assert len(failed.answer["batchItemFailures"]) == 1
    [again] = world.later()
    assert again.answer == NOTHING_FAILED
    assert world.faults.counts["stepfunctions", "start_execution"] == 2
    assert world.metrics["DuplicateDeliveries", ""] == 1
    assert len(world.executions()) == 1


@pytest.mark.case(9, 10)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("death", DEATHS)
def test_function_that_dies_at_any_call_of_a_batch_leaves_no_doubles_and_nothing_lost(mode, death):
    for world in at_each_call(lambda: World(mode), lambda _: death(), "ObjectCreated"):
        landings = [world.land(f"incoming/{number}.jsonl") for number in range(2)]
        world.drain()
        assert violations(world) == []
        world.later()
        world.start_runs()
        assert [len(placed(world)[landed]) for landed in landings] == [1, 1]
