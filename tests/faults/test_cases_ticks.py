"""Ticks that die at any call, overlap at any call, come twice or late; manifests that race."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest

from .faulty import killed_before, meanwhile
from .invariants import placed, violations
from .thorough import BETWEEN, DEATHS, at_each_call, counts
from .world import World

DUE, LATER_DUE = "2026-11-22T09:00:00Z", "2026-11-22T10:00:00Z"
KEYS = ("incoming/a.jsonl", "incoming/b.jsonl", "incoming/c.jsonl")
CLAIM_GRACE = 1300


@contextmanager
def two_wait():
    with World("schedule", MaxObjectsPerRun="2") as world:
        for key in KEYS[:2]:
            world.land(key, stored=False)
        world.drain()
        yield world


@contextmanager
def three_wait():
    with two_wait() as world:
        world.land(KEYS[2], stored=False)
        world.drain()
        yield world


def all_well(world):
    world.drain("statuses")
    assert all(len(runs) == 1 for runs in placed(world).values())
    return violations(world, settled=True) == []


def unclaimed(world):
    return not any("claimed_by" in item for item in world.waiting().values())


def overwrite(world):
    world.land(KEYS[0], b"newer", stored=False)
    world.drain()


@pytest.mark.case(28)
@pytest.mark.parametrize("death", DEATHS)
def test_tick_that_dies_at_any_call_is_finished_by_its_retry(death):
    for world in at_each_call(three_wait, lambda _: death(), "Schedule"):
        tick = world.tick()
        assert violations(world) == []
        world.faults.heal()
        assert world.retry(tick).answer["Objects"] == 3
        assert len(world.executions()) == 2
        assert all_well(world)


@pytest.mark.case(28)
@pytest.mark.parametrize("death", DEATHS)
def test_tick_that_dies_at_any_call_is_finished_or_undone_by_reconcile_alone(death):
    for world in at_each_call(two_wait, lambda _: death(), "Schedule"):
        world.tick()
        world.faults.heal()
        world.give_up_ticks()
        assert violations(world) == []
        world.clock.advance(CLAIM_GRACE)
        assert world.reconcile(None).ok
        assert violations(world) == []
        assert unclaimed(world)
        world.tick()
        assert all_well(world)


@pytest.mark.case(28)
def test_reconcile_that_dies_at_any_call_is_finished_by_the_next():
    for world in at_each_call(two_wait, lambda _: killed_before(), "Reconcile", step=2):
        world.machine.limit = 0
        assert not world.tick().ok
        world.give_up_ticks()
        world.machine.limit = None
        world.clock.advance(CLAIM_GRACE)
        world.reconcile(None)
        assert violations(world) == []
        world.faults.heal()
        assert world.reconcile(None).ok
        assert len(world.executions()) == 1
        assert all_well(world)


@pytest.mark.case(6, 29)
@pytest.mark.parametrize("when", BETWEEN)
@pytest.mark.parametrize(
    ("other", "leaves_something"),
    [
        pytest.param(lambda world: world.tick(DUE), False, id="same tick"),
        pytest.param(lambda world: world.tick(LATER_DUE), False, id="other tick"),
        pytest.param(lambda world: world.reconcile(0), True, id="reconcile in a hurry"),
        pytest.param(overwrite, True, id="newer version"),
        pytest.param(lambda world: (overwrite(world), world.tick(DUE)), True, id="version, tick"),
    ],
)
def test_whatever_overlaps_a_tick_at_any_call_no_landing_is_lost_or_in_two_manifests(
    when, other, leaves_something
):
    """A slow attempt may claim a newer version after another has written the list of its run."""
    for world in at_each_call(two_wait, lambda world: when(lambda: other(world)), "Schedule"):
        assert world.tick(DUE).ok
        assert violations(world) == []
        world.faults.heal()
        if leaves_something:
            world.tick()
        world.drain("statuses")
        assert violations(world, settled=True) == []


@pytest.mark.case(29)
def test_tick_that_dies_while_another_overlaps_forgets_nothing():
    for world in at_each_call(two_wait, lambda _: killed_before(), "Schedule", first=3):
        other = meanwhile(lambda world=world: world.tick(LATER_DUE))
        world.faults.at(2, other, "Schedule", fitting=counts)
        world.tick(DUE)
        assert violations(world) == []
        world.faults.heal()
        assert all(attempt.ok for attempt in world.retry_ticks())
        assert all_well(world)


@pytest.mark.case(29)
def test_ticks_over_indexes_that_lag_put_no_landing_into_two_manifests():
    for world in at_each_call(two_wait, lambda _: killed_before(), "Schedule", first=1, step=4):
        world.freeze_indexes()
        first = world.tick()
        world.tick()
        world.retry(first)
        assert violations(world) == []
        overwrite(world)
        world.tick()
        world.reconcile(0)
        assert violations(world) == []


@pytest.mark.case(27)
def test_landing_that_loses_the_race_for_its_manifest_goes_on_with_what_stands(world):
    world.land(KEYS[0], copies=2)
    [first] = world.landings.receive(1)
    world.faults.when("s3", "put_object", meanwhile(world.drain))
    assert world.hand("landings", [first]).answer == {"batchItemFailures": []}
    assert world.faults.counts["s3", "put_object"] == 2
    assert len(world.manifests()) == len(world.executions()) == 1


def is_manifest(call):
    return not call.arguments["Key"].endswith(".landings.json")


@pytest.mark.case(27)
@pytest.mark.parametrize("others", [(), (KEYS[1],)])
def test_tick_that_loses_the_race_for_its_manifest_goes_on_with_what_stands(collecting, others):
    """The attempt that wins may have read more landings than the one that loses."""
    collecting.land(KEYS[0])
    collecting.drain()

    def overtake():
        for key in others:
            collecting.land(key)
        collecting.drain()
        collecting.tick(DUE)

    collecting.faults.when("s3", "put_object", meanwhile(overtake), fitting=is_manifest)
    assert collecting.tick(DUE).answer["Objects"] == 1 + len(others)
    assert collecting.faults.counts["s3", "put_object"] == 4  # a list and a manifest, twice
    [run] = collecting.manifests()
    assert sorted(collecting.keys(run)) == [KEYS[0], *others]
    assert unclaimed(collecting)
    assert all_well(collecting)


@pytest.mark.case(17)
@pytest.mark.parametrize("parameters", [{"start_on": "schedule"}, {"ScheduledInput": "incoming/"}])
def test_schedule_that_fires_twice_or_late_has_one_run_for_its_scheduled_time(
    new_world, parameters
):
    world = new_world(**parameters)
    collects = world.start_on == "schedule"
    for key in KEYS[:2]:
        world.land(key, expected=collects, copies=int(collects))
    world.drain()
    world.clock.advance(7200)
    first, *again = [world.tick(DUE).answer for _ in range(3)]
    assert first["Objects"] == 2
    assert again == [first, first]
    world.land(KEYS[2], expected=collects, copies=int(collects))
    assert world.tick(DUE).answer == first
    [execution] = world.executions().values()
    assert json.loads(execution.input)["Trigger"]["ScheduledTime"] == DUE
    assert violations(world) == []


@pytest.mark.case(4, 17)
@pytest.mark.parametrize("parameters", [{"start_on": "schedule"}, {"ScheduledInput": "incoming/"}])
def test_tick_again_after_a_configuration_change_counts_the_mismatch(new_world, parameters):
    world = new_world(**parameters)
    collects = world.start_on == "schedule"
    world.land(KEYS[0], expected=collects, copies=int(collects))
    world.drain()
    first = world.tick(DUE).answer
    world.reconfigure("Schedule", OUTPUT_PREFIX="elsewhere/")
    assert world.tick(DUE).answer == first
    assert world.metrics["InputMismatches", ""] == 1
    assert len(world.executions()) == 1


@pytest.mark.case(17)
def test_ticks_of_different_times_have_runs_of_their_own(new_world):
    world = new_world(ScheduledInput="incoming/")
    world.land(KEYS[0], copies=0)
    runs = [world.tick().answer["PreprocessingJobName"] for _ in range(2)]
    assert len(set(runs)) == 2


@pytest.mark.case(17)
def test_tick_over_nothing_that_waits_starts_none(collecting):
    assert collecting.tick().answer == {"Objects": 0}
    assert collecting.manifests() == {}
