"""What is on the record: status events doubled, lost, late, cut, in any order, and never back."""

from __future__ import annotations

import itertools
import json

import pytest

from . import inside
from .faulty import denied, killed_after, killed_before, response_lost, throttled, unreachable
from .invariants import violations
from .thorough import BETWEEN, DEATHS, at_each_call
from .world import World

FAILURES = ("FAILED", "TIMED_OUT", "ABORTED")


class Run:
    """A World with one run, whose status events are kept back: ``events`` has them in order."""

    def __init__(self, world):
        self.world = world
        self.events = []
        world.fate = self._keep
        world.land("incoming/a.jsonl")
        world.drain()
        *_, self.name = world.executions()

    def _keep(self, event):
        self.events.append(event)
        return []

    def send(self, *events):
        for event in events:
            self.world.statuses.send(json.dumps(event))
            self.world.drain("statuses")

    @property
    def row(self):
        return self.world.rows()[self.name]


@pytest.fixture
def run(world):
    return Run(world)


def fail_without_a_word(world, name):
    job = f"{name}-0123abcd"
    inside.job(job, "Failed")
    inside.log(job, "ValueError: no text")
    return world.finish(name, "TIMED_OUT", job=job)


@pytest.mark.case(18, 20)
@pytest.mark.parametrize("status", [*FAILURES, "SUCCEEDED"])
def test_events_that_come_again_after_the_end_change_nothing_and_notify_once(run, status):
    run.world.finish(run.name, status)
    begun, ended = run.events
    run.send(begun, ended)
    before = run.row
    assert before["status"] == status
    run.send(begun, ended, ended, begun)
    assert run.world.rows() == {run.name: before}
    assert len(run.world.published) == (status in FAILURES)
    assert run.world.metrics["Executions", status] == 1
    assert run.world.metrics["StatusChangesSuperseded", ""] == 4


@pytest.mark.case(18)
@pytest.mark.parametrize("when", BETWEEN)
def test_completion_event_twice_at_once_is_notified_once_however_they_interleave(when):
    def overlapping(world):
        return when(lambda: world.drain("statuses"))

    for world in at_each_call(World, overlapping, "ExecutionStatus"):
        run = Run(world)
        world.finish(run.name, "FAILED")
        messages = [world.statuses.send(json.dumps(run.events[-1])) for _ in range(2)]
        world.statuses.receive(1)
        world.hand("statuses", messages[:1])
        assert violations(world) == []
        assert world.settle() == []
        assert len(world.published) == 1


@pytest.mark.case(18)
@pytest.mark.parametrize("death", DEATHS)
def test_function_that_dies_at_any_call_of_a_failure_notifies_all_the_same(death):
    for world in at_each_call(World, lambda _: death(), "ExecutionStatus"):
        run = Run(world)
        fail_without_a_word(world, run.name)
        run.send(run.events[-1])
        assert violations(world) == []
        assert world.settle() == []
        assert len(world.published) == 1 + world.history.notified_twice_by_crash[run.name]


@pytest.mark.case(18)
def test_function_that_dies_between_write_and_publish_leaves_it_to_reconcile(run):
    run.world.finish(run.name, "FAILED")
    run.world.faults.when("sns", "publish", killed_before())
    run.send(run.events[-1])
    run.world.statuses.messages.clear()
    assert run.row["unfinished"] == "notification"
    run.world.clock.advance(600)
    answers = [run.world.reconcile(None).answer["Notifications"] for _ in range(2)]
    assert answers == [1, 0]
    assert len(run.world.published) == 1
    assert "unfinished" not in run.row


@pytest.mark.case(18)
def test_only_a_death_between_the_topics_answer_and_the_mark_notifies_twice_and_is_counted(run):
    run.world.finish(run.name, "FAILED")
    run.world.faults.when("sns", "publish", killed_after())
    run.send(run.events[-1])
    assert run.world.settle() == []
    assert len(run.world.published) == 2
    assert run.world.history.notified_twice_by_crash == {run.name: 1}


@pytest.mark.case(20)
def test_ending_does_not_change_into_another(run):
    run.world.finish(run.name, "SUCCEEDED")
    other = json.loads(json.dumps(run.events[-1]))
    other["detail"] |= {"status": "FAILED", "error": "States.Runtime"}
    run.send(run.events[-1], other)
    assert run.row["status"] == "SUCCEEDED"
    assert run.world.published == []


@pytest.mark.case(21)
def test_failed_redriven_succeeded_ends_succeeded_in_whatever_order_they_come(world):
    for order in itertools.permutations(range(4)):
        run = Run(world)
        world.finish(run.name, "FAILED")
        world.redrive(run.name)
        world.finish(run.name, "SUCCEEDED")
        run.send(*(run.events[index] for index in order))
        assert (run.row["status"], run.row["redrive_count"]) == ("SUCCEEDED", 1)
        failure_came_first = order.index(1) < min(order.index(2), order.index(3))
        assert world.history.notified[run.name] == failure_came_first
    assert violations(world) == []


@pytest.mark.case(21)
def test_each_failure_of_a_redriven_run_is_notified_once(run):
    run.world.finish(run.name, "FAILED")
    run.world.redrive(run.name)
    run.world.finish(run.name, "TIMED_OUT")
    run.send(*run.events, *run.events)
    said = [subject.partition(run.name)[2].split()[0] for subject, _ in run.world.published]
    assert said == ["failed", "timed"]


@pytest.mark.case(21)
def test_redrive_waits_for_a_failure_whose_notification_is_pending(run):
    run.world.finish(run.name, "FAILED")
    run.world.redrive(run.name)
    run.world.faults.when("sns", "publish", killed_before())
    run.send(*run.events[1:])
    assert run.row["status"] == "FAILED"
    assert run.world.settle() == []
    assert (run.row["status"], len(run.world.published)) == ("RUNNING", 1)


@pytest.mark.case(22)
@pytest.mark.parametrize("left_out", ["output", "input"])
def test_what_the_event_does_not_include_is_fetched(run, left_out):
    run.world.finish(run.name)
    ended = run.events[-1]
    given = ended["detail"][left_out]
    ended["detail"] |= {left_out: None, f"{left_out}Details": {"included": False}}
    run.send(ended)
    assert run.world.faults.counts["stepfunctions", "describe_execution"] == 1
    expected = {"output": given, "input": json.loads(given).get("InputMessage")}[left_out]
    assert run.row["output" if left_out == "output" else "input_message"] == expected


@pytest.mark.case(22)
def test_event_of_an_execution_that_is_forgotten_makes_a_row_without_what_it_lacks(run):
    run.world.finish(run.name)
    ended = run.events[-1]
    ended["detail"] |= {"output": None, "outputDetails": {"included": False}}
    run.world.forget(run.name)
    run.send(ended)
    assert run.row["status"] == "SUCCEEDED"
    assert "output" not in run.row
    assert run.world.dead("statuses") == []


@pytest.mark.case(23)
def test_completion_before_its_start_event_makes_a_full_row(run):
    run.world.clock.advance(60)
    run.world.finish(run.name)
    run.send(run.events[-1])
    given = json.loads(run.world.executions()[run.name].input)
    before = run.row
    assert before["started_at"] < before["stopped_at"]
    assert before["input_message"] == given["InputMessage"]
    assert before["trigger"]["Key"] == "incoming/a.jsonl"
    assert before["job_name"].startswith(run.name)
    run.send(run.events[0])
    assert run.row == before


@pytest.mark.case(24)
@pytest.mark.parametrize("fault", [throttled, denied, unreachable, response_lost])
@pytest.mark.parametrize("call", ["describe_log_streams", "get_log_events"])
def test_log_that_cannot_be_read_keeps_no_failure_from_the_record(run, call, fault):
    fail_without_a_word(run.world, run.name)
    run.world.faults.when("logs", call, fault())
    run.send(run.events[-1])
    assert (run.row["status"], "exit_message" in run.row) == ("TIMED_OUT", False)
    assert len(run.world.published) == 1
    assert run.world.statuses.messages == {}
