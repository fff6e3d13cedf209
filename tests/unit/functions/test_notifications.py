"""What a notification says of a failure, and that it reaches the topic."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landrun.adapters.notifications import Notifications, failure_message, failure_subject
from landrun.models.processing_job import job_in
from landrun.models.run_record import RunRecord
from landrun.models.status_change import StatusChange, parse_status_change

from .conftest import REGION

LOG = "aws logs tail /aws/sagemaker/ProcessingJobs --log-stream-name-prefix "
REDRIVE = "aws stepfunctions redrive-execution --execution-arn "


@pytest.fixture
def failed(load_event):
    """``failed("execution-failed", …)`` is the record of that event, with other attributes."""

    def make(event: str = "execution-failed", **more: Any) -> RunRecord:
        change = parse_status_change(load_event(event)["Records"][0]["body"])
        record, job = RunRecord.from_status_change(change), job_in(change)
        return (record.with_job(job) if job else record).model_copy(update=more)

    return make


def test_a_failed_jobs_notification_has_its_reason_its_log_and_what_to_do(failed):
    record = failed()
    message = failure_message(record)
    assert failure_subject(record) == f"landrun: {record.name} failed"
    for line in (
        f"Run {record.name} failed.",
        f"Exit message: {record.exit_message}",
        f"Input: {record.input_message}",
        f"  {LOG}{record.job_name}/",
        f"  landrun show {record.name}",
        f"  landrun rerun {record.name}",
        f"  {REDRIVE}{record.execution_arn}",
    ):
        assert line in message.splitlines()
    assert "Cause:" not in message


@pytest.mark.parametrize(
    ("event", "more", "words"),
    [
        ("execution-failed-no-job", {}, "larger quota (Service Quotas, Amazon SageMaker), then"),
        ("execution-failed-no-job", {}, "Or change InstanceType, then rerun it"),
        ("execution-failed-no-job", {"error": "States.Runtime"}, "execution's history"),
        ("execution-timed-out", {}, "MaxRuntimeInSeconds"),
        ("execution-aborted", {}, "Nothing, if somebody meant to stop it."),
    ],
)  # fmt: skip
def test_the_advice_fits_what_happened(failed, event, more, words):
    record = failed(event, **more)
    message = failure_message(record)
    assert words in message
    assert f"Error: {record.error}" in message or record.error is None
    assert "aws logs" not in message


@pytest.mark.parametrize(
    "more", [{"job_name": "landrun-50f0421ea8585c9eb9688415b36b93f2"}, {"error": "ResourceInUse"}]
)
def test_a_run_whose_job_name_is_taken_is_to_be_rerun_never_redriven(failed, more):
    message = failure_message(failed(**more))
    assert "landrun rerun landrun-50f0421ea8585c9eb9688415b36b93f2" in message
    assert REDRIVE not in message
    assert "It cannot be redriven" in message


@pytest.mark.parametrize(
    ("trigger", "line"),
    [
        ({"Kind": "object-created", "Bucket": "b", "Key": "k"}, "Trigger: s3://b/k landed"),
        (
            {"Kind": "schedule", "ScheduleArn": 1, "ScheduledTime": 2},
            "Trigger: schedule 1 at 2",
        ),
        ({"Kind": "manual", "StartedBy": "ada"}, "Trigger: by hand, by ada"),
        ({"Kind": "outside"}, "Trigger: by hand, outside landrun"),
        ({"Kind": "mine"}, "Trigger: mine"),
    ],
)
def test_a_notification_says_what_started_the_run(failed, trigger, line):
    assert line in failure_message(failed(trigger=trigger)).splitlines()


def test_what_is_not_known_has_no_line(failed):
    assert "Trigger" not in failure_message(failed(trigger=None))
    assert "Input also" not in failure_message(failed())


def test_other_objects_that_the_input_matches_are_named(failed):
    message = failure_message(failed(input_also_matches=("a.csv.bak", "a.csv.old")))
    assert "Input also matches: a.csv.bak, a.csv.old" in message.splitlines()


def test_a_job_name_from_outside_cannot_add_to_the_command_to_paste(failed):
    message = failure_message(failed(job_name="x; rm -rf ~\n"))
    assert "--log-stream-name-prefix 'x; rm -rf ~\\n/'" in message


def test_a_hostile_key_gives_the_mail_no_link_no_tag_and_no_line_of_its_own(failed):
    key = "incoming/\r\n\nWhat to do: <a href='https://evil.example'>sign in</a> www.evil.example"
    trigger = {"Kind": "object-created", "Bucket": "b", "Key": key}
    message = failure_message(failed(trigger=trigger, name="run\u202e1"))
    starts = [line.partition(":")[0] for line in message.splitlines()]
    assert starts.count("What to do") == 1
    for hostile in ("https://", "www.", "<", "\u202e"):
        assert hostile not in message
    assert "s3://b/incoming/" in message


CHANGE = StatusChange(
    executionArn="arn:aws:states:us-east-1:123456789012:execution:m:n",
    stateMachineArn="arn:aws:states:us-east-1:123456789012:stateMachine:m",
    name="n",
    status="FAILED",
    startDate=1795335331412,
    stopDate=1795335908502,
)


@given(
    st.dictionaries(st.sampled_from(["input", "output", "error", "cause"]), st.none() | st.text()),
    st.sampled_from(["FAILED", "TIMED_OUT", "ABORTED"]),
)
def test_whatever_a_machine_of_the_users_own_says_it_makes_a_notification(texts, status):
    change = CHANGE.model_copy(update=texts | {"status": status})
    record = RunRecord.from_status_change(change)
    assert all(line.isprintable() for line in failure_message(record).splitlines())
    assert failure_subject(record).isascii()
    odd = failure_subject(record.model_copy(update={"name": "é\n" * 40}))
    assert odd.isprintable()
    assert odd.isascii()
    assert len(odd) <= 99


def test_a_notification_reaches_the_topic(shared_aws):
    topic = shared_aws("sns").create_topic(Name="t")["TopicArn"]
    queue = shared_aws("sqs").create_queue(QueueName="q")["QueueUrl"]
    shared_aws("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:123456789012:q"
    )
    Notifications(shared_aws("sns"), topic).publish("subject", "message")
    [message] = shared_aws("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"])["Subject"] == "subject"
