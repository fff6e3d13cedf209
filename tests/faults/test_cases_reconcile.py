"""What events lost, and who finds it: reconcile, once for each loss, beside itself too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .faulty import killed_after, killed_before, meanwhile, throttled
from .invariants import violations
from .thorough import counts
from .world import World

NOTHING = {"Statuses": 0, "Executions": 0, "Claims": 0, "Manifests": 0, "Notifications": 0}
NOTHING |= {"SlotsNotCounted": 0, "ExecutionsNotResumed": 0, "SlotsNotReleased": 0}


def lose(world: World, *statuses: str) -> None:
    """Lose the events of these statuses; deliver the others."""
    world.fate = lambda event: [] if event["detail"]["status"] in statuses else [0]


def started(world: World) -> str:
    """Land an object; give the name of its run."""
    world.land(f"incoming/{len(world.landed)}.jsonl")
    world.drain()
    world.drain("statuses")
    return list(world.executions())[-1]


@pytest.mark.case(19)
@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"])
def test_lost_completion_is_recorded_and_told_by_reconcile(world: World, status: str) -> None:
    lose(world, status)
    run = started(world)
    world.finish(run, status)
    assert world.rows()[run]["status"] == "RUNNING"
    world.clock.advance(601)
    assert world.reconcile(None).answer == NOTHING | {"Statuses": 1}
    assert world.rows()[run]["status"] == status
    assert len(world.published) == (status != "SUCCEEDED")
    assert world.metrics["MissedEventsRecovered", "status"] == 1
    assert world.reconcile(None).answer == NOTHING
    assert world.settle() == []


@pytest.mark.case(19)
def test_completion_that_may_still_be_on_its_way_is_left_to_its_event(world: World) -> None:
    lose(world, "SUCCEEDED")
    run = started(world)
    world.clock.advance(86_400)
    world.finish(run)
    world.clock.advance(590)
    assert world.reconcile(None).answer == NOTHING
    assert world.reconcile(0).answer == NOTHING | {"Statuses": 1}
    assert world.rows()[run]["status"] == "SUCCEEDED"


@pytest.mark.case(19)
def test_execution_that_no_row_knows_is_recorded(world: World) -> None:
    lose(world, "RUNNING", "SUCCEEDED")
    runs = [started(world) for _ in range(3)]
    world.finish(runs[0])
    assert world.rows() == {}
    world.clock.advance(601)
    assert world.reconcile(None).answer == NOTHING | {"Executions": 3}
    assert [world.rows()[run]["status"] for run in runs] == ["SUCCEEDED", "RUNNING", "RUNNING"]
    assert world.reconcile(None).answer == NOTHING
    assert world.settle() == []


@pytest.mark.case(19, 21)
def test_lost_redrive_is_recorded(world: World) -> None:
    run = started(world)
    world.finish(run, "FAILED")
    world.drain("statuses")
    lose(world, "RUNNING", "SUCCEEDED")
    world.clock.advance(86_400)
    world.redrive(run)
    world.finish(run)
    world.clock.advance(601)
    assert sum(world.reconcile(None).answer.values()) == 1
    row = world.rows()[run]
    assert (row["status"], row["redrive_count"]) == ("SUCCEEDED", 1)
    assert world.settle() == []


@pytest.mark.case(19)
def test_manifest_without_an_execution_has_its_run_started(world: World) -> None:
    world.land("incoming/a.jsonl")
    world.faults.when("stepfunctions", "start_execution", killed_before())
    world.drain()
    world.landings.messages.clear()  # fourteen days are over
    assert (len(world.manifests()), len(world.executions())) == (1, 0)
    assert world.reconcile(None).answer == NOTHING
    world.clock.advance(601)
    assert world.reconcile(None).answer == NOTHING | {"Manifests": 1}
    assert len(world.executions()) == 1
    assert world.metrics["MissedEventsRecovered", "manifest"] == 1
    assert world.settle() == []


@pytest.mark.case(19)
def test_claims_without_a_manifest_are_finished_after_their_grace(
    new_world: Callable[..., World],
) -> None:
    world = new_world("schedule")
    world.land("incoming/a.jsonl")
    world.drain()
    world.faults.when("dynamodb", "update_item", killed_after())
    world.tick()
    world.give_up_ticks()
    world.clock.advance(1100)
    assert world.reconcile(None).answer == NOTHING
    world.clock.advance(101)
    assert world.reconcile(None).answer == NOTHING | {"Claims": 1}
    assert len(world.executions()) == 1
    assert world.settle() == []


@pytest.mark.case(19)
def test_two_reconciles_at_once_mend_each_loss_once_however_they_interleave() -> None:
    at = 0
    while True:
        with World() as world:
            lose(world, "SUCCEEDED", "FAILED")
            for status in ("SUCCEEDED", "FAILED"):
                world.finish(started(world), status)
            world.clock.advance(601)
            world.faults.calls.clear()
            other = meanwhile(lambda world=world: world.reconcile(None))
            world.faults.at(at, other, "Reconcile", fitting=changes)
            assert world.reconcile(None).ok
            assert violations(world, settled=True) == []
            assert len(world.published) == 1
            if not world.faults.injected:
                return
            at += 1


def changes(call: Any) -> bool:
    return call.operation in ("put_item", "update_item", "publish", "put_object", "start_execution")


@pytest.mark.case(19, 24)
@pytest.mark.parametrize("service", ["stepfunctions", "dynamodb", "s3", "sns"])
def test_reconcile_that_is_throttled_loses_nothing_and_mends_it_the_next_time(
    world: World, service: str
) -> None:
    lose(world, "FAILED")
    world.finish(started(world), "FAILED")
    world.clock.advance(601)
    world.faults.always(throttled(), service)
    world.reconcile(None)
    world.faults.heal()
    assert violations(world) == []
    world.clock.advance(601)
    assert world.reconcile(None).ok
    assert len(world.published) == 1
    assert world.settle() == []


@pytest.mark.case(19)
def test_reconcile_over_more_executions_than_a_page_finds_the_one_that_was_lost(
    world: World,
) -> None:
    world.machine.largest_page = 2
    lose(world, "RUNNING")
    lost = started(world)
    lose(world)
    for _ in range(5):
        started(world)
    world.clock.advance(601)
    world.faults.counts.clear()
    assert world.reconcile(None).answer == NOTHING | {"Executions": 1}
    assert world.faults.counts["stepfunctions", "list_executions"] >= 3
    assert world.rows()[lost]["status"] == "RUNNING"
    assert world.settle() == []


@pytest.mark.case(9, 19)
@pytest.mark.parametrize(
    "parameters", [{}, {"start_on": "schedule"}, {"ScheduledInput": "incoming/"}]
)
def test_run_that_reconcile_starts_has_the_very_input_that_its_retry_gives(
    new_world: Callable[..., World], parameters: dict[str, str]
) -> None:
    world = new_world(**parameters)
    world.land("incoming/a+b ü.jsonl", copies="ScheduledInput" not in parameters)
    world.faults.when("stepfunctions", "start_execution", killed_before())
    world.drain()
    tick = world.tick() if parameters else None
    assert (len(world.manifests()), len(world.executions())) == (1, 0)
    world.clock.advance(601 if not parameters else 1201)
    world.reconcile(None)
    assert len(world.executions()) == 1
    world.landings.show()
    assert (world.retry(tick) if tick else world.drain()[0]).ok
    assert world.metrics["InputMismatches", ""] == 0
    assert world.settle() == []


@pytest.mark.case(19)
def test_what_still_waits_when_runs_start_on_arrival_again_is_gathered_whoever_dies() -> None:
    for at in range(0, 20, 4):
        with World("schedule") as world:
            for name in "ab":
                world.land(f"incoming/{name}.jsonl")
            world.drain()
            world.switch("arrival")
            world.clock.advance(1300)
            world.faults.at(at, killed_before(), "Reconcile", fitting=counts)
            world.reconcile(None)
            assert violations(world) == []
            assert world.settle() == []
