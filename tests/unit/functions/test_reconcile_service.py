"""What missed events left undone is recovered step by step, once, whatever else fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partialmethod
from itertools import count
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics

from handler_loader import CurrentStdout, Printed
from landrun.errors import ReconcileFailed, ServiceError
from landrun.models.run import ManualTrigger, ScheduleTrigger
from landrun.models.run_record import NOTIFICATION_PENDING, RunRecord
from landrun.models.status_change import StatusChange, described_change
from landrun.services import reconcile
from landrun.services.reconcile import CLAIM_GRACE, GRACE, KINDS, Reconciler
from landrun_ops.definition_file import parse

from .conftest import MACHINE, Clock, Fate, Killed, messages, one_by_one
from .fakes_landings import FakeCheckpoints, LandingsWorld

LOGGER = Logger(service="reconcile", stream=CurrentStdout())
REMOTE = datetime(2026, 5, 1, tzinfo=UTC)
NO_GRACE, DAY = timedelta(), timedelta(days=1)
TRIGGER = ScheduleTrigger(
    ScheduleArn="arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly",
    ScheduledTime="2026-11-22T03:00:00Z",
)
LATER = TRIGGER.model_copy(update={"Part": 1})
THROTTLED = ServiceError("states:DescribeExecution", "ThrottlingException", "slow down")
SLOTS = ("ExecutionsNotResumed", "SlotsNotReleased", "SlotsNotCounted")


class FakeRuns:
    """The runs table, and the recorder that writes to it and notifies of failures."""

    def __init__(self) -> None:
        self.records: dict[str, RunRecord] = {}
        self.overdue: set[str] = set()
        self.notified: list[str] = []
        self.failing = False

    def find_unfinished(self, what: str) -> list[RunRecord]:
        return [record for record in self.records.values() if record.unfinished == what]

    def find_progress(self, names: list[str]) -> dict[str, tuple[int, int]]:
        return {name: self.records[name].progress for name in names if name in self.records}

    def record(self, change: StatusChange, **more: str) -> bool:
        if self.failing:
            raise THROTTLED
        found = RunRecord.from_status_change(change).model_copy(update=more)
        stored = self.records.get(change.name)
        newer = stored is None or stored.is_older_than(found)
        if newer:
            self.records[change.name] = found
        return newer

    def notify_if_overdue(self, found: RunRecord) -> bool:
        if found.name not in self.overdue:
            return False
        self.overdue.remove(found.name)
        self.records[found.name] = found.model_copy(update={"unfinished": None})
        self.notified.append(found.name)
        return True


class FakeLimiter:
    """Finds what it is told to have ``missed``, by kind."""

    def __init__(self) -> None:
        self.missed: dict[str, list[tuple[str, Callable[[], bool]]]] = {}
        self.called: list[str] = []
        self.changes: list[StatusChange] = []
        self.failing = False

    def execution_changed(self, change: StatusChange) -> None:
        self.changes.append(change)
        if self.failing:
            raise THROTTLED

    def _call(self, name: str, *_: Any) -> list[tuple[str, Callable[[], bool]]]:
        self.called.append(name)
        return self.missed.get(name, [])

    missed_resumes = partialmethod(_call, "ExecutionsNotResumed")
    missed_releases = partialmethod(_call, "SlotsNotReleased")
    missed_counts = partialmethod(_call, "SlotsNotCounted")
    acquire_free_slots = partialmethod(_call, "acquire_free_slots")
    measure = partialmethod(_call, "measure")


class World(LandingsWorld):
    """What reconcile works on. What is made, is made now: let the clock advance."""

    def __init__(self, load_event: Callable[[str], dict[str, Any]]) -> None:
        super().__init__(Clock(datetime(2026, 11, 24, 12, tzinfo=UTC)))
        self.load_event = load_event
        self.runs, self.checkpoints, self.limiter = FakeRuns(), FakeCheckpoints(), FakeLimiter()
        self.collects, self.most = True, 10

    def reconcile(self, grace: timedelta | None = None, fate: Fate | None = None) -> dict[str, int]:
        """What was recovered, without the kinds of which nothing was."""
        over, collector = (fate or Fate(at=0)).over, self.collector(self.most, fate)
        self.metrics = EphemeralMetrics(namespace="landrun", service="landrun")
        recovered = Reconciler(
            executions=over(self.executions),
            runs_table=over(self.runs),
            manifests=collector.manifests,
            landings_table=collector.landings_table,
            checkpoints=over(self.checkpoints),
            collector=collector,
            recorder=over(self.runs),
            run_starter=collector.run_starter,
            limiter=over(self.limiter),
            collects=self.collects,
            logger=LOGGER,
            metrics=self.metrics,
            clock=self.clock,
        ).reconcile(grace)
        assert recovered.keys() == KINDS.keys()
        return {kind: number for kind, number in recovered.items() if number}

    def metric(self, name: str) -> list[float]:
        return self.metrics.metric_set.get(name, {"Value": []})["Value"]

    def status(self, name: str) -> str | None:
        record = self.runs.records.get(name)
        return record and record.status

    def execution(self, event: str, name: str = "run", **more: Any) -> dict[str, Any]:
        """The execution of an event, as Step Functions describes it."""
        [message] = messages(self.load_event(event))
        found = {name: value for name, value in message["detail"].items() if value is not None}
        dates = dict.fromkeys({"startDate", "stopDate", "redriveDate"} & found.keys(), self.clock())
        arn = self.executions.arn(name)
        found |= {"name": name, "executionArn": arn, "stateMachineArn": MACHINE} | dates | more
        self.executions.described[arn] = found
        return found

    def ended(self, name: str = "run", event: str = "execution-succeeded", **more: Any) -> str:
        """An execution whose record says that it runs."""
        found = self.execution(event, name, **more)
        running = {**found, "status": "RUNNING", "stopDate": None}
        self.runs.record(described_change(running))
        return found["executionArn"]

    def redriven(self, event: str) -> None:
        """An execution whose record says that it failed, long ago, and that was redriven now."""
        started = self.clock() - 5 * DAY
        failed = self.execution("execution-failed", startDate=started, stopDate=started)
        self.runs.record(described_change(failed))
        assert self.reconcile() == {}
        self.execution(event, startDate=started)

    def write(self, run: str = "run", trigger: ScheduleTrigger | None = TRIGGER) -> None:
        """A manifest whose run is not started."""
        self.manifests.write_once(run, "landings", ["a"], trigger)
        self.manifests.modified[run] = self.clock()

    def notify(self, name: str, *, overdue: bool) -> None:
        """A failure of which nobody has been notified."""
        failed = self.execution("execution-failed", name)
        self.runs.record(described_change(failed), unfinished=NOTIFICATION_PENDING)
        self.runs.overdue |= {name} if overdue else set()


@pytest.fixture
def world(load_event):
    return World(load_event)


@pytest.fixture
def printed(capsys):
    return lambda: Printed(capsys.readouterr().out)


@pytest.fixture(autouse=True)
def _calls_in_order(monkeypatch):
    monkeypatch.setattr("landrun.services.collect_landings.at_once", one_by_one)


MISSED = [
    ("Statuses", lambda world: world.ended()),
    ("Statuses", lambda world: world.ended(event="execution-failed")),
    ("Executions", lambda world: world.execution("execution-running")),
    ("Executions", lambda world: world.execution("execution-timed-out")),
    ("Executions", lambda world: world.redriven("execution-running-redriven")),
    ("Executions", lambda world: world.redriven("execution-succeeded-redriven")),
    ("Claims", lambda world: world.claim("run", TRIGGER, *world.land("a"))),
    ("Manifests", lambda world: world.write()),
]


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize(("kind", "miss"), MISSED)
def test_what_is_older_than_the_grace_is_recovered_as_its_event_would_have_had_it(
    world, kind, miss, by_hand
):
    miss(world)
    if not by_hand:
        assert world.reconcile() == {}
        world.clock.now += (CLAIM_GRACE if kind == "Claims" else GRACE) - timedelta(seconds=1)
        assert world.reconcile() == {}
        world.clock.now += timedelta(seconds=1)
    assert world.reconcile(NO_GRACE if by_hand else None) == {kind: 1}
    if kind in ("Statuses", "Executions"):
        record, described = world.runs.records["run"], world.executions.described.popitem()[1]
        running = described["status"] == "RUNNING"
        assert record.status == described["status"]
        assert record.unfinished == ("execution" if running else None)
        assert record.redrive_count == described["redriveCount"]
        assert world.limiter.changes[-1].status == described["status"]
    else:
        started = json.loads(world.executions.started["run"])
        assert started["InputMessage"] == "s3://outputs/manifests/run.json"
        assert started["Trigger"] == TRIGGER.to_dict()
    assert world.reconcile() == {}


# ---- Statuses


def test_running_executions_are_found_in_the_list_and_not_described_one_by_one(world):
    arn = world.ended(event="execution-running")
    world.executions.failing[arn] = THROTTLED
    assert world.reconcile(NO_GRACE) == {}
    assert ("", {"statusFilter": "RUNNING"}) in world.executions.asked


FORMER = "arn:aws:states:us-east-1:123456789012:stateMachine:former"


@pytest.mark.parametrize("why", [{"stateMachineArn": FORMER}, {"startDate": REMOTE}])
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
    world.runs.failing = failing == "recorder"
    world.limiter.failing = failing == "limiter"
    with pytest.raises(ReconcileFailed, match="Statuses run: "):
        world.reconcile(NO_GRACE)
    assert world.status("run") == ("RUNNING" if failing == "recorder" else "SUCCEEDED")
    assert {change.status for change in world.limiter.changes} == {"SUCCEEDED"}


# ---- Executions


@pytest.fixture
def sweep(world, monkeypatch):
    """Reconcile an hour later: what is recovered, and the tokens of the pages that are read."""
    world.executions.page_size = 1
    monkeypatch.setattr(reconcile, "PAGES", 3)

    def next_sweep() -> tuple[int, list[str]]:
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
    for key, run, trigger in [("a", "one", TRIGGER), ("b", "two", LATER), ("c", "one", TRIGGER)]:
        world.claim(run, trigger, *world.land(key))
    world.land("d")
    assert world.reconcile(NO_GRACE) == {"Claims": 2}
    assert set(world.manifests.stored["one"].keys) == {"a", "c"}
    assert world.manifests.stored["two"].trigger == LATER
    assert world.table.waiting_keys() == {"d"}


def test_a_claim_that_was_processed_since_the_index_was_read_is_not_recovered(world):
    [landing] = world.land("a")
    world.claim("run", TRIGGER, landing)
    world.table.freeze_index()
    world.table.mark_processed("run", landing)
    assert world.reconcile(NO_GRACE) == {}
    assert world.manifests.stored == {}


def test_how_many_landings_wait_and_how_long_is_measured(world):
    world.reconcile()
    assert (world.metric("LandingsWaiting"), world.metric("OldestLandingAge")) == ([0], [0])
    world.land("a")
    world.clock.advance(minutes=10)
    world.claim("run", TRIGGER, *world.land("b"))
    assert world.reconcile() == {}
    assert (world.metric("LandingsWaiting"), world.metric("OldestLandingAge")) == ([2], [600])


@pytest.mark.parametrize(
    ("input_format", "most", "runs"), [("manifest", 9, 1), ("manifest", 2, 2), ("uri", 1, 3)]
)
def test_what_waits_when_no_tick_will_come_is_started_and_dead_ticks_are_finished(
    world, input_format, most, runs
):
    world.collects, world.input_format, world.most = False, input_format, most
    world.land("a", "b", "c")
    world.claim("run", TRIGGER, *world.land("d"))
    assert world.reconcile(NO_GRACE) == {"Claims": 1 + runs}
    manifests = list(world.manifests.stored.values())
    assert sorted(key for one in manifests for key in one.keys) == ["a", "b", "c", "d"]
    assert {one.trigger for one in manifests} == {TRIGGER, ManualTrigger(StartedBy="reconcile")}
    inputs = [json.loads(text)["InputMessage"] for text in world.executions.started.values()]
    uris = [f"s3://landings/{one.keys[0]}" for one in manifests]
    assert inputs == (uris if input_format == "uri" else [str(one.uri) for one in manifests])
    assert world.reconcile(NO_GRACE) == {}


def test_one_reconcile_starts_a_bounded_number_of_runs_for_what_waits(world, monkeypatch):
    monkeypatch.setattr(reconcile, "LOOK_UPS", 2)
    world.collects, world.input_format, world.most = False, "uri", 1
    world.land("a", "b", "c")
    assert [world.reconcile() for _ in range(3)] == [{"Claims": 2}, {"Claims": 1}, {}]


def test_a_manifest_older_than_step_functions_memory_starts_nothing(world):
    world.write()
    world.clock.now += reconcile.REMEMBERED
    assert world.reconcile() == {}
    assert world.executions.started == {}


def test_a_manifest_whose_execution_exists_starts_no_second(world):
    arn = world.execution("execution-succeeded")["executionArn"]
    world.write()
    assert world.reconcile(NO_GRACE) == {"Executions": 1}
    world.executions.failing[arn] = THROTTLED  # it is on the record now, and not described again
    assert world.reconcile(NO_GRACE) == {}
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


def test_only_overdue_notifications_are_recovered(world):
    world.notify("overdue", overdue=True)
    world.notify("being-sent", overdue=False)
    assert world.reconcile() == {"Notifications": 1}
    assert world.runs.notified == ["overdue"]


@pytest.mark.parametrize("kind", SLOTS)
def test_slots_are_released_before_free_ones_are_given_and_runs_without_one_looked_for(world, kind):
    world.limiter.missed = {kind: [("run-1", lambda: True), ("run-2", lambda: False)]}
    assert world.reconcile() == {kind: 1}
    assert world.limiter.called == [*SLOTS[:2], "acquire_free_slots", "measure", SLOTS[2]]


def test_longest_run_is_no_shorter_than_the_machine_lets_one_be(root):
    committed = (root / "src/statemachine/processing.asl.yaml").read_text(encoding="utf-8")
    assert reconcile.LONGEST_RUN.total_seconds() >= parse(committed)["TimeoutSeconds"]


# ---- All steps together


@pytest.fixture
def lossy(load_event):
    """Make a world that has missed one of each kind."""

    def make() -> World:
        world = World(load_event)
        world.ended("lost-end")
        world.execution("execution-running", "lost-start")
        world.claim("lost-tick", TRIGGER, *world.land("a"))
        world.write("lost-manifest")
        world.notify("lost-notification", overdue=True)
        world.limiter.missed = {kind: [("lost-slot", lambda: True)] for kind in SLOTS}
        world.clock.advance(hours=1)
        return world

    return make


def assert_recovered(world: World) -> None:
    assert world.status("lost-end") == "SUCCEEDED"
    assert world.status("lost-start") == "RUNNING"
    assert world.executions.started.keys() == {"lost-tick", "lost-manifest"}
    assert world.manifests.stored.keys() == {"lost-tick", "lost-manifest"}
    assert (world.table.waiting_keys(), world.table.claims()) == (set(), {})
    assert world.runs.notified == ["lost-notification"]
    assert world.reconcile() == dict.fromkeys(SLOTS, 1)


def test_all_kinds_are_recovered_by_one_call_each_counted_and_logged(lossy, printed):
    world = lossy()
    assert world.reconcile() == dict.fromkeys(KINDS, 1)
    output = printed()
    for kind in KINDS.values():
        assert output.count("MissedEventsRecovered", Kind=kind) == 1
    logs = [line for line in output.logs if line["message"] == "missed event recovered"]
    assert sorted(line["kind"] for line in logs) == sorted(KINDS.values())
    assert all(line["level"] == "WARNING" and line["run"].startswith("lost-") for line in logs)
    assert_recovered(world)


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
def test_a_step_that_fails_does_not_stop_the_others(
    lossy, monkeypatch, printed, adapter, call, failed
):
    def refuse(*_: Any, **__: Any) -> Any:
        raise THROTTLED

    world = lossy()
    with monkeypatch.context() as patched:
        patched.setattr(getattr(world, adapter), call, refuse)
        with pytest.raises(ReconcileFailed) as error:
            world.reconcile()
    assert {one.partition(":")[0] for one in str(error.value).split("; ")} == failed
    logs = [line for line in printed().logs if line["message"] == "not reconciled"]
    assert {line["what"] for line in logs} == failed
    world.clock.advance(hours=1)
    world.reconcile()
    assert_recovered(world)


@pytest.mark.parametrize("why", [THROTTLED, KeyError("unexpected")])
def test_one_run_that_fails_for_whatever_reason_does_not_stop_the_others(world, why):
    arns = [world.ended(f"run-{number}") for number in range(3)]
    world.executions.failing[arns[1]] = why
    with pytest.raises(ReconcileFailed, match="Statuses run-1: "):
        world.reconcile(NO_GRACE)
    assert [world.status(f"run-{n}") for n in range(3)] == ["SUCCEEDED", "RUNNING", "SUCCEEDED"]


@pytest.mark.parametrize("dies", [True, False], ids=["dies", "overlaps another"])
def test_a_reconcile_that_dies_or_overlaps_another_at_any_call_recovers_everything_once(
    lossy, dies
):
    for at in count(1):
        world = lossy()
        fate = Fate(at) if dies else Fate(at, strikes=world.reconcile)
        try:
            world.reconcile(fate=fate)
        except Killed:
            world.clock.advance(hours=1)
            world.reconcile()
        assert_recovered(world)
        if fate.calls < at:
            break
    assert at > 30
