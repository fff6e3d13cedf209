"""What events lost, and who finds it: reconcile, once for each loss, beside itself too."""

from __future__ import annotations

import pytest

from .faulty import afterwards, killed_after, killed_before, meanwhile, throttled
from .invariants import violations
from .thorough import at_each_call
from .world import World

NOTHING = {"Statuses": 0, "Executions": 0, "Claims": 0, "Manifests": 0, "Notifications": 0}
NOTHING |= {"SlotsNotCounted": 0, "ExecutionsNotResumed": 0, "SlotsNotReleased": 0}
GRACE, CLAIM_GRACE = 601, 1201
"""Seconds after which reconcile's graces are over."""


def lose(world, *statuses):
    """Lose the events of these statuses; deliver the others."""
    world.fate = lambda event: [] if event["detail"]["status"] in statuses else [0]


def started(world):
    """Land an object; give the name of its run."""
    world.land(f"incoming/{len(world.landed)}.jsonl")
    world.drain()
    world.drain("statuses")
    return list(world.executions())[-1]


def reconciled(world, seconds=GRACE, **recovered):
    """Whether reconcile recovers so much after some time, and nothing when it comes again."""
    world.clock.advance(seconds)
    answers = [world.reconcile(None).answer for _ in range(2)]
    return answers == [NOTHING | recovered, NOTHING]


@pytest.mark.case(19)
@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_lost_completion_is_recorded_and_notified_by_reconcile(world, status):
    lose(world, status)
    run = started(world)
    world.finish(run, status)
    assert world.rows()[run]["status"] == "RUNNING"
    assert reconciled(world, Statuses=1)
    assert world.rows()[run]["status"] == status
    assert len(world.published) == (status == "FAILED")
    assert world.metrics["MissedEventsRecovered", "status"] == 1


@pytest.mark.case(19)
def test_completion_that_may_still_be_on_its_way_is_left_to_its_event(world):
    lose(world, "SUCCEEDED")
    run = started(world)
    world.clock.advance(86_400)
    world.finish(run)
    world.clock.advance(590)
    assert world.reconcile(None).answer == NOTHING
    assert world.reconcile(0).answer == NOTHING | {"Statuses": 1}
    assert world.rows()[run]["status"] == "SUCCEEDED"


@pytest.mark.case(19)
@pytest.mark.parametrize("page", [1000, 2])
def test_executions_that_no_row_knows_are_recorded_however_many_pages_there_are(world, page):
    world.machine.largest_page = page
    lose(world, "RUNNING", "SUCCEEDED")
    runs = [started(world) for _ in range(3)]
    world.finish(runs[0])
    assert world.rows() == {}
    assert reconciled(world, Executions=3)
    assert [world.rows()[run]["status"] for run in runs] == ["SUCCEEDED", "RUNNING", "RUNNING"]


@pytest.mark.case(19, 21)
def test_lost_redrive_is_recorded(world):
    run = started(world)
    world.finish(run, "FAILED")
    world.drain("statuses")
    lose(world, "RUNNING", "SUCCEEDED")
    world.clock.advance(86_400)
    world.redrive(run)
    world.finish(run)
    world.clock.advance(GRACE)
    assert sum(world.reconcile(None).answer.values()) == 1
    row = world.rows()[run]
    assert (row["status"], row["redrive_count"]) == ("SUCCEEDED", 1)


@pytest.mark.case(19)
def test_manifest_without_an_execution_has_its_run_started(world):
    world.land("incoming/a.jsonl")
    world.faults.when("stepfunctions", "start_execution", killed_before())
    world.drain()
    world.landings.messages.clear()  # fourteen days are over
    assert (len(world.manifests()), len(world.executions())) == (1, 0)
    assert world.reconcile(None).answer == NOTHING
    assert reconciled(world, Manifests=1)
    assert len(world.executions()) == 1
    assert world.metrics["MissedEventsRecovered", "manifest"] == 1


@pytest.mark.case(19)
def test_claims_without_a_manifest_are_finished_after_their_grace(collecting):
    collecting.land("incoming/a.jsonl")
    collecting.drain()
    collecting.faults.when("dynamodb", "update_item", killed_after())
    collecting.tick()
    collecting.give_up_ticks()
    collecting.clock.advance(CLAIM_GRACE - 101)
    assert collecting.reconcile(None).answer == NOTHING
    assert reconciled(collecting, 101, Claims=1)
    assert len(collecting.executions()) == 1


def changes(call):
    return call.operation in ("put_item", "update_item", "publish", "put_object", "start_execution")


@pytest.mark.case(19)
def test_two_reconciles_at_once_recover_each_loss_once_however_they_interleave():
    def overlapping(world):
        return meanwhile(lambda: world.reconcile(None))

    for world in at_each_call(World, overlapping, "Reconcile", fitting=changes):
        lose(world, "SUCCEEDED", "FAILED")
        for status in ("SUCCEEDED", "FAILED"):
            world.finish(started(world), status)
        world.clock.advance(GRACE)
        assert world.reconcile(None).ok
        assert violations(world, settled=True) == []
        assert len(world.published) == 1


@pytest.mark.case(19)
def test_run_that_starts_while_reconcile_lists_by_hand_is_found_by_the_next(world):
    """With no grace, the sweep of executions went past what its list did not show yet."""
    world.fate = lambda _: []
    lands = afterwards(lambda: started(world))
    world.faults.when("stepfunctions", "list_executions", lands, nth=2)
    assert world.reconcile(0).ok
    assert world.running() != []


@pytest.mark.case(19, 24)
@pytest.mark.parametrize("service", ["stepfunctions", "dynamodb", "s3", "sns"])
def test_reconcile_that_is_throttled_loses_nothing_and_recovers_it_the_next_time(world, service):
    lose(world, "FAILED")
    world.finish(started(world), "FAILED")
    world.clock.advance(GRACE)
    world.faults.always(throttled(), service)
    world.reconcile(None)
    world.faults.heal()
    assert violations(world) == []
    world.clock.advance(GRACE)
    assert world.reconcile(None).ok
    assert len(world.published) == 1


@pytest.mark.case(9, 19)
@pytest.mark.parametrize(
    "parameters", [{}, {"start_on": "schedule"}, {"ScheduledInput": "incoming/"}]
)
def test_run_that_reconcile_starts_has_the_very_input_that_its_retry_gives(new_world, parameters):
    world = new_world(**parameters)
    world.land("incoming/a+b ü.jsonl", copies="ScheduledInput" not in parameters)
    world.faults.when("stepfunctions", "start_execution", killed_before())
    world.drain()
    tick = world.tick() if parameters else None
    assert (len(world.manifests()), len(world.executions())) == (1, 0)
    world.clock.advance(CLAIM_GRACE)
    world.reconcile(None)
    assert len(world.executions()) == 1
    world.landings.show()
    assert (world.retry(tick) if tick else world.drain()[0]).ok
    assert world.metrics["InputMismatches", ""] == 0


@pytest.mark.case(19)
def test_what_still_waits_when_runs_start_on_arrival_again_is_gathered_whoever_dies():
    def collecting():
        return World("schedule")

    for world in at_each_call(collecting, lambda _: killed_before(), "Reconcile", step=4):
        for name in "ab":
            world.land(f"incoming/{name}.jsonl")
        world.drain()
        world.switch("arrival")
        world.clock.advance(CLAIM_GRACE)
        world.reconcile(None)
        assert violations(world) == []
