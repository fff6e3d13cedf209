"""What is delivered again, at the same time, late or out of order: one run for each version."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from .faulty import Fault, response_lost
from .invariants import placed, violations
from .thorough import BETWEEN, DEATHS
from .world import World

KEY = "incoming/2026/11/22/messages.jsonl"
MODES = ("arrival", "schedule")


def start_what_waits(world: World) -> None:
    """In the collecting mode a tick has to come before there are runs."""
    if world.start_on == "schedule":
        assert world.tick().ok


def all_processed(world: World, runs: int) -> bool:
    """Whether so many runs, with one execution each, and nothing else came of it all."""
    assert world.settle() == []
    return len(world.manifests()) == len(world.executions()) == runs


@pytest.mark.case(1)
@pytest.mark.parametrize("mode", MODES)
def test_same_event_many_times_in_sequence_starts_one_execution(
    new_world: Callable[..., World], mode: str
) -> None:
    world = new_world(mode)
    landed = world.land(KEY)
    for _ in range(5):
        assert [outcome.ok for outcome in world.drain()] == [True]
        world.send(landed)
    start_what_waits(world)
    world.send(landed)
    world.drain()
    start_what_waits(world)
    assert len(world.executions()) == 1
    assert all_processed(world, runs=1)


@pytest.mark.case(2)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("when", BETWEEN)
def test_same_event_twice_at_once_starts_one_execution_however_they_interleave(
    new_world: Callable[..., World], mode: str, when: Callable[[Any], Fault]
) -> None:
    for at in range(2):
        with World(mode) as world:
            world.land(KEY, copies=2)
            [first] = world.landings.receive(1)
            world.faults.at(at, when(lambda world=world: world.drain()), function="ObjectCreated")
            assert world.hand("landings", [first]).answer == {"batchItemFailures": []}
            start_what_waits(world)
            assert len(world.executions()) == 1
            assert all_processed(world, runs=1)


@pytest.mark.case(3)
@pytest.mark.parametrize("mode", MODES)
def test_duplicate_after_the_run_has_closed_succeeds_and_starts_no_second(
    new_world: Callable[..., World], mode: str
) -> None:
    world = new_world(mode)
    landed = world.land(KEY)
    world.drain()
    start_what_waits(world)
    [run] = world.running()
    world.finish(run)
    world.clock.advance(86_400)
    world.send(landed)
    assert [outcome.answer for outcome in world.drain()] == [{"batchItemFailures": []}]
    start_what_waits(world)
    assert world.metrics["DuplicateDeliveries", ""] == 1
    assert all_processed(world, runs=1)


@pytest.mark.case(4)
@pytest.mark.parametrize("closed", [False, True])
def test_duplicate_after_a_configuration_change_finds_the_same_run_and_counts_the_mismatch(
    world: World, closed: bool
) -> None:
    landed = world.land(KEY)
    world.drain()
    [run] = world.running()
    if closed:
        world.finish(run)
    before = world.executions()[run].input
    world.reconfigure("ObjectCreated", OUTPUT_PREFIX="elsewhere/")
    world.send(landed)
    assert [outcome.answer for outcome in world.drain()] == [{"batchItemFailures": []}]
    assert world.metrics["InputMismatches", ""] == 1
    assert world.executions()[run].input == before
    assert all_processed(world, runs=1)


@pytest.mark.case(4)
def test_duplicate_under_the_same_configuration_is_no_mismatch(world: World) -> None:
    landed = world.land(KEY)
    world.drain()
    world.finish(world.running()[0])
    world.send(landed)
    world.drain()
    assert world.metrics["InputMismatches", ""] == 0


@pytest.mark.case(5)
def test_overwritten_key_has_two_runs(world: World) -> None:
    first, second = world.land(KEY, b"one"), world.land(KEY, b"two")
    world.drain()
    triggers = {one.input for one in world.executions().values()}
    assert {version in text for text in triggers for version in [first.version]} == {True, False}
    assert {version in text for text in triggers for version in [second.version]} == {True, False}
    assert all_processed(world, runs=2)


@pytest.mark.case(5)
def test_key_overwritten_between_ticks_has_two_runs(new_world: Callable[..., World]) -> None:
    world = new_world("schedule")
    first = world.land(KEY, b"one")
    world.drain()
    world.tick()
    second = world.land(KEY, b"two")
    world.drain()
    world.tick()
    found = placed(world)
    assert [len(found[one]) for one in (first, second)] == [1, 1]
    assert found[first] != found[second]
    assert all_processed(world, runs=2)


@pytest.mark.case(5, 6)
@pytest.mark.parametrize("late", [False, True])
def test_key_overwritten_before_the_tick_is_processed_once_and_newest(
    new_world: Callable[..., World], late: bool
) -> None:
    world = new_world("schedule")
    versions = [world.land(KEY, body, copies=0) for body in (b"one", b"two", b"three")]
    for landed in reversed(versions) if late else versions:
        world.send(landed)
        world.drain()
    world.tick()
    assert [len(runs) for runs in placed(world).values()] == [0, 0, 1]
    assert world.metrics["LandingsSuperseded", ""] == 2
    assert all_processed(world, runs=1)


@pytest.mark.case(6)
def test_events_out_of_order_start_both_runs(world: World) -> None:
    older, newer = (world.land(KEY, body, copies=0) for body in (b"one", b"two"))
    for landed in (newer, older):
        world.send(landed)
        world.drain()
    assert all_processed(world, runs=2)


@pytest.mark.case(6)
def test_older_version_that_comes_after_its_newer_one_was_processed_is_superseded(
    new_world: Callable[..., World],
) -> None:
    world = new_world("schedule")
    older, newer = (world.land(KEY, body, copies=0) for body in (b"one", b"two"))
    world.send(newer)
    world.drain()
    world.tick()
    world.send(older)
    world.drain()
    assert world.tick().answer == {"Objects": 0}
    assert [len(placed(world)[landed]) for landed in (older, newer)] == [0, 1]
    assert all_processed(world, runs=1)


@pytest.mark.case(6)
def test_sequencers_compare_padded_on_the_right_and_not_as_numbers(
    new_world: Callable[..., World],
) -> None:
    world = new_world("schedule")

    def sequenced(sequencer: str) -> Callable[[dict[str, Any]], None]:
        return lambda detail: detail["object"].update(sequencer=sequencer)

    older = world.land(KEY, b"one", change=sequenced("006B02A4A2C5F96E7500AA"))
    newer = world.land(KEY, b"two", change=sequenced("006B02A4A2C5F96E76"))
    world.drain()
    world.tick()
    assert [len(placed(world)[landed]) for landed in (older, newer)] == [0, 1]


@pytest.mark.case(9)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("at", [0, 1])
def test_response_lost_after_any_call_starts_one_execution(
    new_world: Callable[..., World], mode: str, at: int
) -> None:
    world = new_world(mode)
    world.land(KEY)
    world.faults.at(at, response_lost(), function="ObjectCreated")
    [outcome] = world.drain()
    lost = len(outcome.answer["batchItemFailures"])
    assert lost == world.faults.injected["response lost"]
    world.later()
    start_what_waits(world)
    assert len(world.executions()) == 1
    assert all_processed(world, runs=1)


@pytest.mark.case(9)
def test_response_of_start_execution_lost_is_found_again_by_the_next_delivery(world: World) -> None:
    world.land(KEY)
    world.faults.when("stepfunctions", "start_execution", response_lost())
    [failed] = world.drain()
    assert len(failed.answer["batchItemFailures"]) == 1
    [again] = world.later()
    assert again.answer == {"batchItemFailures": []}
    assert world.faults.counts["stepfunctions", "start_execution"] == 2
    assert world.metrics["DuplicateDeliveries", ""] == 1
    assert len(world.executions()) == 1


@pytest.mark.case(10)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kill", DEATHS)
def test_function_that_dies_at_any_call_of_a_batch_leaves_no_doubles_and_nothing_lost(
    mode: str, kill: Callable[[], Fault]
) -> None:
    keys = [f"incoming/{number}.jsonl" for number in range(2)]
    for at in range(len(keys) * (2 if mode == "arrival" else 1)):
        with World(mode) as world:
            landings = [world.land(key) for key in keys]
            world.faults.at(at, kill(), function="ObjectCreated")
            world.drain()
            assert sum(world.faults.injected.values()) == 1
            assert violations(world) == []
            world.later()
            start_what_waits(world)
            assert _each_in_one(placed(world)[landed] for landed in landings)
            assert world.settle() == []


def _each_in_one(runs: Iterable[list[str]]) -> bool:
    return all(len(names) == 1 for names in runs)
