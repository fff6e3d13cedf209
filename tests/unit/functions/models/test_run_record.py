"""A run's record, made of a status change and its job, and what a notification says of it.

tests/faults has when a notification is published.
"""

import json

import pytest

from landrun.adapters.notifications import failure_message, failure_subject, trigger_text
from landrun.models.processing_job import job_in
from landrun.models.run_record import OUTSIDE, RunRecord
from landrun.models.status_change import parse_message

RUN = "landrun-50f0421ea8585c9eb9688415b36b93f2"
LOG = "aws logs tail /aws/sagemaker/ProcessingJobs --log-stream-name-prefix "
REDRIVE = "aws stepfunctions redrive-execution --execution-arn "


@pytest.fixture
def recorded(messages):
    """``recorded("execution-failed", error="E")`` is the record of that event, so changed."""

    def make(event="execution-failed", **detail):
        [message] = messages(event)
        message["detail"] |= detail
        change = parse_message(json.dumps(message))
        record, job = RunRecord.from_status_change(change), job_in(change)
        return record.with_job(job) if job else record

    return make


@pytest.mark.parametrize(
    ("execution_input", "trigger", "rerun_of"),
    [
        ('{"InputMessage": "s3://b/k"}', OUTSIDE, None),
        ('{"Trigger": "text"}', OUTSIDE, None),
        (None, {}, None),  # an input that is not known
        ('{"Trigger": {"RerunOf": "landrun-1"}}', {"RerunOf": "landrun-1"}, "landrun-1"),
        (r'{"Trigger": {"RerunOf": "no name\n"}}', {"RerunOf": "no name\n"}, None),
    ],
)
def test_a_run_was_started_by_its_trigger_or_outside_landrun(
    recorded, execution_input, trigger, rerun_of
):
    found = recorded(input=execution_input)
    assert (found.trigger, found.rerun_of) == (trigger, rerun_of)


@pytest.mark.parametrize(
    ("more", "can_be"),
    [
        ({}, True),
        ({"job_name": RUN}, False),
        ({"job_name": "daily-1", "preprocessing_job_name": "daily-1"}, False),
        ({"error": "SageMaker.ResourceInUseException"}, False),
        ({"error": "SageMaker.ResourceLimitExceededException"}, True),
    ],
)
def test_a_run_whose_job_name_is_taken_cannot_be_redriven(recorded, more, can_be):
    assert recorded(name=RUN).model_copy(update=more).can_be_redriven == can_be


def test_a_failed_jobs_notification_has_its_reason_its_log_and_what_to_do(recorded):
    record = recorded().model_copy(update={"input_also_matches": ("a.bak", "a.old")})
    assert failure_subject(record) == f"landrun: {RUN} failed"
    assert {
        f"Run {RUN} failed.",
        f"Exit message: {record.exit_message}",
        f"Input: {record.input_message}",
        "Input also matches: a.bak, a.old",
        f"  {LOG}{record.job_name}/",
        f"  landrun show {RUN}",
        f"  landrun rerun {RUN}",
        f"  {REDRIVE}{record.execution_arn}",
    } <= {*failure_message(record).splitlines()}


@pytest.mark.parametrize(
    ("event", "more", "words", "absent"),
    [
        ("failed-no-job", {}, "Or change InstanceType, then rerun it", LOG),
        ("failed-no-job", {"error": "States.Runtime"}, "execution's history", LOG),
        ("timed-out", {}, "MaxRuntimeInSeconds", LOG),
        ("aborted", {}, "Nothing, if somebody meant to stop it.", LOG),
    ],
)
def test_the_advice_fits_what_happened(recorded, event, more, words, absent):
    message = failure_message(recorded(f"execution-{event}").model_copy(update=more))
    assert words in message
    assert absent not in message


@pytest.mark.parametrize(
    ("trigger", "text"),
    [
        ({"Kind": "object-created", "Bucket": "b", "Key": "k"}, "s3://b/k landed"),
        ({"Kind": "schedule", "ScheduleArn": 1, "ScheduledTime": 2}, "schedule 1 at 2"),
        ({"Kind": "manual", "StartedBy": "ada"}, "by hand, by ada"),
        ({"Kind": "outside"}, "by hand, outside landrun"),
    ],
)
def test_a_trigger_is_said_in_a_phrase(trigger, text):
    assert trigger_text(trigger) == text


def test_no_name_breaks_a_command(recorded):
    record = recorded().model_copy(update={"job_name": "x; rm -rf ~\n"})
    assert f"{LOG}'x; rm -rf ~\\n/'" in failure_message(record)
