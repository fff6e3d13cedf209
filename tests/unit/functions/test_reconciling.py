"""What events lost is found and mended, step by step, once, and whatever else fails."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from landrun.adapters.landings_table import landing_id
from landrun.adapters.runs_table import RUNNING, UNTOLD
from landrun.errors import ReconcileFailed, ServiceError
from landrun.models.run import ManualTrigger, ScheduleTrigger
from landrun.models.s3_uri import S3Uri
from landrun.models.status_change import described_change, row
from landrun.observability import Telemetry
from landrun.services.collect_landings import LandingCollector
from landrun.services.reconcile import (
    CLAIM_GRACE,
    GRACE,
    LONGEST_RUN,
    MANIFESTS,
    PAGES,
    REMEMBERED,
    Reconciler,
)
from landrun.services.record_outcome import LEASE, OutcomeRecorder
from landrun.services.start_run import RunStarter
from landrun_ops.workflow import template

from .conftest import (
    Clock,
    FakeAdmission,
    FakeCursors,
    FakeExecutions,
    FakeJobs,
    FakeLedger,
    FakeManifests,
    FakeNotifications,
    FakeOutputs,
    FakeWaiting,
    Fate,
    Killed,
    messages,
    one_by_one,
)

NOTHING = {"Statuses": 0, "Executions": 0, "Claims": 0, "Manifests": 0, "Notifications": 0}
NOTHING |= {"SlotsNotCounted": 0, "ExecutionsNotResumed": 0, "SlotsNotReleased": 0}
NOW_ALREADY = timedelta()
REMOTE = datetime(2026, 9, 1, tzinfo=UTC)
TRIGGER = ScheduleTrigger(
    ScheduleArn="arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly",
    ScheduledTime="2026-11-22T03:00:00Z",
)
THROTTLED = ServiceError("states:DescribeExecution", "ThrottlingException", "slow down")


@dataclass
class World:
    """The doors; `reconcile` works on them, and may be struck by a fate."""

    telemetry: Telemetry
    clock: Clock = field(default_factory=lambda: Clock(datetime(2026, 11, 24, 12, tzinfo=UTC)))
    executions: FakeExecutions = field(default_factory=FakeExecutions)
    ledger: FakeLedger = field(default_factory=FakeLedger)
    manifests: FakeManifests = field(default_factory=FakeManifests)
    waiting: FakeWaiting = field(default_factory=FakeWaiting)
    cursors: FakeCursors = field(default_factory=FakeCursors)
    jobs: FakeJobs = field(default_factory=FakeJobs)
    outputs: FakeOutputs = field(default_factory=FakeOutputs)
    notifications: FakeNotifications = field(default_factory=FakeNotifications)
    admission: FakeAdmission = field(default_factory=FakeAdmission)
    collects: bool = True

    def reconciler(self, fate: Fate | None = None) -> Reconciler:
        fate = fate or Fate(at=0)
        plain = {"telemetry", "clock", "collects"}
        door = {
            each.name: fate.over(getattr(self, each.name))
            for each in fields(self)
            if each.name not in plain
        }
        output = S3Uri("outputs", "processed/")
        runs = RunStarter(door["manifests"], door["executions"], output, clock=self.clock)
        recorder = OutcomeRecorder(
            *(door[name] for name in ("executions", "jobs", "outputs", "ledger", "notifications")),
            telemetry=self.telemetry,
            clock=self.clock,
        )
        return Reconciler(
            *(door[name] for name in ("executions", "ledger", "manifests", "waiting", "cursors")),
            collector=LandingCollector(
                door["waiting"], door["manifests"], runs, "landrun", 10, one_by_one
            ),
            recorder=recorder,
            runs=runs,
            admission=door["admission"],
            telemetry=self.telemetry,
            collects=self.collects,
            clock=self.clock,
        )

    def reconcile(self, grace: timedelta | None = None, fate: Fate | None = None) -> dict[str, int]:
        """What was mended, as far as anything was."""
        mended = self.reconciler(fate).reconcile(grace)
        assert mended.keys() == NOTHING.keys()
        return {kind: number for kind, number in mended.items() if number}

    def status(self, name: str) -> str | None:
        return self.ledger.rows.get(name, {}).get("status")

    def runs(self, execution: dict[str, Any]) -> None:
        """Put it on the record that an execution runs, as its first event does."""
        change = described_change(execution | {"status": "RUNNING", "stopDate": None})
        self.ledger.record(row(change) | {"unfinished": RUNNING})


@pytest.fixture
def world(telemetry, load_event):
    [message] = messages(load_event("execution-succeeded"))
    machine = message["detail"]["stateMachineArn"]
    found = World(telemetry, executions=FakeExecutions(machine))
    found.waiting.clock = found.clock
    return found


@pytest.fixture
def execution(world, load_event):
    """``execution("execution-failed", ended=…)`` is Step Functions' answer for that event's."""

    def make(event: str, name: str = "", ended: datetime | None = None, **more: Any) -> Any:
        [message] = messages(load_event(event))
        detail = {k: v for k, v in message["detail"].items() if v is not None} | more
        for date in ("startDate", "stopDate", "redriveDate"):
            if isinstance(detail.get(date), int):
                detail[date] = datetime.fromtimestamp(detail[date] / 1000, UTC)
        name = name or detail["name"]
        detail |= {"name": name, "executionArn": world.executions.arn(name)}
        detail |= {"stopDate": ended} if ended else {}
        world.executions.described[detail["executionArn"]] = detail
        return detail

    return make


@pytest.fixture
def told(told, telemetry):
    """Counts leave at the end of an invocation; here, when they are looked at."""

    def flushed() -> Any:
        telemetry.flush()
        return told()

    return flushed


def test_where_nothing_was_lost_nothing_is_mended(world, execution):
    done = execution("execution-succeeded")
    world.ledger.record(row(described_change(done)))
    assert world.reconciler().reconcile() == NOTHING
    assert world.notifications.published == []


# ---- Statuses: rows that still say that their execution runs


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("execution-succeeded", "SUCCEEDED"),
        ("execution-failed", "FAILED"),
        ("execution-timed-out", "TIMED_OUT"),
        ("execution-aborted", "ABORTED"),
    ],
)
def test_an_end_whose_event_was_lost_is_recorded_and_told_as_the_event_would_have(
    world, execution, event, status
):
    lost = execution(event)
    world.runs(lost)
    assert world.reconcile() == {"Statuses": 1}
    found = world.ledger.rows[lost["name"]]
    assert (found["status"], "unfinished" in found) == (status, False)
    assert found["stopped_at"]
    assert len(world.notifications.published) == (status != "SUCCEEDED")
    assert world.reconcile() == {}


def test_each_loss_that_was_mended_is_a_metric_and_a_log_line_with_the_run(world, execution, told):
    for name in ("run-1", "run-2"):
        world.runs(execution("execution-succeeded", name))
    world.reconcile()
    output = told()
    assert output.count("MissedEventsRecovered", Kind="status") == 2
    lines = [line for line in output.logs if line["message"] == "missed event recovered"]
    assert {(line["run"], line["kind"], line["level"]) for line in lines} == {
        ("run-1", "status", "WARNING"),
        ("run-2", "status", "WARNING"),
    }


def test_an_end_within_the_grace_is_left_to_its_event(world, execution):
    world.runs(execution("execution-succeeded", ended=world.clock() - GRACE))
    world.clock.advance(seconds=-1)
    assert world.reconcile() == {}
    world.clock.advance(seconds=1)
    assert world.reconcile() == {"Statuses": 1}


def test_by_hand_without_grace_an_end_is_recorded_at_once(world, execution):
    world.runs(execution("execution-succeeded", ended=world.clock()))
    assert world.reconcile(NOW_ALREADY) == {"Statuses": 1}


def test_executions_at_work_are_seen_in_the_list_and_not_looked_at_one_by_one(world, execution):
    running = execution("execution-running")
    world.runs(running)
    world.executions.failing[running["executionArn"]] = THROTTLED
    assert world.reconcile() == {}
    assert ("", {"statusFilter": "RUNNING"}) in world.executions.asked


def test_of_an_execution_that_step_functions_has_forgotten_the_row_stays(world, execution):
    lost = execution("execution-succeeded")
    world.runs(lost)
    world.executions.described.clear()
    assert world.reconcile() == {}
    assert world.status(lost["name"]) == "RUNNING"


def test_runs_of_a_machine_that_the_stack_had_before_are_left_and_named(world, execution, told):
    before = "arn:aws:states:us-east-1:123456789012:stateMachine:before"
    world.runs(execution("execution-succeeded", "theirs", stateMachineArn=before))
    world.runs(execution("execution-succeeded", "ours"))
    world.cursors.move("executions", {"back_to": world.clock().isoformat()})
    assert world.reconcile() == {"Statuses": 1}
    assert (world.status("theirs"), world.status("ours")) == ("RUNNING", "SUCCEEDED")
    assert [line["run"] for line in told().logs if "out of reach" in line["message"]] == ["theirs"]


def test_runs_that_step_functions_must_have_forgotten_keep_no_others_waiting(
    world, execution, told, monkeypatch
):
    monkeypatch.setattr("landrun.services.reconcile.LOOK_UPS", 1)
    world.runs(execution("execution-succeeded", "old"))
    world.clock.now += timedelta(days=210)
    world.runs(execution("execution-succeeded", "new", startDate=world.clock()))
    world.cursors.move("executions", {"back_to": world.clock().isoformat()})
    assert world.reconcile(timedelta()) == {"Statuses": 1}
    assert (world.status("old"), world.status("new")) == ("RUNNING", "SUCCEEDED")
    assert [line["run"] for line in told().logs if "out of reach" in line["message"]] == ["old"]


def test_an_error_that_nobody_thought_of_keeps_no_others_waiting(world, execution):
    world.runs(execution("execution-succeeded", "odd", status="BRAND_NEW"))
    world.runs(execution("execution-succeeded", "plain"))
    with pytest.raises(ReconcileFailed, match="odd"):
        world.reconcile()
    assert world.status("plain") == "SUCCEEDED"


def test_a_status_event_that_comes_after_all_changes_nothing(world, execution):
    lost = execution("execution-failed")
    world.runs(lost)
    world.reconcile()
    before = dict(world.ledger.rows[lost["name"]])
    assert not world.reconciler().recorder.record(described_change(lost))
    assert world.ledger.rows[lost["name"]] == before
    assert len(world.notifications.published) == 1


# ---- Executions: what the ledger does not know


@pytest.mark.parametrize("event", ["execution-running", "execution-failed"])
def test_an_execution_that_no_row_knows_is_recorded(world, execution, event):
    unknown = execution(event)
    assert world.reconcile() == {"Executions": 1}
    assert world.status(unknown["name"]) == unknown["status"]
    assert world.reconcile() == {}


def test_an_execution_that_has_just_started_is_left_to_its_event_and_not_forgotten(
    world, execution
):
    young = execution("execution-running", startDate=world.clock() - GRACE + timedelta(seconds=1))
    assert world.reconcile() == {}
    world.clock.advance(seconds=1)
    assert world.reconcile() == {"Executions": 1}
    assert world.status(young["name"]) == "RUNNING"


def test_an_end_is_left_to_its_event_as_a_start_is_and_not_forgotten(world, execution):
    young = execution("execution-succeeded", ended=world.clock())
    assert world.reconcile() == {}
    world.clock.advance(seconds=GRACE.total_seconds())
    assert world.reconcile() == {"Executions": 1}
    assert world.status(young["name"]) == "SUCCEEDED"


def test_an_old_run_that_has_just_ended_does_not_hide_the_new_ones_behind_it(world, execution):
    world.executions.page_size = 1
    world.reconcile()
    world.clock.advance(hours=1)
    unknown = execution("execution-running", "new", startDate=world.clock())
    world.clock.advance(minutes=1)
    execution("execution-succeeded", "old", startDate=REMOTE, ended=world.clock())
    world.clock.advance(hours=1)
    assert world.reconcile() == {"Executions": 2}
    assert world.status(unknown["name"]) == "RUNNING"


def test_a_redrive_of_an_old_run_whose_events_were_lost_is_recorded(world, execution):
    failed = execution("execution-failed")
    world.reconcile()
    world.clock.advance(days=3)
    world.reconcile()
    execution("execution-succeeded-redriven", failed["name"], ended=world.clock())
    assert world.reconcile() == {}
    world.clock.advance(seconds=GRACE.total_seconds())
    assert world.reconcile() == {"Executions": 1}
    found = world.ledger.rows[failed["name"]]
    assert (found["status"], found["redrive_count"]) == ("SUCCEEDED", 1)


def test_a_redrive_that_runs_is_recorded_after_its_own_grace(world, execution):
    failed = execution("execution-failed")
    world.reconcile()
    execution("execution-running-redriven", failed["name"], redriveDate=world.clock())
    assert world.reconcile() == {}
    world.clock.advance(seconds=GRACE.total_seconds())
    assert world.reconcile() == {"Executions": 1}
    assert world.status(failed["name"]) == "RUNNING"


def sweeps(world: World) -> list[str]:
    """The tokens of the pages that sweeps have asked for since the last look."""
    tokens = [token for token, only in world.executions.asked if not only]
    world.executions.asked.clear()
    return tokens


def test_a_sweep_goes_back_only_to_where_the_last_one_began(world, execution):
    for day in range(5):
        execution(
            "execution-succeeded", f"run-{day}", ended=datetime(2026, 11, day + 1, tzinfo=UTC)
        )
    world.executions.page_size = 1
    assert world.reconcile() == {"Executions": 5}
    assert sweeps(world) == ["", "1", "2", "3", "4"]
    assert world.reconcile() == {}
    assert sweeps(world) == [""]


@pytest.fixture
def long_list(world, execution):
    """More executions than one sweep looks at, one a page, the youngest first."""
    world.executions.page_size = 1
    started = world.clock() - timedelta(days=1)
    return [
        execution("execution-running", f"run-{n:02}", startDate=started - timedelta(minutes=n))
        for n in range(PAGES + 5)
    ]


def test_a_sweep_that_is_not_through_goes_on_in_the_next(world, long_list):
    assert world.reconcile() == {"Executions": PAGES}
    assert sweeps(world)[:PAGES] == ["", *map(str, range(1, PAGES))]
    assert world.reconcile() == {"Executions": 5}
    assert sweeps(world)[:5] == [*map(str, range(PAGES, PAGES + 5))]
    assert all(world.status(each["name"]) == "RUNNING" for each in long_list)


def test_what_starts_while_a_sweep_goes_on_is_found_by_the_one_after(world, long_list, execution):
    for number in range(PAGES):
        execution("execution-running", f"old-{number}", startDate=REMOTE)
    world.reconcile()
    between = execution("execution-running", "between", startDate=world.clock())
    for _ in range(3):
        world.clock.advance(minutes=15)
        world.reconcile()
    assert world.status(between["name"]) == "RUNNING"


def test_a_token_that_step_functions_has_forgotten_begins_the_sweep_again(world, long_list):
    world.reconcile()
    world.executions.expired.add(str(PAGES))
    sweeps(world)
    world.reconcile()
    assert sweeps(world)[:3] == [str(PAGES), "", "1"]
    world.executions.expired.clear()
    world.reconcile()
    assert all(world.status(each["name"]) == "RUNNING" for each in long_list)


def test_a_list_that_cannot_be_had_is_a_failure_and_moves_nothing(world, long_list):
    world.executions.expired.add("")
    with pytest.raises(ReconcileFailed, match="InvalidToken"):
        world.reconcile()
    assert "executions" not in world.cursors.places


def test_an_execution_that_could_not_be_looked_at_is_looked_at_by_the_next_sweep(world, execution):
    unlucky, lucky = execution("execution-running", "a"), execution("execution-running", "b")
    world.executions.failing[unlucky["executionArn"]] = THROTTLED
    with pytest.raises(ReconcileFailed, match=r"Executions a: .*ThrottlingException"):
        world.reconcile()
    assert (world.status("a"), world.status(lucky["name"])) == (None, "RUNNING")
    world.executions.failing.clear()
    world.clock.advance(days=1)
    assert world.reconcile() == {"Executions": 1}


def test_a_failure_in_the_first_half_of_a_sweep_is_not_forgotten_in_the_second(world, long_list):
    unlucky = long_list[0]
    world.executions.failing[unlucky["executionArn"]] = THROTTLED
    with pytest.raises(ReconcileFailed):
        world.reconcile()
    world.executions.failing.clear()
    for _ in range(3):
        world.clock.advance(minutes=15)
        world.reconcile()
    assert world.status(unlucky["name"]) == "RUNNING"


# ---- Claims


def claimed(world: World, landing: Any, run: str, trigger: Any = TRIGGER) -> None:
    world.waiting.record(landing)
    assert world.waiting.claim(landing_id(landing), run, trigger)


def test_a_run_whose_tick_has_died_is_finished_with_what_it_has_claimed(world, landed, told):
    claimed(world, landed("a"), "run-1")
    world.waiting.record(landed("b"))
    world.clock.advance(seconds=CLAIM_GRACE.total_seconds())
    assert world.reconcile() == {"Claims": 1}
    assert world.manifests.stored["run-1"].keys == ("a",)
    assert json.loads(world.executions.started["run-1"])["Trigger"] == json.loads(TRIGGER.to_json())
    assert {item.landing.key for item in world.waiting.items.values() if item.waiting} == {"b"}
    assert told().count("MissedEventsRecovered", Kind="claim") == 1
    assert world.reconcile() == {}


def test_a_claim_that_a_tick_may_still_be_at_work_on_is_left(world, landed):
    claimed(world, landed("a"), "run-1")
    world.clock.advance(seconds=CLAIM_GRACE.total_seconds() - 1)
    assert world.reconcile() == {}
    assert world.reconcile(NOW_ALREADY) == {"Claims": 1}


def test_the_claims_of_several_dead_runs_are_finished_run_by_run(world, landed):
    later = replace(TRIGGER, Part=1)
    for key, run, trigger in [
        ("a", "run-1", TRIGGER),
        ("b", "run-2", later),
        ("c", "run-1", TRIGGER),
    ]:
        claimed(world, landed(key), run, trigger)
    assert world.reconcile(NOW_ALREADY) == {"Claims": 2}
    assert set(world.manifests.stored["run-1"].keys) == {"a", "c"}
    assert world.manifests.stored["run-2"].trigger == later


def test_a_claim_that_was_settled_since_the_index_was_read_is_no_loss(world, landed):
    landing = landed("a")
    claimed(world, landing, "run-1")
    world.waiting.freeze()
    world.waiting.settle("run-1", landing)
    assert world.reconcile(NOW_ALREADY) == {}
    assert world.manifests.stored == {}


def test_what_waits_for_ticks_that_will_come_is_left_to_them(world, landed):
    world.waiting.record(landed("a"))
    world.clock.advance(days=1)
    assert world.reconcile() == {}


def test_how_much_waits_and_for_how_long_is_reported(world, landed, told):
    world.waiting.record(landed("a"))
    world.clock.advance(seconds=600)
    claimed(world, landed("b"), "run-1")
    world.reconcile()
    output = told()
    assert output.count("LandingsWaiting") == 2
    assert output.count("OldestLandingAge") == 600


def test_where_nothing_waits_that_is_reported_too(world, told):
    world.reconcile()
    output = told()
    assert (output.count("LandingsWaiting"), output.count("OldestLandingAge")) == (0, 0)


def test_what_still_waits_after_collecting_was_turned_off_is_gathered_into_a_run(world, landed):
    world.collects = False
    for key in ("a", "b"):
        world.waiting.record(landed(key))
    assert world.reconcile() == {"Claims": 1}
    [manifest] = world.manifests.stored.values()
    assert set(manifest.keys) == {"a", "b"}
    assert manifest.trigger == ManualTrigger(StartedBy="reconcile")
    assert world.reconcile() == {}


def test_after_collecting_was_turned_off_a_dead_tick_is_finished_too(world, landed):
    world.collects = False
    claimed(world, landed("a"), "run-1")
    assert world.reconcile(NOW_ALREADY) == {"Claims": 1}
    assert list(world.executions.started) == ["run-1"]


# ---- Manifests


def written(world: World, run: str, age: timedelta, trigger: Any = TRIGGER) -> None:
    world.manifests.write_once(run, "landings", ["a"], trigger)
    world.manifests.modified[run] = world.clock() - age


def test_a_manifest_without_an_execution_gets_it_from_the_trigger_that_it_holds(world, told):
    written(world, "run-1", GRACE)
    assert world.reconcile() == {"Manifests": 1}
    started = json.loads(world.executions.started["run-1"])
    assert started["InputMessage"] == "s3://outputs/manifests/run-1.json"
    assert started["Trigger"]["ScheduledTime"] == TRIGGER.ScheduledTime
    assert told().count("MissedEventsRecovered", Kind="manifest") == 1
    assert world.reconcile() == {}


def test_a_manifest_within_the_grace_is_left_to_whoever_wrote_it(world):
    written(world, "run-1", GRACE - timedelta(seconds=1))
    assert world.reconcile() == {}
    assert world.reconcile(NOW_ALREADY) == {"Manifests": 1}


def test_a_manifest_older_than_step_functions_memory_starts_nothing(world):
    written(world, "run-1", REMEMBERED)
    assert world.reconcile() == {}
    assert world.executions.started == {}


def test_a_manifest_whose_run_is_on_the_record_is_not_looked_into(world, execution):
    known = execution("execution-succeeded")
    world.ledger.record(row(described_change(known)))
    written(world, known["name"], GRACE)
    world.executions.failing[known["executionArn"]] = THROTTLED
    assert world.reconcile() == {}


def test_a_manifest_whose_execution_exists_starts_no_second(world, execution):
    there = execution("execution-succeeded")
    written(world, there["name"], GRACE)
    assert world.reconcile() == {"Executions": 1}
    assert world.executions.started == {}


def test_a_manifest_that_does_not_say_its_trigger_is_counted_and_named(world, told):
    written(world, "run-1", GRACE, trigger=None)
    assert world.reconcile() == {}
    assert world.executions.started == {}
    output = told()
    assert output.count("ManifestsWithoutTrigger") == 1
    assert [line["run"] for line in output.logs] == ["run-1"]


def test_the_list_of_a_manifests_landings_is_no_manifest(world, landed):
    claimed(world, landed("a"), "run-1")
    world.reconcile(NOW_ALREADY)
    world.executions.started.clear()
    world.manifests.modified["run-1"] = world.clock() - GRACE
    assert len(list(world.manifests.listed_after(""))) == 2
    assert world.reconcile() == {"Manifests": 1}


def test_a_sweep_over_manifests_goes_on_after_the_last_and_then_begins_again(world):
    for number in range(MANIFESTS):
        world.manifests.write_once(f"run-{number:05}", "landings", ["a"])
    last = "run-99999"
    written(world, last, GRACE)
    assert world.reconcile() == {}
    assert world.reconcile() == {"Manifests": 1}
    assert list(world.executions.started) == [last]
    early = "run-00000-early"
    written(world, early, GRACE)
    assert world.reconcile() == {"Manifests": 1}
    assert set(world.executions.started) == {last, early}


# ---- Notifications


def untold(world: World, execution: Any, due_in: timedelta = LEASE) -> str:
    failed = execution("execution-failed")
    due_at = (world.clock() + due_in).isoformat(timespec="microseconds")
    note = {"unfinished": UNTOLD, "notification_due_at": due_at}
    world.ledger.record(row(described_change(failed)) | note)
    return failed["name"]


def test_a_failure_that_was_recorded_and_not_told_is_told(world, execution, told):
    name = untold(world, execution)
    world.clock.advance(seconds=LEASE.total_seconds())
    assert world.reconcile() == {"Notifications": 1}
    [(subject, _)] = world.notifications.published
    assert name in subject
    assert told().count("MissedEventsRecovered", Kind="notification") == 1
    assert world.reconcile() == {}


def test_a_failure_that_is_just_being_told_is_left_even_without_grace(world, execution):
    untold(world, execution, due_in=timedelta(seconds=1))
    assert world.reconcile(NOW_ALREADY) == {}
    assert world.notifications.published == []


def test_when_sns_refuses_the_failure_stays_to_be_told(world, execution):
    untold(world, execution, due_in=NOW_ALREADY)
    world.notifications.failing = ServiceError("sns:Publish", "InternalError", "later")
    with pytest.raises(ReconcileFailed, match=r"Notifications .*sns:Publish"):
        world.reconcile()
    world.notifications.failing = None
    assert world.reconcile() == {"Notifications": 1}


# ---- All steps together


@pytest.fixture
def losses(world, execution, landed):
    """One loss of each kind, and one of them whose event only has not come yet."""
    world.runs(execution("execution-succeeded", "lost-end"))
    execution("execution-running", "lost-start")
    claimed(world, landed("a"), "lost-tick")
    written(world, "lost-run", timedelta(hours=1))
    untold(world, execution, due_in=-LEASE)
    world.clock.advance(hours=1)
    return {kind: 1 for kind in NOTHING if "Slots" not in kind and kind != "ExecutionsNotResumed"}


def assert_mended(world: World) -> None:
    assert world.status("lost-end") == "SUCCEEDED"
    assert world.status("lost-start") == "RUNNING"
    assert set(world.executions.started) == {"lost-tick", "lost-run"}
    assert set(world.manifests.stored) == {"lost-tick", "lost-run"}
    assert not any(item.waiting or item.claim for item in world.waiting.items.values())
    assert world.ledger.unfinished(UNTOLD) == []


def test_all_kinds_of_losses_are_mended_by_one_call_and_the_next_finds_none(world, losses):
    assert world.reconcile() == losses
    assert_mended(world)
    assert len(world.notifications.published) == 1
    assert world.reconcile() == {}


def test_the_losses_of_each_kind_are_told_apart_by_the_metrics_dimension(world, losses, told):
    world.reconcile()
    output = told()
    for kind in ("status", "execution", "claim", "manifest", "notification"):
        assert output.count("MissedEventsRecovered", Kind=kind) == 1


@pytest.mark.parametrize(
    ("pieces", "kind", "metric"),
    [
        ("not_counted", "SlotsNotCounted", "slots-not-counted"),
        ("not_told_of", "ExecutionsNotResumed", "executions-not-resumed"),
        ("kept_by", "SlotsNotReleased", "slots-not-released"),
    ],
)
def test_turns_that_were_lost_are_mended_and_counted(world, told, pieces, kind, metric):
    setattr(world.admission, pieces, {"landrun-1": True, "landrun-2": False})
    assert world.reconcile() == {kind: 1}
    assert told().count("MissedEventsRecovered", Kind=metric) == 1


def test_free_places_are_given_before_the_line_is_measured(world):
    world.reconcile()
    assert world.admission.swept == ["given", "measured"]


def test_free_places_are_given_before_runs_that_hold_none_are_looked_for(world):
    def found(before):
        world.admission.swept.append("looked for")
        return []

    world.admission.uncounted = found
    world.reconcile()
    assert world.admission.swept == ["given", "measured", "looked for"]


def test_longest_run_is_no_shorter_than_the_machine_lets_one_be():
    assert LONGEST_RUN.total_seconds() >= template()["TimeoutSeconds"]


def test_an_end_that_is_found_gives_its_place_back_too(world, execution):
    ended = execution("execution-succeeded", ended=world.clock.now - timedelta(hours=1))
    world.runs(ended)
    assert world.reconcile() == {"Statuses": 1}
    assert [change.name for change in world.admission.followed] == [ended["name"]]


@pytest.mark.parametrize(
    ("strikes", "kept"),
    [
        ("the ledger's index", {"Statuses", "Notifications"}),
        ("the index of landings", {"Claims"}),
        ("the list of manifests", {"Manifests"}),
        ("the list of executions", {"Statuses", "Executions"}),
    ],
)
def test_a_step_that_fails_keeps_no_other_from_its_own(
    world, losses, monkeypatch, strikes, kept, told
):
    def refuse(*_: Any, **__: Any) -> Any:
        raise THROTTLED

    door, call = {
        "the ledger's index": (world.ledger, "unfinished"),
        "the index of landings": (world.waiting, "candidates"),
        "the list of manifests": (world.manifests, "listed_after"),
        "the list of executions": (world.executions, "page"),
    }[strikes]
    with monkeypatch.context() as patched:
        patched.setattr(door, call, refuse)
        with pytest.raises(ReconcileFailed) as error:
            world.reconcile()
    kinds = {"Statuses", "Executions", "Claims", "Manifests", "Notifications"}
    assert {kind for kind in kinds if f"{kind}: " in str(error.value)} == kept
    logged = {line["what"] for line in told().logs if line["message"] == "not reconciled"}
    assert logged == kept
    world.clock.advance(hours=1)
    world.reconcile()
    assert_mended(world)


def test_one_run_that_fails_keeps_no_other_of_its_step(world, execution):
    for name in ("run-1", "run-2", "run-3"):
        world.runs(execution("execution-succeeded", name))
    world.executions.failing[world.executions.arn("run-2")] = THROTTLED
    with pytest.raises(ReconcileFailed, match="Statuses run-2: "):
        world.reconcile()
    assert [world.status(f"run-{n}") for n in (1, 2, 3)] == ["SUCCEEDED", "RUNNING", "SUCCEEDED"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_wherever_reconcile_dies_the_next_one_mends_what_is_left(telemetry, world, losses, after):
    for at in range(1, 200):
        fresh = copy.deepcopy(replace(world, telemetry=None))
        fresh.telemetry, fresh.waiting.clock = telemetry, fresh.clock
        try:
            fresh.reconcile(fate=Fate(at, after))
        except Killed:
            fresh.clock.advance(hours=1)
            fresh.reconcile()
        else:
            break
        assert_mended(fresh)
        assert fresh.reconcile() == {}
    assert at > 30


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_two_at_once_mend_everything_once(telemetry, world, losses, after):
    for at in range(1, 200):
        fresh = copy.deepcopy(replace(world, telemetry=None))
        fresh.telemetry, fresh.waiting.clock = telemetry, fresh.clock
        fate = Fate(at, after, strikes=fresh.reconcile)
        fresh.reconcile(fate=fate)
        assert_mended(fresh)
        assert len(fresh.notifications.published) == 1
        if fate.calls < at:
            break
    assert at > 30
