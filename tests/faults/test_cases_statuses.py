"""What is on the record: status events doubled, lost, late, cut, in any order, and never back."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from .faulty import Fault, killed_after, killed_before
from .invariants import violations
from .thorough import BETWEEN, DEATHS
from .world import World


class Run:
    """A World with one run, whose status events are kept back: ``events`` has them in order."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.events: list[dict[str, Any]] = []
        world.fate = self._keep
        world.land("incoming/a.jsonl")
        world.drain()
        *_, self.name = world.executions()

    def _keep(self, event: dict[str, Any]) -> list[float]:
        self.events.append(event)
        return []

    def send(self, *events: dict[str, Any]) -> None:
        for event in events:
            self.world.statuses.send(json.dumps(event))
            self.world.drain("statuses")

    @property
    def row(self) -> dict[str, Any]:
        return self.world.rows()[self.name]


@pytest.fixture
def run(world: World) -> Run:
    return Run(world)


@pytest.mark.case(18)
@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED", "SUCCEEDED"])
def test_completion_event_twice_makes_one_row_and_one_notification(run: Run, status: str) -> None:
    run.world.finish(run.name, status)
    run.send(*run.events, run.events[-1], run.events[-1])
    assert len(run.world.rows()) == 1
    assert run.row["status"] == status
    assert len(run.world.published) == (0 if status == "SUCCEEDED" else 1)
    assert run.world.metrics["Executions", status] == 1
    assert run.world.settle() == []


@pytest.mark.case(18)
@pytest.mark.parametrize("when", BETWEEN)
def test_completion_event_twice_at_once_is_told_once_however_they_interleave(
    when: Callable[[Any], Fault],
) -> None:
    for at in itertools.count():
        with World() as world:
            run = Run(world)
            world.finish(run.name, "FAILED")
            messages = [world.statuses.send(json.dumps(run.events[-1])) for _ in range(2)]
            world.statuses.receive(1)
            world.faults.at(at, when(lambda world=world: world.drain("statuses")))
            world.hand("statuses", messages[:1])
            assert violations(world) == []
            assert world.settle() == []
            assert len(world.published) == 1
            if not sum(world.faults.injected.values()):
                return


@pytest.mark.case(18)
@pytest.mark.parametrize("fault", DEATHS)
def test_function_that_dies_at_any_call_of_a_failure_tells_it_all_the_same(
    fault: Callable[[], Fault],
) -> None:
    for at in itertools.count():
        with World() as world:
            run = Run(world)
            world.finish(run.name, "FAILED")
            world.faults.calls.clear()
            world.faults.at(at, fault())
            run.send(run.events[-1])
            calls = [call.operation for call in world.faults.calls]
            hit = sum(world.faults.injected.values())
            assert violations(world) == []
            assert world.settle() == []
            again = world.history.told_twice_by_crash[run.name]
            assert len(world.published) == 1 + again
            assert not again or calls[at] in ("publish", "update_item")
            if not hit:
                return


@pytest.mark.case(18)
def test_function_that_dies_between_write_and_publish_leaves_it_to_reconcile(run: Run) -> None:
    run.world.finish(run.name, "FAILED")
    run.world.faults.when("sns", "publish", killed_before())
    run.send(run.events[-1])
    run.world.statuses.messages.clear()
    assert run.row["unfinished"] == "notification"
    run.world.clock.advance(600)
    assert run.world.reconcile(None).answer["Notifications"] == 1
    assert len(run.world.published) == 1
    assert "unfinished" not in run.row
    assert run.world.reconcile(None).answer["Notifications"] == 0
    assert run.world.settle() == []


@pytest.mark.case(18)
def test_only_a_death_between_the_topics_answer_and_the_mark_tells_twice_and_is_counted(
    run: Run,
) -> None:
    run.world.finish(run.name, "FAILED")
    run.world.faults.when("sns", "publish", killed_after())
    run.send(run.events[-1])
    assert run.world.settle() == []
    assert len(run.world.published) == 2
    assert run.world.history.told_twice_by_crash == {run.name: 1}


@pytest.mark.case(20)
@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"])
def test_running_after_the_end_changes_nothing(run: Run, status: str) -> None:
    run.world.finish(run.name, status)
    started, ended = run.events
    run.send(ended)
    before = run.row
    run.send(started, ended, started)
    assert run.row == before
    assert run.world.metrics["StatusChangesSuperseded", ""] == 3
    assert run.world.settle() == []


@pytest.mark.case(20)
def test_ending_does_not_change_into_another(run: Run) -> None:
    run.world.finish(run.name, "SUCCEEDED")
    other = json.loads(json.dumps(run.events[-1]))
    other["detail"] |= {"status": "FAILED", "error": "States.Runtime"}
    run.send(run.events[-1], other)
    assert run.row["status"] == "SUCCEEDED"
    assert run.world.published == []


@pytest.mark.case(21)
def test_failed_redriven_succeeded_ends_succeeded_in_whatever_order_they_come(
    world: World,
) -> None:
    for order in itertools.permutations(range(4)):
        run = Run(world)
        world.finish(run.name, "FAILED")
        world.redrive(run.name)
        world.finish(run.name, "SUCCEEDED")
        run.send(*(run.events[index] for index in order))
        assert (run.row["status"], run.row["redrive_count"]) == ("SUCCEEDED", 1)
        failure_came_first = order.index(1) < min(order.index(2), order.index(3))
        assert world.history.told[run.name] == failure_came_first
    assert violations(world) == []
    assert world.settle() == []


@pytest.mark.case(21)
def test_each_failure_of_a_redriven_run_is_told_once(run: Run) -> None:
    run.world.finish(run.name, "FAILED")
    run.world.redrive(run.name)
    run.world.finish(run.name, "TIMED_OUT")
    run.send(*run.events, *run.events)
    said = [subject.partition(run.name)[2].split()[0] for subject, _ in run.world.published]
    assert said == ["failed", "timed"]
    assert run.world.settle() == []


@pytest.mark.case(21)
def test_redrive_waits_for_a_failure_that_is_still_being_told(run: Run) -> None:
    run.world.finish(run.name, "FAILED")
    run.world.redrive(run.name)
    run.world.faults.when("sns", "publish", killed_before())
    run.send(*run.events[1:])
    assert run.row["status"] == "FAILED"
    assert run.world.settle() == []
    assert (run.row["status"], len(run.world.published)) == ("RUNNING", 1)


@pytest.mark.case(22)
@pytest.mark.parametrize("left_out", ["output", "input"])
def test_what_the_event_does_not_include_is_fetched(run: Run, left_out: str) -> None:
    run.world.finish(run.name)
    ended = run.events[-1]
    told = ended["detail"][left_out]
    ended["detail"] |= {left_out: None, f"{left_out}Details": {"included": False}}
    run.send(ended)
    assert run.world.faults.counts["stepfunctions", "describe_execution"] == 1
    expected = {"output": told, "input": json.loads(told).get("InputMessage")}[left_out]
    assert run.row["output" if left_out == "output" else "input_message"] == expected
    assert run.world.settle() == []


@pytest.mark.case(22)
def test_event_of_an_execution_that_is_forgotten_makes_a_row_without_what_it_lacks(
    run: Run,
) -> None:
    run.world.finish(run.name)
    ended = run.events[-1]
    ended["detail"] |= {"output": None, "outputDetails": {"included": False}}
    run.world.forget(run.name)
    run.send(ended)
    assert run.row["status"] == "SUCCEEDED"
    assert "output" not in run.row
    assert run.world.dead("statuses") == []


@pytest.mark.case(23)
def test_completion_before_its_start_event_makes_a_full_row(run: Run) -> None:
    run.world.clock.advance(60)
    run.world.finish(run.name)
    run.send(run.events[-1])
    given = json.loads(run.world.executions()[run.name].input)
    assert run.row["started_at"] < run.row["stopped_at"]
    assert run.row["input_message"] == given["InputMessage"]
    assert run.row["trigger"]["Key"] == "incoming/a.jsonl"
    assert run.row["job_name"].startswith(run.name)
    before = run.row
    run.send(run.events[0])
    assert run.row == before
    assert run.world.settle() == []
