"""Reconcile: how much one call looks at, where the next continues, and what a failure stops.

tests/faults/test_cases_reconcile.py has the cases of each event that may be missed, with the time
that it is given to arrive, and tests/faults/test_cases_ticks.py those of a reconcile that dies.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock, patch

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics

from handler_loader import CurrentStdout
from landrun.errors import ReconcileFailed, ServiceError
from landrun.models.run import ManualTrigger, ScheduleTrigger
from landrun.models.run_record import RunRecord
from landrun.models.status_change import described_change
from landrun.services import reconcile
from landrun.services.limit_concurrency import ConcurrencyLimiter
from landrun.services.reconcile import KINDS, Reconciler
from landrun.services.record_outcome import OutcomeRecorder
from landrun_ops.workflow.definition_file import parse
from unit.functions.fakes import MACHINE, SCHEDULE, FakeRunsTable

from .landings_world import LandingsWorld

LOGGER = Logger(service="reconcile", stream=CurrentStdout())
NO_GRACE, DAY = timedelta(), timedelta(days=1)
TRIGGER = ScheduleTrigger(ScheduleArn=SCHEDULE, ScheduledTime="2026-11-22T03:00:00Z")
THROTTLED = ServiceError("states:DescribeExecution", "ThrottlingException", "slow down")
SLOTS = {
    "ExecutionsNotResumed": "missed_resumes",
    "SlotsNotReleased": "missed_releases",
    "SlotsNotCounted": "missed_counts",
}
"""The limiter's method for each kind."""


class FakeCheckpoints(dict[str, dict[str, Any]]):
    def read(self, name):
        return dict(self.get(name, {}))

    def save(self, name, checkpoint):
        self[name] = json.loads(json.dumps(checkpoint))


class World(LandingsWorld):
    """What reconcile works on. All of it happens now: let the clock advance."""

    def __init__(self, messages):
        super().__init__()
        self.clock.now = datetime(2026, 11, 24, 12, tzinfo=UTC)
        self.messages = messages
        self.runs, self.checkpoints = FakeRunsTable(), FakeCheckpoints()
        self.recorder = Mock(spec_set=OutcomeRecorder)
        self.recorder.record.side_effect = self.record
        self.recorder.notify_if_overdue.return_value = False
        self.limiter = Mock(spec_set=ConcurrencyLimiter)
        for missed in SLOTS.values():
            getattr(self.limiter, missed).return_value = []
        self.collects, self.most = True, 10

    def reconcile(self, grace=None):
        collector = self.collector(self.most)
        self.metrics = EphemeralMetrics(namespace="landrun", service="landrun")
        recovered = Reconciler(
            executions=self.executions,
            runs_table=self.runs,
            manifests=self.manifests,
            landings_table=self.table,
            checkpoints=self.checkpoints,
            collector=collector,
            recorder=self.recorder,
            run_starter=collector.run_starter,
            limiter=self.limiter,
            collects=self.collects,
            logger=LOGGER,
            metrics=self.metrics,
            clock=self.clock,
        ).reconcile(grace)
        assert recovered.keys() == KINDS.keys()
        return {kind: number for kind, number in recovered.items() if number}

    def record(self, change):
        return self.runs.write(RunRecord.from_status_change(change)) is None

    def metric(self, name):
        return self.metrics.metric_set.get(name, {"Value": []})["Value"]

    def status(self, name):
        record = self.runs.records.get(name)
        return record and record.status

    def execution(self, event, name="run", **more):
        """Let Step Functions have the execution of an event, and return how it describes it."""
        [message] = self.messages(event)
        found = {name: value for name, value in message["detail"].items() if value is not None}
        dates = dict.fromkeys({"startDate", "stopDate", "redriveDate"} & found.keys(), self.clock())
        arn = self.executions.arn(name)
        found |= {"name": name, "executionArn": arn, "stateMachineArn": MACHINE} | dates | more
        self.executions.described[arn] = found
        return found

    def ended(self, name="run", event="execution-succeeded", **more):
        """Let an execution have ended whose record says that it runs; return its ARN."""
        found = self.execution(event, name, **more)
        running = {**found, "status": "RUNNING", "stopDate": None}
        self.record(described_change(running))
        return found["executionArn"]

    def write(self, run="run", trigger=TRIGGER):
        self.manifests.write_once(run, "landings", ["a"], trigger)
        self.manifests.modified[run] = self.clock()


@pytest.fixture
def world(messages):
    return World(messages)


# ---- Statuses: records that say RUNNING


@pytest.mark.parametrize(
    "why",
    [
        {"stateMachineArn": f"{MACHINE}-of-before"},
        {"startDate": datetime(2026, 5, 1, tzinfo=UTC)},  # Step Functions has forgotten it
    ],
)
def test_runs_whose_outcome_cannot_be_known_are_named_and_do_not_delay_others(
    world, printed, monkeypatch, why
):
    monkeypatch.setattr(reconcile, "LOOK_UPS", 1)
    world.executions.described.pop(world.ended("lost", **why))
    world.ended("known")
    assert world.reconcile(NO_GRACE) == {"Statuses": 1}
    assert (world.status("lost"), world.status("known")) == ("RUNNING", "SUCCEEDED")
    logs = printed().logs
    assert [one["run"] for one in logs if one["message"] == "outcome cannot be known"] == ["lost"]


def test_the_record_of_an_execution_that_step_functions_has_forgotten_stays(world):
    world.executions.described.pop(world.ended())
    assert world.reconcile(NO_GRACE) == {}
    assert world.status("run") == "RUNNING"


@pytest.mark.parametrize("failing", ["recorder", "limiter"])
def test_a_failure_to_record_an_end_does_not_keep_its_slot_nor_the_other_way_round(world, failing):
    world.ended()
    unlucky = world.recorder.record if failing == "recorder" else world.limiter.execution_changed
    unlucky.side_effect = THROTTLED
    with pytest.raises(ReconcileFailed, match="Statuses run: "):
        world.reconcile(NO_GRACE)
    assert world.status("run") == ("RUNNING" if failing == "recorder" else "SUCCEEDED")
    assert world.limiter.execution_changed.call_args.args[0].status == "SUCCEEDED"


def test_longest_run_is_no_shorter_than_the_machine_lets_one_be(root):
    committed = (root / "src/statemachine/processing.asl.yaml").read_text(encoding="utf-8")
    assert reconcile.LONGEST_RUN.total_seconds() >= parse(committed)["TimeoutSeconds"]


# ---- Executions: a sweep over their list, which goes on where the last one stopped


@pytest.fixture
def sweep(world, monkeypatch):
    """Reconcile an hour later: what is recovered, and the tokens of the pages that are read."""
    world.executions.page_size = 1
    monkeypatch.setattr(reconcile, "PAGES", 3)

    def next_sweep():
        world.clock.advance(hours=1)
        world.executions.asked.clear()
        recovered = world.reconcile()
        assert recovered.keys() <= {"Executions"}
        tokens = [token for token, only in world.executions.asked if not only]
        return recovered.get("Executions", 0), tokens

    return next_sweep


@pytest.fixture
def five(world):
    """Five executions that are not recorded, the newest first; a sweep reads three."""
    for minutes in range(5):
        started = world.clock() - timedelta(minutes=minutes)
        world.execution("execution-running", f"run-{minutes}", startDate=started)
    return [f"run-{number}" for number in range(5)]


def test_a_sweep_goes_back_only_to_where_the_last_one_began(world, sweep):
    for name in ("a", "b", "c"):
        world.execution("execution-succeeded", name)
    assert sweep() == (3, ["", "1", "2"])
    assert sweep() == (0, [""])


def test_a_sweep_of_a_long_list_continues_in_the_next_and_misses_nothing_that_starts_meanwhile(
    world, sweep, five
):
    assert sweep() == (3, ["", "1", "2"])
    world.execution("execution-running", "meanwhile", startDate=world.clock())
    assert [sweep()[0] for _ in range(2)] == [2, 1]
    assert {world.status(name) for name in ["meanwhile", *five]} == {"RUNNING"}


def test_an_old_run_that_has_just_ended_does_not_hide_newer_ones(world, sweep):
    sweep()
    world.execution("execution-running", "new")
    world.clock.advance(minutes=1)
    world.execution("execution-succeeded", "old", startDate=world.clock() - 5 * DAY)
    assert sweep()[0] == 2


def test_a_token_that_step_functions_has_forgotten_starts_the_sweep_over(world, sweep, five):
    sweep()
    world.executions.expired.add("3")
    assert sweep() == (0, ["3", "", "1", "2"])
    world.executions.expired.clear()
    assert sweep()[0] == 2


@pytest.mark.parametrize("unlucky", [0, 4])
def test_a_failure_in_any_part_of_a_sweep_is_made_up_for_by_a_later_one(
    world, sweep, five, unlucky
):
    world.executions.failing[world.executions.arn(five[unlucky])] = THROTTLED
    with pytest.raises(ReconcileFailed, match=rf"^Executions run-{unlucky}: .*Throttling"):
        [sweep() for _ in range(2)]
    world.executions.failing.clear()
    assert sum(sweep()[0] for _ in range(4)) == (3 if unlucky == 0 else 1)
    assert {world.status(name) for name in five} == {"RUNNING"}


# ---- Claims and manifests


def test_dead_runs_are_finished_one_by_one_with_their_own_claims_and_triggers(world):
    later = TRIGGER.model_copy(update={"Part": 1})
    for key, run, trigger in [("a", "one", TRIGGER), ("b", "two", later), ("c", "one", TRIGGER)]:
        world.claim(run, trigger, *world.land(key))
    world.land("d")
    assert world.reconcile(NO_GRACE) == {"Claims": 2}
    assert set(world.manifests.stored["one"].keys) == {"a", "c"}
    assert world.manifests.stored["two"].trigger == later
    assert world.table.left() == {"d": None}


def test_how_many_landings_wait_and_how_long_is_measured(world):
    world.reconcile()
    assert (world.metric("LandingsWaiting"), world.metric("OldestLandingAge")) == ([0], [0])
    world.land("a")
    world.clock.advance(minutes=10)
    world.claim("run", TRIGGER, *world.land("b"))
    assert world.reconcile() == {}
    assert (world.metric("LandingsWaiting"), world.metric("OldestLandingAge")) == ([2], [600])


@pytest.mark.parametrize(("most", "runs"), [(1, [2, 1, 0]), (2, [2, 0, 0]), (3, [1, 0, 0])])
def test_when_no_tick_will_come_a_bounded_number_of_runs_is_started_for_what_waits(
    world, monkeypatch, most, runs
):
    monkeypatch.setattr(reconcile, "LOOK_UPS", 2)
    world.collects, world.most = False, most
    world.land("a", "b", "c")
    assert [world.reconcile().get("Claims", 0) for _ in range(3)] == runs
    started = [manifest.trigger for manifest in world.manifests.stored.values()]
    assert started == [ManualTrigger(StartedBy="reconcile")] * sum(runs)


def test_a_manifest_older_than_step_functions_memory_starts_nothing(world):
    world.write()
    world.clock.now += reconcile.REMEMBERED
    assert world.reconcile() == {}
    assert world.executions.started == {}


def test_a_manifest_that_does_not_say_its_trigger_is_counted_and_named(world, printed):
    world.write(trigger=None)
    assert world.reconcile(NO_GRACE) == {}
    assert world.executions.started == {}
    assert world.metric("ManifestsWithoutTrigger") == [1]
    assert [line["run"] for line in printed().logs] == ["run"]


def test_a_sweep_over_manifests_continues_after_the_last_and_then_starts_over(world, monkeypatch):
    monkeypatch.setattr(reconcile, "MANIFESTS", 2)
    for run in ("a", "c", "d"):
        world.write(run)
    assert [world.reconcile(NO_GRACE) for _ in range(2)] == [{"Manifests": 2}, {"Manifests": 1}]
    world.write("b")
    assert world.reconcile(NO_GRACE) == {"Manifests": 1}
    assert set(world.executions.started) == {"a", "b", "c", "d"}


# ---- Notifications and slots


@pytest.mark.parametrize("kind", SLOTS)
def test_slots_are_released_before_free_ones_are_given_and_runs_without_one_looked_for(world, kind):
    missed = [("run-1", lambda: True), ("run-2", lambda: False)]
    getattr(world.limiter, SLOTS[kind]).return_value = missed
    assert world.reconcile() == {kind: 1}
    called = [call[0] for call in world.limiter.method_calls]
    resumes, releases, counts = SLOTS.values()
    assert called == [resumes, releases, "acquire_free_slots", "measure", counts]


# ---- All steps together


@pytest.fixture
def lossy(world):
    world.ended("lost-end")
    world.execution("execution-running", "lost-start")
    world.claim("lost-tick", TRIGGER, *world.land("a"))
    world.write("lost-manifest")
    for missed in SLOTS.values():
        getattr(world.limiter, missed).return_value = [("lost-slot", lambda: True)]
    world.clock.advance(hours=1)
    return world


def test_all_kinds_are_recovered_by_one_call_each_counted_and_logged(lossy, printed):
    kinds = KINDS.keys() - {"Notifications"}
    assert lossy.reconcile() == dict.fromkeys(kinds, 1)
    output = printed()
    labels = {KINDS[kind] for kind in kinds}
    assert {label: output.count("MissedEventsRecovered", Kind=label) for label in labels} == (
        dict.fromkeys(labels, 1)
    )
    logs = [line for line in output.logs if line["message"] == "missed event recovered"]
    assert {line["kind"] for line in logs} == labels
    assert all(line["level"] == "WARNING" and line["run"].startswith("lost-") for line in logs)


@pytest.mark.parametrize(
    ("adapter", "call", "failed"),
    [
        ("runs", "find_unfinished", {"Statuses", "Notifications"}),
        ("table", "pending", {"Claims"}),
        ("manifests", "listed_after", {"Manifests"}),
        ("executions", "page", {"Statuses", "Executions"}),
        ("limiter", "acquire_free_slots", {"free slots"}),
    ],
)
def test_a_step_that_fails_does_not_stop_the_others(lossy, printed, adapter, call, failed):
    refuses = patch.object(getattr(lossy, adapter), call, side_effect=THROTTLED)
    with refuses, pytest.raises(ReconcileFailed) as error:
        lossy.reconcile()
    assert {one.partition(":")[0] for one in str(error.value).split("; ")} == failed
    logs = [line for line in printed().logs if line["message"] == "not reconciled"]
    assert {line["what"] for line in logs} == failed
    lossy.clock.advance(hours=1)
    lossy.reconcile()
    assert (lossy.status("lost-end"), lossy.status("lost-start")) == ("SUCCEEDED", "RUNNING")
    assert lossy.executions.started.keys() == {"lost-tick", "lost-manifest"}
    assert lossy.table.left() == {}
