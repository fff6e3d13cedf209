"""MaxConcurrentRuns: runs wait in order, and no fault lets more of them have their job at once.

When a test is over, the World comes to rest, and all its runs come to their end within the limit.
"""

import itertools
import json

import pytest

from landrun.adapters.concurrency_table import UNLIMITED, ConcurrencyTable
from landrun.models.concurrency import LimitedExecution, SlotStatus

from .faulty import DEATHS, at_each_call, denied, killed_before, meanwhile, throttled
from .invariants import violations
from .stack import client
from .world import World

LIMIT = 2
LATE = 3600
"""Seconds after which every grace of reconcile is over."""


@pytest.fixture
def limited(new_world):
    return lambda limit: new_world(MaxConcurrentRuns=str(limit))


@pytest.fixture
def world(limited):
    return limited(LIMIT)


@pytest.fixture
def one_slot(limited):
    opened = limited(1)
    opened.statuses.batch_size = 1
    return opened


def start(world, runs):
    """Start runs one after the other; their messages are in the status queue."""
    for _ in range(runs):
        world.clock.advance(1)
        world.land(f"incoming/{len(world.landed)}.jsonl")
        world.drain()
    return list(world.executions())[-runs:]


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


# ---- 31: the order and the limit


@pytest.mark.case(31)
def test_burst_gets_slots_in_the_order_of_start_and_every_end_makes_room_for_one(world):
    start_and_wait(world, 6)
    assert len(world.processing()) == LIMIT
    for status in ["SUCCEEDED", "FAILED"] * 3:
        end(world, world.processing()[-1], status)
        assert len(world.processing()) == min(LIMIT, len(world.running()))
    assert world.slots.order == list(world.executions())


# ---- 32: faults at any call


def slots_change_hands(world):
    """Let three runs have one slot in turn, whatever a fault has made of them.

    They end, wait, request again, are stopped, redriven, and end without an event.
    """
    start(world, 3)
    for status in ("FAILED", "ABORTED", "SUCCEEDED"):
        world.drain("statuses")
        for name in world.waiting_executions()[-1:]:
            world.request_again(name)
        for name in world.processing()[:1]:
            world.finish(name, status)
        world.drain("statuses")
        world.clock.advance(60)
    for name, execution in world.executions().items():
        if execution.status == "FAILED":
            world.redrive(name)
    world.drain("statuses")
    world.fate = lambda _: []
    for name in world.processing()[:1]:
        stopped = world.stop(name)
        world.job_ends(stopped.name)
    world.clock.advance(LATE)
    world.reconcile(None)
    world.drain("statuses")


def of_limiting(call):
    """Whether concurrency limiting makes a call; the other calls have cases of their own."""
    return (
        call.arguments.get("TableName", "").endswith("ConcurrencyTable")
        or call.operation == "transact_write_items"
        or call.service == "stepfunctions"
    )


another_message = meanwhile(lambda world: world.drain("statuses"))


@pytest.mark.case(32)
@pytest.mark.parametrize(
    "fault",
    [*(fault() for fault in DEATHS), throttled(), another_message, meanwhile(World.reconcile)],
)
def test_whichever_call_fails_or_is_overlapped_the_limit_holds_and_everything_runs(fault):
    def opened():
        return World(MaxConcurrentRuns="1")

    for world in at_each_call(opened, fault, fitting=of_limiting, step=50):
        world.statuses.batch_size = 1
        slots_change_hands(world)
        assert violations(world) == []


@pytest.mark.case(32)
def test_slot_that_another_function_acquires_after_it_was_seen_is_not_acquired_twice(one_slot):
    start(one_slot, 2)
    first_waiting = lambda call: call.arguments.get("Limit") == 1  # noqa: E731
    one_slot.faults.when("dynamodb", "query", another_message, fitting=first_waiting)
    one_slot.drain("statuses")
    assert one_slot.faults.injected["meanwhile"] == 1
    assert len(one_slot.processing()) == 1


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


@pytest.mark.case(33)
def test_run_that_cannot_be_resumed_keeps_no_other_waiting(world):
    first, second = start(world, 2)

    def not_the_first(call):
        return throttled() if call.arguments.get("taskToken", "").startswith(first) else None

    world.faults.add(not_the_first)
    world.drain("statuses")
    assert world.processing() == [second]


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


# ---- 34, 35: stops and redrives


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


@pytest.mark.case(34, 35)
@pytest.mark.parametrize(
    ("waits", "order"),
    [(True, order) for order in itertools.permutations(range(3))] + [(False, (1, 0))],
)
def test_messages_of_an_end_and_a_redrive_may_come_twice_and_in_any_order(world, waits, order):
    names = start_and_wait(world, 4)
    kept = []
    world.fate = world.request_fate = lambda message: kept.append(json.dumps(message)) or []
    name = names[2 if waits else 0]
    world.finish(name, "ABORTED" if waits else "FAILED")
    world.clock.advance(60)
    world.redrive(name)
    for message, copy in itertools.product(order, range(2)):
        world.clock.advance(1 + copy)
        world.statuses.send(kept[message])
        world.drain("statuses")
        assert world.processing() == names[:2]
        assert violations(world) == []


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
    assert world.settle() == []


@pytest.mark.case(35)
def test_run_that_is_redriven_while_its_end_is_checked_keeps_its_slot(world):
    names = start_and_wait(world, 3)
    world.finish(names[0], "FAILED")

    def redrive(world):
        world.redrive(names[0])
        world.drain("statuses")

    world.faults.when("dynamodb", "transact_write_items", meanwhile(redrive))
    world.drain("statuses")
    assert world.faults.injected["meanwhile"] == 1
    assert world.slots.holders() == set(names[:2])


@pytest.mark.case(35)
@pytest.mark.parametrize("missed", ["the end", "the redrive", "the end and the redrive"])
def test_redrive_of_which_events_are_missed_is_counted_by_reconcile(world, missed):
    names = start_and_wait(world, 3)
    world.fate = lambda _: [] if "end" in missed else [0]
    end(world, names[0], "FAILED")
    world.fate = lambda _: [] if "redrive" in missed else [0]
    world.redrive(names[0])
    world.drain("statuses")


# ---- 36: what is missed


@pytest.mark.case(36)
def test_slot_of_an_end_that_was_missed_is_released_by_reconcile(world):
    names = start_and_wait(world, 3)
    assert reconciled_late(world) == {}  # a long run keeps its slot
    world.fate = lambda _: []
    end(world, names[0])
    assert world.reconcile(None).answer["SlotsNotReleased"] == 0  # its event may still arrive
    assert world.processing() == [names[1]]
    reconciled_late(world)
    assert world.processing() == names[1:3]
    assert world.settle() == []


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


# ---- 37: changes of the limit


@pytest.mark.case(37)
@pytest.mark.parametrize(("before", "after"), [(1, 4), (4, 1)])
def test_limit_that_is_raised_or_lowered_holds_from_the_next_event(limited, before, after):
    world = limited(before)
    start_and_wait(world, 6)
    world.set_limit(after)
    end(world, world.processing()[0])
    assert len(world.processing()) == (after if after > before else before - 1)
    assert world.settle() == []
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
