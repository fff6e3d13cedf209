"""The main path, so that every permission matters: each step says what must have come of it.

A path is a list of steps; a step takes a World and fails when something has not happened.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from landrun.adapters.landings_table import LandingsTable
from landrun.models.landing import parse_landing

from . import faults
from .world import PermittedWorld, stack

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"

Step = Callable[[PermittedWorld], None]

faulty = faults.module("faulty")
inside = faults.module("inside")
SUMMARY = b'{"rows_in": 3, "rows_out": 3}'


def _client(service: str) -> Any:
    """The root's."""
    return stack.client(service)


def land(world: PermittedWorld, key: str) -> str:
    """Land an object and give the name of the execution that its event starts."""
    before = set(world.executions())
    world.land(key)
    world.drain()
    [name] = set(world.executions()) - before
    return str(name)


def deliver(world: PermittedWorld) -> None:
    """Hand over what is in both queues; nothing of it may fail."""
    for queue in ("landings", "statuses"):
        outcomes = world.drain(queue)
        assert all(outcome.answer == {"batchItemFailures": []} for outcome in outcomes), outcomes


def write_outputs(world: PermittedWorld, name: str) -> None:
    """Leave what a job leaves."""
    bucket, under = world.stack.name("OutputBucket"), f"processed/{name}"
    for file, body in (("part-0.parquet", b"data"), ("summary.json", SUMMARY)):
        _client("s3").put_object(Bucket=bucket, Key=f"{under}/{file}", Body=body)


def create_job(name: str) -> str:
    """Make a Processing job, of which an execution's history will tell."""
    job = f"{name}-0123abcd"
    _client("sagemaker").create_processing_job(
        ProcessingJobName=job,
        ProcessingResources={
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 1,
            }
        },
        AppSpecification={"ImageUri": "image"},
        RoleArn="arn:aws:iam::123456789012:role/jobs",
    )
    return job


def one_run(world: PermittedWorld) -> str:
    [name] = world.executions()
    return str(name)


# ---- arrival ---------------------------------------------------------------------------------


def an_object_starts_a_run(world: PermittedWorld) -> None:
    name = land(world, "incoming/a.jsonl")
    assert world.keys(name) == ["incoming/a.jsonl"]
    assert world.running() == [name]


def its_second_event_finds_the_run(world: PermittedWorld) -> None:
    world.send(world.landed[0])
    deliver(world)
    assert len(world.executions()) == 1


def a_setting_that_changed_since_is_noticed(world: PermittedWorld) -> None:
    prefix = world.variable("ObjectCreated", "OUTPUT_PREFIX")
    world.reconfigure("ObjectCreated", OUTPUT_PREFIX="elsewhere/")
    world.send(world.landed[0])
    deliver(world)
    world.reconfigure("ObjectCreated", OUTPUT_PREFIX=prefix)
    assert world.metrics["InputMismatches", ""] == 1


def a_tick_starts_a_run_over_the_scheduled_input(world: PermittedWorld) -> None:
    before = set(world.executions())
    tick = world.tick()
    assert tick.ok, tick.error
    [name] = set(world.executions()) - before
    assert world.keys(name) == ["incoming/a.jsonl"]
    again = world.retry(tick)
    assert again.answer == tick.answer
    world.finish(name)
    deliver(world)


# ---- either mode -----------------------------------------------------------------------------


def a_message_that_is_no_event_is_refused_with_its_reason(world: PermittedWorld) -> None:
    for queue in ("landings", "statuses"):
        world.send_poison("not an event", queue)
    deliver(world)
    for queue in ("landings", "statuses"):
        [(body, reason)] = world.dead(queue)
        assert body == "not an event"
        assert reason


def its_outputs_are_counted(world: PermittedWorld) -> None:
    name = world.running()[0]
    write_outputs(world, name)
    world.finish(name)
    deliver(world)
    row = world.rows()[name]
    assert row["status"] == "SUCCEEDED"
    assert (row["output_objects"], row["summary"]["rows_out"]) == (2, 3)


def a_long_output_is_fetched(world: PermittedWorld) -> None:
    """Over 248 KB the event leaves it out, and DescribeExecution has it."""
    name = _another_run(world)
    world.fate = lambda _: []
    execution = world.finish(name)
    event = world.machine.event(execution)
    event["detail"] |= {"output": None, "outputDetails": {"included": False}}
    world.fate = lambda _: [0]
    world.statuses.send(json.dumps(event))
    deliver(world)
    assert world.rows()[name]["output"] == execution.output


def a_failure_is_told_with_its_job(world: PermittedWorld) -> None:
    name = _another_run(world)
    told = len(world.published)
    job = create_job(name)
    world.finish(name, "ABORTED", job=job)
    deliver(world)
    row = world.rows()[name]
    assert row["status"] == "ABORTED"
    assert row["job_name"] == job
    assert row["job_arn"].endswith(job)
    assert "unfinished" not in row
    assert len(world.published) == told + 1


def _another_run(world: PermittedWorld) -> str:
    """Start a run in whichever way this World does."""
    key = f"incoming/{len(world.landed)}.jsonl"
    if world.start_on == "arrival":
        name = land(world, key)
    else:
        before = set(world.executions())
        world.land(key)
        deliver(world)
        assert world.tick().ok
        [name] = set(world.executions()) - before
    deliver(world)
    return name


def reconcile(world: PermittedWorld, **mended: int) -> None:
    """Reconcile by hand, and find this and nothing else mended."""
    outcome = world.reconcile(0)
    assert outcome.ok, outcome.error
    found = {kind: n for kind, n in outcome.answer.items() if n}
    assert found == mended, found


def reconcile_records_an_end_that_was_lost(world: PermittedWorld) -> None:
    name = _another_run(world)
    job = create_job(name)
    write_outputs(world, name)
    world.fate = lambda _: []
    world.finish(name, "ABORTED", job=job)
    world.fate = lambda _: [0]
    told = len(world.published)
    reconcile(world, Statuses=1)
    row = world.rows()[name]
    assert (row["status"], row["job_arn"].endswith(job)) == ("ABORTED", True)
    assert (row["output_objects"], row["summary"]["rows_out"]) == (2, 3)
    assert "unfinished" not in row
    assert len(world.published) == told + 1


def reconcile_records_a_run_that_nobody_knew(world: PermittedWorld) -> None:
    world.fate = lambda _: []
    name = _another_run(world)
    world.fate = lambda _: [0]
    reconcile(world, Executions=1)
    assert world.rows()[name]["status"] == "RUNNING"
    world.finish(name)
    deliver(world)


def reconcile_starts_the_run_of_a_manifest_without_one(world: PermittedWorld) -> None:
    """Its function died between the manifest and StartExecution."""
    before = set(world.executions())
    world.faults.when("s3", "put_object", faulty.killed_after())
    world.land("incoming/died.jsonl")
    world.drain()
    world.faults.heal()
    assert set(world.executions()) == before
    reconcile(world, Manifests=1, Executions=1)
    [name] = set(world.executions()) - before
    world.later()
    deliver(world)
    assert set(world.executions()) - before == {name}
    world.finish(name)
    deliver(world)


def reconcile_gathers_what_waits_from_when_landings_collected(world: PermittedWorld) -> None:
    """As after a deployment that has set StartOn back to arrival."""
    before = set(world.executions())
    landed = world.land("incoming/late.jsonl")
    world.landings.receive()
    waiting = LandingsTable(_client("dynamodb"), world.stack.name("LandingsTable"), world.clock)
    waiting.record(parse_landing(landed.body))
    reconcile(world, Claims=1, Executions=1)
    [name] = set(world.executions()) - before
    assert world.keys(name) == ["incoming/late.jsonl"]
    assert not [item for item in world.waiting().values() if item.get("waiting")]
    world.finish(name)
    deliver(world)


# ---- schedule --------------------------------------------------------------------------------


def an_object_waits(world: PermittedWorld) -> None:
    world.land("incoming/a.jsonl", copies=2)
    deliver(world)
    [item] = world.waiting().values()
    assert item["waiting"]
    assert not world.executions()


def a_tick_starts_a_run_over_all_that_wait(world: PermittedWorld) -> None:
    world.land("incoming/b.jsonl")
    deliver(world)
    tick = world.tick()
    assert tick.ok, tick.error
    assert sorted(world.keys(one_run(world))) == ["incoming/a.jsonl", "incoming/b.jsonl"]
    assert not [item for item in world.waiting().values() if item.get("waiting")]
    again = world.retry(tick)
    assert again.answer == tick.answer
    deliver(world)


def a_setting_that_changed_before_a_ticks_retry_is_noticed(world: PermittedWorld) -> None:
    """The retry goes on with the manifest that stands, whose run had another input."""
    noticed = world.metrics["InputMismatches", ""]
    prefix = world.variable("Schedule", "OUTPUT_PREFIX")
    world.reconfigure("Schedule", OUTPUT_PREFIX="elsewhere/")
    assert world.tick(min(world.ticks)).ok
    world.reconfigure("Schedule", OUTPUT_PREFIX=prefix)
    assert world.metrics["InputMismatches", ""] == noticed + 1


def a_tick_that_died_is_finished_by_its_retry(world: PermittedWorld) -> None:
    before = set(world.executions())
    world.land("incoming/c.jsonl")
    deliver(world)
    world.faults.when("s3", "put_object", faulty.killed_after(), nth=2)  # list, then manifest
    tick = world.tick()
    world.faults.heal()
    assert not tick.ok
    assert world.retry(tick).ok
    [name] = set(world.executions()) - before
    deliver(world)
    world.finish(name)
    deliver(world)


def reconcile_finishes_a_tick_that_is_given_up(world: PermittedWorld) -> None:
    before = set(world.executions())
    world.land("incoming/d.jsonl")
    deliver(world)
    world.faults.when("s3", "put_object", faulty.killed_before())
    assert not world.tick().ok
    world.faults.heal()
    world.give_up_ticks()
    reconcile(world, Claims=1, Executions=1)
    [name] = set(world.executions()) - before
    assert world.keys(name) == ["incoming/d.jsonl"]
    assert not [item for item in world.waiting().values() if item.get("waiting")]
    deliver(world)
    world.finish(name)
    deliver(world)


# ---- concurrency slots ------------------------------------------------------------------------


def two_objects_land_and_one_run_holds_the_slot(world: PermittedWorld) -> None:
    for key in ("incoming/a.jsonl", "incoming/b.jsonl"):
        world.clock.advance(1)
        land(world, key)
    deliver(world)
    first, second = world.executions()
    assert (world.at_work(), world.in_line()) == ([first], [second])


def an_execution_that_requests_again_keeps_its_place(world: PermittedWorld) -> None:
    [waiting] = world.in_line()
    world.asks_anew(waiting)
    deliver(world)
    assert world.in_line() == [waiting]


def an_end_releases_the_slot_to_the_next(world: PermittedWorld) -> None:
    [waiting] = world.in_line()
    world.clock.advance(60)
    world.finish(world.at_work()[0])
    deliver(world)
    assert world.at_work() == [waiting]


def a_waiting_execution_that_is_stopped_gives_up_its_place(world: PermittedWorld) -> None:
    name = _in_line(world)
    world.clock.advance(60)
    world.finish(name, "ABORTED")
    deliver(world)
    assert _line(world, "waiting") == []


def a_redriven_run_holds_a_slot(world: PermittedWorld) -> None:
    [name] = world.at_work()
    world.clock.advance(60)
    world.finish(name, "FAILED", job=create_job(name))
    deliver(world)
    assert _line(world, "holding") == []
    world.clock.advance(60)
    world.redrive(name)
    deliver(world)
    assert _line(world, "holding") == [name]


def reconcile_releases_the_slot_of_a_missed_end(world: PermittedWorld) -> None:
    waiting, [holder] = _in_line(world), world.at_work()
    world.fate = lambda _: []
    world.clock.advance(60)
    world.finish(holder)
    world.fate = lambda _: [0]
    world.clock.advance(3600)
    outcome = world.reconcile(0)
    assert outcome.ok, outcome.error
    assert world.at_work() == [waiting]
    assert _line(world, "holding") == [waiting]


def reconcile_counts_a_redriven_run_whose_event_was_missed(world: PermittedWorld) -> None:
    [name] = world.at_work()
    world.clock.advance(60)
    world.finish(name, "FAILED", job=create_job(name))
    deliver(world)
    world.fate = lambda _: []
    world.clock.advance(60)
    world.redrive(name)
    world.fate = lambda _: [0]
    outcome = world.reconcile(0)
    assert outcome.ok, outcome.error
    assert _line(world, "holding") == [name]


def _in_line(world: PermittedWorld) -> str:
    """Let another run start, which waits for a slot."""
    world.clock.advance(1)
    name = land(world, f"incoming/{len(world.landed)}.jsonl")
    deliver(world)
    assert world.in_line() == [name]
    return name


def _line(world: PermittedWorld, line: str) -> list[str]:
    items = inside.items(world.stack.name("ConcurrencyTable"))
    return [one["place"].rpartition("#")[2] for one in items if one["line"] == line]


EITHER_MODE: list[Step] = [
    a_message_that_is_no_event_is_refused_with_its_reason,
    its_outputs_are_counted,
    a_long_output_is_fetched,
    a_failure_is_told_with_its_job,
    reconcile_records_an_end_that_was_lost,
    reconcile_records_a_run_that_nobody_knew,
]

PATHS: dict[str, list[Step]] = {
    "arrival": [
        an_object_starts_a_run,
        its_second_event_finds_the_run,
        *EITHER_MODE,
        a_setting_that_changed_since_is_noticed,
        reconcile_starts_the_run_of_a_manifest_without_one,
        reconcile_gathers_what_waits_from_when_landings_collected,
    ],
    "schedule": [
        an_object_waits,
        a_tick_starts_a_run_over_all_that_wait,
        *EITHER_MODE,
        a_setting_that_changed_before_a_ticks_retry_is_noticed,
        a_tick_that_died_is_finished_by_its_retry,
        reconcile_finishes_a_tick_that_is_given_up,
    ],
    "ticks": [
        an_object_starts_a_run,
        its_outputs_are_counted,
        a_tick_starts_a_run_over_the_scheduled_input,
        a_setting_that_changed_before_a_ticks_retry_is_noticed,
    ],
    "slots": [
        two_objects_land_and_one_run_holds_the_slot,
        an_execution_that_requests_again_keeps_its_place,
        an_end_releases_the_slot_to_the_next,
        a_waiting_execution_that_is_stopped_gives_up_its_place,
        a_redriven_run_holds_a_slot,
        reconcile_releases_the_slot_of_a_missed_end,
        reconcile_counts_a_redriven_run_whose_event_was_missed,
    ],
}

NOT_OF_RECONCILE = {
    a_message_that_is_no_event_is_refused_with_its_reason,
    a_long_output_is_fetched,
    a_failure_is_told_with_its_job,
    a_setting_that_changed_since_is_noticed,
    a_setting_that_changed_before_a_ticks_retry_is_noticed,
    a_tick_that_died_is_finished_by_its_retry,
}
"""Steps that reconcile has no part in, and that leave it nothing to do."""

PATHS["key"] = PATHS["arrival"]

PARAMETERS: dict[str, dict[str, str]] = {
    "arrival": {},
    "schedule": {"StartOn": "schedule"},
    "ticks": {"ScheduledInput": "incoming/"},
    "slots": {"MaxConcurrentRuns": "1"},
    "key": {"KmsKeyArn": KEY},
}
