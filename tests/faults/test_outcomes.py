"""What the record of a run's outcome has, and when its failure is notified of."""

from __future__ import annotations

import json

import pytest

from landrun.adapters import outputs
from landrun.services.record_outcome import LEASE

from . import inside
from .faulty import Fault, _refused, denied, killed_before, throttled
from .stack import client
from .test_cases_statuses import Run
from .world import World

NEVER = ("AccessDenied", "ParamValidationError", "KeyTooLongError", "InvalidBucketName")
"""S3's errors that no retry can help."""


@pytest.fixture
def run():
    """A run whose status events a test changes before it sends them."""
    with World() as world:
        logged = {"POWERTOOLS_LOG_LEVEL": "INFO", "POWERTOOLS_SERVICE_NAME": "landrun-logged"}
        world.reconfigure("ExecutionStatus", **logged)
        yield Run(world)


def put(run, key, body=b"12345", bucket="OutputBucket"):
    client("s3").put_object(Bucket=run.world.stack.name(bucket), Key=key, Body=body)


def ended(run, status="SUCCEEDED", *, given=None, **detail):
    """End the run; give its event with other fields, and fields of its input."""
    run.world.clock.advance(60)
    run.world.finish(run.name, status)
    event = run.events[-1]
    event["detail"] |= detail
    if given is not None:
        event["detail"]["input"] = json.dumps(given)
    return event


def test_a_success_is_recorded_with_its_job_its_output_and_its_summary(run):
    for name in "ab":
        put(run, f"processed/{run.name}/{name}.parquet")
    put(run, f"processed/{run.name}/summary.json", b'{"rows_in": 10}')
    event = ended(run)
    run.send(event)
    job = json.loads(event["detail"]["output"])
    seconds = (job["ProcessingEndTime"] - job["ProcessingStartTime"]) / 1000
    assert run.row["duration_seconds"] == pytest.approx(60, abs=1)
    assert run.row["job_name"] == job["ProcessingJobName"]
    assert run.row["job_arn"] == job["ProcessingJobArn"]
    assert float(run.row["instance_seconds"]) == pytest.approx(seconds)
    assert (run.row["output_objects"], run.row["output_bytes"]) == (3, 25)
    assert run.row["summary"] == {"rows_in": 10}
    assert run.world.metrics["RunDuration", ""] == pytest.approx(60, abs=1)


BARE = "AlgorithmError: , exit code: 1"
TRACEBACK = "rows: 1\nTraceback (most recent call last):\n  File …\nKeyError: 'text'"


@pytest.mark.parametrize(
    ("reason", "said", "log", "exit_message"),
    [
        (BARE, None, TRACEBACK, "KeyError: 'text'"),
        (BARE, None, "Killed", f"{BARE}; the log ends with: Killed"),
        (BARE, None, None, BARE),
        ("AlgorithmError: out of disk, exit code: 1", None, TRACEBACK, "AlgorithmError: out of"),
        (BARE, "no text column", TRACEBACK, "no text column"),
    ],
)
def test_a_job_that_fails_without_a_word_is_recorded_with_the_error_in_its_log(
    run, reason, said, log, exit_message
):
    job = {"ProcessingJobName": "job-1", "ProcessingJobStatus": "Failed", "FailureReason": reason}
    if log:
        inside.log("job-1", log)
    run.send(ended(run, "FAILED", cause=json.dumps(job | ({"ExitMessage": said} if said else {}))))
    assert run.row["exit_message"].startswith(exit_message)
    [(_, message)] = run.world.published
    assert f"Exit message: {exit_message}" in message


@pytest.mark.parametrize("code", NEVER)
def test_a_problem_of_the_output_does_not_keep_an_end_from_the_record(run, code):
    refused = Fault("refused", before=_refused({}, code))
    run.world.faults.when("s3", "list_objects_v2", refused)
    run.send(ended(run))
    assert run.row["status"] == "SUCCEEDED"
    assert code in run.row["output_problem"]


def test_an_output_of_many_objects_is_measured_up_to_a_limit_and_none_elsewhere(run, monkeypatch):
    monkeypatch.setattr(outputs, "OBJECTS_COUNTED", 1)
    for name in "ab":
        put(run, f"processed/{run.name}/{name}.parquet")
    run.send(ended(run))
    assert "objects only" in run.row["output_problem"]
    other = Run(run.world)
    other.send(ended(other, given={"OutputProcessedMessage": "https://evil.example/\x1b[2J"}))
    assert r"'https://evil.example/\x1b[2J' is not an S3 URI" in other.row["output_problem"]


@pytest.mark.parametrize("field", ["OutputProcessedMessage", "InputMessage"])
def test_what_s3_does_not_show_for_now_lets_the_message_come_again(run, field):
    uri = f"s3://{run.world.stack.name('LandingBucket')}/incoming/a.csv"
    event = ended(run, given={field: uri})
    run.world.faults.when("s3", "list_objects_v2", throttled())
    run.send(event)
    assert run.world.rows() == {}
    run.world.later("statuses")
    assert run.row["status"] == "SUCCEEDED"


@pytest.mark.parametrize("fault", [None, "AccessDenied"])
def test_other_objects_that_the_input_matches_are_recorded_with_a_warning(run, fault):
    bucket = run.world.stack.name("LandingBucket")
    for key in ("archive/a.csv", "archive/a.csv.bak"):
        put(run, key, bucket="LandingBucket")
    if fault:  # which costs the comparison, and nothing else
        refused = Fault("refused", before=_refused({}, fault))
        run.world.faults.when("s3", "list_objects_v2", refused)
    run.send(ended(run, given={"InputMessage": f"s3://{bucket}/archive/a.csv"}))
    assert run.row["status"] == "SUCCEEDED"
    assert run.row.get("input_also_matches") == (None if fault else ["archive/a.csv.bak"])
    warnings = [line for line in run.world.functions.logs if line["level"] == "WARNING"]
    others = [line["others"] for line in warnings if "others" in line]
    assert others == ([] if fault else [["archive/a.csv.bak"]])


@pytest.mark.parametrize("uri", ["s3://{OutputBucket}/manifests/x.json", "s3://b/in/", "", None, 1])
def test_a_manifest_or_a_prefix_is_not_compared_with_other_keys(run, uri):
    if isinstance(uri, str):
        uri = uri.format(OutputBucket=run.world.stack.name("OutputBucket"))
    run.send(ended(run, given={"InputMessage": uri}))
    assert run.row["status"] == "SUCCEEDED"
    assert run.world.faults.counts["s3", "list_objects_v2"] == 0


def test_a_failure_is_notified_of_again_only_when_its_recorder_has_had_its_time(run):
    run.world.faults.when("sns", "publish", killed_before())
    event = ended(run, "FAILED")
    run.send(event)
    run.world.clock.advance(LEASE.total_seconds() - 1)
    run.send(event)
    assert run.world.published == []
    run.world.clock.advance(1)
    run.send(event)
    assert len(run.world.published) == 1


def test_a_notification_that_sns_refuses_is_due_at_once(run):
    run.world.faults.when("sns", "publish", denied())
    event = ended(run, "FAILED")
    run.send(event)
    assert run.world.published == []
    run.send(event)
    assert len(run.world.published) == 1
