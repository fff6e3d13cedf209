"""Reconcile: how much one call looks at, where the next continues, and what a failure stops."""

from __future__ import annotations

import pytest

from landrun.errors import ReconcileFailed
from landrun.services import reconcile
from landrun_ops.workflow.definition_file import parse

from .faulty import Fault, _refused, killed_before, throttled
from .stack import client
from .world import World

HOUR, DAY = 3600, 86_400


@pytest.fixture
def world():
    """A World that loses all status events, and may be left with something wrong."""
    with World() as opened:
        opened.fate = lambda _: []
        opened.machine.largest_page = 1
        logged = {"POWERTOOLS_LOG_LEVEL": "INFO", "POWERTOOLS_SERVICE_NAME": "landrun-logged"}
        opened.reconfigure("Reconcile", **logged)
        yield opened


def start(world, count=1, *, events=False):
    """Start runs a minute apart, the status events of which are lost; give the last one's name."""
    world.fate = lambda _: [0] if events else []
    for _ in range(count):
        world.clock.advance(60)
        world.land(f"incoming/{len(world.landed)}.jsonl", stored=False)
        world.drain()
        world.drain("statuses")
    world.fate = lambda _: []
    return list(world.executions())[-1]


def statuses(world):
    return {name: row["status"] for name, row in world.rows().items()}


def logged(world, message):
    return [line for line in world.functions.logs if line["message"] == message]


def test_longest_run_is_no_shorter_than_the_machine_lets_one_be(root):
    committed = (root / "src/statemachine/processing.asl.yaml").read_text(encoding="utf-8")
    assert reconcile.LONGEST_RUN.total_seconds() >= parse(committed)["TimeoutSeconds"]


@pytest.mark.parametrize(
    ("why", "look_ups", "named"),
    [("another machine", 1, True), ("long ago", 1, True), ("forgotten", 500, False)],
)
def test_a_run_whose_outcome_cannot_be_known_is_named_and_delays_no_other(
    world, monkeypatch, why, look_ups, named
):
    monkeypatch.setattr(reconcile, "LOOK_UPS", look_ups)
    lost = start(world, events=True)
    world.finish(lost)
    world.forget(lost)
    if why == "long ago":
        world.clock.advance(201 * DAY)
    if why == "another machine":
        client("dynamodb").update_item(
            TableName=world.stack.name("RunsTable"),
            Key={"name": {"S": lost}},
            UpdateExpression="SET state_machine_arn = :former",
            ExpressionAttributeValues={":former": {"S": f"{world.machine.arn}-of-before"}},
        )
    known = start(world, events=True)
    world.finish(known)
    world.clock.advance(HOUR)
    assert world.reconcile(None).answer["Statuses"] == 1
    assert statuses(world) == {lost: "RUNNING", known: "SUCCEEDED"}
    assert [one["run"] for one in logged(world, "outcome cannot be known")] == [lost] * named


# ---- The list of executions


@pytest.fixture
def sweep(world, monkeypatch):
    """Reconcile an hour later over three pages: its outcome, and how many pages it read."""
    monkeypatch.setattr(reconcile, "PAGES", 3)
    pages = []

    def seen(call):
        if call.operation == "list_executions" and "statusFilter" not in call.arguments:
            pages.append(call)

    def next_sweep():
        world.clock.advance(HOUR)
        world.faults.add(seen)
        pages.clear()
        outcome = world.reconcile(None)
        world.faults.heal()
        return (outcome.answer["Executions"], len(pages)) if outcome.ok else outcome

    return next_sweep


def test_a_sweep_goes_back_only_to_where_the_last_one_began(world, sweep):
    start(world, 3)
    for name in world.running():
        world.finish(name)
    assert [sweep(), sweep()] == [(3, 3), (0, 1)]


def test_a_sweep_of_a_long_list_continues_in_the_next_and_misses_nothing_that_starts_meanwhile(
    world, sweep
):
    start(world, 5)
    assert sweep() == (3, 3)
    start(world)
    assert [sweep()[0] for _ in range(2)] == [2, 1]
    assert statuses(world) == dict.fromkeys(world.executions(), "RUNNING")


def test_an_old_run_that_has_just_ended_does_not_hide_newer_ones(world, sweep):
    old = start(world)
    sweep()
    world.clock.advance(5 * DAY)
    new = start(world)
    world.finish(old)
    sweep()
    assert statuses(world) == {old: "SUCCEEDED", new: "RUNNING"}


def test_a_token_that_step_functions_has_forgotten_starts_the_sweep_over(world, sweep):
    start(world, 5)
    sweep()
    expired = Fault("expired", before=_refused({}, "InvalidToken"))
    listing = lambda call: "statusFilter" not in call.arguments  # noqa: E731
    world.faults.when("stepfunctions", "list_executions", expired, fitting=listing)
    assert sweep() == (0, 4)
    assert sweep()[0] == 2


@pytest.mark.parametrize(("unlucky", "failing", "later"), [(4, 0, 3), (0, 1, 1)])
def test_a_failure_in_any_part_of_a_sweep_is_made_up_for_by_a_later_one(
    world, sweep, unlucky, failing, later
):
    start(world, 5)
    execution = list(world.executions().values())[unlucky]
    for _ in range(failing):
        sweep()
    arn = execution.arn
    world.faults.add(
        lambda call: throttled() if call.arguments.get("executionArn") == arn else None
    )
    outcome = sweep()
    assert isinstance(outcome.error, ReconcileFailed)
    assert f"Executions {execution.name}: " in str(outcome.error)
    assert sum(sweep()[0] for _ in range(4)) == later
    assert statuses(world) == dict.fromkeys(world.executions(), "RUNNING")


# ---- Manifests


def left_without_a_run(world, count=1):
    """Let functions die between the manifest and its run."""
    for _ in range(count):
        world.faults.when("stepfunctions", "start_execution", killed_before())
        world.land(f"incoming/{len(world.landed)}.jsonl", stored=False)
        world.drain()
        world.faults.heal()
    world.landings.messages.clear()


def test_a_manifest_older_than_step_functions_memory_starts_nothing(world):
    left_without_a_run(world)
    world.clock.advance(91 * DAY)
    assert world.reconcile(None).answer["Manifests"] == 0
    assert world.executions() == {}


@pytest.mark.parametrize("body", [b'[{"prefix": "s3://b/"}, "a"]', b"[]", b"{", b'["a"]', b"3"])
def test_an_object_that_is_no_manifest_of_a_run_is_counted_and_named(world, body):
    bucket = world.stack.name("OutputBucket")
    client("s3").put_object(Bucket=bucket, Key="manifests/foreign.json", Body=body)
    world.clock.advance(HOUR)
    assert world.reconcile(None).answer["Manifests"] == 0
    assert world.metrics["ManifestsWithoutTrigger", ""] == 1
    assert [line["run"] for line in logged(world, "manifest without run and trigger")] == [
        "foreign"
    ]


def test_a_sweep_over_manifests_continues_after_the_last_and_then_starts_over(world, monkeypatch):
    monkeypatch.setattr(reconcile, "MANIFESTS", 2)

    def recovered():
        world.clock.advance(HOUR)
        return world.reconcile(None).answer["Manifests"]

    left_without_a_run(world, 3)
    assert [recovered(), recovered()] == [2, 1]
    left_without_a_run(world)
    assert sum(recovered() for _ in range(2)) == 1
    assert len(world.executions()) == 4


# ---- All steps together


@pytest.fixture
def lossy(world):
    """A World in which an end and a start were missed, and a run was never started."""
    world.finish(start(world, events=True))
    start(world)
    left_without_a_run(world)
    world.clock.advance(HOUR)
    return world


MISSED = {"Statuses": "status", "Executions": "execution", "Manifests": "manifest"}


def test_what_was_missed_is_recovered_by_one_call_counted_by_kind_and_logged(lossy):
    answer = lossy.reconcile(None).answer
    assert {kind: count for kind, count in answer.items() if count} == dict.fromkeys(MISSED, 1)
    lines = logged(lossy, "missed event recovered")
    assert sorted(line["kind"] for line in lines) == sorted(MISSED.values())
    assert all(line["level"] == "WARNING" and line["run"] in lossy.executions() for line in lines)
    for kind in MISSED.values():
        assert lossy.metrics["MissedEventsRecovered", kind] == 1
    assert answer.items() <= logged(lossy, lossy.functions.logs[-1]["message"])[-1].items()


@pytest.mark.parametrize(
    ("operation", "table", "failed"),
    [
        ("query", "RunsTable", {"Statuses", "Notifications"}),
        ("query", "LandingsTable", {"Claims"}),
        ("query", "ConcurrencyTable", {"ExecutionsNotResumed", "SlotsNotReleased"}),
        ("list_objects_v2", "", {"Manifests"}),
        ("list_executions", "", {"Statuses", "Executions"}),
    ],
)
def test_a_step_that_fails_does_not_stop_the_others(lossy, operation, table, failed):
    def failing(call):
        wanted = call.arguments.get("TableName", "").endswith(table)
        return throttled() if call.operation == operation and wanted else None

    lossy.faults.add(failing)
    outcome = lossy.reconcile(None)
    assert isinstance(outcome.error, ReconcileFailed)
    said = {one.partition(":")[0].partition(" ")[0] for one in str(outcome.error).split("; ")}
    assert said >= failed
    recovered = {line["kind"] for line in logged(lossy, "missed event recovered")}
    assert recovered >= {kind for step, kind in MISSED.items() if step not in said}
    lossy.faults.heal()
    lossy.clock.advance(HOUR)
    assert lossy.reconcile(None).ok
    assert sorted(statuses(lossy).values())[-1] == "SUCCEEDED"
    assert len(lossy.executions()) == 3
