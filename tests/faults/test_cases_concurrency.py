"""MaxConcurrentRuns: a burst waits in order, and no fault lets more runs to work than the bound."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from landrun.adapters.concurrency_table import ConcurrencyTable
from landrun.models.concurrency import LimitedExecution, SlotStatus

from .faulty import (
    Call,
    Fault,
    denied,
    killed_after,
    killed_before,
    meanwhile,
    response_lost,
    throttled,
)
from .invariants import violations
from .settling import redeliver
from .stack import client
from .thorough import BETWEEN, DEATHS, THOROUGH
from .world import World

BOUND = 2
LATE = 3600
"""Seconds after which any lease, and any grace, is over."""


@contextmanager
def bounded(runs: int = 0, bound: int = BOUND) -> Iterator[World]:
    """Give a World whose runs wait their turn; so many have started in it."""
    with World(MaxConcurrentRuns=str(bound)) as world:
        lands(world, runs)
        yield world


def lands(world: World, runs: int) -> list[str]:
    """Let so many runs start, one after the other; they have not been heard of yet."""
    before = set(world.executions())
    for _ in range(runs):
        world.clock.advance(1)
        world.land(f"incoming/{len(world.landed)}.jsonl", stored=False)
        world.drain()
    return [name for name in world.executions() if name not in before]


def all_run(world: World) -> None:
    """Heal, and let everything come to its end; nothing may be left, or over the bound."""
    assert world.settle() == []
    while world.running():
        assert world.at_work(), f"nobody is at work, {len(world.in_line())} wait"
        world.clock.advance(60)
        for name in world.at_work():
            world.finish(name)
        redeliver(world)
        assert violations(world) == []
    assert world.settle() == []


def about_turns(call: Call) -> bool:
    """Whether a call is one that giving turns adds; the others have their cases elsewhere."""
    table = call.arguments.get("TableName", "")
    return (
        table.endswith("ConcurrencyTable")
        or call.operation == "transact_write_items"
        or call.service == "stepfunctions"
    )


@pytest.fixture
def world() -> Any:
    with bounded() as opened:
        yield opened


@pytest.mark.case(31)
def test_burst_waits_in_the_order_in_which_it_started(world: World) -> None:
    lands(world, 12)
    world.drain("statuses")
    assert len(world.at_work()) == BOUND
    while world.at_work():
        world.clock.advance(60)
        world.finish(world.at_work()[0])
        world.drain("statuses")
        assert len(world.at_work()) == min(BOUND, len(world.running()))
    assert world.turns.order == list(world.executions())
    assert world.turns.most == BOUND
    assert world.settle() == []


@pytest.mark.case(31)
def test_end_makes_room_at_once_for_the_next_and_only_for_one(world: World) -> None:
    names = lands(world, 5)
    world.drain("statuses")
    world.clock.advance(60)
    world.finish(names[1], "FAILED")
    world.drain("statuses")
    assert world.at_work() == [names[0], names[2]]
    assert violations(world) == []


@pytest.mark.case(31)
def test_without_a_bound_no_run_waits_and_no_turn_is_read_or_written() -> None:
    with World() as world:
        lands(world, 3)
        for name in list(world.executions()):
            world.finish(name)
        world.drain("statuses")
        table = world.stack.name("ConcurrencyTable")
        assert not [c for c in world.faults.calls if c.arguments.get("TableName") == table]
        assert world.settle() == []


def _ends_one(world: World) -> None:
    world.clock.advance(60)
    world.finish(world.at_work()[0])


STEPS: dict[str, Callable[[World], object]] = {
    "asking with room": lambda _: None,
    "asking in line": lambda world: (world.drain("statuses"), lands(world, 1)),
    "an end": lambda world: (world.drain("statuses"), _ends_one(world)),
    "a stop": lambda world: (
        world.drain("statuses"),
        world.clock.advance(60),
        world.stop(stopped := world.at_work()[0]),
        world.drain("statuses"),
        world.job_ends(stopped),
        world.clock.advance(400),
    ),
    "an end in line": lambda world: (
        world.drain("statuses"),
        world.clock.advance(60),
        world.finish(world.in_line()[0], "ABORTED"),
    ),
    "a redrive": lambda world: (
        world.drain("statuses"),
        world.clock.advance(60),
        world.finish(world.at_work()[0], "FAILED"),
        world.drain("statuses"),
        world.clock.advance(60),
        world.redrive(next(n for n, e in world.executions().items() if e.status == "FAILED")),
    ),
}
"""What the functions have to deal with when they are struck."""

STRUCK = list(STEPS) if THOROUGH else ["an end"]
FAULTS = [*DEATHS, throttled] if THOROUGH else DEATHS[:1]
OVERLAPS = [("an end", "reconcile")]
if THOROUGH:
    OVERLAPS = [(step, other) for step in STEPS for other in ("statuses", "reconcile")]


@pytest.mark.case(32)
@pytest.mark.parametrize("step", STRUCK)
@pytest.mark.parametrize("fault", FAULTS)
def test_whichever_call_fails_or_dies_the_bound_holds_and_everything_runs(
    step: str, fault: Callable[[], Fault]
) -> None:
    for at in itertools.count():
        with bounded(runs=3, bound=1) as world:
            STEPS[step](world)
            world.faults.at(at, fault(), "ExecutionStatus", fitting=about_turns)
            world.drain("statuses")
            hit = sum(world.faults.injected.values())
            assert violations(world) == []
            all_run(world)
        if not hit:
            return


@pytest.mark.case(32)
@pytest.mark.skipif(not THOROUGH, reason="takes seconds a fault: make faults runs it")
@pytest.mark.parametrize("fault", DEATHS)
def test_whichever_call_of_reconcile_fails_or_dies_the_bound_holds_and_everything_runs(
    fault: Callable[[], Fault],
) -> None:
    for at in itertools.count():
        with bounded(runs=3, bound=1) as world:
            world.drain("statuses")
            world.fate = lambda _: []
            _ends_one(world)
            world.clock.advance(LATE)
            world.faults.at(at, fault(), "Reconcile", fitting=about_turns)
            world.reconcile(None)
            hit = sum(world.faults.injected.values())
            assert violations(world) == []
            all_run(world)
        if not hit:
            return


@pytest.mark.case(32)
@pytest.mark.parametrize(("step", "other"), OVERLAPS)
@pytest.mark.parametrize("when", BETWEEN)
def test_however_two_overlap_the_bound_holds_and_everything_runs(
    step: str, when: Callable[[Callable[[], Any]], Fault], other: str
) -> None:
    for at in itertools.count():
        with bounded(runs=3, bound=1) as world:
            STEPS[step](world)
            world.statuses.batch_size = 1

            def comes_between(world: World = world) -> object:
                return world.drain("statuses") if other == "statuses" else world.reconcile()

            world.faults.at(at, when(comes_between), fitting=about_turns)
            world.drain("statuses")
            hit = sum(world.faults.injected.values())
            assert violations(world) == []
            all_run(world)
        if not hit:
            return


@pytest.mark.case(32)
def test_room_that_was_seen_before_another_took_it_is_no_room() -> None:
    with bounded(runs=2, bound=1) as world:
        world.statuses.batch_size = 1
        others = meanwhile(lambda: world.drain("statuses"))
        world.faults.when("dynamodb", "query", others, fitting=about_turns)
        world.drain("statuses")
        assert world.faults.injected["meanwhile"] == 1
        assert len(world.at_work()) == 1
        assert violations(world) == []
        all_run(world)


@pytest.mark.case(33)
def test_request_twice_and_late_takes_one_place(world: World) -> None:
    world.ask_fate = lambda _: [0, 0, 700, 5000]
    lands(world, 3)
    redeliver(world)
    assert len(world.at_work()) == BOUND
    assert violations(world) == []
    all_run(world)
    assert world.turns.order == list(world.executions())


@pytest.mark.case(33)
def test_request_that_comes_after_its_run_was_stopped_takes_no_place(world: World) -> None:
    world.ask_fate = lambda _: [700]
    first, *_ = lands(world, 3)
    world.drain("statuses")
    world.finish(first, "ABORTED")
    world.drain("statuses")
    redeliver(world)
    assert len(world.at_work()) == BOUND
    assert first not in world.at_work()
    all_run(world)


@pytest.mark.case(33)
@pytest.mark.parametrize("in_line", [True, False])
def test_state_that_asks_anew_is_told_by_its_new_token_whichever_message_comes_last(
    in_line: bool,
) -> None:
    with bounded(runs=3 if in_line else 1) as world:
        name = list(world.executions())[-1]
        old = [message.body for message in world.statuses.each() if "SlotRequest" in message.body][
            -1
        ]
        world.asks_anew(name)
        world.statuses.send(old)
        world.drain("statuses")
        assert violations(world) == []
        assert (name in world.in_line()) is in_line
        all_run(world)


@pytest.mark.case(33)
def test_run_told_by_a_token_that_is_dead_is_told_once_its_new_one_is_known(world: World) -> None:
    [name] = lands(world, 1)
    world.ask_fate = lambda _: [900]
    world.asks_anew(name)
    world.drain("statuses")
    assert world.at_work() == []
    world.clock.advance(901)
    world.drain("statuses")
    assert world.at_work() == [name]
    assert violations(world) == []


@pytest.mark.case(33)
def test_run_that_asks_anew_while_its_place_is_given_by_its_dead_token_is_told_at_once() -> None:
    with bounded(runs=2, bound=1) as world:
        world.statuses.batch_size = 1
        world.drain("statuses")
        [first], [second] = world.at_work(), world.in_line()
        world.clock.advance(60)
        world.asks_anew(second)
        world.finish(first)
        world.faults.when(
            "dynamodb",
            "transact_write_items",
            meanwhile(lambda: world.drain("statuses")),
            fitting=lambda call: len(call.arguments["TransactItems"]) == 1,
        )
        world.drain("statuses")
        assert world.faults.injected["meanwhile"] == 1
        assert world.at_work() == [second]
        all_run(world)


ANOTHER = "arn:aws:states:us-east-1:123456789012:execution:replaced:run"


def _of_another(call: Call) -> Fault | None:
    about = (call.arguments.get("executionArn"), call.arguments.get("taskToken"))
    return denied() if ANOTHER in about else None


@pytest.mark.case(33)
def test_request_of_another_machine_is_refused_with_its_reason(world: World) -> None:
    world.faults.add(_of_another)
    world.send_poison(json.dumps(_request_of_another()), "statuses")
    lands(world, 1)
    world.drain("statuses")
    [(_, reason)] = world.dead("statuses")
    assert reason is not None
    assert "another state machine" in reason
    all_run(world)


def _request_of_another() -> dict[str, Any]:
    started_at = "2026-11-22T08:15:31.000Z"
    asked = {"TaskToken": ANOTHER, "ExecutionArn": ANOTHER, "Name": "run", "StartedAt": started_at}
    return {"SlotRequest": asked}


@pytest.mark.case(33)
@pytest.mark.parametrize("holds_slot", [True, False])
def test_place_of_a_machine_that_was_replaced_stops_nobody(holds_slot: bool) -> None:
    with bounded(bound=1) as world:
        world.faults.add(_of_another)
        table = ConcurrencyTable(client("dynamodb"), world.stack.name("ConcurrencyTable"))
        foreign = LimitedExecution(
            name="run",
            execution_arn=ANOTHER,
            started_at="2026-11-01T08:00:00.000Z",
            requested_at=world.clock(),
            task_tokens=(ANOTHER,),
            status=SlotStatus.RESUME_PENDING if holds_slot else SlotStatus.WAITING,
        )
        assert table.acquire(foreign) if holds_slot else table.save(foreign)
        [name] = lands(world, 1)
        world.drain("statuses")
        assert world.at_work() == [name]
        assert world.reconcile(None).ok
        all_run(world)


@pytest.mark.case(33)
def test_run_that_cannot_be_told_keeps_no_other_from_its_turn(world: World) -> None:
    names = lands(world, 2)

    def not_the_first(call: Call) -> Fault | None:
        return throttled() if call.arguments.get("taskToken", "").startswith(names[0]) else None

    world.faults.add(not_the_first)
    world.drain("statuses")
    assert world.at_work() == [names[1]]
    all_run(world)


@pytest.mark.case(34)
def test_run_that_is_stopped_in_line_leaves_it(world: World) -> None:
    names = lands(world, 4)
    world.drain("statuses")
    world.clock.advance(60)
    world.finish(names[2], "ABORTED")
    world.drain("statuses")
    world.finish(names[0])
    world.drain("statuses")
    assert world.at_work() == [names[1], names[3]]
    all_run(world)


@pytest.mark.case(34)
def test_run_that_is_stopped_at_work_keeps_its_place_until_its_job_has_ended(world: World) -> None:
    names = lands(world, 4)
    world.drain("statuses")
    world.clock.advance(60)
    world.stop(names[0])
    world.drain("statuses")
    assert world.at_work() == names[:2]
    assert world.rows()[names[0]]["status"] == "ABORTED"
    assert violations(world) == []
    world.clock.advance(120)
    world.job_ends(names[0])
    redeliver(world)
    assert world.at_work() == names[1:3]
    all_run(world)


@pytest.mark.case(34)
@pytest.mark.parametrize("lost", [True, False], ids=["event lost", "event heard"])
def test_job_that_takes_long_to_stop_keeps_its_place_until_a_reconcile_after_its_end(
    world: World, lost: bool
) -> None:
    names = lands(world, 4)
    world.drain("statuses")
    world.clock.advance(60)
    world.fate = lambda _: [] if lost else [0]
    world.stop(names[0])
    world.fate = lambda _: [0]
    for _ in range(2):
        redeliver(world)
        world.clock.advance(LATE)
        assert world.reconcile(None).answer["SlotsNotReleased"] == 0
        assert world.at_work() == names[:2]
        assert violations(world) == []
    redeliver(world)
    assert world.dead("statuses") == []
    assert not list(world.statuses.each())
    world.job_ends(names[0])
    world.clock.advance(LATE)
    assert world.reconcile(None).answer["SlotsNotReleased"] == 1
    assert world.at_work() == names[1:3]
    all_run(world)


@pytest.mark.case(34)
def test_run_that_is_redriven_while_its_job_stops_goes_on_in_its_place(world: World) -> None:
    names = lands(world, 4)
    world.drain("statuses")
    world.clock.advance(60)
    world.stop(names[0])
    world.drain("statuses")
    world.clock.advance(60)
    world.redrive(names[0])
    world.job_ends(names[0])
    redeliver(world)
    assert world.at_work() == names[:2]
    assert violations(world) == []
    all_run(world)


@pytest.mark.case(34)
def test_run_that_was_stopped_in_line_and_redriven_waits_in_its_old_place(world: World) -> None:
    names = lands(world, 4)
    world.drain("statuses")
    world.clock.advance(60)
    world.finish(names[2], "ABORTED")
    world.clock.advance(60)
    world.redrive(names[2])
    world.drain("statuses")
    assert world.at_work() == names[:2]
    world.clock.advance(60)
    world.finish(names[0])
    world.drain("statuses")
    assert world.at_work() == names[1:3]
    all_run(world)


@pytest.mark.case(34)
@pytest.mark.parametrize("late", [[0, 1, 2], [0, 2, 1], [1, 0, 2], [2, 1, 0], [2, 0, 1], [1, 2, 0]])
def test_events_of_a_stop_in_line_and_its_redrive_in_any_order(
    world: World, late: list[int]
) -> None:
    [name, *_] = lands(world, 1)
    kept: list[str] = []

    def keep(message: dict[str, Any]) -> list[float]:
        kept.append(json.dumps(message))
        return []

    world.fate = world.ask_fate = keep
    world.statuses.messages.clear()
    world.clock.advance(60)
    world.finish(name, "ABORTED")
    world.clock.advance(60)
    world.redrive(name)
    for place in late:
        for copies in range(2):
            world.clock.advance(1 + copies)
            world.statuses.send(kept[place])
            world.drain("statuses")
            assert violations(world) == []
    assert world.at_work() == [name]
    all_run(world)


@pytest.mark.case(35)
def test_redriven_run_is_counted_without_asking_and_others_wait_for_it(world: World) -> None:
    names = lands(world, 4)
    world.drain("statuses")
    world.clock.advance(60)
    world.finish(names[0], "FAILED")
    world.drain("statuses")
    assert world.at_work() == names[1:3]
    world.clock.advance(60)
    world.redrive(names[0])
    world.drain("statuses")
    assert len(world.at_work()) == BOUND + 1
    world.finish(names[1])
    world.drain("statuses")
    assert world.at_work() == [names[0], names[2]]
    all_run(world)


@pytest.mark.case(35)
def test_end_that_comes_after_its_run_was_redriven_gives_no_place_away(world: World) -> None:
    names = lands(world, 4)
    world.drain("statuses")
    world.clock.advance(60)
    events: list[str] = []
    world.fate = lambda event: events.append(json.dumps(event)) or []
    world.finish(names[0], "FAILED")
    world.clock.advance(60)
    world.redrive(names[0])
    for event in (*reversed(events), events[0]):
        world.clock.advance(1)
        world.statuses.send(event)
        world.drain("statuses")
        assert world.at_work() == names[:2]
    world.fate = lambda _: [0]
    all_run(world)


@pytest.mark.case(35)
@pytest.mark.parametrize("lost", ["the end", "the redrive", "both"])
def test_what_is_lost_of_a_redrive_is_counted_by_reconcile(world: World, lost: str) -> None:
    names = lands(world, 3)
    world.drain("statuses")
    world.clock.advance(60)
    world.fate = lambda _: [] if lost != "the redrive" else [0]
    world.finish(names[0], "FAILED")
    world.drain("statuses")
    world.clock.advance(60)
    world.fate = lambda _: [] if lost != "the end" else [0]
    world.redrive(names[0])
    world.drain("statuses")
    all_run(world)


@pytest.mark.case(36)
def test_place_of_an_end_whose_event_was_lost_is_taken_back_after_its_lease(world: World) -> None:
    names = lands(world, 3)
    world.drain("statuses")
    world.clock.advance(60)
    world.fate = lambda _: []
    world.finish(names[0])
    world.drain("statuses")
    assert world.at_work() == [names[1]]
    world.clock.advance(LATE)
    assert world.reconcile(None).ok
    assert world.at_work() == names[1:3]
    assert violations(world) == []
    all_run(world)


@pytest.mark.case(36)
def test_long_run_keeps_its_place_however_many_leases_run_out(world: World) -> None:
    names = lands(world, 3)
    world.drain("statuses")
    for _ in range(5):
        world.clock.advance(LATE)
        answer = world.reconcile(None).answer
        assert (
            answer["SlotsNotReleased"],
            answer["ExecutionsNotResumed"],
            answer["SlotsNotCounted"],
        ) == (0, 0, 0)
    assert world.at_work() == names[:2]
    assert violations(world) == []


@pytest.mark.case(36)
@pytest.mark.parametrize("fault", [killed_before, killed_after, response_lost])
def test_run_whose_function_dies_before_it_tells_is_told_by_the_next_of_any_run(
    fault: Callable[[], Fault],
) -> None:
    with bounded(runs=1) as world:
        world.faults.when("stepfunctions", "send_task_success", fault())
        world.drain("statuses")
        world.statuses.messages.clear()
        [_, second] = [*world.executions(), *lands(world, 1)]
        world.drain("statuses")
        assert second in world.at_work()
        assert len(world.at_work()) == BOUND
        assert violations(world) == []
        all_run(world)


@pytest.mark.case(36)
def test_run_that_was_not_told_is_told_by_reconcile_and_counted(world: World) -> None:
    [name] = lands(world, 1)
    world.faults.when("stepfunctions", "send_task_success", killed_before())
    world.drain("statuses")
    world.statuses.messages.clear()
    world.clock.advance(LATE)
    assert world.reconcile(None).answer["ExecutionsNotResumed"] == 1
    assert world.at_work() == [name]
    assert world.metrics["MissedEventsRecovered", "executions-not-resumed"] == 1


@pytest.mark.case(37)
@pytest.mark.parametrize(("before", "after"), [(1, 4), (4, 1), (2, 3)])
def test_bound_that_is_raised_or_lowered_holds_from_the_next_event(before: int, after: int) -> None:
    with bounded(runs=8, bound=before) as world:
        world.drain("statuses")
        world.bound(after)
        world.clock.advance(60)
        world.finish(world.at_work()[0])
        world.drain("statuses")
        assert len(world.at_work()) == (after if after > before else before - 1)
        all_run(world)
        assert world.turns.order == list(world.executions())


@pytest.mark.case(37)
def test_bound_that_is_taken_away_lets_everything_go_by_the_next_reconcile() -> None:
    with bounded(runs=40) as world:
        world.drain("statuses")
        world.bound(0)
        assert world.reconcile(None).ok
        assert world.in_line() == []
        assert world.turns.order == list(world.executions())
        all_run(world)


@pytest.mark.case(37)
def test_runs_that_were_at_work_before_there_was_a_bound_are_counted_by_reconcile() -> None:
    with World() as world:
        lands(world, 3)
        world.drain("statuses")
        world.bound(BOUND)
        world.clock.advance(LATE)
        assert world.reconcile(None).answer["SlotsNotCounted"] == 3
        lands(world, 2)
        world.drain("statuses")
        assert len(world.at_work()) == 3
        all_run(world)


@pytest.mark.case(37)
def test_what_waits_is_measured(world: World) -> None:
    lands(world, 5)
    world.drain("statuses")
    world.clock.advance(600)
    world.metrics.clear()
    world.reconcile(None)
    assert world.metrics["RunsWaiting", ""] == 3
    assert world.metrics["OldestWaitForSlot", ""] == pytest.approx(600, abs=10)
