"""The record of a run's outcome, and that each failure is notified of once.

tests/faults/test_cases_statuses.py has the cases of doubled, late and lost events, in any order,
and of functions that die at any call.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from landrun.adapters.outputs import OutputSize
from landrun.errors import ServiceError
from landrun.models.run_record import EXECUTION_RUNNING, NOTIFICATION_PENDING
from landrun.models.s3_uri import S3Uri
from landrun.models.status_change import StatusChange, parse_status_change
from landrun.services.record_outcome import LEASE, OutcomeRecorder

from .conftest import (
    Clock,
    FakeExecutions,
    FakeJobs,
    FakeNotifications,
    FakeOutputs,
    FakeRunsTable,
    Fate,
    Killed,
    messages,
)

DOWN = ServiceError("sns:Publish", "InternalError", "later")
ADAPTERS = ("executions", "jobs", "outputs", "runs_table", "notifications")
LANDED = "s3://landings/incoming/a.csv"
TABLE_WAS_WRITTEN = {"at": 3, "after": True}
"""The call of an adapter after which a recorder dies with its failure recorded, and no more."""


class FakeMetrics:
    """What was counted and measured, by name or by the value of its dimension."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add_metric(self, name: str, _unit: object, value: float) -> None:
        self.counts[name] += value

    def count_by(self, metric: str, dimension: str, value: str) -> None:
        self.counts[f"{metric} {dimension}={value}"] += 1


@pytest.fixture
def change(load_event):
    """``change("execution-failed", …)`` is the status change of that event, with other fields."""

    def parse(event: str, **fields: object) -> StatusChange:
        found = parse_status_change(load_event(event)["Records"][0]["body"])
        return found.model_copy(update=fields)

    return parse


@pytest.fixture
def landrun(monkeypatch):
    adapters: dict[str, Any] = {
        "executions": FakeExecutions(),
        "jobs": FakeJobs(),
        "outputs": FakeOutputs(size=OutputSize(3, 4096)),
        "runs_table": FakeRunsTable(),
        "notifications": FakeNotifications(),
    }
    metrics, clock = FakeMetrics(), Clock()
    monkeypatch.setattr("landrun.services.record_outcome.count_by", metrics.count_by)
    recorder = OutcomeRecorder(
        **adapters,
        manifests=S3Uri("landrun-outputbucket-6f5e4d3c2b1a", "manifests/"),
        logger=logging.getLogger("landrun-test"),
        metrics=metrics,
        clock=clock,
    )
    return SimpleNamespace(
        record=recorder.record, recorder=recorder, metrics=metrics, clock=clock, **adapters
    )


def mortal(landrun: Any, **fate: Any) -> OutcomeRecorder:
    """The same recorder in a process that something happens to."""
    struck = Fate(**fate)
    return replace(landrun.recorder, **{n: struck.over(getattr(landrun, n)) for n in ADAPTERS})


def the_record(landrun: Any) -> Any:
    [record] = landrun.runs_table.records.values()
    return record


@pytest.fixture
def recorded_only(landrun, change):
    """A failure is on the record, and its recorder died before it could publish."""
    with pytest.raises(Killed):
        mortal(landrun, **TABLE_WAS_WRITTEN).record(change("execution-failed"))
    return landrun


# ---- What a record has


def test_a_success_is_recorded_with_its_job_its_output_and_its_summary(landrun, load_event, change):
    [detail] = (message["detail"] for message in messages(load_event("execution-succeeded")))
    job, given = json.loads(detail["output"]), json.loads(detail["input"])
    landrun.outputs.summaries[given["OutputProcessedMessage"]] = {"rows_in": 10}
    assert landrun.record(change("execution-succeeded"))
    found = the_record(landrun)
    assert found.duration_seconds == (detail["stopDate"] - detail["startDate"]) / 1000
    assert (found.job_name, found.job_arn) == (job["ProcessingJobName"], job["ProcessingJobArn"])
    seconds = (job["ProcessingEndTime"] - job["ProcessingStartTime"]) / 1000
    assert found.instance_seconds == pytest.approx(seconds)
    assert (found.output_objects, found.output_bytes) == (3, 4096)
    assert found.summary == {"rows_in": 10}
    assert landrun.notifications.published == []
    assert landrun.metrics.counts["Executions Status=SUCCEEDED"] == 1
    assert landrun.metrics.counts["RunDuration"] == found.duration_seconds


def test_a_failure_is_recorded_with_its_cause_and_its_jobs_exit_message(landrun, change):
    failed = change("execution-failed")
    assert landrun.record(failed)
    found = the_record(landrun)
    assert (found.error, found.cause) == (failed.error, failed.cause)
    assert found.exit_message == json.loads(failed.cause)["ExitMessage"]


# ---- The job of this attempt


def history(*newest_first: str, job: str) -> list[dict[str, Any]]:
    """Events by their types; ``Redriven 1`` is a redrive, ``TaskScheduled`` asks for the job."""
    events: list[dict[str, Any]] = []
    for kind in newest_first:
        event: dict[str, Any] = {"type": kind}
        if kind == "TaskScheduled":
            parameters = json.dumps({"ProcessingJobName": job})
            event["taskScheduledEventDetails"] = {"parameters": parameters}
        elif kind.startswith("Redriven"):
            count = int(kind.split()[1])
            event = {"executionRedrivenEventDetails": {"redriveCount": count}}
        events.append(event)
    return events


ASKED, RAN = ("TaskScheduled",), ("TaskSubmitted", "TaskStarted", "TaskScheduled")
REFUSED = ("TaskSubmitFailed", "TaskStarted", "TaskScheduled")
PUBLISHED = ("TaskSucceeded", "LambdaFunctionScheduled")


@pytest.mark.parametrize(
    ("redrives", "events", "found"),
    [
        (0, RAN, True),
        (0, ("TaskSucceeded", "TaskScheduled"), True),  # without .sync
        (0, PUBLISHED + RAN, True),
        (0, (), False),
        (0, ASKED, False),
        (0, REFUSED, False),
        (0, REFUSED + RAN, False),  # a retry that was refused: the first job is not the reason
        (1, (*RAN, "Redriven 1"), True),
        (1, ("Redriven 1", "ExecutionAborted", *RAN), False),
        (1, (*REFUSED, "Redriven 1", *RAN), False),
        (2, ("Redriven 2", *RAN, "Redriven 1"), False),
        (0, ("Redriven 1", "ExecutionAborted", *RAN), True),  # recorded late
        (0, (*RAN, "Redriven 1", "ExecutionAborted"), False),
        (1, ("Redriven 2", *RAN, "Redriven 1"), True),
    ],
)
@pytest.mark.parametrize("event", ["execution-timed-out", "execution-aborted"])
def test_the_job_is_the_one_that_was_submitted_in_this_attempt(
    landrun, change, event, redrives, events, found
):
    stopped = change(event, redriveCount=redrives)
    job = json.loads(change("execution-failed").cause)
    landrun.jobs.described[job["ProcessingJobName"]] = job
    landrun.executions.history[stopped.executionArn] = history(
        *events, job=job["ProcessingJobName"]
    )
    landrun.record(stopped)
    record = the_record(landrun)
    expected = (job["ProcessingJobName"], job["ProcessingJobArn"], job["ExitMessage"])
    assert (record.job_name, record.job_arn, record.exit_message) == (
        expected if found else (None, None, None)
    )


def test_a_redrive_that_fails_without_a_job_gives_the_new_reason_only(landrun, change):
    landrun.record(change("execution-failed"))
    before = the_record(landrun)
    again = change("execution-failed-no-job", redriveCount=1)
    landrun.executions.history[again.executionArn] = history(
        *REFUSED, "Redriven 1", *RAN, job=before.job_name
    )
    landrun.jobs.described[before.job_name] = json.loads(before.cause)
    assert landrun.record(again)
    record = the_record(landrun)
    assert (record.error, record.cause) == (again.error, again.cause)
    assert (record.job_name, record.job_arn) == (None, None)
    assert (record.exit_message, record.instance_seconds) == (None, None)
    message = landrun.notifications.published[-1][1]
    assert "service limit" in message
    assert before.exit_message not in message


# ---- The output, and what the input matches


@pytest.mark.parametrize(
    "uri",
    [
        "s3://other bucket/x/",
        "s3://b/" + "x" * 1025,
        "https://evil.example/\x1b[2J",
        "s3://" + "b" * 70_000 + "/",
    ],
)
def test_a_uri_that_s3_could_not_have_is_a_problem_of_the_output_not_of_the_record(
    landrun, change, uri
):
    given = json.dumps({"OutputProcessedMessage": uri, "InputMessage": uri})
    landrun.record(change("execution-succeeded", input=given))
    assert the_record(landrun).output_problem.isprintable()
    assert len(the_record(landrun).output_problem) < 300


@pytest.mark.parametrize(
    "code", ["AccessDenied", "ParamValidationError", "KeyTooLongError", "InvalidBucketName"]
)
def test_what_s3_will_never_show_does_not_keep_an_end_from_the_record(landrun, change, code):
    landrun.outputs.failing = ServiceError("s3:ListObjectsV2", code, "no")
    given = json.dumps({"OutputProcessedMessage": "s3://b/o/", "InputMessage": LANDED})
    assert landrun.record(change("execution-succeeded", input=given))
    assert the_record(landrun).output_problem == f"s3:ListObjectsV2: {code}: no"
    assert the_record(landrun).input_also_matches == ()


@pytest.mark.parametrize("field", ["OutputProcessedMessage", "InputMessage"])
def test_what_s3_does_not_show_for_now_lets_the_message_come_again(landrun, change, field):
    landrun.outputs.failing = ServiceError("s3:ListObjectsV2", "SlowDown", "later")
    with pytest.raises(ServiceError, match="SlowDown"):
        landrun.record(change("execution-succeeded", input=json.dumps({field: LANDED})))
    assert landrun.runs_table.records == {}


def test_an_output_that_was_not_counted_whole_says_so(landrun, change):
    landrun.outputs.size = OutputSize(50_000, 1, complete=False)
    landrun.record(change("execution-succeeded"))
    assert the_record(landrun).output_objects == 50_000
    assert "first 50000 objects only" in the_record(landrun).output_problem


@pytest.mark.parametrize("event", ["execution-running", "execution-succeeded"])
def test_other_objects_that_the_input_matches_are_recorded_with_a_warning(
    landrun, change, caplog, event
):
    landrun.outputs.longer_keys = ("incoming/a.csv.bak",)
    landrun.record(change(event, input=json.dumps({"InputMessage": LANDED})))
    assert the_record(landrun).input_also_matches == ("incoming/a.csv.bak",)
    [warning] = [line for line in caplog.records if line.levelname == "WARNING"]
    assert (warning.input, warning.others) == (LANDED, ("incoming/a.csv.bak",))


@pytest.mark.parametrize(
    "uri",
    ["s3://landrun-outputbucket-6f5e4d3c2b1a/manifests/x.json", "s3://landings/in/", "", None, 1],
)
def test_a_manifest_or_a_prefix_is_not_compared_with_other_keys(landrun, change, uri):
    landrun.outputs.longer_keys = ("more",)
    landrun.record(change("execution-succeeded", input=json.dumps({"InputMessage": uri})))
    assert landrun.outputs.asked == []
    assert the_record(landrun).input_also_matches == ()


# ---- What is still to come of a run


@pytest.mark.parametrize(
    ("event", "unfinished"),
    [
        ("execution-running", EXECUTION_RUNNING),
        ("execution-succeeded", None),
        ("execution-failed", None),
        ("execution-timed-out", None),
        ("execution-aborted", None),
    ],
)
def test_a_run_is_unfinished_until_it_has_ended_and_been_notified_of(
    landrun, change, event, unfinished
):
    assert landrun.record(change(event))
    assert the_record(landrun).unfinished == unfinished
    assert the_record(landrun).notification_due_at is None
    failed = change(event).status not in ("RUNNING", "SUCCEEDED")
    assert len(landrun.notifications.published) == failed
    landrun.clock.advance(days=1)
    assert not landrun.recorder.notify_if_overdue(the_record(landrun))
    assert len(landrun.notifications.published) == failed


def test_the_write_that_records_a_failure_notes_that_its_notification_is_pending(recorded_only):
    record = the_record(recorded_only)
    assert (record.status, record.unfinished) == ("FAILED", NOTIFICATION_PENDING)
    due_at = (recorded_only.clock() + LEASE).isoformat(timespec="microseconds")
    assert record.notification_due_at == due_at
    assert recorded_only.notifications.published == []


# ---- Repeated, late


def test_the_same_failure_again_changes_nothing_and_is_not_notified_of_again(landrun, change):
    assert landrun.record(change("execution-failed"))
    before = the_record(landrun)
    landrun.clock.advance(hours=1)
    for _ in range(2):
        assert not landrun.record(change("execution-failed"))
    assert the_record(landrun) == before
    assert len(landrun.notifications.published) == 1
    assert landrun.metrics.counts["StatusChangesSuperseded"] == 2
    assert landrun.metrics.counts["Executions Status=FAILED"] == 1


def test_a_write_whose_answer_was_lost_is_known_as_ones_own(landrun, change):
    """botocore sends a call again when no answer came: the second is refused by the first."""
    landrun.runs_table.answer_lost = True
    assert landrun.record(change("execution-failed"))
    assert len(landrun.notifications.published) == 1
    assert landrun.metrics.counts["StatusChangesSuperseded"] == 0
    assert landrun.metrics.counts["Executions Status=FAILED"] == 1


def test_nobody_is_notified_of_a_failure_that_cannot_be_recorded(landrun, change):
    down = ServiceError("dynamodb:PutItem", "InternalServerError", "later")
    landrun.runs_table.failing[change("execution-failed").name] = down
    with pytest.raises(ServiceError):
        landrun.record(change("execution-failed"))
    assert landrun.notifications.published == []


# ---- Dead between recording and publishing


def test_the_redelivered_event_notifies_of_a_failure_whose_recorder_died(recorded_only, change):
    recorded_only.clock.advance(seconds=LEASE.total_seconds())
    assert not recorded_only.record(change("execution-failed"))
    assert len(recorded_only.notifications.published) == 1
    assert the_record(recorded_only).unfinished is None


def test_nobody_else_notifies_while_the_recorder_may_still_do_so(recorded_only, change):
    recorded_only.clock.advance(seconds=LEASE.total_seconds() - 0.001)
    assert not recorded_only.record(change("execution-failed"))
    assert not recorded_only.recorder.notify_if_overdue(the_record(recorded_only))
    assert recorded_only.notifications.published == []
    assert the_record(recorded_only).unfinished == NOTIFICATION_PENDING


def test_one_of_two_that_find_a_notification_overdue_sends_it(recorded_only):
    recorded_only.clock.advance(minutes=5)
    seen = the_record(recorded_only)
    notify = recorded_only.recorder.notify_if_overdue
    assert [notify(seen), notify(seen)] == [True, False]
    assert len(recorded_only.notifications.published) == 1


def test_a_process_that_claims_a_notification_has_as_long_as_the_first_had(recorded_only):
    landrun, notify = recorded_only, recorded_only.recorder.notify_if_overdue
    landrun.clock.advance(minutes=5)
    with pytest.raises(Killed):
        mortal(landrun, at=1, after=True).notify_if_overdue(the_record(landrun))
    due_at = (landrun.clock() + LEASE).isoformat(timespec="microseconds")
    assert the_record(landrun).notification_due_at == due_at
    assert not notify(the_record(landrun))
    landrun.clock.advance(seconds=LEASE.total_seconds())
    assert notify(the_record(landrun))
    assert len(landrun.notifications.published) == 1


@pytest.mark.parametrize("refusals", [1, 5])
def test_a_notification_that_sns_refuses_is_sent_by_the_next_attempt_at_once(
    landrun, change, refusals
):
    landrun.notifications.failing = DOWN
    for _ in range(refusals):
        with pytest.raises(ServiceError, match="InternalError"):
            landrun.record(change("execution-failed"))
        landrun.clock.advance(seconds=1)
    assert the_record(landrun).unfinished == NOTIFICATION_PENDING
    landrun.notifications.failing = None
    assert landrun.recorder.notify_if_overdue(the_record(landrun))
    assert len(landrun.notifications.published) == 1
    assert the_record(landrun).unfinished is None


# ---- Redriven


@pytest.mark.parametrize("event", ["execution-running-redriven", "execution-succeeded-redriven"])
def test_a_redrive_sends_the_overdue_notification_before_it_is_recorded(
    recorded_only, change, event
):
    recorded_only.clock.advance(minutes=5)
    assert recorded_only.record(change(event))
    [(subject, _)] = recorded_only.notifications.published
    record = the_record(recorded_only)
    assert record.name in subject
    assert (record.status, record.redrive_count, record.error) == (change(event).status, 1, None)
