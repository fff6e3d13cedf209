"""Ticks that die at any call, overlap at any call, come twice or late; manifests that race."""

import json
from contextlib import contextmanager
from functools import partial

import pytest

from landrun.services import collect_landings, reconcile

from .faulty import DEATHS, at_each_call, killed_before, meanwhile
from .invariants import placed, violations
from .world import World

DUE, LATER_DUE = "2026-11-22T09:00:00Z", "2026-11-22T10:00:00Z"
KEYS = ("incoming/a.jsonl", "incoming/b.jsonl", "incoming/c.jsonl")
CLAIM_GRACE = 1300
MODES = [{"start_on": "schedule"}, {"ScheduledInput": "incoming/"}]


def land(world, count, **more):
    for number in range(count):
        world.land(f"incoming/{number}.jsonl", **more)
    world.drain()


@contextmanager
def some_wait(most="2", waiting=2):
    with World("schedule", MaxObjectsPerRun=most) as world:
        for key in KEYS[:waiting]:
            world.land(key)
        world.drain()
        yield world


three_wait = partial(some_wait, waiting=3)


def assert_all_well(world):
    world.drain("statuses")
    assert all(len(runs) == 1 for runs in placed(world).values())
    assert violations(world, settled=True) == []


def unclaimed(world):
    return not any("claimed_by" in item for item in world.waiting())


def overwrite(world):
    world.land(KEYS[0], b"newer")
    world.drain()


def sizes(world):
    return [len(world.keys(name)) for name in world.executions()]


def triggers(world):
    return [json.loads(execution.input)["Trigger"] for execution in world.executions().values()]


# ---- 28: deaths


@pytest.mark.case(28)
@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("by", ["its retry", "reconcile"])
def test_tick_that_dies_at_any_call_is_finished_or_undone(death, by):
    for world in at_each_call(three_wait, death(), "Schedule", step=5):
        tick = world.tick()
        assert violations(world) == []
        world.faults.heal()
        if by == "its retry":
            assert world.retry(tick).answer["Objects"] == 3
            assert len(world.executions()) == 2
        else:
            world.give_up_ticks()
            world.clock.advance(CLAIM_GRACE)
            assert world.reconcile(None).ok
            assert violations(world) == []
            assert unclaimed(world)
            world.tick()
        assert_all_well(world)


@pytest.mark.case(28)
def test_reconcile_that_dies_at_any_call_is_finished_by_the_next():
    for world in at_each_call(some_wait, killed_before(), "Reconcile", step=6):
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
        assert_all_well(world)


# ---- 29: overlaps


@pytest.mark.case(6, 29)
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
    other, leaves_something
):
    """A slow attempt may claim a newer version after another has written the list of its run."""

    for world in at_each_call(some_wait, meanwhile(other), "Schedule", first=1, step=4):
        assert world.tick(DUE).ok
        assert violations(world) == []
        world.faults.heal()
        if leaves_something:
            world.tick()
        world.drain("statuses")
        assert violations(world, settled=True) == []


@pytest.mark.case(29)
def test_ticks_over_indexes_that_lag_put_no_landing_into_two_manifests():
    for world in at_each_call(some_wait, killed_before(), "Schedule", first=1, step=6):
        world.freeze_indexes()
        first = world.tick()
        world.tick()
        world.retry(first)
        assert violations(world) == []
        overwrite(world)
        world.tick()
        world.reconcile(0)
        assert violations(world) == []


# ---- 27: manifests that race


def is_manifest(call):
    return not call.arguments["Key"].endswith(".landings.json")


@pytest.mark.case(27)
@pytest.mark.parametrize("others", [(), (KEYS[1],)])
def test_tick_that_loses_the_race_for_its_manifest_goes_on_with_what_stands(collecting, others):
    """The attempt that wins may have read more landings than the one that loses."""
    collecting.land(KEYS[0])
    collecting.drain()

    def overtake(collecting):
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
    assert_all_well(collecting)


# ---- 17: schedules that fire twice, late or over nothing


@pytest.mark.case(17)
@pytest.mark.parametrize("parameters", MODES)
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
    [trigger] = triggers(world)
    assert trigger["ScheduledTime"] == DUE
    assert world.tick(LATER_DUE).ok
    assert len(world.executions()) == (1 if collects else 2)  # a landing without its event


@pytest.mark.case(4, 17)
@pytest.mark.parametrize("parameters", MODES)
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


@pytest.mark.parametrize(
    ("name", "input_format"),
    [("schedule-tick", "manifest"), ("schedule-classic", "uri"), ("schedule-default-input", "uri")],
)
def test_a_tick_starts_one_run_over_what_lies_under_the_prefix(load_event, name, input_format):
    event, found = load_event(name), {"/": b"", "/b.csv": b"", "/../e.csv": b"data"}
    with World(ScheduledInput="incoming/{date:%Y}/") as world:
        world.reconfigure("Schedule", INPUT_MESSAGE_FORMAT=input_format)
        for key, body in {"/a.csv": b"data", "/c+d.csv": b"data", **found}.items():
            world.land(f"incoming/2026{key}", body, copies=0)
        world.land("incoming/2025/old.csv", copies=0)
        answer = world.invoke("Schedule", event).answer
        [(run, execution)] = world.executions().items()
        assert world.keys(run) == ["incoming/2026/a.csv", "incoming/2026/c+d.csv"]
    assert answer == {"PreprocessingJobName": run, "ExecutionArn": execution.arn, "Objects": 2}
    arn = event["ScheduleArn"] if name == "schedule-tick" else event["resources"][0]
    due = "2026-11-22T03:00:00Z"
    assert triggers(world) == [{"Kind": "schedule", "ScheduleArn": arn, "ScheduledTime": due}]
    prefix = f"s3://{world.stack.name('LandingBucket')}/incoming/2026/"
    assert (json.loads(execution.input)["InputMessage"] == prefix) == (input_format == "uri")
    for reason in ("folder-marker", "zero-bytes", "unreadable-key"):
        assert world.metrics["LandingsIgnored", reason] == 1


# ---- What a tick reads


@pytest.mark.case(17)
@pytest.mark.parametrize(("waiting", "objects"), [(0, []), (1, [1]), (3, [3]), (7, [3, 3, 1])])
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
    bodies = [collecting.manifest(run) for run in collecting.manifests()]
    landings = collecting.stack.name("LandingBucket")
    assert {body[0]["prefix"] for body in bodies} == {f"s3://{landings}/", "s3://others/"}


def test_claims_over_a_limit_that_was_lowered_since_are_released(collecting):
    land(collecting, 3)
    collecting.faults.when("s3", "put_object", killed_before())  # before its manifest
    assert not collecting.tick().ok
    collecting.faults.heal()
    collecting.give_up_ticks()
    for function in ("Schedule", "Reconcile"):
        collecting.reconfigure(function, MAX_OBJECTS_PER_RUN="2")
    collecting.clock.advance(CLAIM_GRACE)
    assert collecting.reconcile(None).answer["Claims"] == 1
    assert sizes(collecting) == [2]
    assert collecting.tick().answer["Objects"] == 1


@pytest.mark.parametrize(("most", "runs"), [("1", [2, 1, 0]), ("3", [1, 0, 0])])
def test_when_no_tick_will_come_a_bounded_number_of_runs_is_started_for_what_waits(
    new_world, monkeypatch, most, runs
):
    monkeypatch.setattr(reconcile, "LOOK_UPS", 2)
    world = new_world("schedule", MaxObjectsPerRun=most)
    land(world, 3)
    for function in ("Schedule", "Reconcile"):
        world.reconfigure(function, START_ON="arrival")
    world.start_on = "arrival"
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
