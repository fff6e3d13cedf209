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

from landrun.adapters.job_logs import JobLogs
from landrun.adapters.notifications import Notifications
from landrun.adapters.outputs import Outputs, OutputSize
from landrun.adapters.runs_table import RunsTable
from landrun.adapters.sagemaker import ProcessingJobs
from landrun.adapters.step_functions import Executions
from landrun.errors import ServiceError
from landrun.models.s3_uri import S3Uri
from landrun.models.status_change import parse_status_change
from landrun.services.record_outcome import LEASE, OutcomeRecorder
from unit.functions.fakes import Clock

NEVER = ("AccessDenied", "ParamValidationError", "KeyTooLongError", "InvalidBucketName")
"""S3's errors that no retry can help."""

LANDED = "s3://landings/incoming/a.csv"


@pytest.fixture
def change(messages):
    """``change("execution-failed", …)`` is the status change of that event, with other fields."""

    def parse(event, **fields):
        [message] = messages(event)
        return parse_status_change(json.dumps(message)).model_copy(update=fields)

    return parse


@pytest.fixture
def landrun():
    """A recorder, and its adapters by name; its table takes every record."""
    adapters: dict[str, Any] = {
        "executions": Mock(spec_set=Executions),
        "jobs": Mock(spec_set=ProcessingJobs),
        "job_logs": Mock(spec_set=JobLogs),
        "outputs": Mock(spec_set=Outputs),
        "runs_table": Mock(spec_set=RunsTable),
        "notifications": Mock(spec_set=Notifications),
        "metrics": EphemeralMetrics(namespace="landrun", service="landrun"),
        "clock": Clock(),
    }
    adapters["outputs"].measure.return_value = OutputSize(3, 4096)
    adapters["outputs"].summary.return_value = {"rows_in": 10}
    adapters["outputs"].keys_that_begin_with.return_value = ()
    adapters["runs_table"].write.return_value = None
    adapters["executions"].last_tasks.return_value = []
    recorder = OutcomeRecorder(
        **adapters,
        manifests=S3Uri("landrun-outputbucket-6f5e4d3c2b1a", "manifests/"),
        logger=logging.getLogger("landrun-test"),
    )
    publish, notify = adapters["notifications"].publish, recorder.notify_if_overdue
    return SimpleNamespace(record=recorder.record, notify=notify, publish=publish, **adapters)


def written(landrun):
    return landrun.runs_table.write.call_args.args[0]


# ---- What a record has


def test_a_success_is_recorded_with_its_job_its_output_and_its_summary(landrun, messages, change):
    [detail] = (message["detail"] for message in messages("execution-succeeded"))
    job, given = json.loads(detail["output"]), json.loads(detail["input"])
    assert landrun.record(change("execution-succeeded"))
    found = written(landrun)
    assert found.duration_seconds == (detail["stopDate"] - detail["startDate"]) / 1000
    assert (found.job_name, found.job_arn) == (job["ProcessingJobName"], job["ProcessingJobArn"])
    seconds = (job["ProcessingEndTime"] - job["ProcessingStartTime"]) / 1000
    assert found.instance_seconds == pytest.approx(seconds)
    assert (found.output_objects, found.output_bytes) == (3, 4096)
    assert found.summary == {"rows_in": 10}
    landrun.outputs.summary.assert_called_with(S3Uri.parse(given["OutputProcessedMessage"]))
    assert landrun.metrics.metric_set["RunDuration"]["Value"] == [found.duration_seconds]


BARE = "AlgorithmError: , exit code: 1"
TRACEBACK = ["Traceback (most recent call last):", "  File …", "KeyError: 'text'"]


def failed(reason, said=None):
    job = {"ProcessingJobName": "job-1", "ProcessingJobStatus": "Failed", "FailureReason": reason}
    return json.dumps(job | ({"ExitMessage": said} if said else {}))


@pytest.mark.parametrize(
    ("cause", "tails", "exit_message"),
    [
        (failed(BARE), [[["rows: 1"], TRACEBACK]], "KeyError: 'text'"),
        (failed(BARE), [[["Killed"]]], f"{BARE}; the log ends with: Killed"),
        (failed(BARE), [[]], BARE),
        (failed("AlgorithmError: out of disk, exit code: 1"), [], "AlgorithmError: out of disk"),
        (failed(BARE, "no text column"), [], "no text column"),
    ],
)
def test_a_job_that_fails_without_a_word_is_recorded_with_the_error_in_its_log(
    landrun, change, cause, tails, exit_message
):
    landrun.job_logs.tails.side_effect = tails  # one that is not expected is an error
    assert landrun.record(change("execution-failed", cause=cause))
    assert written(landrun).exit_message.startswith(exit_message)
    assert f"Exit message: {exit_message}" in landrun.publish.call_args.args[1]


@pytest.mark.parametrize(
    ("uri", "measured", "problem"),
    [
        ("s3://b/o/", OutputSize(3, 4096), None),
        ("s3://b/o/", OutputSize(50_000, 1, complete=False), "first 50000 objects only"),
        *(("s3://b/o/", ServiceError("s3:ListObjectsV2", code, "no"), code) for code in NEVER),
        ("https://evil.example/\x1b[2J", None, r"'https://evil.example/\x1b[2J' is not an S3 URI"),
    ],
)
def test_a_problem_of_the_output_does_not_keep_an_end_from_the_record(
    landrun, change, uri, measured, problem
):
    landrun.outputs.measure.side_effect = [measured]
    given = json.dumps({"OutputProcessedMessage": uri})
    assert landrun.record(change("execution-succeeded", input=given))
    found = written(landrun).output_problem
    assert found is problem or problem in found


@pytest.mark.parametrize(
    ("field", "call"),
    [("OutputProcessedMessage", "measure"), ("InputMessage", "keys_that_begin_with")],
)
def test_what_s3_does_not_show_for_now_lets_the_message_come_again(landrun, change, field, call):
    later = ServiceError("s3:ListObjectsV2", "SlowDown", "later")
    getattr(landrun.outputs, call).side_effect = later
    with pytest.raises(ServiceError, match="SlowDown"):
        landrun.record(change("execution-succeeded", input=json.dumps({field: LANDED})))
    landrun.runs_table.write.assert_not_called()


@pytest.mark.parametrize("event", ["execution-running", "execution-succeeded"])
def test_other_objects_that_the_input_matches_are_recorded_with_a_warning(
    landrun, change, caplog, event
):
    landrun.outputs.keys_that_begin_with.return_value = ("incoming/a.csv.bak",)
    landrun.record(change(event, input=json.dumps({"InputMessage": LANDED})))
    assert written(landrun).input_also_matches == ("incoming/a.csv.bak",)
    [warning] = [line for line in caplog.records if line.levelname == "WARNING"]
    assert (warning.input, warning.others) == (LANDED, ("incoming/a.csv.bak",))


@pytest.mark.parametrize(
    "uri",
    ["s3://landrun-outputbucket-6f5e4d3c2b1a/manifests/x.json", "s3://landings/in/", "", None, 1],
)
def test_a_manifest_or_a_prefix_is_not_compared_with_other_keys(landrun, change, uri):
    landrun.record(change("execution-succeeded", input=json.dumps({"InputMessage": uri})))
    landrun.outputs.keys_that_begin_with.assert_not_called()


def test_an_input_that_cannot_be_compared_with_other_keys_is_recorded(landrun, change):
    never = ServiceError("s3:ListObjectsV2", "AccessDenied", "no")
    landrun.outputs.keys_that_begin_with.side_effect = never
    assert landrun.record(change("execution-running", input=json.dumps({"InputMessage": LANDED})))
    assert written(landrun).input_also_matches == ()


# ---- When a failure is notified of


def test_the_same_failure_again_is_notified_of_only_when_its_recorder_has_had_its_time(
    landrun, change
):
    landrun.record(change("execution-failed"))
    due_at = (landrun.clock() + LEASE).isoformat(timespec="microseconds")
    assert written(landrun).notification_due_at == due_at
    stored = landrun.runs_table.write.return_value = written(landrun)
    landrun.clock.advance(seconds=LEASE.total_seconds() - 0.001)
    assert not landrun.record(change("execution-failed"))
    assert landrun.publish.call_count == 1
    landrun.clock.advance(seconds=0.001)
    assert not landrun.record(change("execution-failed"))
    assert landrun.publish.call_count == 2
    claimed_until = (landrun.clock() + LEASE).isoformat(timespec="microseconds")
    landrun.runs_table.claim_notification.assert_called_once_with(stored, claimed_until)


def test_a_notification_that_sns_refuses_is_due_at_once(landrun, change):
    landrun.publish.side_effect = ServiceError("sns:Publish", "InternalError", "later")
    with pytest.raises(ServiceError, match="InternalError"):
        landrun.record(change("execution-failed"))
    now = landrun.clock().isoformat(timespec="microseconds")
    landrun.runs_table.claim_notification.assert_called_once_with(written(landrun), now)
    landrun.runs_table.mark_notified.assert_not_called()
