"""What events lost, and who finds it: reconcile, once for each loss, beside itself too."""

import pytest

from landrun.errors import ReconcileFailed
from landrun.services import reconcile
from landrun_ops.workflow.definition_file import parse

from .faulty import (
    afterwards,
    at_each_call,
    killed_after,
    killed_before,
    meanwhile,
    refused,
    throttled,
)
from .invariants import violations
from .stack import client
from .world import World

NOTHING = {"Statuses": 0, "Executions": 0, "Claims": 0, "Manifests": 0, "Notifications": 0}
NOTHING |= {"SlotsNotCounted": 0, "ExecutionsNotResumed": 0, "SlotsNotReleased": 0}
GRACE, CLAIM_GRACE = 601, 1201
"""Seconds after which reconcile's graces are over."""
HOUR, DAY = 3600, 86_400


def lose(world, *statuses):
    """Lose the events of these statuses; deliver the others."""
    world.fate = lambda event: [] if event["detail"]["status"] in statuses else [0]


def started(world):
    """Land an object; give the name of its run."""
    world.land(f"incoming/{len(world.landed)}.jsonl")
    world.drain()
    world.drain("statuses")
    return list(world.executions())[-1]


def reconciled(world, seconds=GRACE, **recovered):
    """Whether reconcile recovers so much after some time, and nothing when it comes again."""
    world.clock.advance(seconds)
    answers = [world.reconcile(None).answer for _ in range(2)]
    return answers == [NOTHING | recovered, NOTHING]


@pytest.mark.case(19)
@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_completion_that_must_be_lost_by_now_is_recorded_and_notified_by_reconcile(world, status):
    lose(world, status)
    run = started(world)
    world.clock.advance(DAY)
    world.finish(run, status)
    world.clock.advance(590)
    assert world.reconcile(None).answer == NOTHING
    assert world.rows()[run]["status"] == "RUNNING"
    assert reconciled(world, 20, Statuses=1)
    assert world.rows()[run]["status"] == status
    assert len(world.published) == (status == "FAILED")
    assert world.metrics["MissedEventsRecovered", "status"] == 1


@pytest.mark.case(19)
def test_manifest_without_an_execution_has_its_run_started(world):
    world.land("incoming/a.jsonl")
    world.faults.when("stepfunctions", "start_execution", killed_before())
    world.drain()
    world.landings.messages.clear()  # fourteen days are over
    assert (len(world.manifests()), len(world.executions())) == (1, 0)
    assert world.reconcile(None).answer == NOTHING
    assert reconciled(world, Manifests=1)
    assert len(world.executions()) == 1
    assert world.metrics["MissedEventsRecovered", "manifest"] == 1


@pytest.mark.case(19)
def test_claims_without_a_manifest_are_finished_after_their_grace(collecting):
    collecting.land("incoming/a.jsonl")
    collecting.drain()
    collecting.faults.when("dynamodb", "update_item", killed_after())
    collecting.tick()
    collecting.give_up_ticks()
    collecting.clock.advance(CLAIM_GRACE - 101)
    assert collecting.reconcile(None).answer == NOTHING
    assert reconciled(collecting, 101, Claims=1)
    assert len(collecting.executions()) == 1


def changes(call):
    return call.operation in ("put_item", "update_item", "publish", "put_object", "start_execution")


@pytest.mark.case(19)
def test_two_reconciles_at_once_recover_each_loss_once_however_they_interleave():
    another = meanwhile(lambda world: world.reconcile(None))
    for world in at_each_call(World, another, "Reconcile", fitting=changes):
        lose(world, "SUCCEEDED", "FAILED")
        for status in ("SUCCEEDED", "FAILED"):
            world.finish(started(world), status)
        world.clock.advance(GRACE)
        assert world.reconcile(None).ok
        assert violations(world, settled=True) == []
        assert len(world.published) == 1


@pytest.mark.case(19)
def test_run_that_starts_while_reconcile_lists_by_hand_is_found_by_the_next(world):
    """With no grace, the sweep of executions went past what its list did not show yet."""
    world.fate = lambda _: []
    world.faults.when("stepfunctions", "list_executions", afterwards(started), nth=2)
    assert world.reconcile(0).ok
    assert world.running() != []


@pytest.mark.case(9, 19)
@pytest.mark.parametrize(
    "parameters", [{}, {"start_on": "schedule"}, {"ScheduledInput": "incoming/"}]
)
def test_run_that_reconcile_starts_has_the_very_input_that_its_retry_gives(new_world, parameters):
    world = new_world(**parameters)
    world.land("incoming/a+b ü.jsonl", copies="ScheduledInput" not in parameters)
    world.faults.when("stepfunctions", "start_execution", killed_before())
    world.drain()
    tick = world.tick() if parameters else None
    assert (len(world.manifests()), len(world.executions())) == (1, 0)
    world.clock.advance(CLAIM_GRACE)
    world.reconcile(None)
    assert len(world.executions()) == 1
    assert (world.retry(tick) if tick else world.later()[0]).ok
    assert world.metrics["InputMismatches", ""] == 0


# ---- How much one call looks at, where the next continues, and what a failure stops


@pytest.fixture
def lossy():
    """A World that loses all status events, and may be left with something wrong."""
    with World() as opened:
        opened.fate = lambda _: []
        opened.machine.largest_page = 1
        yield opened


def start(world, count=1, *, events=False):
    """Start runs a minute apart, the status events of which are lost; give the last one's name."""
    world.fate = lambda _: [0] if events else []
    for _ in range(count):
        world.clock.advance(60)
        name = started(world)
    world.fate = lambda _: []
    return name


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
    lossy, monkeypatch, why, look_ups, named
):
    monkeypatch.setattr(reconcile, "LOOK_UPS", look_ups)
    lost = start(lossy, events=True)
    lossy.finish(lost)
    lossy.forget(lost)
    if why == "long ago":
        lossy.clock.advance(201 * DAY)
    if why == "another machine":
        client("dynamodb").update_item(
            TableName=lossy.stack.name("RunsTable"),
            Key={"name": {"S": lost}},
            UpdateExpression="SET state_machine_arn = :former",
            ExpressionAttributeValues={":former": {"S": f"{lossy.machine.arn}-of-before"}},
        )
    known = start(lossy, events=True)
    lossy.finish(known)
    lossy.clock.advance(HOUR)
    assert lossy.reconcile(None).answer["Statuses"] == 1
    assert statuses(lossy) == {lost: "RUNNING", known: "SUCCEEDED"}
    assert [one["run"] for one in logged(lossy, "outcome cannot be known")] == [lost] * named


@pytest.fixture
def sweep(lossy, monkeypatch):
    """Reconcile an hour later over three pages: the number of executions that it recorded."""
    monkeypatch.setattr(reconcile, "PAGES", 3)

    def next_sweep():
        lossy.clock.advance(HOUR)
        outcome = lossy.reconcile(None)
        lossy.faults.heal()
        return outcome.answer["Executions"] if outcome.ok else outcome

    return next_sweep


def test_a_sweep_goes_back_only_to_where_the_last_one_began(lossy, sweep):
    start(lossy, 3)
    for name in lossy.running():
        lossy.finish(name)
    assert sweep() == 3
    lossy.faults.counts.clear()
    assert sweep() == 0
    assert lossy.faults.counts["stepfunctions", "list_executions"] == 2  # all, and those that run


def test_a_sweep_of_a_long_list_continues_in_the_next_and_misses_nothing_that_starts_meanwhile(
    lossy, sweep
):
    start(lossy, 5)
    assert sweep() == 3
    start(lossy)
    assert [sweep(), sweep()] == [2, 1]
    assert statuses(lossy) == dict.fromkeys(lossy.executions(), "RUNNING")


def test_an_old_run_that_has_just_ended_does_not_hide_newer_ones(lossy, sweep):
    old = start(lossy)
    sweep()
    lossy.clock.advance(5 * DAY)
    new = start(lossy)
    lossy.finish(old)
    sweep()
    assert statuses(lossy) == {old: "SUCCEEDED", new: "RUNNING"}


def test_a_token_that_step_functions_has_forgotten_starts_the_sweep_over(lossy, sweep):
    start(lossy, 5)
    sweep()
    listing = lambda call: "statusFilter" not in call.arguments  # noqa: E731
    lossy.faults.when("stepfunctions", "list_executions", refused("InvalidToken"), fitting=listing)
    assert [sweep(), sweep()] == [0, 2]


@pytest.mark.parametrize(("unlucky", "failing", "later"), [(4, 0, 3), (0, 1, 1)])
def test_a_failure_in_any_part_of_a_sweep_is_made_up_for_by_a_later_one(
    lossy, sweep, unlucky, failing, later
):
    start(lossy, 5)
    execution = list(lossy.executions().values())[unlucky]
    for _ in range(failing):
        sweep()
    arn = execution.arn
    lossy.faults.add(
        lambda call: throttled() if call.arguments.get("executionArn") == arn else None
    )
    outcome = sweep()
    assert isinstance(outcome.error, ReconcileFailed)
    assert f"Executions {execution.name}: " in str(outcome.error)
    assert sum(sweep() for _ in range(4)) == later
    assert statuses(lossy) == dict.fromkeys(lossy.executions(), "RUNNING")


def left_without_a_run(world, count=1):
    """Let functions die between the manifest and its run."""
    for _ in range(count):
        world.faults.when("stepfunctions", "start_execution", killed_before())
        world.land(f"incoming/{len(world.landed)}.jsonl")
        world.drain()
        world.faults.heal()
    world.landings.messages.clear()


@pytest.mark.parametrize("body", [b'[{"prefix": "s3://b/"}, "a"]', b"{"])
def test_an_object_that_is_no_manifest_of_a_run_is_counted_and_named(lossy, body):
    bucket = lossy.stack.name("OutputBucket")
    client("s3").put_object(Bucket=bucket, Key="manifests/foreign.json", Body=body)
    lossy.clock.advance(HOUR)
    assert lossy.reconcile(None).answer["Manifests"] == 0
    assert lossy.metrics["ManifestsWithoutTrigger", ""] == 1
    named = [line["run"] for line in logged(lossy, "manifest without run and trigger")]
    assert named == ["foreign"]


def test_a_sweep_over_manifests_continues_after_the_last_and_then_starts_over(lossy, monkeypatch):
    monkeypatch.setattr(reconcile, "MANIFESTS", 2)

    def recovered(sweeps=1):
        lossy.clock.advance(HOUR)
        return sum(lossy.reconcile(None).answer["Manifests"] for _ in range(sweeps))

    left_without_a_run(lossy, 3)
    assert [recovered(), recovered()] == [2, 1]
    left_without_a_run(lossy)
    assert recovered(2) == 1
    left_without_a_run(lossy)
    lossy.clock.advance(91 * DAY)  # Step Functions has forgotten what was started so long ago
    assert recovered(3) == 0
    assert len(lossy.executions()) == 4


@pytest.fixture
def three_missed(lossy):
    """A World in which an end and a start were missed, and a run was never started."""
    lossy.finish(start(lossy, events=True))
    start(lossy)
    left_without_a_run(lossy)
    lossy.clock.advance(HOUR)
    return lossy


MISSED = {"Statuses": "status", "Executions": "execution", "Manifests": "manifest"}


@pytest.mark.case(24)
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
def test_a_step_that_fails_does_not_stop_the_others(three_missed, operation, table, failed):
    world = three_missed

    def failing(call):
        wanted = call.arguments.get("TableName", "").endswith(table)
        return throttled() if call.operation == operation and wanted else None

    world.faults.add(failing)
    outcome = world.reconcile(None)
    assert isinstance(outcome.error, ReconcileFailed)
    said = {one.partition(":")[0].partition(" ")[0] for one in str(outcome.error).split("; ")}
    assert said >= failed
    recovered = {line["kind"] for line in logged(world, "missed event recovered")}
    assert recovered >= {kind for step, kind in MISSED.items() if step not in said}
    world.faults.heal()
    world.clock.advance(HOUR)
    assert world.reconcile(None).ok
    assert sorted(statuses(world).values())[-1] == "SUCCEEDED"
    assert len(world.executions()) == 3
