"""The main path, so that every permission of every function is used.

A path is a list of steps; a step takes a World and fails when something has not happened.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import contextmanager
from typing import NamedTuple

from faults import faulty, inside, stack

from .world import PermittedWorld

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SUMMARY = b'{"rows_in": 3, "rows_out": 3}'

Step = Callable[[PermittedWorld], None]


def deliver(world):
    """Hand over what is in both queues; nothing of it may fail."""
    for queue in ("landings", "statuses"):
        outcomes = world.drain(queue)
        assert all(outcome.answer == {"batchItemFailures": []} for outcome in outcomes), outcomes


def land(world, key):
    """Land an object, deliver all events, and give the name of the execution that they start."""
    before = set(world.executions())
    world.land(key)
    deliver(world)
    [name] = set(world.executions()) - before
    return str(name)


@contextmanager
def losing_status_events(world):
    world.fate = lambda _: []
    yield
    world.fate = lambda _: [0]


def leave_what_a_job_leaves(world, name):
    """Write a run's outputs, and a failed job's log; the execution's history names the job."""
    bucket, job = world.stack.name("OutputBucket"), f"{name}-0123abcd"
    for file, body in (("part-0.parquet", b"data"), ("summary.json", SUMMARY)):
        stack.client("s3").put_object(Bucket=bucket, Key=f"processed/{name}/{file}", Body=body)
    inside.job(job, "Failed")
    inside.log(job, "ValueError: no text")
    return job


def let_it_read_an_object(world, name):
    """Let a run that has not ended read an object, as with ``InputMessageFormat=uri``."""
    bucket = world.stack.name("LandingBucket")
    for key in ("archive/a.csv", "archive/a.csv.bak"):  # no landings: not under the prefix
        stack.client("s3").put_object(Bucket=bucket, Key=key, Body=b"data")
    execution = world.executions()[name]
    given = json.loads(execution.input) | {"InputMessage": f"s3://{bucket}/archive/a.csv"}
    execution.input = json.dumps(given)


def abort_a_run(world):
    """Stop a run that has left outputs and whose job has just failed; give its name."""
    name = land(world, f"incoming/{len(world.landed)}.jsonl")
    let_it_read_an_object(world, name)
    world.finish(name, "ABORTED", job=leave_what_a_job_leaves(world, name))
    return name


def assert_the_abort_is_on_record(world, name):
    row = world.rows()[name]
    assert row["status"] == "ABORTED"
    assert row["exit_message"].endswith("ValueError: no text")
    assert row["job_arn"].endswith(row["job_name"])
    assert (row["output_objects"], row["summary"]["rows_out"]) == (2, 3)
    assert row["input_also_matches"] == ["archive/a.csv.bak"]
    assert "unfinished" not in row
    [(subject, _)] = world.published[-1:]
    assert name[:20] in subject


def reconcile(world):
    """Reconcile by hand; give what was recovered, by kind."""
    outcome = world.reconcile(0)
    assert outcome.ok, outcome.error
    return {kind: count for kind, count in outcome.answer.items() if count}


def change_the_output_prefix_between(world, function, again):
    """Do something again after a deployment: the run that stands had another input."""
    prefix, before = world.variable(function, "OUTPUT_PREFIX"), world.metrics["InputMismatches", ""]
    world.reconfigure(function, OUTPUT_PREFIX="elsewhere/")
    again()
    world.reconfigure(function, OUTPUT_PREFIX=prefix)
    assert world.metrics["InputMismatches", ""] == before + 1


# ---- either mode -----------------------------------------------------------------------------


def a_message_that_is_no_event_is_refused_with_its_reason(world):
    for queue in ("landings", "statuses"):
        world.send_poison("not an event", queue)
    deliver(world)
    for queue in ("landings", "statuses"):
        [(body, reason)] = world.dead(queue)
        assert body == "not an event"
        assert reason


def a_setting_that_changed_before_a_ticks_retry_is_noticed(world):
    tick = min(world.ticks)
    change_the_output_prefix_between(world, "Schedule", lambda: world.tick(tick))


# ---- arrival ---------------------------------------------------------------------------------


def an_object_starts_a_run_once(world):
    name = land(world, "incoming/a.jsonl")
    assert world.keys(name) == ["incoming/a.jsonl"]
    world.send(world.landed[0])
    deliver(world)
    assert world.running() == [name]


def a_long_output_is_fetched(world):
    """Over 248 KB the event leaves it out, and DescribeExecution has it."""
    [name] = world.running()
    with losing_status_events(world):
        execution = world.finish(name)
    event = world.machine.event(execution)
    event["detail"] |= {"output": None, "outputDetails": {"included": False}}
    world.statuses.send(json.dumps(event))
    deliver(world)
    assert world.rows()[name]["output"] == execution.output


def an_abort_is_recorded_and_notified_of(world):
    name = abort_a_run(world)
    deliver(world)
    assert_the_abort_is_on_record(world, name)


def reconcile_records_an_abort_whose_event_was_lost(world):
    with losing_status_events(world):
        name = abort_a_run(world)
    assert reconcile(world) == {"Executions": 1}
    assert_the_abort_is_on_record(world, name)


def a_setting_that_changed_since_is_noticed(world):
    def send_again():
        world.send(world.landed[0])
        deliver(world)

    change_the_output_prefix_between(world, "ObjectCreated", send_again)


def reconcile_starts_the_run_of_a_manifest_without_one(world):
    before = set(world.executions())
    world.faults.when("s3", "put_object", faulty.killed_after())
    world.land("incoming/died.jsonl")
    world.drain()
    world.faults.heal()
    assert set(world.executions()) == before
    assert reconcile(world) == {"Manifests": 1, "Executions": 1}
    assert len(set(world.executions()) - before) == 1


def a_tick_starts_a_run_over_the_scheduled_input(world):
    before = set(world.executions())
    tick = world.tick()
    assert tick.ok, tick.error
    [name] = set(world.executions()) - before
    assert "incoming/a.jsonl" in world.keys(name)
    assert world.retry(tick).answer == tick.answer


# ---- schedule --------------------------------------------------------------------------------


def a_tick_starts_a_run_over_all_objects_that_wait(world):
    for key in ("incoming/a.jsonl", "incoming/b.jsonl"):
        world.land(key, copies=2)
    deliver(world)
    assert not world.executions()
    assert all(item["waiting"] for item in world.waiting().values())
    tick = world.tick()
    assert tick.ok, tick.error
    [name] = world.executions()
    assert sorted(world.keys(name)) == ["incoming/a.jsonl", "incoming/b.jsonl"]
    assert world.retry(tick).answer == tick.answer
    deliver(world)


def reconcile_finishes_a_tick_that_is_given_up(world):
    before = set(world.executions())
    world.land("incoming/c.jsonl")
    deliver(world)
    world.faults.when("s3", "put_object", faulty.killed_before())
    assert not world.tick().ok
    world.faults.heal()
    world.give_up_ticks()
    assert reconcile(world) == {"Claims": 1, "Executions": 1}
    [name] = set(world.executions()) - before
    assert world.keys(name) == ["incoming/c.jsonl"]
    assert not [item for item in world.waiting().values() if item.get("waiting")]


# ---- concurrency ------------------------------------------------------------------------------


def two_objects_land_and_one_run_acquires_the_slot(world):
    for key in ("incoming/a.jsonl", "incoming/b.jsonl"):
        world.clock.advance(1)
        land(world, key)
    first, second = world.executions()
    assert (world.processing(), world.waiting_executions()) == ([first], [second])


def an_end_releases_the_slot_for_the_next(world):
    [waiting] = world.waiting_executions()
    world.clock.advance(60)
    world.finish(world.processing()[0])
    deliver(world)
    assert world.processing() == [waiting]


def a_redriven_run_holds_a_slot(world):
    [name] = world.processing()
    world.clock.advance(60)
    world.finish(name, "FAILED", job=leave_what_a_job_leaves(world, name))
    deliver(world)
    assert slots(world) == {}
    world.clock.advance(60)
    world.redrive(name)
    deliver(world)
    assert slots(world) == {name: "resumed"}


def reconcile_releases_the_slot_of_an_end_that_was_missed(world):
    world.clock.advance(1)
    waiting, [holder] = land(world, "incoming/c.jsonl"), world.processing()
    assert world.waiting_executions() == [waiting]
    with losing_status_events(world):
        world.clock.advance(60)
        world.finish(holder)
    world.clock.advance(3600)
    reconcile(world)
    assert slots(world) == {waiting: "resumed"}


def slots(world):
    items = inside.items(world.stack.name("ConcurrencyTable"))
    return {one["name"]: one["status"] for one in items if one["item_type"] == "execution"}


class Path(NamedTuple):
    """The parameters of a deployment, and what happens to it."""

    parameters: dict[str, str]
    steps: list[Step]


PATHS = {
    "arrival": Path(
        {"ScheduledInput": "incoming/"},
        [
            an_object_starts_a_run_once,
            a_message_that_is_no_event_is_refused_with_its_reason,
            a_long_output_is_fetched,
            an_abort_is_recorded_and_notified_of,
            reconcile_records_an_abort_whose_event_was_lost,
            a_setting_that_changed_since_is_noticed,
            reconcile_starts_the_run_of_a_manifest_without_one,
            a_tick_starts_a_run_over_the_scheduled_input,
            a_setting_that_changed_before_a_ticks_retry_is_noticed,
        ],
    ),
    "schedule": Path(
        {"StartOn": "schedule"},
        [
            a_message_that_is_no_event_is_refused_with_its_reason,
            a_tick_starts_a_run_over_all_objects_that_wait,
            a_setting_that_changed_before_a_ticks_retry_is_noticed,
            reconcile_finishes_a_tick_that_is_given_up,
        ],
    ),
    "concurrency": Path(
        {"MaxConcurrentRuns": "1", "KmsKeyArn": KEY},
        [
            two_objects_land_and_one_run_acquires_the_slot,
            an_end_releases_the_slot_for_the_next,
            a_redriven_run_holds_a_slot,
            reconcile_releases_the_slot_of_an_end_that_was_missed,
        ],
    ),
}


def walk(path, world):
    with world:
        for step in path.steps:
            step(world)
    return world
