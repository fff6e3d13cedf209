"""Ticks over pending landings: what each run reads, and what it leaves to another."""

from __future__ import annotations

import json

import pytest

from landrun.services import collect_landings, reconcile

from .faulty import killed_after, killed_before

CLAIM_GRACE = 1300


def land(world, count, **more):
    for number in range(count):
        world.land(f"incoming/{number}.jsonl", stored=False, **more)
    world.drain()


def sizes(world):
    return [len(world.keys(name)) for name in world.executions()]


def triggers(world):
    return [json.loads(execution.input)["Trigger"] for execution in world.executions().values()]


@pytest.mark.parametrize(
    ("waiting", "objects"), [(0, []), (1, [1]), (3, [3]), (4, [3, 1]), (6, [3, 3]), (7, [3, 3, 1])]
)
def test_a_tick_is_one_run_over_all_that_waits_or_several_full_ones(
    new_world, monkeypatch, waiting, objects
):
    monkeypatch.setattr(collect_landings, "_CHUNK", 2)
    world = new_world("schedule", MaxObjectsPerRun="3")
    land(world, waiting)
    answer = world.tick().answer
    assert (answer["Objects"], sizes(world)) == (waiting, objects)
    assert [found.get("Part") for found in triggers(world)] == [None, 1, 2][: len(objects)]
    assert [run["Objects"] for run in answer.get("Runs", [])] == objects * (len(objects) > 1)


def test_a_run_reads_one_bucket_and_a_tick_all_of_them(collecting):
    land(collecting, 2)
    land(collecting, 2, change=lambda detail: detail["bucket"].update(name="others"))
    assert collecting.tick().answer["Objects"] == 4
    assert sizes(collecting) == [2, 2]
    manifests = collecting.manifests().values()
    prefixes = {json.loads(manifest.body)[0]["prefix"] for manifest in manifests}
    landings = collecting.stack.name("LandingBucket")
    assert prefixes == {f"s3://{landings}/", "s3://others/"}


@pytest.mark.parametrize("most", ["1", "3"])
def test_what_another_run_has_claimed_is_left_to_it_and_is_no_reason_for_a_further_run(
    new_world, most
):
    world = new_world("schedule", MaxObjectsPerRun=most)
    land(world, 2)
    world.faults.when("dynamodb", "update_item", killed_after())
    died = world.tick()
    answer = world.tick().answer
    assert (answer["Objects"], "Runs" in answer) == (1, False)
    assert world.retry(died).answer["Objects"] == 1


def die_before_its_manifest(world):
    """Let a tick claim what it can, and die."""
    world.faults.when("s3", "put_object", killed_before())
    assert not world.tick().ok
    world.faults.heal()
    world.give_up_ticks()


def test_claims_over_a_limit_that_was_lowered_since_are_released(collecting):
    land(collecting, 3)
    die_before_its_manifest(collecting)
    for function in ("Schedule", "Reconcile"):
        collecting.reconfigure(function, MAX_OBJECTS_PER_RUN="2")
    collecting.clock.advance(CLAIM_GRACE)
    assert collecting.reconcile(None).answer["Claims"] == 1
    assert sizes(collecting) == [2]
    assert collecting.tick().answer["Objects"] == 1


def test_dead_runs_are_finished_one_by_one_with_their_own_claims_and_triggers(new_world):
    world = new_world("schedule", MaxObjectsPerRun="2")
    land(world, 3)
    for _ in range(2):
        die_before_its_manifest(world)
    world.land("incoming/d.jsonl")
    world.drain()
    world.clock.advance(CLAIM_GRACE)
    assert world.reconcile(None).answer["Claims"] == 2
    assert sorted(sizes(world)) == [1, 2]
    assert len({found["ScheduledTime"] for found in triggers(world)}) == 2
    assert [item["key"] for item in world.waiting().values() if "waiting" in item] == [
        "incoming/d.jsonl"
    ]


@pytest.mark.parametrize(("most", "runs"), [("1", [2, 1, 0]), ("2", [2, 0, 0]), ("3", [1, 0, 0])])
def test_when_no_tick_will_come_a_bounded_number_of_runs_is_started_for_what_waits(
    new_world, monkeypatch, most, runs
):
    monkeypatch.setattr(reconcile, "LOOK_UPS", 2)
    world = new_world("schedule", MaxObjectsPerRun=most)
    land(world, 3)
    world.switch("arrival")
    assert [world.reconcile(None).answer["Claims"] for _ in range(3)] == runs
    assert triggers(world) == [{"Kind": "manual", "StartedBy": "reconcile"}] * sum(runs)


def test_how_many_landings_wait_and_how_long_is_measured(collecting):
    land(collecting, 1)
    collecting.clock.advance(600)
    collecting.land("incoming/b.jsonl")
    collecting.drain()
    collecting.reconcile(None)
    assert collecting.metrics["LandingsWaiting", ""] == 2
    assert collecting.metrics["OldestLandingAge", ""] == pytest.approx(600, abs=1)
