"""Ticks that die at any call, overlap at any call, come twice or late; manifests that race."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .faulty import Call, Fault, killed_before, meanwhile
from .invariants import placed, violations
from .thorough import BETWEEN, DEATHS, THOROUGH, counts
from .world import World

DUE = "2026-11-22T09:00:00Z"
KEYS = ("incoming/a.jsonl", "incoming/b.jsonl")


def collecting(objects_per_run: int) -> World:
    """Open a World in which two landings wait."""
    world = World("schedule", MaxObjectsPerRun=str(objects_per_run))
    world.__enter__()
    for key in KEYS:
        world.land(key, stored=False)
    world.drain()
    return world


def at_each_call(
    make: Callable[[World], Fault],
    function: str = "Schedule",
    *,
    first: int = 0,
    step: int = 1,
    objects_per_run: int = 2,
) -> Iterator[World]:
    """Give Worlds with a fault at a function's call 0, 1, 2 …, until a call is not reached."""
    for at in itertools.count(first, 1 if THOROUGH else step):
        world = collecting(objects_per_run)
        try:
            fault = make(world)
            world.faults.at(at, fault, function, fitting=counts)
            yield world
            if fault.name not in world.faults.injected:
                assert at > first, "no call was ever hit"
                return
        finally:
            world.__exit__()


def all_well(world: World) -> bool:
    """Whether every landing is in one manifest, and nothing waits or is wrong."""
    world.drain("statuses")
    assert all(len(runs) == 1 for runs in placed(world).values())
    return violations(world, settled=True) == []


def as_such(fault: Callable[[], Fault]) -> Callable[[World], Fault]:
    """Make a fault that needs no World."""
    return lambda _: fault()


def all_in_one_each(world: World) -> bool:
    return all(len(runs) == 1 for runs in placed(world).values())


@pytest.mark.case(28)
@pytest.mark.parametrize("death", DEATHS)
def test_tick_that_dies_at_any_call_is_finished_by_its_retry(death: Callable[[], Fault]) -> None:
    for world in at_each_call(as_such(death), objects_per_run=1):
        tick = world.tick()
        assert violations(world) == []
        world.faults.heal()
        assert world.retry(tick).answer["Objects"] == 2
        assert len(world.executions()) == 2
        assert all_well(world)


@pytest.mark.case(28)
@pytest.mark.parametrize("death", DEATHS)
def test_tick_that_dies_at_any_call_is_finished_or_undone_by_reconcile_alone(
    death: Callable[[], Fault],
) -> None:
    for world in at_each_call(as_such(death)):
        world.tick()
        world.faults.heal()
        world.give_up_ticks()
        assert violations(world) == []
        world.clock.advance(1300)
        assert world.reconcile(None).ok
        assert violations(world) == []
        assert not any("claimed_by" in item for item in world.waiting().values())
        world.tick()
        assert all_well(world)


@pytest.mark.case(28)
def test_reconcile_that_dies_at_any_call_is_finished_by_the_next() -> None:
    for world in at_each_call(as_such(killed_before), "Reconcile", step=2):
        world.machine.limit = 0
        assert not world.tick().ok
        world.give_up_ticks()
        world.machine.limit = None
        world.clock.advance(1300)
        world.reconcile(None)
        assert violations(world) == []
        world.faults.heal()
        assert world.reconcile(None).ok
        assert len(world.executions()) == 1
        assert all_well(world)


@pytest.mark.case(29)
@pytest.mark.parametrize("when", BETWEEN)
@pytest.mark.parametrize("other", ["same tick", "other tick", "reconcile"])
def test_ticks_that_overlap_at_any_call_put_no_landing_into_two_manifests(
    when: Callable[[Any], Fault], other: str
) -> None:
    acts: dict[str, Callable[[World], Any]] = {
        "same tick": lambda world: world.tick(DUE),
        "other tick": lambda world: world.tick("2026-11-22T10:00:00Z"),
        "reconcile": lambda world: world.reconcile(0),
    }
    for world in at_each_call(lambda world: when(lambda: acts[other](world))):
        assert world.tick(DUE).ok
        assert violations(world) == []
        world.faults.heal()
        if other == "reconcile":  # in a hurry, it may have left something waiting
            world.tick()
        assert all_well(world)


@pytest.mark.case(29)
def test_tick_that_dies_while_another_overlaps_forgets_nothing() -> None:
    for world in at_each_call(as_such(killed_before), first=3):
        other = meanwhile(lambda world=world: world.tick("2026-11-22T10:00:00Z"))
        world.faults.at(2, other, "Schedule", fitting=counts)
        world.tick(DUE)
        assert violations(world) == []
        world.faults.heal()
        assert all(attempt.ok for attempt in world.retry_ticks())
        assert all_well(world)


@pytest.mark.case(6, 29)
@pytest.mark.parametrize("when", BETWEEN)
def test_key_overwritten_at_any_call_of_a_tick_has_its_newest_version_in_one_manifest(
    when: Callable[[Any], Fault],
) -> None:
    for world in at_each_call(lambda world: when(lambda: overwrite(world))):
        assert world.tick().ok
        assert violations(world) == []
        world.faults.heal()
        world.tick()
        world.drain("statuses")
        assert violations(world, settled=True) == []


def overwrite(world: World) -> None:
    world.land(KEYS[0], b"newer", stored=False)
    world.drain()


@pytest.mark.case(29)
def test_key_overwritten_between_two_attempts_that_overlap_at_any_call_is_not_lost() -> None:
    """A slow attempt may claim a newer version after another has written the list of its run."""

    def overwrite_and_retry(world: World) -> None:
        overwrite(world)
        world.tick(DUE)

    for world in at_each_call(lambda world: meanwhile(lambda: overwrite_and_retry(world))):
        assert world.tick(DUE).ok
        assert violations(world) == []
        world.faults.heal()
        world.tick()
        world.drain("statuses")
        assert violations(world, settled=True) == []


@pytest.mark.case(29)
def test_ticks_over_indexes_that_lag_put_no_landing_into_two_manifests() -> None:
    for world in at_each_call(as_such(killed_before), first=1, step=4):
        world.freeze_indexes()
        first = world.tick()
        world.tick()
        world.retry(first)
        assert violations(world) == []
        overwrite(world)
        world.tick()
        world.reconcile(0)
        assert violations(world) == []
        assert world.settle() == []


@pytest.mark.case(27)
def test_landing_that_loses_the_race_for_its_manifest_goes_on_with_what_stands(
    world: World,
) -> None:
    world.land(KEYS[0], copies=2)
    [first] = world.landings.receive(1)
    world.faults.when("s3", "put_object", meanwhile(world.drain))
    assert world.hand("landings", [first]).answer == {"batchItemFailures": []}
    assert world.faults.counts["s3", "put_object"] == 2
    assert len(world.manifests()) == len(world.executions()) == 1
    assert world.settle() == []


@pytest.mark.case(27)
def test_tick_that_loses_the_race_for_its_manifest_goes_on_with_what_stands(
    new_world: Callable[..., World],
) -> None:
    world = new_world("schedule")
    world.land(KEYS[0])
    world.drain()
    overtake = meanwhile(lambda: world.tick(DUE))
    world.faults.when("s3", "put_object", overtake, fitting=is_manifest)
    assert world.tick(DUE).answer["Objects"] == 1
    assert len([call for call in world.faults.of("s3", "put_object") if is_manifest(call)]) == 2
    assert len(world.executions()) == 1
    assert all_well(world)


def is_manifest(call: Call) -> bool:
    return not call.arguments["Key"].endswith(".landings.json")


@pytest.mark.case(27)
def test_attempt_that_loses_the_race_with_other_landings_lets_go_of_what_is_not_in(
    new_world: Callable[..., World],
) -> None:
    world = new_world("schedule")
    world.land(KEYS[0])
    world.drain()

    def overtake() -> None:
        world.land(KEYS[1])
        world.drain()
        world.tick(DUE)

    world.faults.when("s3", "put_object", meanwhile(overtake), fitting=is_manifest)
    world.tick(DUE)
    [run] = world.manifests()
    assert sorted(world.keys(run)) == list(KEYS)
    assert not any("claimed_by" in item for item in world.waiting().values())
    assert world.settle() == []


@pytest.mark.case(17)
@pytest.mark.parametrize("parameters", [{"start_on": "schedule"}, {"ScheduledInput": "incoming/"}])
def test_schedule_that_fires_twice_or_late_has_one_run_for_its_scheduled_time(
    new_world: Callable[..., World], parameters: dict[str, str]
) -> None:
    world = new_world(**parameters)
    for key in KEYS:
        world.land(key, expected="start_on" in parameters)
    if "start_on" in parameters:
        world.drain()
    else:
        world.landings.messages.clear()
    world.clock.advance(7200)
    answers = [world.tick(DUE).answer for _ in range(3)]
    assert answers[0]["Objects"] == len(KEYS)
    assert answers == [answers[0]] * 3
    world.land("incoming/d.jsonl", expected="start_on" in parameters)
    assert world.tick(DUE).answer == answers[0]
    [execution] = world.executions().values()
    assert json.loads(execution.input)["Trigger"]["ScheduledTime"] == DUE
    assert violations(world) == []


@pytest.mark.case(17)
def test_ticks_of_different_times_have_runs_of_their_own(new_world: Callable[..., World]) -> None:
    world = new_world(ScheduledInput="incoming/")
    world.land(KEYS[0], copies=0)
    runs = [world.tick().answer["PreprocessingJobName"] for _ in range(2)]
    assert len(set(runs)) == 2
    assert world.settle() == []


@pytest.mark.case(17)
def test_tick_over_nothing_that_waits_starts_none(new_world: Callable[..., World]) -> None:
    world = new_world("schedule")
    assert world.tick().answer == {"Objects": 0}
    assert world.manifests() == {}
    assert world.settle() == []
