"""What the record of a run's outcome has, and when its failure is notified of.

tests/faults/test_cases_statuses.py has the cases of doubled, late and lost events, in any order,
and of functions that die at any call.
"""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from aws_lambda_powertools.metrics import EphemeralMetrics

from landrun.adapters.notifications import Notifications
from landrun.adapters.outputs import Outputs, OutputSize
from landrun.adapters.sagemaker import ProcessingJobs
from landrun.errors import ServiceError
from landrun.models.processing_job import ProcessingJob
from landrun.models.run_record import EXECUTION_RUNNING, NOTIFICATION_PENDING
from landrun.models.s3_uri import S3Uri
from landrun.models.status_change import StatusChange, parse_status_change
from landrun.services.record_outcome import LEASE, OutcomeRecorder
from unit.functions.fakes import Clock, FakeExecutions, FakeRunsTable

LANDED = "s3://landings/incoming/a.csv"
ACCEPTED = ("TaskSubmitted", "TaskStarted", "TaskScheduled")
REFUSED = ("TaskSubmitFailed", "TaskStarted", "TaskScheduled")


class Killed(BaseException):
    """The function's process died."""


@pytest.fixture
def change(load_event):
    """``change("execution-failed", …)`` is the status change of that event, with other fields."""

    def parse(event: str, **fields: object) -> StatusChange:
        found = parse_status_change(load_event(event)["Records"][0]["body"])
        return found.model_copy(update=fields)

    return parse


@pytest.fixture
def landrun():
    """A recorder, and its adapters by name."""
    adapters: dict[str, Any] = {
        "executions": FakeExecutions(),
        "jobs": Mock(spec_set=ProcessingJobs),
        "outputs": Mock(spec_set=Outputs),
        "runs_table": FakeRunsTable(),
        "notifications": Mock(spec_set=Notifications),
        "metrics": EphemeralMetrics(namespace="landrun", service="landrun"),
        "clock": Clock(),
    }
    adapters["jobs"].find.return_value = None
    adapters["outputs"].measure.return_value = OutputSize(3, 4096)
    adapters["outputs"].summary.return_value = None
    adapters["outputs"].keys_that_begin_with.return_value = ()
    recorder = OutcomeRecorder(
        **adapters,
        manifests=S3Uri("landrun-outputbucket-6f5e4d3c2b1a", "manifests/"),
        logger=logging.getLogger("landrun-test"),
    )
    publish, notify = adapters["notifications"].publish, recorder.notify_if_overdue
    return SimpleNamespace(record=recorder.record, notify=notify, publish=publish, **adapters)


def the_record(landrun: Any) -> Any:
    [record] = landrun.runs_table.records.values()
    return record


@pytest.fixture
def recorded_only(landrun, change):
    """A failure is on the record, and its recorder died before it could publish."""
    landrun.publish.side_effect = Killed
    with pytest.raises(Killed):
        landrun.record(change("execution-failed"))
    landrun.publish.reset_mock(side_effect=True)
    return landrun


# ---- What a record has


def test_a_success_is_recorded_with_its_job_its_output_and_its_summary(landrun, messages, change):
    [detail] = (message["detail"] for message in messages("execution-succeeded"))
    job, given = json.loads(detail["output"]), json.loads(detail["input"])
    landrun.outputs.summary.return_value = {"rows_in": 10}
    assert landrun.record(change("execution-succeeded"))
    found = the_record(landrun)
    assert found.duration_seconds == (detail["stopDate"] - detail["startDate"]) / 1000
    assert (found.job_name, found.job_arn) == (job["ProcessingJobName"], job["ProcessingJobArn"])
    seconds = (job["ProcessingEndTime"] - job["ProcessingStartTime"]) / 1000
    assert found.instance_seconds == pytest.approx(seconds)
    assert (found.output_objects, found.output_bytes) == (3, 4096)
    assert found.summary == {"rows_in": 10}
    landrun.outputs.summary.assert_called_with(S3Uri.parse(given["OutputProcessedMessage"]))
    assert landrun.metrics.metric_set["RunDuration"]["Value"] == [found.duration_seconds]


def test_a_failure_is_recorded_with_its_cause_and_its_jobs_exit_message(landrun, change):
    failed = change("execution-failed")
    assert landrun.record(failed)
    found = the_record(landrun)
    assert (found.error, found.cause) == (failed.error, failed.cause)
    assert found.exit_message == json.loads(failed.cause)["ExitMessage"]


def history(*newest_first: str) -> list[dict[str, Any]]:
    scheduled = {"parameters": '{"ProcessingJobName": "job-1"}'}
    return [{"type": kind, "taskScheduledEventDetails": scheduled} for kind in newest_first]


@pytest.mark.parametrize("event", ["execution-timed-out", "execution-aborted"])
@pytest.mark.parametrize("tasks", [ACCEPTED, REFUSED, ()])
def test_the_job_of_a_run_that_was_stopped_is_the_one_that_sagemaker_accepted_last(
    landrun, change, event, tasks
):
    stopped = change(event)
    landrun.executions.history[stopped.executionArn] = history(*tasks)
    landrun.jobs.find.return_value = ProcessingJob(ProcessingJobName="job-1", ExitMessage="why")
    landrun.record(stopped)
    found = (the_record(landrun).job_name, the_record(landrun).exit_message)
    assert found == (("job-1", "why") if tasks == ACCEPTED else (None, None))


def test_a_redrive_that_fails_without_a_job_gives_the_new_reason_only(landrun, change):
    landrun.record(change("execution-failed"))
    before = the_record(landrun)
    again = change("execution-failed-no-job", redriveCount=1)
    landrun.executions.history[again.executionArn] = history(*REFUSED)
    assert landrun.record(again)
    record = the_record(landrun)
    assert (record.error, record.cause) == (again.error, again.cause)
    assert (record.job_name, record.job_arn) == (None, None)
    assert (record.exit_message, record.instance_seconds) == (None, None)
    message = landrun.publish.call_args.args[1]
    assert "service limit" in message
    assert before.exit_message not in message


@pytest.mark.parametrize(
    "uri",
    [
        "s3://other bucket/x/",
        "s3://b/" + "x" * 1025,
        "https://evil.example/\x1b[2J",
        "s3://" + "b" * 70_000 + "/",
    ],
    ids=["space", "long key", "no S3", "long bucket"],
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
    never = ServiceError("s3:ListObjectsV2", code, "no")
    landrun.outputs.measure.side_effect = never
    landrun.outputs.keys_that_begin_with.side_effect = never
    given = json.dumps({"OutputProcessedMessage": "s3://b/o/", "InputMessage": LANDED})
    assert landrun.record(change("execution-succeeded", input=given))
    assert the_record(landrun).output_problem == f"s3:ListObjectsV2: {code}: no"
    assert the_record(landrun).input_also_matches == ()


@pytest.mark.parametrize(
    ("field", "call"),
    [("OutputProcessedMessage", "measure"), ("InputMessage", "keys_that_begin_with")],
)
def test_what_s3_does_not_show_for_now_lets_the_message_come_again(landrun, change, field, call):
    later = ServiceError("s3:ListObjectsV2", "SlowDown", "later")
    getattr(landrun.outputs, call).side_effect = later
    with pytest.raises(ServiceError, match="SlowDown"):
        landrun.record(change("execution-succeeded", input=json.dumps({field: LANDED})))
    assert landrun.runs_table.records == {}


def test_an_output_that_was_not_counted_whole_says_so(landrun, change):
    landrun.outputs.measure.return_value = OutputSize(50_000, 1, complete=False)
    landrun.record(change("execution-succeeded"))
    assert the_record(landrun).output_objects == 50_000
    assert "first 50000 objects only" in the_record(landrun).output_problem


@pytest.mark.parametrize("event", ["execution-running", "execution-succeeded"])
def test_other_objects_that_the_input_matches_are_recorded_with_a_warning(
    landrun, change, caplog, event
):
    landrun.outputs.keys_that_begin_with.return_value = ("incoming/a.csv.bak",)
    landrun.record(change(event, input=json.dumps({"InputMessage": LANDED})))
    assert the_record(landrun).input_also_matches == ("incoming/a.csv.bak",)
    [warning] = [line for line in caplog.records if line.levelname == "WARNING"]
    assert (warning.input, warning.others) == (LANDED, ("incoming/a.csv.bak",))


@pytest.mark.parametrize(
    "uri",
    ["s3://landrun-outputbucket-6f5e4d3c2b1a/manifests/x.json", "s3://landings/in/", "", None, 1],
)
def test_a_manifest_or_a_prefix_is_not_compared_with_other_keys(landrun, change, uri):
    landrun.record(change("execution-succeeded", input=json.dumps({"InputMessage": uri})))
    assert the_record(landrun).input_also_matches == ()
    landrun.outputs.keys_that_begin_with.assert_not_called()


# ---- When a failure is notified of


@pytest.mark.parametrize(
    ("event", "unfinished", "notifications"),
    [
        ("execution-running", EXECUTION_RUNNING, 0),
        ("execution-succeeded", None, 0),
        ("execution-failed", None, 1),
        ("execution-timed-out", None, 1),
        ("execution-aborted", None, 1),
    ],
)
def test_a_run_is_unfinished_until_it_has_ended_and_been_notified_of(
    landrun, change, event, unfinished, notifications
):
    assert landrun.record(change(event))
    assert the_record(landrun).unfinished == unfinished
    assert the_record(landrun).notification_due_at is None
    landrun.clock.advance(days=1)
    assert not landrun.notify(the_record(landrun))
    assert landrun.publish.call_count == notifications


def test_a_write_whose_answer_was_lost_is_known_as_ones_own(landrun, change):
    """botocore sends a call again when no answer came: the second is refused by the first."""
    landrun.runs_table.answer_lost = True
    assert landrun.record(change("execution-failed"))
    assert landrun.publish.call_count == 1
    assert "StatusChangesSuperseded" not in landrun.metrics.metric_set


def test_a_notification_is_overdue_when_its_recorder_has_had_its_time_and_is_sent_once(
    recorded_only, change
):
    landrun = recorded_only
    assert the_record(landrun).unfinished == NOTIFICATION_PENDING
    landrun.clock.advance(seconds=LEASE.total_seconds() - 0.001)
    assert not landrun.record(change("execution-failed"))
    assert not landrun.notify(the_record(landrun))
    assert landrun.publish.call_count == 0
    landrun.clock.advance(seconds=0.001)
    seen = the_record(landrun)
    assert [landrun.notify(seen), landrun.notify(seen)] == [True, False]
    assert landrun.publish.call_count == 1
    assert the_record(landrun).unfinished is None


def test_a_process_that_claims_a_notification_has_as_long_as_the_first_had(recorded_only):
    landrun = recorded_only
    landrun.clock.advance(minutes=5)
    landrun.publish.side_effect = Killed
    with pytest.raises(Killed):
        landrun.notify(the_record(landrun))
    due_at = (landrun.clock() + LEASE).isoformat(timespec="microseconds")
    assert the_record(landrun).notification_due_at == due_at


def test_a_notification_that_sns_refuses_is_sent_by_the_next_attempt_at_once(landrun, change):
    landrun.publish.side_effect = ServiceError("sns:Publish", "InternalError", "later")
    for _ in range(2):
        with pytest.raises(ServiceError, match="InternalError"):
            landrun.record(change("execution-failed"))
        landrun.clock.advance(seconds=1)
    assert the_record(landrun).unfinished == NOTIFICATION_PENDING
    landrun.publish.side_effect = None
    assert landrun.notify(the_record(landrun))
    assert the_record(landrun).unfinished is None


@pytest.mark.parametrize("event", ["execution-running-redriven", "execution-succeeded-redriven"])
def test_a_redrive_sends_the_overdue_notification_before_it_is_recorded(
    recorded_only, change, event
):
    recorded_only.clock.advance(minutes=5)
    assert recorded_only.record(change(event))
    assert recorded_only.publish.call_count == 1
    record = the_record(recorded_only)
    assert (record.status, record.redrive_count, record.error) == (change(event).status, 1, None)
