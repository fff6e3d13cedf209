"""Bursts, quotas and outages: what is refused for now comes again until it is done."""

import pytest

from .faulty import denied, throttled, unreachable
from .invariants import violations

HALF_AN_HOUR = 5
"""Deliveries of a message, each of which is hidden for six minutes after it failed."""


@pytest.mark.case(7)
def test_burst_over_the_quota_of_start_execution_loses_none_and_buries_none(world):
    began = world.clock.now
    world.fate = lambda _: []

    def over_quota(call):
        room = 40 + (world.clock.now - began).total_seconds() // 60
        full = call.operation == "start_execution" and len(world.executions()) >= room
        return throttled() if full else None

    world.faults.add(over_quota)
    for number in range(60):
        world.land(f"incoming/{number}.jsonl")
    world.drain()
    assert len(world.executions()) == 40
    while len(world.landings):
        world.later()
    assert len(world.executions()) == len(world.manifests()) == 60
    assert world.dead("landings") == []
    assert violations(world) == []


@pytest.mark.case(8)
def test_execution_limit_exceeded_fails_its_item_and_succeeds_later(world):
    world.machine.limit = 1
    for name in "ab":
        world.land(f"incoming/{name}.jsonl")
    [outcome] = world.drain()
    assert len(outcome.answer["batchItemFailures"]) == 1
    assert len(world.executions()) == 1
    world.finish(world.running()[0])
    assert [one.answer["batchItemFailures"] for one in world.later()] == [[]]
    assert len(world.executions()) == 2


@pytest.mark.case(24)
@pytest.mark.parametrize(
    ("service", "outage"), [("dynamodb", throttled), ("dynamodb", unreachable), ("sns", denied)]
)
def test_service_down_for_a_while_loses_no_outcome_and_no_notification(world, service, outage):
    for name in "abc":
        world.land(f"incoming/{name}.jsonl")
    world.drain()
    world.faults.add(lambda call: outage() if call.service == service else None)
    first, second, third = world.running()
    world.finish(first, "FAILED")
    world.finish(second)
    for _ in range(HALF_AN_HOUR):
        assert all(outcome.ok for outcome in world.later("statuses"))
    assert world.published == []
    world.faults.heal()
    world.later("statuses")
    world.reconcile(None)
    statuses = {name: row["status"] for name, row in world.rows().items()}
    assert statuses == {first: "FAILED", second: "SUCCEEDED", third: "RUNNING"}
    assert len(world.published) == 1
    assert world.dead("statuses") == []


@pytest.mark.case(24)
@pytest.mark.parametrize(
    ("service", "mode"), [("dynamodb", "schedule"), ("s3", "arrival"), ("stepfunctions", "arrival")]
)
def test_service_down_for_a_while_loses_no_landing(new_world, service, mode):
    world = new_world(mode)
    world.faults.add(lambda call: unreachable() if call.service == service else None)
    for name in "abc":
        world.land(f"incoming/{name}.jsonl")
    for _ in range(HALF_AN_HOUR):
        world.later()
    assert world.executions() == {}
    assert world.dead("landings") == []
    assert world.settle() == []
    assert sum(len(world.keys(run)) for run in world.executions()) == 3
