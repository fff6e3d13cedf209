"""MaxConcurrentRuns: runs wait in order, and no fault lets more of them have their job at once."""

from __future__ import annotations

import itertools
import json
from contextlib import contextmanager
from functools import partial

import pytest

from landrun.adapters.concurrency_table import UNLIMITED, ConcurrencyTable
from landrun.models.concurrency import LimitedExecution, SlotStatus

from .faulty import denied, killed_before, meanwhile, throttled
from .invariants import violations
from .stack import client
from .thorough import DEATHS, THOROUGH, at_each_call
from .world import World

LIMIT = 2
LATE = 3600
"""Seconds after which every grace of reconcile is over."""


@contextmanager
def limited(runs=0, limit=LIMIT):
    """Give a World with a concurrency limit in which so many runs have started."""
    with World(MaxConcurrentRuns=str(limit)) as world:
        start(world, runs)
        yield world


@pytest.fixture
def world():
    with limited() as opened:
        yield opened


@pytest.fixture
def one_slot():
    with limited(limit=1) as opened:
        opened.statuses.batch_size = 1
        yield opened


def start(world, runs):
    """Start runs one after the other; their messages are in the status queue."""
    before = set(world.executions())
    for _ in range(runs):
        world.clock.advance(1)
        world.land(f"incoming/{len(world.landed)}.jsonl", stored=False)
        world.drain()
    return [name for name in world.executions() if name not in before]


def start_and_wait(world, runs):
    names = start(world, runs)
    world.drain("statuses")
    world.clock.advance(60)
    return names


def end(world, name, status="SUCCEEDED"):
    world.finish(name, status)
    world.drain("statuses")
    world.clock.advance(60)


def reconciled_late(world):
    """Reconcile when all graces are over; give what was recovered, by kind."""
    world.clock.advance(LATE)
    return {kind: n for kind, n in world.reconcile(None).answer.items() if n}


def run_to_the_end(world):
    """Check, end all faults, and let every run come to its end within the limit."""
    assert violations(world) == []
    assert world.settle() == []
    while world.running():
        assert world.processing(), f"no run has its job, {world.waiting_executions()} wait"
        world.clock.advance(60)
        for name in world.processing():
            world.finish(name)
        world.redeliver()
        assert violations(world) == []
    assert world.settle() == []


# ---- 31: the order and the limit


@pytest.mark.case(31)
def test_burst_gets_slots_in_the_order_of_start_and_every_end_makes_room_for_one(world):
    start_and_wait(world, 6)
    assert len(world.processing()) == LIMIT
    for status in ["SUCCEEDED", "FAILED"] * 3:
        end(world, world.processing()[-1], status)
        assert len(world.processing()) == min(LIMIT, len(world.running()))
    assert world.slots.order == list(world.executions())
    assert world.slots.most == LIMIT
    assert world.settle() == []


# ---- 32: faults at any call


def ends_one(world):
    start_and_wait(world, 0)
    world.finish(world.processing()[0])


def misses_an_end(world):
    world.drain("statuses")
    world.fate = lambda _: []
    ends_one(world)
    world.clock.advance(LATE)


def stops_one(world):
    start_and_wait(world, 0)
    [name] = world.processing()
    world.stop(name)
    world.drain("statuses")
    world.job_ends(name)
    world.clock.advance(400)


def stops_one_that_waits(world):
    start_and_wait(world, 0)
    world.finish(world.waiting_executions()[0], "ABORTED")


def redrives_one(world):
    start_and_wait(world, 0)
    [name] = world.processing()
    end(world, name, "FAILED")
    world.redrive(name)


def requests_again_and_ends(world):
    start_and_wait(world, 0)
    world.request_again(world.waiting_executions()[0])
    world.finish(world.processing()[0])


STEPS = {
    "an end": ends_one,
    "requests while a slot is free": lambda _: None,
    "a request while none is free": lambda world: (start_and_wait(world, 0), start(world, 1)),
    "a request again, and an end": requests_again_and_ends,
    "a stop": stops_one,
    "a stop of a waiting run": stops_one_that_waits,
    "a redrive": redrives_one,
    "an end that is missed": misses_an_end,
}
"""What the functions are working on when a fault strikes them."""

ALL = list(itertools.product(STEPS, [*DEATHS, throttled]))
STRUCK = ALL if THOROUGH else [("an end", killed_before)]
OVERLAPPED = list(itertools.product(STEPS, ["statuses", "reconcile"]))
if not THOROUGH:
    OVERLAPPED = [
        ("an end", "reconcile"),
        ("requests while a slot is free", "statuses"),
        ("a request again, and an end", "statuses"),
    ]


def of_limiting(call):
    """Whether concurrency limiting makes a call; the other calls have cases of their own."""
    return (
        call.arguments.get("TableName", "").endswith("ConcurrencyTable")
        or call.operation == "transact_write_items"
        or call.service == "stepfunctions"
    )


@contextmanager
def after(step):
    """Open a World with one slot, which one of three runs has, in which a step was made."""
    with limited(runs=3, limit=1) as world:
        STEPS[step](world)
        yield world


def strike_each_call(step, fault):
    for world in at_each_call(partial(after, step), fault, fitting=of_limiting, step=6):
        if STEPS[step] is misses_an_end:
            world.reconcile(None)
        else:
            world.drain("statuses")
        assert violations(world) == []
        run_to_the_end(world)


@pytest.mark.case(32)
@pytest.mark.parametrize(("step", "fault"), STRUCK)
def test_whichever_call_fails_the_limit_holds_and_everything_runs(step, fault):
    strike_each_call(step, lambda _: fault())


@pytest.mark.case(32)
@pytest.mark.parametrize(("step", "other"), OVERLAPPED)
def test_however_two_functions_overlap_the_limit_holds_and_everything_runs(step, other):
    def overlap(world):
        world.statuses.batch_size = 1
        drain = partial(world.drain, "statuses")
        return meanwhile(drain if other == "statuses" else world.reconcile)

    strike_each_call(step, overlap)


@pytest.mark.case(32)
def test_slot_that_another_function_acquires_after_it_was_seen_is_not_acquired_twice(one_slot):
    start(one_slot, 2)
    other = meanwhile(lambda: one_slot.drain("statuses"))
    one_slot.faults.when(
        "dynamodb", "query", other, fitting=lambda call: call.arguments.get("Limit") == 1
    )
    one_slot.drain("statuses")
    assert one_slot.faults.injected["meanwhile"] == 1
    assert len(one_slot.processing()) == 1
    run_to_the_end(one_slot)


# ---- 33: requests twice, late, with an old token, of another machine


@pytest.mark.case(33)
@pytest.mark.parametrize("waits", [True, False])
def test_repeated_request_is_resumed_by_its_new_token_whichever_message_comes_last(world, waits):
    *_, name = start(world, 3 if waits else 1)
    bodies = [one.body for one in world.statuses.messages.values()]
    old = [body for body in bodies if "SlotRequest" in body][-1]
    world.request_again(name)
    world.statuses.send(old)
    world.drain("statuses")
    assert violations(world) == []
    assert (name in world.waiting_executions()) is waits
    run_to_the_end(world)


FOREIGN = "arn:aws:states:us-east-1:123456789012:execution:replaced:run"


def no_permission(call):
    """Refuse what the functions' roles do not allow for another machine's execution."""
    about = (call.arguments.get("executionArn"), call.arguments.get("taskToken"))
    return denied() if FOREIGN in about else None


@pytest.mark.case(33)
def test_request_of_another_machine_is_refused_with_its_reason(world):
    world.faults.add(no_permission)
    request = {"TaskToken": FOREIGN, "ExecutionArn": FOREIGN, "Name": "run"}
    request["StartedAt"] = "2026-11-22T08:15:31.000Z"
    world.send_poison(json.dumps({"SlotRequest": request}), "statuses")
    start_and_wait(world, 1)
    [(_, reason)] = world.dead("statuses")
    assert "another state machine" in reason
    run_to_the_end(world)


@pytest.mark.case(33)
@pytest.mark.parametrize("status", SlotStatus)
def test_execution_of_a_machine_that_was_replaced_keeps_no_slot(one_slot, status):
    one_slot.faults.add(no_permission)
    table = ConcurrencyTable(client("dynamodb"), one_slot.stack.name("ConcurrencyTable"))
    foreign = LimitedExecution(
        name="run",
        execution_arn=FOREIGN,
        started_at="2026-11-01T08:00:00.000Z",
        requested_at=one_slot.clock(),
        acquired_at=one_slot.clock(),
        task_tokens=(FOREIGN,),
        status=status,
    )
    assert table.acquire(foreign, UNLIMITED) if foreign.holds_slot else table.save(foreign)
    [name] = start_and_wait(one_slot, 1)
    assert one_slot.reconcile(None).ok
    assert one_slot.processing() == [name]
    run_to_the_end(one_slot)


@pytest.mark.case(33)
def test_run_that_cannot_be_resumed_keeps_no_other_waiting(world):
    first, second = start(world, 2)

    def not_the_first(call):
        return throttled() if call.arguments.get("taskToken", "").startswith(first) else None

    world.faults.add(not_the_first)
    world.drain("statuses")
    assert world.processing() == [second]
    run_to_the_end(world)


@pytest.mark.case(24, 32)
@pytest.mark.parametrize(
    ("call", "recorded"),
    [(("s3", "list_objects_v2"), "RUNNING"), (("dynamodb", "transact_write_items"), "SUCCEEDED")],
    ids=["recorder", "limiter"],
)
def test_a_failure_to_record_or_to_limit_fails_the_message_and_does_not_stop_the_other(
    one_slot, call, recorded
):
    first, second = start_and_wait(one_slot, 2)
    one_slot.finish(first)
    one_slot.faults.when(*call, throttled())
    [outcome] = one_slot.drain("statuses")
    assert len(outcome.answer["batchItemFailures"]) == 1
    assert one_slot.rows()[first]["status"] == recorded
    assert (second in one_slot.processing()) == (recorded == "RUNNING")
    run_to_the_end(one_slot)


# ---- 34: stops


@pytest.mark.case(34)
@pytest.mark.parametrize("redriven", [False, True])
def test_waiting_run_that_is_stopped_waits_no_longer_and_redriven_in_its_old_order(world, redriven):
    names = start_and_wait(world, 4)
    end(world, names[2], "ABORTED")
    if redriven:
        world.redrive(names[2])
        world.drain("statuses")
    assert world.processing() == names[:2]
    end(world, names[0])
    assert world.processing() == [names[1], names[2] if redriven else names[3]]
    run_to_the_end(world)


@pytest.mark.case(34)
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_messages_of_a_stop_and_a_redrive_of_a_waiting_run_may_come_in_any_order(world, order):
    [name] = start(world, 1)
    kept = []
    world.fate = world.request_fate = lambda message: kept.append(json.dumps(message)) or []
    world.statuses.messages.clear()
    world.clock.advance(60)
    world.finish(name, "ABORTED")
    world.clock.advance(60)
    world.redrive(name)
    for message, copy in itertools.product(order, range(2)):
        world.clock.advance(1 + copy)
        world.statuses.send(kept[message])
        world.drain("statuses")
        assert violations(world) == []
    assert world.processing() == [name]
    run_to_the_end(world)


@pytest.mark.case(34)
@pytest.mark.parametrize("missed", [True, False])
def test_job_that_takes_long_to_stop_keeps_its_slot_until_a_reconcile_after_its_end(world, missed):
    names = start_and_wait(world, 4)
    world.fate = lambda _: [] if missed else [0]
    world.stop(names[0])
    world.fate = lambda _: [0]
    for _ in range(2):
        world.redeliver()
        assert "SlotsNotReleased" not in reconciled_late(world)
        assert world.processing() == names[:2]
        assert violations(world) == []
    world.redeliver()
    assert world.rows()[names[0]]["status"] == "ABORTED"
    assert world.dead("statuses") == []
    assert not world.statuses.messages
    world.job_ends(names[0])
    assert reconciled_late(world)["SlotsNotReleased"] == 1
    assert world.processing() == names[1:3]
    run_to_the_end(world)


# ---- 35: redrives at the job


@pytest.mark.case(35)
def test_redriven_run_is_counted_without_a_request_and_others_wait_for_it(world):
    names = start_and_wait(world, 4)
    end(world, names[0], "FAILED")
    assert world.processing() == names[1:3]
    world.redrive(names[0])
    world.drain("statuses")
    assert len(world.processing()) == LIMIT + 1
    end(world, names[1])
    assert world.processing() == [names[0], names[2]]
    run_to_the_end(world)


@pytest.mark.case(35)
def test_end_that_arrives_after_its_run_was_redriven_releases_no_slot(world):
    names = start_and_wait(world, 4)
    events = []
    world.fate = lambda event: events.append(json.dumps(event)) or []
    world.finish(names[0], "FAILED")
    world.clock.advance(60)
    world.redrive(names[0])
    for event in (*reversed(events), events[0]):
        world.clock.advance(1)
        world.statuses.send(event)
        world.drain("statuses")
        assert world.processing() == names[:2]
    run_to_the_end(world)


@pytest.mark.case(35)
def test_run_that_is_redriven_while_its_end_is_checked_keeps_its_slot(world):
    names = start_and_wait(world, 3)
    world.finish(names[0], "FAILED")

    def redrive():
        world.redrive(names[0])
        world.drain("statuses")

    world.faults.when("dynamodb", "transact_write_items", meanwhile(redrive))
    world.drain("statuses")
    assert world.faults.injected["meanwhile"] == 1
    assert world.slots.holders() == set(names[:2])
    run_to_the_end(world)


@pytest.mark.case(35)
@pytest.mark.parametrize("missed", ["the end", "the redrive", "the end and the redrive"])
def test_redrive_of_which_events_are_missed_is_counted_by_reconcile(world, missed):
    names = start_and_wait(world, 3)
    world.fate = lambda _: [] if "end" in missed else [0]
    end(world, names[0], "FAILED")
    world.fate = lambda _: [] if "redrive" in missed else [0]
    world.redrive(names[0])
    world.drain("statuses")
    run_to_the_end(world)


# ---- 36: what is missed


@pytest.mark.case(36)
def test_slot_of_an_end_that_was_missed_is_released_by_reconcile(world):
    names = start_and_wait(world, 3)
    world.fate = lambda _: []
    end(world, names[0])
    assert world.processing() == [names[1]]
    reconciled_late(world)
    assert world.processing() == names[1:3]
    run_to_the_end(world)


@pytest.mark.case(36)
def test_long_run_keeps_its_slot_however_often_reconcile_looks_at_it(world):
    names = start_and_wait(world, 3)
    assert [reconciled_late(world) for _ in range(3)] == [{}, {}, {}]
    assert world.processing() == names[:2]
    world.finish(names[0])
    world.clock.advance(60)  # its event may still arrive
    assert world.reconcile(None).answer["SlotsNotReleased"] == 0
    assert violations(world) == []


@pytest.mark.case(36)
@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("by", ["any next message", "reconcile"])
def test_run_whose_function_dies_as_it_resumes_it_is_resumed(world, death, by):
    [name] = start(world, 1)
    world.faults.when("stepfunctions", "send_task_success", death())
    world.drain("statuses")
    world.statuses.messages.clear()
    if by == "reconcile":
        missed = {"ExecutionsNotResumed": 1} if death is killed_before else {}
        assert reconciled_late(world) == missed
    else:
        start_and_wait(world, 1)
    assert name in world.processing()
    assert world.waiting_executions() == []
    run_to_the_end(world)


# ---- 37: changes of the limit


@pytest.mark.case(37)
@pytest.mark.parametrize(("before", "after"), [(1, 4), (4, 1)])
def test_limit_that_is_raised_or_lowered_holds_from_the_next_event(before, after):
    with limited(limit=before) as world:
        start_and_wait(world, 6)
        world.set_limit(after)
        end(world, world.processing()[0])
        assert len(world.processing()) == (after if after > before else before - 1)
        run_to_the_end(world)
        assert world.slots.order == list(world.executions())


@pytest.mark.case(37)
def test_limit_that_is_removed_lets_everything_run_after_the_next_reconcile(world):
    start_and_wait(world, 28)
    world.set_limit(0)
    assert world.reconcile(None).ok
    assert world.waiting_executions() == []
    assert world.slots.order == list(world.executions())


@pytest.mark.case(37)
def test_runs_that_had_their_job_before_there_was_a_limit_are_counted_by_reconcile(new_world):
    world = new_world()
    start_and_wait(world, 3)
    world.set_limit(LIMIT)
    assert reconciled_late(world) == {"SlotsNotCounted": 3}
    start_and_wait(world, 2)
    assert len(world.processing()) == 3
    run_to_the_end(world)
