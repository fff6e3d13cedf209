"""Bursts, quotas and outages: what is refused for now comes again until it is done."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .faulty import Fault, denied, refused, slow, throttled, unreachable
from .invariants import violations
from .stepfunctions import TokenBucket
from .thorough import THOROUGH
from .world import World


@pytest.mark.case(7)
def test_burst_over_the_quota_of_start_execution_loses_none_and_buries_none(
    world: World,
) -> None:
    world.faults.recording = False
    world.fate = lambda _: []
    world.machine.bucket = TokenBucket(world.clock, size=200, per_second=2)
    for number in range(250):
        world.land(f"incoming/{number}.jsonl", stored=False)
    world.drain()
    assert world.machine.bucket.refused == 50
    while len(world.landings):
        world.later()
    assert len(world.executions()) == len(world.manifests()) == 250
    assert world.dead("landings") == []
    assert violations(world) == []


@pytest.mark.case(7)
@pytest.mark.skipif(not THOROUGH, reason="takes a minute or two: make faults runs it")
def test_burst_of_ten_thousand_over_the_quota_of_a_region_loses_none_and_buries_none(
    world: World,
) -> None:
    """1,300 at once and 300 a second: StartExecution's quota in the larger regions."""
    world.faults.recording = False
    world.fate = lambda _: []
    world.machine.bucket = TokenBucket(world.clock, size=1300, per_second=300)
    for number in range(10_000):
        world.land(f"incoming/{number}.jsonl", stored=False)
    world.drain()
    assert world.machine.bucket.refused > 0
    while len(world.landings):
        world.later()
    assert len(world.executions()) == len(world.manifests()) == 10_000
    assert world.dead("landings") == []


@pytest.mark.case(7)
def test_burst_in_the_collecting_mode_is_one_run(new_world: Callable[..., World]) -> None:
    world = new_world("schedule")
    for number in range(30):
        world.land(f"incoming/{number}.jsonl")
    world.faults.add(lambda _: throttled() if world.random.random() < 0.3 else None)
    while len(world.landings):
        world.later()
    world.faults.heal()
    assert world.tick().answer["Objects"] == 30
    assert world.settle() == []


@pytest.mark.case(7)
def test_more_than_a_run_may_read_becomes_several_runs(new_world: Callable[..., World]) -> None:
    world = new_world("schedule", MaxObjectsPerRun="4")
    for number in range(10):
        world.land(f"incoming/{number}.jsonl")
    world.drain()
    answer = world.tick().answer
    assert answer["Objects"] == 10
    assert [run["Objects"] for run in answer["Runs"]] == [4, 4, 2]
    assert world.settle() == []


@pytest.mark.case(8)
def test_execution_limit_exceeded_fails_its_item_and_succeeds_later(world: World) -> None:
    world.machine.limit = 1
    for name in "ab":
        world.land(f"incoming/{name}.jsonl")
    [outcome] = world.drain()
    assert len(outcome.answer["batchItemFailures"]) == 1
    assert len(world.executions()) == 1
    assert [len(one.answer["batchItemFailures"]) for one in world.later()] == [1]
    world.finish(world.running()[0])
    assert [one.answer["batchItemFailures"] for one in world.later()] == [[]]
    assert len(world.executions()) == 2
    assert world.settle() == []


@pytest.mark.case(8)
def test_execution_limit_exceeded_fails_the_tick_and_its_retry_starts_the_run(
    new_world: Callable[..., World],
) -> None:
    world = new_world("schedule")
    world.land("incoming/a.jsonl")
    world.drain()
    world.machine.limit = 0
    tick = world.tick()
    assert not tick.ok
    assert len(world.manifests()) == 1
    world.machine.limit = None
    assert world.retry(tick).answer["Objects"] == 1
    assert world.settle() == []


@pytest.mark.case(24)
@pytest.mark.parametrize(
    ("service", "outage"),
    [("dynamodb", throttled), ("dynamodb", unreachable), ("sns", denied), ("sns", throttled)],
)
def test_service_down_for_a_while_loses_no_outcome_and_no_notification(
    world: World, service: str, outage: Callable[[], Fault]
) -> None:
    for name in "abc":
        world.land(f"incoming/{name}.jsonl")
    world.drain()
    world.faults.always(outage(), service)
    first, second, third = world.running()
    world.finish(first, "FAILED")
    world.finish(second)
    for _ in range(5):  # half an hour
        assert all(outcome.ok for outcome in world.later("statuses"))
    assert world.published == []
    world.faults.heal()
    world.later("statuses")
    world.reconcile(None)
    assert {name: row["status"] for name, row in world.rows().items()} == {
        first: "FAILED",
        second: "SUCCEEDED",
        third: "RUNNING",
    }
    assert len(world.published) == 1
    assert world.dead("statuses") == []
    assert world.settle() == []


@pytest.mark.case(24)
@pytest.mark.parametrize("service", ["dynamodb", "s3", "stepfunctions"])
def test_service_down_for_a_while_loses_no_landing(
    new_world: Callable[..., World], service: str
) -> None:
    world = new_world("schedule" if service == "dynamodb" else "arrival")
    world.faults.always(unreachable(), service)
    for name in "abc":
        world.land(f"incoming/{name}.jsonl")
    for _ in range(5):
        world.later()
    assert world.executions() == {}
    assert world.dead("landings") == []
    assert world.settle() == []
    assert sum(len(world.keys(run)) for run in world.executions()) == 3


@pytest.mark.case(24)
def test_topic_that_refuses_is_asked_again_by_the_next_delivery(world: World) -> None:
    world.land("incoming/a.jsonl")
    world.drain()
    world.finish(world.running()[0], "FAILED")
    world.faults.when("sns", "publish", refused("InternalError"))
    world.drain("statuses")
    assert world.published == []
    assert [row["status"] for row in world.rows().values()] == ["FAILED"]
    world.later("statuses")
    assert len(world.published) == 1
    assert world.settle() == []


@pytest.mark.case(24)
def test_slow_calls_change_nothing(new_world: Callable[..., World]) -> None:
    world = new_world("schedule")
    world.land("incoming/a.jsonl", copies=2)
    for service in ("dynamodb", "s3", "stepfunctions", "sns"):
        world.faults.always(slow(world.clock, 7), service)
    world.drain()
    world.tick()
    world.finish(world.running()[0], "TIMED_OUT")
    world.drain("statuses")
    assert len(world.published) == 1
    assert world.settle() == []
